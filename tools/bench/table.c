#include "bench/table.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void table_add(struct table *table) {
    table->cells = memory_resize(table->cells, table->row_count + 1, sizeof *table->cells);
    memset(table->cells[table->row_count++], 0, sizeof *table->cells);
}

void table_set(struct table *table, unsigned column, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(table->cells[table->row_count - 1][column], TABLE_CELL_BYTES, format, arguments);
    va_end(arguments);
}

void table_begin(struct table *table, const char *first, const struct variant *variants,
                 unsigned variant_count) {
    table->column_count = 1 + variant_count;
    table_add(table);
    table_set(table, 0, "%s", first);
    for (unsigned i = 0; i < variant_count; i++)
        table_set(table, 1 + i, "%s", variants[i].name);
}

static void table_print_row(FILE *out, const struct table *table, unsigned row,
                            const size_t *widths) {
    for (unsigned i = 0; i < table->column_count; i++)
        fprintf(out, i == 0 ? "| %-*s |" : " %*s |", (int)widths[i], table->cells[row][i]);
    fputc('\n', out);
}

void table_finish(FILE *out, struct table *table) {
    size_t widths[TABLE_COLUMNS_MAX] = {0};
    for (unsigned row = 0; row < table->row_count; row++)
        for (unsigned i = 0; i < table->column_count; i++) {
            size_t length = strlen(table->cells[row][i]);
            widths[i] = length > widths[i] ? length : widths[i];
        }
    table_print_row(out, table, 0, widths);
    for (unsigned i = 0; i < table->column_count; i++) {
        fputs(i == 0 ? "| " : " ", out);
        for (size_t j = i == 0 ? 0 : 1; j < widths[i]; j++)
            fputc('-', out);
        fputs(i == 0 ? " |" : ": |", out);
    }
    fputc('\n', out);
    for (unsigned row = 1; row < table->row_count; row++)
        table_print_row(out, table, row, widths);
    free(table->cells);
    *table = (struct table){0};
}
