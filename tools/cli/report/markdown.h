/* A comparison as Markdown, for an issue or a commit: a table of all metrics, the verdicts, the
 * reasons that matter and the machine. */
#ifndef REPORT_MARKDOWN_H
#define REPORT_MARKDOWN_H

#include "compare/comparison.h"

#include <stdio.h>

void markdown_print(FILE *out, const struct comparison *comparison);

#endif
