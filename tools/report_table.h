/* A comparison for people: a table, a sentence per variant, and warnings where they matter. */
#ifndef TOOLS_REPORT_TABLE_H
#define TOOLS_REPORT_TABLE_H

#include "comparison.h"
#include "terminal.h"

void report_table_print(FILE *out, const struct terminal *terminal,
                        const struct comparison *comparison);

#endif
