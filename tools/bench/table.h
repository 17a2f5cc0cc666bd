/* A table in Markdown, padded so that it reads well in a terminal too: it knows its widths when it
 * is complete. */
#ifndef BENCH_TABLE_H
#define BENCH_TABLE_H

#include "measure/rounds.h"
#include "target/variant.h"

#include <stdio.h>

enum { TABLE_CELL_BYTES = 96, TABLE_COLUMNS_MAX = ROUNDS_VARIANTS_MAX + 1 };

/* Begins as zeroes, and with a number of columns or by table_begin. */
struct table {
    unsigned column_count;
    unsigned row_count;
    char (*cells)[TABLE_COLUMNS_MAX][TABLE_CELL_BYTES];
};

/* The head of a table that has a column for each variant, after one called `first`. */
void table_begin(struct table *table, const char *first, const struct variant *variants,
                 unsigned variant_count);

/* A new, empty row at the end becomes the current one; the first is the head. */
void table_add(struct table *table);

/* Fills a cell of the current row. */
__attribute__((format(printf, 3, 4))) void table_set(struct table *table, unsigned column,
                                                     const char *format, ...);

/* Prints and empties it. */
void table_finish(FILE *out, struct table *table);

#endif
