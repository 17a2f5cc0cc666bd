#include "bench/parts.h"

#include "bench/table.h"

#include <inttypes.h>
#include <string.h>

static const char *const parts_workloads[] = {PANEL_SMALL_DOCUMENT, PANEL_LARGE_DOCUMENT,
                                              "jq length 4 MB", "xmllint --noout 8 MB"};

enum { PARTS_WORKLOADS = sizeof parts_workloads / sizeof(char *) };

#define PARTS_WHOLE "harden=on"

/* By the options that switch them off. */
static const struct parts_part {
    const char *title;
    const char *option;
    const char *settings;
} parts_known[] = {
    {"random order", "random=off", PARTS_WHOLE ",random=off"},
    {"quarantine", "quarantine=0", PARTS_WHOLE ",quarantine=0"},
    {"clearing, and checking for writes", "clear=off", PARTS_WHOLE ",clear=off"},
    {"canaries", "canary=off", PARTS_WHOLE ",canary=off"},
    {"guards", "guard=0", PARTS_WHOLE ",guard=0"},
};

enum { PARTS_COUNT = sizeof parts_known / sizeof parts_known[0] };

bool parts_want(const struct panel_workload *workload) {
    for (int i = 0; i < PARTS_WORKLOADS; i++)
        if (strcmp(workload->name, parts_workloads[i]) == 0)
            return true;
    return false;
}

void parts_add_variants(struct variants *variants) {
    variants_add(variants,
                 (struct variant){.name = "hardened", .settings = PARTS_WHOLE, .shim = true});
    for (int i = 0; i < PARTS_COUNT; i++)
        variants_add(variants, (struct variant){.name = parts_known[i].option,
                                                .settings = parts_known[i].settings,
                                                .shim = true});
}

/* What a workload has more of with the part that a variant lacks. */
static void parts_set(struct table *table, unsigned column, const struct results_row *row,
                      unsigned variant, enum metric metric) {
    if (row != NULL)
        table_set(table, column, "%+.0f %%", 100 * (1 / results_ratio(row, variant, metric) - 1));
}

void parts_print(FILE *out, const struct report *report) {
    const struct results *results = report->results;
    struct table table = {.column_count = 1 + PARTS_WORKLOADS + 1};
    fprintf(out,
            "Rounds: %u, interleaved, seed %" PRIu64 "; %.0f s in all. CPU time with the part\n"
            "against that without it, and peak memory.\n\n",
            report->runs, report->seed, report->elapsed_s);
    table_add(&table);
    table_set(&table, 0, "a part of harden=on costs");
    for (unsigned i = 0; i < PARTS_WORKLOADS; i++)
        table_set(&table, 1 + i, "%s", parts_workloads[i]);
    table_set(&table, 1 + PARTS_WORKLOADS, "peak memory, %s", PANEL_LARGE_DOCUMENT);
    for (unsigned part = 0; part < PARTS_COUNT; part++) {
        table_add(&table);
        table_set(&table, 0, "%s (off: %s)", parts_known[part].title, parts_known[part].option);
        for (unsigned i = 0; i < PARTS_WORKLOADS; i++)
            parts_set(&table, 1 + i, results_find(results, parts_workloads[i]), 1 + part,
                      METRIC_CPU);
        parts_set(&table, 1 + PARTS_WORKLOADS, results_find(results, PANEL_LARGE_DOCUMENT),
                  1 + part, METRIC_PEAK);
    }
    table_finish(out, &table);
}
