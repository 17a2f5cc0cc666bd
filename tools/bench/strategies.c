#include "bench/strategies.h"

#include "base/memory.h"
#include "bench/document.h"
#include "bench/misuses.h"
#include "bench/table.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const bench_strategy_workloads[] = {
    BENCH_SMALL_DOCUMENT,   BENCH_LARGE_DOCUMENT, "jq length 4 MB",
    "xmllint --noout 8 MB", BENCH_REPLAY,         BENCH_REPLAY_BARE,
};

enum { BENCH_STRATEGY_WORKLOADS = sizeof bench_strategy_workloads / sizeof(char *) };

bool bench_strategies_want(const struct bench_workload *workload) {
    for (int i = 0; i < BENCH_STRATEGY_WORKLOADS; i++)
        if (strcmp(workload->name, bench_strategy_workloads[i]) == 0)
            return true;
    return false;
}

void bench_strategies_add(struct variants *variants) {
    variants_add_strategies(variants);
    variants_add(variants,
                 (struct variant){.name = "hardened", .settings = "harden=on", .shim = true});
    variants_add(variants, (struct variant){.name = "system"});
}

/* ---- what it costs ---- */

static void bench_add_head(struct bench_table *table, const struct bench_results *results,
                           const char *first) {
    table->column_count = 1 + results->variant_count;
    bench_table_add(table);
    bench_table_set(table, 0, "%s", first);
    for (unsigned i = 0; i < results->variant_count; i++)
        bench_table_set(table, 1 + i, "%s", results->variants[i].name);
}

/* The reference's value, and differences to it. */
static void bench_add_differences(struct bench_table *table, const struct bench_results *results,
                                  const char *name, enum metric metric) {
    const struct bench_row *row = bench_find(results, name);
    char text[32];
    if (row == NULL)
        return;
    bench_table_add(table);
    bench_table_set(table, 0, "%s: %s", metric == METRIC_CPU ? "time" : metric_about[metric].title,
                    name);
    metric_format(metric, row->value[0][metric], text, sizeof text);
    bench_table_set(table, 1, "%s", text);
    for (unsigned i = 1; i < results->variant_count; i++)
        bench_table_set(table, 1 + i, "%+.0f %%", 100 * (bench_ratio(row, i, metric) - 1));
}

static void bench_add_allocation(struct bench_table *table, const struct bench_results *results) {
    const struct bench_row *calls = bench_find(results, BENCH_REPLAY);
    const struct bench_row *bare = bench_find(results, BENCH_REPLAY_BARE);
    char text[32];
    if (calls == NULL || bare == NULL)
        return;
    bench_table_add(table);
    bench_table_set(table, 0, "time in allocation, built-in parser");
    metric_format(METRIC_CPU, calls->value[0][METRIC_CPU] - bare->value[0][METRIC_CPU], text,
                  sizeof text);
    bench_table_set(table, 1, "%s", text);
    for (unsigned i = 1; i < results->variant_count; i++)
        bench_table_set(table, 1 + i, "%+.0f %%", 100 * (bench_allocation_ratio(results, i) - 1));
}

/* ---- memory per value of a document ---- */

struct bench_size {
    double bytes;  /* of the document */
    double values; /* in it, as the built-in parser counts them */
};

static bool bench_measure_document(const char *folder, const char *word, struct bench_size *size) {
    struct stat about;
    const char *path = bench_document_path(folder, word);
    char *command = memory_format("'%s/workloads/json_parse' %s", folder, path);
    FILE *answer = popen(command, "r");
    free(command);
    if (answer == NULL)
        return false;
    char line[128] = "";
    char *read = fgets(line, sizeof line, answer); /* "4711 values, ..." */
    uint64_t values = strtoull(line, NULL, 10);
    if (pclose(answer) != 0 || read == NULL || values == 0 || stat(path, &about) != 0)
        return false;
    *size = (struct bench_size){.bytes = (double)about.st_size, .values = (double)values};
    return true;
}

/* What a large document takes more than a small one, less its text, which both hold. */
static double bench_bytes_per_value(const struct bench_results *results, const char *folder,
                                    unsigned variant) {
    const struct bench_row *small = bench_find(results, BENCH_SMALL_DOCUMENT);
    const struct bench_row *large = bench_find(results, BENCH_LARGE_DOCUMENT);
    struct bench_size small_size, large_size;
    if (small == NULL || large == NULL ||
        !bench_measure_document(folder, BENCH_SMALL_WORD, &small_size) ||
        !bench_measure_document(folder, BENCH_LARGE_WORD, &large_size))
        return NAN;
    double bytes = large->value[variant][METRIC_PEAK] - small->value[variant][METRIC_PEAK] -
                   (large_size.bytes - small_size.bytes);
    return bytes / (large_size.values - small_size.values);
}

static void bench_add_per_value(struct bench_table *table, const struct bench_results *results,
                                const char *folder) {
    if (isnan(bench_bytes_per_value(results, folder, 0)))
        return;
    bench_table_add(table);
    bench_table_set(table, 0, "memory per JSON value");
    for (unsigned i = 0; i < results->variant_count; i++)
        bench_table_set(table, 1 + i, "%.0f B", bench_bytes_per_value(results, folder, i));
}

static void bench_print_costs(FILE *out, const struct bench_results *results, const char *folder) {
    struct bench_table table = {0};
    bench_add_head(&table, results, "against direct");
    bench_add_allocation(&table, results);
    for (int i = 0; i < BENCH_STRATEGY_WORKLOADS - 2; i++)
        bench_add_differences(&table, results, bench_strategy_workloads[i], METRIC_CPU);
    for (int i = 1; i < BENCH_STRATEGY_WORKLOADS - 2; i++)
        bench_add_differences(&table, results, bench_strategy_workloads[i], METRIC_PEAK);
    bench_add_per_value(&table, results, folder);
    bench_table_finish(out, &table);
}

/* ---- what it finds ---- */

static void bench_print_findings(FILE *out) {
    static const struct {
        const char *misuse;
        enum misuse_outcome outcome[MISUSE_STRATEGY_COUNT];
    } rows[] = {
#define BENCH_MISUSE(id, sentence, metadata, tagged, hardened)                                     \
    {sentence, {MISUSE_OUTCOME_##metadata, MISUSE_OUTCOME_##tagged, MISUSE_OUTCOME_##hardened}},
        MISUSES(BENCH_MISUSE)
#undef BENCH_MISUSE
    };
    static const char *const strategies[] = {
#define BENCH_STRATEGY(name, options) #name,
        MISUSE_STRATEGIES(BENCH_STRATEGY)
#undef BENCH_STRATEGY
    };
    struct bench_table table = {.column_count = 1 + MISUSE_STRATEGY_COUNT};
    bench_table_add(&table);
    bench_table_set(&table, 0, "found (direct: what the next allocator finds)");
    for (unsigned i = 0; i < MISUSE_STRATEGY_COUNT; i++)
        bench_table_set(&table, 1 + i, "%s", strategies[i]);
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        bench_table_add(&table);
        bench_table_set(&table, 0, "%s", rows[row].misuse);
        for (unsigned i = 0; i < MISUSE_STRATEGY_COUNT; i++)
            bench_table_set(&table, 1 + i, "%s",
                            rows[row].outcome[i] == MISUSE_OUTCOME_RUNS_THROUGH ? "no" : "yes");
    }
    fputc('\n', out);
    bench_table_finish(out, &table);
}

/* ---- the targets ---- */

static double bench_row_ratio_of(const struct bench_results *results, const char *name,
                                 unsigned variant, enum metric metric) {
    const struct bench_row *row = bench_find(results, name);
    return row != NULL ? bench_ratio(row, variant, metric) : NAN;
}

enum { BENCH_STRATEGY_TARGETS = 3 };

/* What a variant reached, as shares of variant 0. */
static void bench_reached(const struct bench_results *results, unsigned variant,
                          double reached[BENCH_STRATEGY_TARGETS]) {
    reached[0] = bench_allocation_ratio(results, variant);
    reached[1] = bench_row_ratio_of(results, BENCH_SMALL_DOCUMENT, variant, METRIC_CPU);
    reached[2] = bench_row_ratio_of(results, BENCH_LARGE_DOCUMENT, variant, METRIC_PEAK);
}

/* One table for each reference: the targets are set against `direct`, but who does not preload
 * anything has the system's allocator. */
static void bench_print_strategy_targets(FILE *out, const struct bench_results *results,
                                         unsigned reference) {
    static const char *const texts[] = {"time in allocation, built-in parser",
                                        "parse time, 10 KB JSON document",
                                        "peak memory, 5 MB JSON document"};
    static const double limits[] = {-0.50, -0.30, -0.25};
    struct bench_table table = {.column_count = results->variant_count + 1};
    double from[BENCH_STRATEGY_TARGETS];
    bench_reached(results, reference, from);
    bench_table_add(&table);
    bench_table_set(&table, 0, "to reach against %s", results->variants[reference].name);
    bench_table_set(&table, 1, "at most");
    for (int target = 0; target < BENCH_STRATEGY_TARGETS; target++) {
        bench_table_add(&table);
        bench_table_set(&table, 0, "%s", texts[target]);
        bench_table_set(&table, 1, "%+.0f %%", 100 * limits[target]);
    }
    unsigned column = 2;
    for (unsigned i = 0; i < results->variant_count; i++) {
        double reached[BENCH_STRATEGY_TARGETS];
        if (i == reference)
            continue;
        bench_reached(results, i, reached);
        snprintf(table.cells[0][column], BENCH_CELL_BYTES, "%s", results->variants[i].name);
        for (int target = 0; target < BENCH_STRATEGY_TARGETS; target++) {
            double difference = round(100 * (reached[target] / from[target] - 1)) / 100;
            if (!isnan(difference))
                snprintf(table.cells[target + 1][column], BENCH_CELL_BYTES, "%+.0f %%, %s",
                         100 * difference, difference <= limits[target] ? "met" : "missed");
        }
        column++;
    }
    fputc('\n', out);
    bench_table_finish(out, &table);
}

void bench_strategies_print(FILE *out, const struct bench_report *report, const char *folder) {
    fprintf(out,
            "Rounds: %u, interleaved, seed %" PRIu64 "; %.0f s in all. `direct` passes every call\n"
            "through the library to the system's allocator; `system` is that allocator alone.\n\n",
            report->runs, report->seed, report->elapsed_s);
    bench_print_costs(out, report->results, folder);
    bench_print_findings(out);
    for (unsigned i = 0; i < report->results->variant_count; i++)
        if (i == 0 || report->results->variants[i].preload == NULL)
            bench_print_strategy_targets(out, report->results, i);
}
