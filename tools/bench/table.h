/* A table in Markdown, padded so that it reads well in a terminal too: it knows its widths when it
 * is complete. */
#ifndef BENCH_TABLE_H
#define BENCH_TABLE_H

#include "measure/rounds.h"

#include <stdio.h>

enum { BENCH_CELL_BYTES = 96, BENCH_COLUMNS_MAX = ROUNDS_VARIANTS_MAX + 1 };

/* Begins as zeroes and a number of columns. */
struct bench_table {
    unsigned column_count;
    unsigned row_count;
    char (*cells)[BENCH_COLUMNS_MAX][BENCH_CELL_BYTES];
};

/* A new, empty row at the end becomes the current one; the first is the head. */
void bench_table_add(struct bench_table *table);

/* Fills a cell of the current row. */
__attribute__((format(printf, 3, 4))) void
bench_table_set(struct bench_table *table, unsigned column, const char *format, ...);

/* Prints and empties it. */
void bench_table_finish(FILE *out, struct bench_table *table);

#endif
