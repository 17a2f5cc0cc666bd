#include "profile/table.h"

#include "base/chart.h"
#include "base/wrap.h"
#include "measure/metric.h"
#include "profile/estimate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <tagpool/options.h>

enum {
    PROFILE_TABLE_TEXT_BYTES = 32,
    PROFILE_TABLE_BAR_WIDTH = 24,
    PROFILE_TABLE_CHART_WIDTH = 64,
    PROFILE_TABLE_CHART_HEIGHT = 6,
    PROFILE_TABLE_LIFE_COLUMNS = 9,
    PROFILE_TABLE_PROCESSES_SHOWN = 8,
    PROFILE_TABLE_SIZE_LINES = 20,
};

static double profile_table_share(double part, double whole) {
    return whole > 0 ? part / whole : 0;
}

/* "4.2 MiB", in one of a few buffers, so that a line may hold several. */
static const char *profile_table_bytes(uint64_t bytes) {
    static char texts[4][PROFILE_TABLE_TEXT_BYTES];
    static unsigned next;
    char *text = texts[next++ % 4];
    metric_format(METRIC_PEAK, (double)bytes, text, PROFILE_TABLE_TEXT_BYTES);
    return text;
}

static const char *profile_table_seconds(double seconds) {
    static char texts[4][PROFILE_TABLE_TEXT_BYTES];
    static unsigned next;
    char *text = texts[next++ % 4];
    metric_format(METRIC_WALL, seconds, text, PROFILE_TABLE_TEXT_BYTES);
    return text;
}

static void profile_table_title(FILE *out, const struct terminal *terminal, const char *title) {
    terminal_colour(terminal, out, TERMINAL_BOLD);
    fputs(title, out);
    terminal_colour(terminal, out, TERMINAL_PLAIN);
}

/* ---- the head ---- */

/* Do all counts rest on a few samples? */
static bool profile_table_is_rough(const struct profile *profile) {
    return profile->sites != NULL && estimate_is_rough(profile->sites, &profile->sites->total);
}

static void profile_table_basis(FILE *out, const struct profile *profile) {
    if (profile->sites == NULL || profile->sites->sample_bytes == 0)
        return;
    char *basis = estimate_basis(profile->sites);
    fprintf(out, "  all counts are %s\n", basis);
    if (profile_table_is_rough(profile))
        fputs("  that is too few for sizes, lifetimes and live memory; a smaller --sample takes "
              "more\n",
              out);
    free(basis);
}

static void profile_table_cost(FILE *out, const struct profile *profile) {
    if (!profile->has_plain) {
        fprintf(out,
                "  the profiled run took %s; what that cost is not known without a plain run\n",
                profile_table_seconds(profile->profiled.wall_s));
        return;
    }
    fprintf(out, "  the profiled run took %s, %.1f times the %s of a plain run\n",
            profile_table_seconds(profile->profiled.wall_s),
            profile->profiled.wall_s / profile->plain.wall_s,
            profile_table_seconds(profile->plain.wall_s));
    if (profile->advice.calls_per_cpu > 0 && !profile_table_is_rough(profile))
        fprintf(out, "  %.0f calls per second of CPU time (plain run: %s)\n",
                profile->advice.calls_per_cpu, profile_table_seconds(profile->plain.cpu_s));
}

static void profile_table_head(FILE *out, const struct terminal *terminal,
                               const struct profile *profile) {
    const struct profile_summary *summary = &profile->summary;
    char requests[ESTIMATE_TEXT_BYTES], frees[ESTIMATE_TEXT_BYTES];
    estimate_format_count(profile_table_is_rough(profile), profile->advice.requests, requests);
    estimate_format_count(profile_table_is_rough(profile), summary->total.free_calls, frees);
    profile_table_title(out, terminal, "\nRuns");
    fprintf(out, "\n  %u process%s, %" PRIu64 " thread%s, %s request%s, %s free%s\n",
            summary->process_count, summary->process_count == 1 ? "" : "es", summary->total.threads,
            summary->total.threads == 1 ? "" : "s", requests,
            profile->advice.requests == 1 ? "" : "s", frees,
            summary->total.free_calls == 1 ? "" : "s");
    profile_table_cost(out, profile);
    profile_table_basis(out, profile);
    if (summary->processes_missed != 0)
        fprintf(out, "  %" PRIu64 " more process%s found no room in the profile\n",
                summary->processes_missed, summary->processes_missed == 1 ? "" : "es");
}

static void profile_table_processes(FILE *out, const struct profile_summary *summary) {
    if (summary->process_count < 2)
        return;
    fprintf(out, "\n  %-20s  %8s  %12s  %12s\n", "process", "", "calls", "peak");
    for (unsigned i = 0; i < summary->process_count && i < PROFILE_TABLE_PROCESSES_SHOWN; i++) {
        const struct tagpool_profile_row *row = &summary->processes[i];
        fprintf(out, "  %-20.20s  %8" PRIu64 "  %12" PRIu64 "  %12s\n", row->name, row->pid,
                row->calls, profile_table_bytes(row->peak_bytes));
    }
    if (summary->process_count > PROFILE_TABLE_PROCESSES_SHOWN)
        fprintf(out, "  and %u more\n", summary->process_count - PROFILE_TABLE_PROCESSES_SHOWN);
}

/* ---- sizes ---- */

/* What is left of the terminal's width behind so many columns, at most what is wanted. */
static unsigned profile_table_room(FILE *out, unsigned columns, unsigned wanted) {
    unsigned width = wrap_width(out);
    if (width == 0 || width > columns + wanted)
        return wanted;
    return width > columns + 1 ? width - columns - 1 : 0;
}

static void profile_table_size(FILE *out, bool utf8, const char *label,
                               const struct tagpool_profile_size *size,
                               const struct profile *profile) {
    double share = profile_table_share((double)size->calls, (double)profile->advice.requests);
    char calls[ESTIMATE_TEXT_BYTES], part[ESTIMATE_TEXT_BYTES], bytes[ESTIMATE_TEXT_BYTES];
    char live[ESTIMATE_TEXT_BYTES];
    bool rough =
        profile->sites != NULL && estimate_is_sum_rough(profile->sites, size->calls, size->bytes);
    estimate_format_count(rough, size->calls, calls);
    estimate_format_share(rough, share, part);
    estimate_format_bytes(rough, size->bytes, bytes);
    estimate_format_count(rough, size->live_peak, live);
    int columns = fprintf(out, "  %12s  %12s  %7s  %10s  %10s  ", label, calls, part, bytes, live);
    unsigned room = profile_table_room(out, (unsigned)columns, PROFILE_TABLE_BAR_WIDTH);
    if (room != 0)
        chart_bar(out, utf8, share, room);
    fputc('\n', out);
}

/* What is shown of the bins: each that holds at least 0.5 % of the requests or bytes has a line of
 * its own and all others share one; if these lines are too many, each doubling of the size has one.
 */
struct profile_table_lines {
    struct tagpool_profile_size sizes[TAGPOOL_PROFILE_SIZES + 1]; /* the last: the others */
    uint64_t limits[TAGPOOL_PROFILE_SIZES];
    unsigned count;
};

static void profile_table_add_size(struct tagpool_profile_size *sum,
                                   const struct tagpool_profile_size *size) {
    sum->calls += size->calls;
    sum->bytes += size->bytes;
    sum->live_peak += size->live_peak;
}

static void profile_table_make_lines(struct profile_table_lines *lines,
                                     const struct tagpool_profile_row *total, bool doublings,
                                     uint64_t requests) {
    double bytes = 0;
    uint64_t group = UINT64_MAX;
    *lines = (struct profile_table_lines){0};
    for (unsigned i = 0; i < TAGPOOL_PROFILE_SIZES; i++)
        bytes += (double)total->sizes[i].bytes;
    for (unsigned i = 0; i < TAGPOOL_PROFILE_SIZES; i++) {
        const struct tagpool_profile_size *size = &total->sizes[i];
        uint64_t limit = tagpool_profile_size_limit(i);
        uint64_t wanted = doublings ? UINT64_C(16) << tagpool_profile_life_size(limit) : limit;
        bool small =
            (double)size->calls < 0.005 * (double)requests && (double)size->bytes < 0.005 * bytes;
        if (small && !(doublings && wanted == group)) {
            profile_table_add_size(&lines->sizes[TAGPOOL_PROFILE_SIZES], size);
            continue;
        }
        if (wanted != group || limit > 16U << (TAGPOOL_PROFILE_LIFE_SIZES - 2))
            lines->count++;
        group = wanted;
        lines->limits[lines->count - 1] = doublings && limit < wanted ? wanted : limit;
        profile_table_add_size(&lines->sizes[lines->count - 1], size);
    }
}

static void profile_table_pools(FILE *out, const struct advice *advice) {
    if (advice->verdict == ADVICE_NO_CALLS)
        return;
    fprintf(out,
            "  blocks up to %" PRIu64 " bytes: %.1f %% of the requests; at their peaks %s live, to "
            "which pools add %.0f %% and the system's allocator %.0f %%\n",
            advice->node_max, 100 * advice->served_share, profile_table_bytes(advice->live_bytes),
            100 * advice->waste, 100 * advice->system_waste);
}

static void profile_table_sizes(FILE *out, const struct terminal *terminal, bool utf8,
                                const struct profile *profile) {
    struct profile_table_lines lines;
    uint64_t requests = profile->advice.requests;
    profile_table_make_lines(&lines, &profile->summary.total, false, requests);
    if (lines.count > PROFILE_TABLE_SIZE_LINES)
        profile_table_make_lines(&lines, &profile->summary.total, true, requests);
    profile_table_title(out, terminal, "\nRequests by size\n");
    fprintf(out, "  %12s  %12s  %7s  %10s  %10s\n", "up to bytes", "requests", "share", "bytes",
            "peak live");
    for (unsigned i = 0; i < lines.count; i++) {
        char label[PROFILE_TABLE_TEXT_BYTES];
        snprintf(label, sizeof label, "%" PRIu64, lines.limits[i]);
        profile_table_size(out, utf8, label, &lines.sizes[i], profile);
    }
    if (lines.sizes[TAGPOOL_PROFILE_SIZES].calls != 0)
        profile_table_size(out, utf8, "others", &lines.sizes[TAGPOOL_PROFILE_SIZES], profile);
    fprintf(out, "  node-sized (up to %d bytes): %.1f %% of the requests\n", TAGPOOL_NODE_MAX,
            100 * profile->advice.node_share);
    profile_table_pools(out, &profile->advice);
}

/* ---- lifetimes ---- */

/* Columns by factors of four, from bins by factors of two: bins 0 | 1, 2 | 3, 4 | ... */
static unsigned profile_table_life_column(unsigned bin) {
    unsigned column = (bin + 1) / 2;
    return column < PROFILE_TABLE_LIFE_COLUMNS ? column : PROFILE_TABLE_LIFE_COLUMNS - 1;
}

static void profile_table_life_row(FILE *out, unsigned size, const uint64_t *blocks) {
    double columns[PROFILE_TABLE_LIFE_COLUMNS] = {0};
    double sum = 0;
    for (unsigned i = 0; i < TAGPOOL_PROFILE_LIFE_STEPS; i++) {
        columns[profile_table_life_column(i)] += (double)blocks[i];
        sum += (double)blocks[i];
    }
    if (sum == 0)
        return;
    if (size + 1 < TAGPOOL_PROFILE_LIFE_SIZES)
        fprintf(out, "  %12" PRIu64, UINT64_C(16) << size);
    else
        fprintf(out, "  %12s", "more");
    for (unsigned i = 0; i < PROFILE_TABLE_LIFE_COLUMNS; i++)
        if (columns[i] > 0 && columns[i] < 0.005 * sum)
            fprintf(out, "  %5s", "<1%");
        else if (columns[i] > 0)
            fprintf(out, "  %4.0f%%", 100 * columns[i] / sum);
        else
            fprintf(out, "  %5s", ".");
    fputc('\n', out);
}

static void profile_table_life(FILE *out, const char *title, const char *const *limits,
                               const uint64_t blocks[][TAGPOOL_PROFILE_LIFE_STEPS]) {
    fprintf(out, "  %12s", title);
    for (unsigned i = 0; i < PROFILE_TABLE_LIFE_COLUMNS; i++)
        fprintf(out, "  %5s", limits[i]);
    fputc('\n', out);
    for (unsigned size = 0; size < TAGPOOL_PROFILE_LIFE_SIZES; size++)
        profile_table_life_row(out, size, blocks[size]);
}

static void profile_table_lifetimes(FILE *out, const struct terminal *terminal,
                                    const struct tagpool_profile_row *total) {
    static const char *const requests[PROFILE_TABLE_LIFE_COLUMNS] = {
        "<1", "<4", "<16", "<64", "<256", "<1K", "<4K", "<16K", "more",
    };
    static const char *const times[PROFILE_TABLE_LIFE_COLUMNS] = {
        "<1us", "<4us", "<16us", "<64us", "<.3ms", "<1ms", "<4ms", "<16ms", "more",
    };
    if (total->free_calls <= total->foreign_frees)
        return;
    profile_table_title(out, terminal, "\nLifetimes of freed blocks, each size = 100 %\n");
    profile_table_life(out, "in requests", requests, total->life_calls);
    profile_table_life(out, "in time", times, total->life_us);
}

/* ---- live memory ---- */

/* Of the busiest process: the peak within each of the chart's columns, over the time it took. */
static void profile_table_live(FILE *out, const struct terminal *terminal, bool utf8,
                               const struct profile_summary *summary) {
    const struct tagpool_profile_row *row = &summary->processes[0];
    double columns[PROFILE_TABLE_CHART_WIDTH] = {0};
    uint64_t span_ns = row->seen_ns - row->start_ns + 1;
    unsigned filled = 0, width = profile_table_room(out, 2, PROFILE_TABLE_CHART_WIDTH);
    profile_table_title(out, terminal, "\nLive memory over time");
    fprintf(out, " (%s)\n", row->name);
    for (uint64_t i = 0; i < row->sample_count; i++) {
        uint64_t when_ns = row->samples[i].when_ns;
        double place = (double)when_ns / (double)span_ns * width;
        unsigned last = place < width ? (unsigned)place : width - 1;
        double peak = (double)row->samples[i].bytes_peak;
        /* A time without samples held what the next one begins with, at most its peak. */
        for (unsigned column = filled; column <= last; column++)
            columns[column] = peak > columns[column] ? peak : columns[column];
        filled = last > filled ? last : filled;
    }
    for (unsigned column = filled + 1; column < width; column++)
        columns[column] = (double)row->live_bytes;
    chart_columns(out, utf8, columns, width, (double)row->peak_bytes, PROFILE_TABLE_CHART_HEIGHT,
                  2);
    fprintf(out,
            "  peak %s in %" PRIu64 " block%s after %s of %s; at the end %s in %" PRIu64
            " block%s\n",
            profile_table_bytes(row->peak_bytes), row->peak_blocks,
            row->peak_blocks == 1 ? "" : "s", profile_table_seconds((double)row->peak_ns * 1e-9),
            profile_table_seconds((double)span_ns * 1e-9), profile_table_bytes(row->live_bytes),
            row->live_blocks, row->live_blocks == 1 ? "" : "s");
}

/* ---- the rest ---- */

static void profile_table_reallocs(FILE *out, const struct tagpool_profile_row *total) {
    if (total->realloc_calls == 0)
        return;
    fprintf(out,
            "  %" PRIu64 " reallocs: %" PRIu64 " grew, %" PRIu64 " shrank, %" PRIu64
            " moved the block and copied %s; chains of",
            total->realloc_calls, total->grown, total->shrunk, total->moved,
            profile_table_bytes(total->moved_bytes));
    for (unsigned i = 1; i < TAGPOOL_PROFILE_CHAINS; i++)
        if (total->chains[i] != 0 && i == 1)
            fprintf(out, " 1: %" PRIu64, total->chains[i]);
        else if (total->chains[i] != 0)
            fprintf(out, " %u-%u: %" PRIu64, 1U << (i - 1), (1U << i) - 1, total->chains[i]);
    fputc('\n', out);
}

static void profile_table_counters(FILE *out, const struct terminal *terminal,
                                   const struct profile *profile) {
    const struct tagpool_profile_row *total = &profile->summary.total;
    profile_table_title(out, terminal, "\nBesides\n");
    fprintf(out,
            "  malloc %" PRIu64 ", calloc %" PRIu64 ", aligned %" PRIu64 ", realloc %" PRIu64 "\n",
            total->malloc_calls, total->calloc_calls, total->aligned_calls, total->realloc_calls);
    profile_table_reallocs(out, total);
    if (total->threads > profile->summary.process_count)
        fprintf(out, "  %.1f %% of the frees came from another thread than the allocation\n",
                100 * profile->advice.remote_share);
    const struct {
        uint64_t count;
        const char *text;
    } rare[] = {
        {total->failed_calls, "requests got no memory"},
        {total->foreign_frees, "blocks were freed that were not seen to be allocated"},
        {total->untracked_calls, "blocks could not be followed to their end"},
    };
    for (size_t i = 0; i < sizeof rare / sizeof rare[0]; i++)
        if (rare[i].count != 0)
            fprintf(out, "  %" PRIu64 " %s\n", rare[i].count, rare[i].text);
}

/* ---- advice ---- */

static void profile_table_sentence(FILE *out, const char *text) {
    fputs("  ", out);
    wrap_sentence(out, text, 2, 4);
}

static void profile_table_advice(FILE *out, const struct terminal *terminal,
                                 const struct advice *advice) {
    profile_table_title(out, terminal, "\nAdvice\n");
    for (unsigned i = 0; i < advice->sentence_count; i++)
        profile_table_sentence(out, advice->sentences[i]);
    if (advice->command != NULL)
        fprintf(out, "    %s\n", advice->command);
}

void profile_table_print(FILE *out, const struct terminal *terminal,
                         const struct profile *profile) {
    bool utf8 = chart_is_utf8(out);
    profile_table_title(out, terminal, profile->title);
    fputc('\n', out);
    profile_table_advice(out, terminal, &profile->advice);
    profile_table_head(out, terminal, profile);
    if (profile_table_is_rough(profile))
        return;
    profile_table_processes(out, &profile->summary);
    if (profile->advice.requests == 0)
        return;
    profile_table_sizes(out, terminal, utf8, profile);
    profile_table_lifetimes(out, terminal, &profile->summary.total);
    profile_table_live(out, terminal, utf8, &profile->summary);
    profile_table_counters(out, terminal, profile);
}
