/* What a benchmark has found, and the statements that tables, JSON and targets are made from: pure
 * functions of numbers, no input or output.
 *
 * All ratios are a variant's value divided by the reference's in the same round, and the estimate
 * over the rounds is that of paired.h. Variant 0 is the reference, the system's allocator.
 */
#ifndef BENCH_RESULTS_H
#define BENCH_RESULTS_H

#include "bench/panel.h"
#include "measure/analysis.h"
#include "target/variant.h"

/* NAN for a variant under which the workload does not run. */
struct results_row {
    const struct panel_workload *workload;
    char *reason; /* why it gave no result; NULL: it did */
    unsigned rounds;
    double value[ROUNDS_VARIANTS_MAX][METRIC_COUNT]; /* medians, in the metric's unit */
    struct paired_interval difference[ROUNDS_VARIANTS_MAX][METRIC_COUNT]; /* 0 for variant 0 */
    uint64_t system_calls[ROUNDS_VARIANTS_MAX]; /* of one run; 0: not counted */
};

/* The start of a process that does nothing: lower quartiles over the rounds. A start is so short
 * that whatever else the machine does can only lengthen it. */
struct results_start {
    unsigned rounds; /* 0: not measured */
    double wall_s[ROUNDS_VARIANTS_MAX];
};

struct results {
    const struct variant *variants;
    unsigned variant_count;
    struct results_row *rows;
    unsigned row_count;
    struct results_start start;
};

/* Sets of groups: one bit for each. */
enum {
    RESULTS_SINGLE_THREADED = 1 << PANEL_PARSERS | 1 << PANEL_HABITS,
    RESULTS_THREADED = 1 << PANEL_THREADS,
};

/* value / reference of a row that has a result. */
double results_ratio(const struct results_row *row, unsigned variant, enum metric metric);

/* The ratio's geometric mean over the rows of the groups that have one; NAN when there is none. */
double results_mean(const struct results *results, unsigned groups, unsigned variant,
                    enum metric metric);

/* The lowest of a statement over all variants that are neither the reference nor tagpool, and which
 * variant has it; NAN when there is no such variant. */
double results_best_other_ratio(const struct results *results, const struct results_row *row,
                                enum metric metric);
double results_best_other_mean(const struct results *results, unsigned groups, enum metric metric,
                               unsigned *best);

/* Does a ratio of tagpool's need a look? Both may hold. */
#define RESULTS_LIMIT        1.00 /* of the reference, in time */
#define RESULTS_MEMORY_LIMIT 1.02 /* in peak memory */
#define RESULTS_TOLERANCE    1.03 /* of the best other allocator */
bool results_is_above(double ratio, enum metric metric);
bool results_is_behind(double ratio, double best_other);

/* By how much a variant's start takes longer than the reference's. */
double results_start_over_s(const struct results *results, unsigned variant);

/* A row that gave a result, by its name; NULL otherwise. */
const struct results_row *results_find(const struct results *results, const char *name);

/* value / reference of the row of that name; NAN when there is none that gave a result. */
double results_ratio_of(const struct results *results, const char *name, unsigned variant,
                        enum metric metric);

/* Time in allocation, as a share of the reference's: the difference of the two replays. NAN without
 * both. */
double results_allocation_ratio(const struct results *results, unsigned variant);

/* A goal of the project. `reached` is NAN when its workloads were not measured. */
struct results_target {
    const char *text;
    double limit; /* NAN: the limit is the best other allocator's value, in `best_other` */
    double reached;
    double best_other;
    const char *unit;     /* of limit and reached; NULL for ratios */
    const char *workload; /* the one that reached it; NULL when it is about one or about all */
};

enum { RESULTS_TARGETS_MAX = 12 };

/* How one variant stands to all of them; returns how many there are. */
unsigned results_targets(const struct results *results, unsigned variant,
                         struct results_target targets[RESULTS_TARGETS_MAX]);

/* False when it was measured and missed. */
bool results_target_is_met(const struct results_target *target);

#endif
