#include "bench/report.h"

#include "bench/table.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* ---- ratios, metric by metric ---- */

/* A ratio, and for tagpool the marks that it deserves. */
static void report_set_ratio(struct table *table, const struct results *results, unsigned variant,
                             enum metric metric, double ratio, double best_other) {
    bool shim = results->variants[variant].shim;
    if (isnan(ratio))
        return;
    table_set(table, 1 + variant, "%s%s%.2f",
              shim && results_is_behind(ratio, best_other) ? "+" : "",
              shim && results_is_above(ratio, metric) ? "!" : "", ratio);
}

static void report_add_workload(struct table *table, const struct results *results,
                                const struct results_row *row, enum metric metric) {
    char text[32];
    double best_other = results_best_other_ratio(results, row, metric);
    table_add(table);
    table_set(table, 0, "%s", row->workload->name);
    metric_format(metric, row->value[0][metric], text, sizeof text);
    table_set(table, 1, "%s", text);
    for (unsigned i = 1; i < results->variant_count; i++)
        report_set_ratio(table, results, i, metric, results_ratio(row, i, metric), best_other);
}

static void report_add_mean(struct table *table, const struct results *results, const char *title,
                            unsigned groups, enum metric metric) {
    unsigned best;
    double best_other = results_best_other_mean(results, groups, metric, &best);
    if (isnan(results_mean(results, groups, 0, metric)))
        return;
    table_add(table);
    table_set(table, 0, "**geometric mean, %s**", title);
    for (unsigned i = 1; i < results->variant_count; i++)
        report_set_ratio(table, results, i, metric, results_mean(results, groups, i, metric),
                         best_other);
}

/* The system calls of one run each, for those rows that have them counted. */
static void report_print_system_calls(FILE *out, const struct results *results) {
    struct table table = {0};
    table_begin(&table, "workload", results->variants, results->variant_count);
    unsigned before = table.row_count;
    for (unsigned i = 0; i < results->row_count; i++) {
        const struct results_row *row = &results->rows[i];
        if (row->reason != NULL || row->system_calls[0] == 0)
            continue;
        table_add(&table);
        table_set(&table, 0, "%s", row->workload->name);
        for (unsigned variant = 0; variant < results->variant_count; variant++)
            if (row->system_calls[variant] != 0)
                table_set(&table, 1 + variant, "%" PRIu64, row->system_calls[variant]);
    }
    if (table.row_count == before) {
        free(table.cells);
        return;
    }
    fprintf(out, "\nsystem calls of one run\n\n");
    table_finish(out, &table);
}

static void report_print_metric(FILE *out, const struct results *results, enum metric metric,
                                unsigned groups) {
    struct table table = {0};
    unsigned before = 0;
    table_begin(&table, "workload", results->variants, results->variant_count);
    before = table.row_count;
    for (unsigned i = 0; i < results->row_count; i++) {
        const struct results_row *row = &results->rows[i];
        if (row->reason == NULL && (groups & 1U << row->workload->group) != 0)
            report_add_workload(&table, results, row, metric);
    }
    if (table.row_count == before) {
        free(table.cells);
        return;
    }
    if ((groups & RESULTS_SINGLE_THREADED) != 0) {
        report_add_mean(&table, results, "parsers", 1U << PANEL_PARSERS, metric);
        report_add_mean(&table, results, "single-threaded", RESULTS_SINGLE_THREADED, metric);
    }
    report_add_mean(&table, results, "threads", RESULTS_THREADED, metric);
    fprintf(out, "\n%s: the system's, and ratios to it\n\n", metric_about[metric].title);
    table_finish(out, &table);
}

/* ---- what is no ratio of one workload ---- */

static void report_print_rest(FILE *out, const struct results *results) {
    struct table table = {0};
    const struct results_start *start = &results->start;
    bool allocation = !isnan(results_allocation_ratio(results, 0));
    if (start->rounds == 0 && !allocation)
        return;
    table_begin(&table, "besides", results->variants, results->variant_count);
    if (start->rounds != 0) {
        table_add(&table);
        table_set(&table, 0, "starting a process (quartile of %u)", start->rounds);
        table_set(&table, 1, "%.0f us", start->wall_s[0] * 1e6);
        for (unsigned i = 1; i < results->variant_count; i++)
            table_set(&table, 1 + i, "%+.0f us", results_start_over_s(results, i) * 1e6);
    }
    if (allocation) {
        table_add(&table);
        table_set(&table, 0, "time in allocation, built-in parser");
        for (unsigned i = 0; i < results->variant_count; i++)
            table_set(&table, 1 + i, "%.2f", results_allocation_ratio(results, i));
    }
    fputc('\n', out);
    table_finish(out, &table);
}

/* "0.64" or "40 us". */
static void report_set_amount(struct table *table, unsigned column, double amount,
                              const char *unit) {
    if (unit == NULL)
        table_set(table, column, "%.2f", amount);
    else
        table_set(table, column, "%.0f%s", amount, unit);
}

static void report_add_target(struct table *table, const struct results_target *target) {
    double limit = isnan(target->limit) ? target->best_other : target->limit;
    if (isnan(target->reached) || isnan(limit))
        return;
    table_add(table);
    if (target->workload != NULL)
        table_set(table, 0, "%s (%s)", target->text, target->workload);
    else
        table_set(table, 0, "%s", target->text);
    report_set_amount(table, 1, limit, target->unit);
    report_set_amount(table, 2, target->reached, target->unit);
    table_set(table, 3, "%s", results_target_is_met(target) ? "yes" : "no");
}

static void report_print_targets(FILE *out, const struct results *results, unsigned variant) {
    struct results_target targets[RESULTS_TARGETS_MAX];
    struct table table = {.column_count = 4};
    unsigned count = results_targets(results, variant, targets);
    table_add(&table);
    table_set(&table, 0, "to reach by %s", results->variants[variant].name);
    table_set(&table, 1, "at most");
    table_set(&table, 2, "reached");
    table_set(&table, 3, "met");
    for (unsigned i = 0; i < count; i++)
        report_add_target(&table, &targets[i]);
    fputc('\n', out);
    table_finish(out, &table);
}

void report_print(FILE *out, const struct report *report) {
    const struct results *results = report->results;
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
    report_print_metric(out, results, METRIC_CPU, RESULTS_SINGLE_THREADED | RESULTS_THREADED);
    report_print_metric(out, results, METRIC_PEAK, RESULTS_SINGLE_THREADED | RESULTS_THREADED);
    report_print_metric(out, results, METRIC_FAULTS, RESULTS_SINGLE_THREADED | RESULTS_THREADED);
    report_print_system_calls(out, results);
    report_print_metric(out, results, METRIC_WALL, RESULTS_THREADED);
    report_print_rest(out, results);
    for (unsigned i = 0; i < results->variant_count; i++)
        if (results->variants[i].shim)
            report_print_targets(out, results, i);
}
