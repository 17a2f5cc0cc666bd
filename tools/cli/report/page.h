/* A session as one page that needs nothing else: no script, no font, no file from anywhere.
 *
 * What was compared, warnings, verdicts in words, each metric's differences with their intervals,
 * the rounds as dots, what the program allocates (if there is a profile), and the machine. Light or
 * dark as the reader's system is; colours are told apart by colour-blind readers, and nothing is
 * said by colour alone.
 */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include "compare/session.h"

#include <stdio.h>

void page_print(FILE *out, const struct session *session);

#endif
