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

struct bench_row {
    const struct bench_workload *workload;
    char *reason; /* why it gave no result; NULL: it did */
    unsigned rounds;
    double value[ROUNDS_VARIANTS_MAX][METRIC_COUNT]; /* medians, in the metric's unit */
    struct paired_interval difference[ROUNDS_VARIANTS_MAX][METRIC_COUNT]; /* 0 for variant 0 */
};

/* The start of a process that does nothing: lower quartiles over the rounds. A start is so short
 * that whatever else the machine does can only lengthen it. */
struct bench_start {
    unsigned rounds; /* 0: not measured */
    double wall_s[ROUNDS_VARIANTS_MAX];
};

struct bench_results {
    const struct variant *variants;
    unsigned variant_count;
    struct bench_row *rows;
    unsigned row_count;
    struct bench_start start;
};

/* Sets of groups: one bit for each. */
enum {
    BENCH_SINGLE_THREADED = 1 << BENCH_PARSERS | 1 << BENCH_HABITS,
    BENCH_THREADED = 1 << BENCH_THREADS,
};

/* value / reference of a row that has a result. */
double bench_ratio(const struct bench_row *row, unsigned variant, enum metric metric);

/* The ratio's geometric mean over the rows of the groups; NAN when there is none. */
double bench_mean(const struct bench_results *results, unsigned groups, unsigned variant,
                  enum metric metric);

/* The lowest of a statement over all variants that are neither the reference nor tagpool, and which
 * variant has it; NAN when there is no such variant. */
double bench_best_other_ratio(const struct bench_results *results, const struct bench_row *row,
                              enum metric metric);
double bench_best_other_mean(const struct bench_results *results, unsigned groups,
                             enum metric metric, unsigned *best);

/* Does a ratio of tagpool's need a look? Both may hold. */
#define BENCH_LIMIT        1.00 /* of the reference, in time */
#define BENCH_MEMORY_LIMIT 1.02 /* in peak memory */
#define BENCH_TOLERANCE    1.03 /* of the best other allocator */
bool bench_is_above(double ratio, enum metric metric);
bool bench_is_behind(double ratio, double best_other);

/* By how much a variant's start takes longer than the reference's. */
double bench_start_over_s(const struct bench_results *results, unsigned variant);

/* A row that gave a result, by its name; NULL otherwise. */
const struct bench_row *bench_find(const struct bench_results *results, const char *name);

/* Time in allocation, as a share of the reference's: the difference of the two replays. NAN without
 * both. */
double bench_allocation_ratio(const struct bench_results *results, unsigned variant);

/* A goal of the project. `reached` is NAN when its workloads were not measured. */
struct bench_target {
    const char *text;
    double limit; /* NAN: the limit is the best other allocator's value, in `best_other` */
    double reached;
    double best_other;
    const char *unit;     /* of limit and reached; NULL for ratios */
    const char *workload; /* the one that reached it; NULL when it is about one or about all */
};

enum { BENCH_TARGETS_MAX = 12 };

/* How one variant stands to all of them; returns how many there are. */
unsigned bench_targets(const struct bench_results *results, unsigned variant,
                       struct bench_target targets[BENCH_TARGETS_MAX]);

/* False when it was measured and missed. */
bool bench_target_is_met(const struct bench_target *target);

#endif
