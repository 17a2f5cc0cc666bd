/* Runs one workload of the panel under every variant, with the engine of every comparison. */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include "base/terminal.h"
#include "bench/results.h"

#include <stdbool.h>
#include <stdint.h>

struct run_plan {
    unsigned runs; /* rounds of every workload */
    uint64_t seed;
    const char *folder; /* of this program; the workloads lie below it */
    const struct variant *variants;
    unsigned variant_count;
    bool counts_system_calls; /* which takes one more run of each variant */
    struct terminal *terminal;
};

/* The path of a workload's program, in a new string, or NULL when it, or what the workload needs of
 * it, is not there. */
char *run_locate(const struct run_plan *plan, const struct panel_workload *workload);

/* Measures a workload whose program is `path`. What went wrong is in row->reason. */
void run_workload(struct results_row *row, const struct run_plan *plan,
                  const struct panel_workload *workload, char *path);

#endif
