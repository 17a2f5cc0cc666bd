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

static const char *const strategies_workloads[] = {
    PANEL_SMALL_DOCUMENT,   PANEL_LARGE_DOCUMENT, "jq length 4 MB",
    "xmllint --noout 8 MB", PANEL_REPLAY,         PANEL_REPLAY_BARE,
};

enum { STRATEGIES_WORKLOADS = sizeof strategies_workloads / sizeof(char *) };

bool strategies_want(const struct panel_workload *workload) {
    for (int i = 0; i < STRATEGIES_WORKLOADS; i++)
        if (strcmp(workload->name, strategies_workloads[i]) == 0)
            return true;
    return false;
}

void strategies_add_variants(struct variants *variants) {
    variants_add_strategies(variants);
    variants_add(variants,
                 (struct variant){.name = "hardened", .settings = "harden=on", .shim = true});
    variants_add(variants, (struct variant){.name = "system"});
}

/* ---- what it costs ---- */

/* The reference's value, and differences to it. */
static void strategies_add_differences(struct table *table, const struct results *results,
                                       const char *name, enum metric metric) {
    const struct results_row *row = results_find(results, name);
    char text[32];
    if (row == NULL)
        return;
    table_add(table);
    table_set(table, 0, "%s: %s", metric == METRIC_CPU ? "time" : metric_about[metric].title, name);
    metric_format(metric, row->value[0][metric], text, sizeof text);
    table_set(table, 1, "%s", text);
    for (unsigned i = 1; i < results->variant_count; i++)
        table_set(table, 1 + i, "%+.0f %%", 100 * (results_ratio(row, i, metric) - 1));
}

static void strategies_add_allocation(struct table *table, const struct results *results) {
    const struct results_row *calls = results_find(results, PANEL_REPLAY);
    const struct results_row *bare = results_find(results, PANEL_REPLAY_BARE);
    char text[32];
    if (calls == NULL || bare == NULL)
        return;
    table_add(table);
    table_set(table, 0, "time in allocation, built-in parser");
    metric_format(METRIC_CPU, calls->value[0][METRIC_CPU] - bare->value[0][METRIC_CPU], text,
                  sizeof text);
    table_set(table, 1, "%s", text);
    for (unsigned i = 1; i < results->variant_count; i++)
        table_set(table, 1 + i, "%+.0f %%", 100 * (results_allocation_ratio(results, i) - 1));
}

/* ---- memory per value of a document ---- */

struct strategies_size {
    double bytes;  /* of the document */
    double values; /* in it, as the built-in parser counts them */
};

static bool strategies_measure_document(const char *folder, const char *word,
                                        struct strategies_size *size) {
    struct stat about;
    const char *path = document_path(folder, word);
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
    *size = (struct strategies_size){.bytes = (double)about.st_size, .values = (double)values};
    return true;
}

/* What a large document takes more than a small one, less its text, which both hold. */
static double strategies_bytes_per_value(const struct results *results, const char *folder,
                                         unsigned variant) {
    const struct results_row *small = results_find(results, PANEL_SMALL_DOCUMENT);
    const struct results_row *large = results_find(results, PANEL_LARGE_DOCUMENT);
    struct strategies_size small_size, large_size;
    if (small == NULL || large == NULL ||
        !strategies_measure_document(folder, PANEL_SMALL_WORD, &small_size) ||
        !strategies_measure_document(folder, PANEL_LARGE_WORD, &large_size))
        return NAN;
    double bytes = large->value[variant][METRIC_PEAK] - small->value[variant][METRIC_PEAK] -
                   (large_size.bytes - small_size.bytes);
    return bytes / (large_size.values - small_size.values);
}

static void strategies_add_per_value(struct table *table, const struct results *results,
                                     const char *folder) {
    if (isnan(strategies_bytes_per_value(results, folder, 0)))
        return;
    table_add(table);
    table_set(table, 0, "memory per JSON value");
    for (unsigned i = 0; i < results->variant_count; i++)
        table_set(table, 1 + i, "%.0f B", strategies_bytes_per_value(results, folder, i));
}

static void strategies_print_costs(FILE *out, const struct results *results, const char *folder) {
    struct table table = {0};
    table_begin(&table, "against direct", results->variants, results->variant_count);
    strategies_add_allocation(&table, results);
    for (int i = 0; i < STRATEGIES_WORKLOADS - 2; i++)
        strategies_add_differences(&table, results, strategies_workloads[i], METRIC_CPU);
    for (int i = 1; i < STRATEGIES_WORKLOADS - 2; i++)
        strategies_add_differences(&table, results, strategies_workloads[i], METRIC_PEAK);
    strategies_add_per_value(&table, results, folder);
    table_finish(out, &table);
}

/* ---- what it finds ---- */

static const char *strategies_finding(enum misuse_outcome outcome) {
    if (outcome == MISUSE_OUTCOME_RUNS_THROUGH)
        return "no";
    return misuse_option(outcome) != NULL ? misuse_option(outcome) : "yes";
}

static void strategies_print_findings(FILE *out) {
    static const struct {
        const char *misuse;
        enum misuse_outcome outcome[MISUSE_STRATEGY_COUNT];
    } rows[] = {
#define STRATEGIES_MISUSE(id, sentence, metadata, tagged, hardened)                                \
    {sentence, {MISUSE_OUTCOME_##metadata, MISUSE_OUTCOME_##tagged, MISUSE_OUTCOME_##hardened}},
        MISUSES(STRATEGIES_MISUSE)
#undef STRATEGIES_MISUSE
    };
    static const char *const strategies[] = {
#define STRATEGIES_NAME(name, options) #name,
        MISUSE_STRATEGIES(STRATEGIES_NAME)
#undef STRATEGIES_NAME
    };
    struct table table = {.column_count = 1 + MISUSE_STRATEGY_COUNT};
    table_add(&table);
    table_set(&table, 0, "found (direct: what the next allocator finds)");
    for (unsigned i = 0; i < MISUSE_STRATEGY_COUNT; i++)
        table_set(&table, 1 + i, "%s", strategies[i]);
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        table_add(&table);
        table_set(&table, 0, "%s", rows[row].misuse);
        for (unsigned i = 0; i < MISUSE_STRATEGY_COUNT; i++)
            table_set(&table, 1 + i, "%s", strategies_finding(rows[row].outcome[i]));
    }
    fputc('\n', out);
    table_finish(out, &table);
}

/* ---- the targets ---- */

enum { STRATEGIES_TARGETS = 3 };

/* What a variant reached, as shares of variant 0. */
static void strategies_reached(const struct results *results, unsigned variant,
                               double reached[STRATEGIES_TARGETS]) {
    reached[0] = results_allocation_ratio(results, variant);
    reached[1] = results_ratio_of(results, PANEL_SMALL_DOCUMENT, variant, METRIC_CPU);
    reached[2] = results_ratio_of(results, PANEL_LARGE_DOCUMENT, variant, METRIC_PEAK);
}

/* One table for each reference: the targets are set against `direct`, but who does not preload
 * anything has the system's allocator. */
static void strategies_print_targets(FILE *out, const struct results *results, unsigned reference) {
    static const char *const texts[] = {"time in allocation, built-in parser",
                                        "parse time, 10 KB JSON document",
                                        "peak memory, 5 MB JSON document"};
    static const double limits[] = {-0.50, -0.30, -0.25};
    struct table table = {.column_count = results->variant_count + 1};
    double from[STRATEGIES_TARGETS];
    strategies_reached(results, reference, from);
    table_add(&table);
    table_set(&table, 0, "to reach against %s", results->variants[reference].name);
    table_set(&table, 1, "at most");
    for (int target = 0; target < STRATEGIES_TARGETS; target++) {
        table_add(&table);
        table_set(&table, 0, "%s", texts[target]);
        table_set(&table, 1, "%+.0f %%", 100 * limits[target]);
    }
    unsigned column = 2;
    for (unsigned i = 0; i < results->variant_count; i++) {
        double reached[STRATEGIES_TARGETS];
        if (i == reference)
            continue;
        strategies_reached(results, i, reached);
        snprintf(table.cells[0][column], TABLE_CELL_BYTES, "%s", results->variants[i].name);
        for (int target = 0; target < STRATEGIES_TARGETS; target++) {
            double difference = round(100 * (reached[target] / from[target] - 1)) / 100;
            if (!isnan(difference))
                snprintf(table.cells[target + 1][column], TABLE_CELL_BYTES, "%+.0f %%, %s",
                         100 * difference, difference <= limits[target] ? "met" : "missed");
        }
        column++;
    }
    fputc('\n', out);
    table_finish(out, &table);
}

void strategies_print(FILE *out, const struct report *report, const char *folder) {
    fprintf(out,
            "Rounds: %u, interleaved, seed %" PRIu64 "; %.0f s in all. `direct` passes every call\n"
            "through the library to the system's allocator; `system` is that allocator alone.\n\n",
            report->runs, report->seed, report->elapsed_s);
    strategies_print_costs(out, report->results, folder);
    strategies_print_findings(out);
    for (unsigned i = 0; i < report->results->variant_count; i++)
        if (i == 0 || report->results->variants[i].preload == NULL)
            strategies_print_targets(out, report->results, i);
}
