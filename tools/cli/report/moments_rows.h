/* What --moments adds to a report, the same in each form: a row for each metric and variant. */
#ifndef REPORT_MOMENTS_ROWS_H
#define REPORT_MOMENTS_ROWS_H

#include "compare/comparison.h"

enum { MOMENTS_ROWS_WORDS = 2, MOMENTS_ROWS_CELLS = 7 };

/* The titles of the columns, NULL-ended: MOMENTS_ROWS_WORDS of words, and then numbers. */
extern const char *const moments_rows_titles[MOMENTS_ROWS_CELLS + 1];

/* Shows one row to the printer; a metric's title is in its first row alone, and else "". */
typedef void moments_rows_print(void *printer, const char *const cells[MOMENTS_ROWS_CELLS]);

void moments_rows_each(const struct comparison *comparison, moments_rows_print *print,
                       void *printer);

#endif
