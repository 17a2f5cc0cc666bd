/* A comparison for people: a table, a sentence per variant, and warnings where they matter.
 *
 * The terminal decides about colour alone: the text is the same without one.
 */
#ifndef REPORT_TABLE_H
#define REPORT_TABLE_H

#include "base/terminal.h"
#include "compare/comparison.h"

void report_table_print(FILE *out, const struct terminal *terminal,
                        const struct comparison *comparison);

#endif
