#include "bench/report.h"

#include "bench/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* ---- ratios, metric by metric ---- */

static void bench_print_head(struct bench_table *table, const struct bench_results *results,
                             const char *first) {
    table->column_count = 1 + results->variant_count;
    bench_table_add(table);
    bench_table_set(table, 0, "%s", first);
    for (unsigned i = 0; i < results->variant_count; i++)
        bench_table_set(table, 1 + i, "%s", results->variants[i].name);
}

/* A ratio, and for tagpool the marks that it deserves. */
static void bench_set_ratio(struct bench_table *table, const struct bench_results *results,
                            unsigned variant, enum metric metric, double ratio, double best_other) {
    bool shim = results->variants[variant].shim;
    if (isnan(ratio))
        return;
    bench_table_set(table, 1 + variant, "%s%s%.2f",
                    shim && bench_is_behind(ratio, best_other) ? "+" : "",
                    shim && bench_is_above(ratio, metric) ? "!" : "", ratio);
}

static void bench_add_workload(struct bench_table *table, const struct bench_results *results,
                               const struct bench_row *row, enum metric metric) {
    char text[32];
    double best_other = bench_best_other_ratio(results, row, metric);
    bench_table_add(table);
    bench_table_set(table, 0, "%s", row->workload->name);
    metric_format(metric, row->value[0][metric], text, sizeof text);
    bench_table_set(table, 1, "%s", text);
    for (unsigned i = 1; i < results->variant_count; i++)
        bench_set_ratio(table, results, i, metric, bench_ratio(row, i, metric), best_other);
}

static void bench_add_mean(struct bench_table *table, const struct bench_results *results,
                           const char *title, unsigned groups, enum metric metric) {
    unsigned best;
    double best_other = bench_best_other_mean(results, groups, metric, &best);
    if (isnan(bench_mean(results, groups, 0, metric)))
        return;
    bench_table_add(table);
    bench_table_set(table, 0, "**geometric mean, %s**", title);
    for (unsigned i = 1; i < results->variant_count; i++)
        bench_set_ratio(table, results, i, metric, bench_mean(results, groups, i, metric),
                        best_other);
}

static void bench_print_metric(FILE *out, const struct bench_results *results, enum metric metric,
                               unsigned groups) {
    struct bench_table table = {0};
    unsigned before = 0;
    bench_print_head(&table, results, "workload");
    before = table.row_count;
    for (unsigned i = 0; i < results->row_count; i++) {
        const struct bench_row *row = &results->rows[i];
        if (row->reason == NULL && (groups & 1U << row->workload->group) != 0)
            bench_add_workload(&table, results, row, metric);
    }
    if (table.row_count == before) {
        free(table.cells);
        return;
    }
    if ((groups & BENCH_SINGLE_THREADED) != 0) {
        bench_add_mean(&table, results, "parsers", 1U << BENCH_PARSERS, metric);
        bench_add_mean(&table, results, "single-threaded", BENCH_SINGLE_THREADED, metric);
    }
    bench_add_mean(&table, results, "threads", BENCH_THREADED, metric);
    fprintf(out, "\n%s: the system's, and ratios to it\n\n", metric_about[metric].title);
    bench_table_finish(out, &table);
}

/* ---- what is no ratio of one workload ---- */

static void bench_print_rest(FILE *out, const struct bench_results *results) {
    struct bench_table table = {0};
    const struct bench_start *start = &results->start;
    bool allocation = !isnan(bench_allocation_ratio(results, 0));
    if (start->rounds == 0 && !allocation)
        return;
    bench_print_head(&table, results, "besides");
    if (start->rounds != 0) {
        bench_table_add(&table);
        bench_table_set(&table, 0, "starting a process (quartile of %u)", start->rounds);
        bench_table_set(&table, 1, "%.0f us", start->wall_s[0] * 1e6);
        for (unsigned i = 1; i < results->variant_count; i++)
            bench_table_set(&table, 1 + i, "%+.0f us", bench_start_over_s(results, i) * 1e6);
    }
    if (allocation) {
        bench_table_add(&table);
        bench_table_set(&table, 0, "time in allocation, built-in parser");
        for (unsigned i = 0; i < results->variant_count; i++)
            bench_table_set(&table, 1 + i, "%.2f", bench_allocation_ratio(results, i));
    }
    fputc('\n', out);
    bench_table_finish(out, &table);
}

/* "0.64" or "40 us". */
static void bench_set_amount(struct bench_table *table, unsigned column, double amount,
                             const char *unit) {
    if (unit == NULL)
        bench_table_set(table, column, "%.2f", amount);
    else
        bench_table_set(table, column, "%.0f%s", amount, unit);
}

static void bench_add_target(struct bench_table *table, const struct bench_target *target) {
    double limit = isnan(target->limit) ? target->best_other : target->limit;
    if (isnan(target->reached) || isnan(limit))
        return;
    bench_table_add(table);
    if (target->workload != NULL)
        bench_table_set(table, 0, "%s (%s)", target->text, target->workload);
    else
        bench_table_set(table, 0, "%s", target->text);
    bench_set_amount(table, 1, limit, target->unit);
    bench_set_amount(table, 2, target->reached, target->unit);
    bench_table_set(table, 3, "%s", bench_target_is_met(target) ? "yes" : "no");
}

static void bench_print_targets(FILE *out, const struct bench_results *results, unsigned variant) {
    struct bench_target targets[BENCH_TARGETS_MAX];
    struct bench_table table = {.column_count = 4};
    unsigned count = bench_targets(results, variant, targets);
    bench_table_add(&table);
    bench_table_set(&table, 0, "to reach by %s", results->variants[variant].name);
    bench_table_set(&table, 1, "at most");
    bench_table_set(&table, 2, "reached");
    bench_table_set(&table, 3, "met");
    for (unsigned i = 0; i < count; i++)
        bench_add_target(&table, &targets[i]);
    fputc('\n', out);
    bench_table_finish(out, &table);
}

void bench_report_print(FILE *out, const struct bench_report *report) {
    const struct bench_results *results = report->results;
    struct utsname name = {0};
    char when[32] = "";
    time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc) != NULL)
        strftime(when, sizeof when, "%F", &utc);
    uname(&name);
    fprintf(out,
            "Rounds: %u, interleaved, seed %llu; %.0f s in all; %s, %s %s, %ld processors.\n"
            "Of tagpool: `!` above the system's allocator (in memory by more than 2 %%), `+` more\n"
            "than 3 %% behind the best other allocator.\n",
            report->runs, (unsigned long long)report->seed, report->elapsed_s, when, name.sysname,
            name.machine, sysconf(_SC_NPROCESSORS_ONLN));
    bench_print_metric(out, results, METRIC_CPU, BENCH_SINGLE_THREADED | BENCH_THREADED);
    bench_print_metric(out, results, METRIC_PEAK, BENCH_SINGLE_THREADED | BENCH_THREADED);
    bench_print_metric(out, results, METRIC_WALL, BENCH_THREADED);
    bench_print_rest(out, results);
    for (unsigned i = 0; i < results->variant_count; i++)
        if (results->variants[i].shim)
            bench_print_targets(out, results, i);
}
