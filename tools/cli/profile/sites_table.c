#include "profile/sites_table.h"

#include "base/memory.h"
#include "profile/estimate.h"

#include <inttypes.h>
#include <stdlib.h>

enum { SITES_TABLE_LINES = 12 };

/* The sites that are shown, each once, in the order in which they come up. */
struct sites_table {
    const struct profile_sites *sites;
    const struct profile_site *shown[PROFILE_RANK_COUNT * SITES_TABLE_MOST];
    size_t shown_count;
};

static size_t sites_table_number(struct sites_table *table, const struct profile_site *site) {
    size_t number = 0;
    while (number < table->shown_count && table->shown[number] != site)
        number++;
    if (number == table->shown_count)
        table->shown[table->shown_count++] = site;
    return number + 1;
}

static void sites_table_bold(FILE *out, const struct terminal *terminal, const char *text) {
    terminal_colour(terminal, out, TERMINAL_BOLD);
    fputs(text, out);
    terminal_colour(terminal, out, TERMINAL_PLAIN);
}

static void sites_table_rank(FILE *out, const struct terminal *terminal, struct sites_table *table,
                             enum profile_rank rank, unsigned most) {
    const struct profile_site *top[SITES_TABLE_MOST];
    size_t count = profile_sites_top(table->sites, rank, top, most);
    double total = (double)profile_rank_count(&table->sites->total, rank);
    if (count == 0)
        return;
    fputs("  ", out);
    sites_table_bold(out, terminal, profile_rank_titles[rank]);
    fputc('\n', out);
    for (size_t i = 0; i < count; i++) {
        char value[ESTIMATE_TEXT_BYTES], share[ESTIMATE_TEXT_BYTES];
        bool rough = estimate_is_rough(table->sites, &top[i]->counts);
        uint64_t counted = profile_rank_count(&top[i]->counts, rank);
        char *place = profile_site_place(table->sites, top[i]);
        if (profile_rank_is_bytes[rank])
            estimate_format_bytes(rough, counted, value);
        else
            estimate_format_count(rough, counted, value);
        estimate_format_share(rough, (double)counted / total, share);
        fprintf(out, "  %12s  %7s  #%-3zu %s\n", value, share, sites_table_number(table, top[i]),
                place);
        free(place);
    }
}

static void sites_table_counts(FILE *out, const struct profile_sites *sites,
                               const struct profile_counts *counts) {
    bool rough = estimate_is_rough(sites, counts);
    char calls[ESTIMATE_TEXT_BYTES], bytes[ESTIMATE_TEXT_BYTES];
    char blocks[ESTIMATE_TEXT_BYTES], peak[ESTIMATE_TEXT_BYTES];
    estimate_format_count(rough, counts->calls, calls);
    estimate_format_bytes(rough, counts->bytes, bytes);
    estimate_format_count(rough, counts->peak_blocks, blocks);
    estimate_format_bytes(rough, counts->peak_bytes, peak);
    fprintf(out, "%s call%s, %s", calls, counts->calls == 1 ? "" : "s", bytes);
    if (counts->peak_blocks != 0)
        fprintf(out, "; at the peak %s in %s block%s", peak, blocks,
                counts->peak_blocks == 1 ? "" : "s");
    if (200 * counts->short_blocks >= counts->calls)
        fprintf(out, "; %s%.0f %% short-lived", rough ? "~" : "",
                100 * (double)counts->short_blocks / (double)counts->calls);
    if (rough)
        fprintf(out, "; from %" PRIu64 " sample%s", counts->samples,
                counts->samples == 1 ? "" : "s");
    fputc('\n', out);
}

static void sites_table_stack(FILE *out, const struct symbols *symbols,
                              const struct profile_site *site) {
    unsigned lines = 0, left_out = 0;
    for (uint32_t i = 0; i < site->frame_count; i++)
        for (unsigned j = 0; j < symbols_line_count(symbols, site->frames[i]); j++) {
            if (lines == SITES_TABLE_LINES) {
                left_out++;
                continue;
            }
            char *line = symbols_line(symbols, site->frames[i], j);
            fprintf(out, "       %s\n", line);
            free(line);
            lines++;
        }
    if (left_out != 0)
        fprintf(out, "       and %u more\n", left_out);
}

static void sites_table_head(FILE *out, const struct terminal *terminal,
                             const struct profile_sites *sites) {
    char *basis = estimate_basis(sites);
    fputc('\n', out);
    sites_table_bold(out, terminal, "Allocation sites");
    fprintf(out, "\n  %zu call stack%s; %s", sites->site_count, sites->site_count == 1 ? "" : "s",
            basis);
    free(basis);
    if (sites->symbols.tool != NULL)
        fprintf(out, "; lines by %s\n", sites->symbols.tool);
    else
        fputs("; no lines: neither llvm-symbolizer nor addr2line is installed\n", out);
    if (sites->stacks_missed != 0)
        fprintf(out,
                "  the table of stacks was full: %" PRIu64
                " calls are counted without a stack, and only --sample makes them fewer\n",
                sites->stacks_missed);
}

void sites_table_print(FILE *out, const struct terminal *terminal,
                       const struct profile_sites *sites, unsigned most) {
    struct sites_table table = {.sites = sites};
    sites_table_head(out, terminal, sites);
    most = most < SITES_TABLE_MOST ? most : SITES_TABLE_MOST;
    for (int rank = 0; rank < PROFILE_RANK_COUNT; rank++)
        sites_table_rank(out, terminal, &table, (enum profile_rank)rank, most);
    for (size_t i = 0; i < table.shown_count; i++) {
        char number[ESTIMATE_TEXT_BYTES];
        snprintf(number, sizeof number, "#%zu", i + 1);
        fputs("\n  ", out);
        sites_table_bold(out, terminal, number);
        fputs("  ", out);
        sites_table_counts(out, sites, &table.shown[i]->counts);
        sites_table_stack(out, &sites->symbols, table.shown[i]);
    }
}
