/* A session as CSV (RFC 4180): one line per run, in the order in which they ran, with a line of
 * names first. Times in seconds, memory in bytes; a run that signal n ended has status 128 + n, as
 * in a shell. Nothing but the runs is in it. */
#ifndef REPORT_CSV_H
#define REPORT_CSV_H

#include "compare/session.h"

#include <stdio.h>

void csv_print(FILE *out, const struct session *session);

#endif
