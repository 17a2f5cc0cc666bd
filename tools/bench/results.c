#include "bench/results.h"

#include <assert.h>
#include <math.h>
#include <string.h>

double bench_ratio(const struct bench_row *row, unsigned variant, enum metric metric) {
    return exp(row->difference[variant][metric].estimate);
}

static bool bench_counts(const struct bench_row *row, unsigned groups) {
    return row->reason == NULL && (groups & 1U << row->workload->group) != 0;
}

double bench_mean(const struct bench_results *results, unsigned groups, unsigned variant,
                  enum metric metric) {
    double sum = 0;
    unsigned count = 0;
    for (unsigned i = 0; i < results->row_count; i++)
        if (bench_counts(&results->rows[i], groups)) {
            sum += results->rows[i].difference[variant][metric].estimate;
            count++;
        }
    return count != 0 ? exp(sum / count) : NAN;
}

static bool bench_is_other(const struct bench_results *results, unsigned variant) {
    return variant != 0 && !results->variants[variant].shim;
}

double bench_best_other_ratio(const struct bench_results *results, const struct bench_row *row,
                              enum metric metric) {
    double best = NAN;
    for (unsigned i = 0; i < results->variant_count; i++)
        if (bench_is_other(results, i))
            best = fmin(best, bench_ratio(row, i, metric));
    return best;
}

double bench_best_other_mean(const struct bench_results *results, unsigned groups,
                             enum metric metric, unsigned *best) {
    double least = NAN;
    for (unsigned i = 0; i < results->variant_count; i++) {
        double mean = bench_is_other(results, i) ? bench_mean(results, groups, i, metric) : NAN;
        if (!isnan(mean) && !(mean >= least)) {
            least = mean;
            *best = i;
        }
    }
    return least;
}

/* As printed: 1.004 is shown as 1.00 and is not above it. */
static double bench_rounded(double ratio) {
    return round(ratio * 100) / 100;
}

bool bench_is_above(double ratio, enum metric metric) {
    return bench_rounded(ratio) > (metric == METRIC_PEAK ? BENCH_MEMORY_LIMIT : BENCH_LIMIT);
}

bool bench_is_behind(double ratio, double best_other) {
    return ratio > best_other * BENCH_TOLERANCE;
}

double bench_start_over_s(const struct bench_results *results, unsigned variant) {
    const struct bench_start *start = &results->start;
    return start->rounds != 0 ? start->wall_s[variant] - start->wall_s[0] : NAN;
}

const struct bench_row *bench_find(const struct bench_results *results, const char *name) {
    for (unsigned i = 0; i < results->row_count; i++)
        if (results->rows[i].reason == NULL && strcmp(results->rows[i].workload->name, name) == 0)
            return &results->rows[i];
    return NULL;
}

double bench_allocation_ratio(const struct bench_results *results, unsigned variant) {
    const struct bench_row *calls = bench_find(results, BENCH_REPLAY);
    const struct bench_row *bare = bench_find(results, BENCH_REPLAY_BARE);
    if (calls == NULL || bare == NULL)
        return NAN;
    double calls_s = calls->value[0][METRIC_CPU];
    double bare_s = bare->value[0][METRIC_CPU];
    return (calls_s * bench_ratio(calls, variant, METRIC_CPU) -
            bare_s * bench_ratio(bare, variant, METRIC_CPU)) /
           (calls_s - bare_s);
}

/* The target that no single-threaded workload is above `limit`: of the reference, or with `to_best`
 * of the best other allocator. Names the workload that comes nearest. */
static struct bench_target bench_worst(const struct bench_results *results, unsigned variant,
                                       enum metric metric, bool to_best, const char *text,
                                       double limit) {
    struct bench_target target = {.text = text, .limit = limit, .reached = NAN};
    for (unsigned i = 0; i < results->row_count; i++) {
        const struct bench_row *row = &results->rows[i];
        if (!bench_counts(row, BENCH_SINGLE_THREADED))
            continue;
        double ratio = bench_ratio(row, variant, metric);
        if (to_best)
            ratio /= bench_best_other_ratio(results, row, metric);
        if (!isnan(ratio) && !(ratio <= target.reached)) {
            target.reached = ratio;
            target.workload = row->workload->name;
        }
    }
    return target;
}

static double bench_row_ratio(const struct bench_results *results, const char *name,
                              unsigned variant, enum metric metric) {
    const struct bench_row *row = bench_find(results, name);
    return row != NULL ? bench_ratio(row, variant, metric) : NAN;
}

unsigned bench_targets(const struct bench_results *results, unsigned variant,
                       struct bench_target targets[BENCH_TARGETS_MAX]) {
    const unsigned single = BENCH_SINGLE_THREADED;
    const struct bench_row *exchange = bench_find(results, BENCH_EXCHANGE);
    unsigned best = 0;
    double mean = bench_mean(results, single, variant, METRIC_CPU);
    const struct bench_target all[] = {
        {.text = "CPU time, geometric mean, single-threaded", .limit = 0.64, .reached = mean},
        {.text = "the same, and the best other allocator",
         .limit = NAN,
         .reached = mean,
         .best_other = bench_best_other_mean(results, single, METRIC_CPU, &best)},
        bench_worst(results, variant, METRIC_CPU, false, "CPU time, highest of one workload",
                    BENCH_LIMIT),
        bench_worst(results, variant, METRIC_CPU, true, "CPU time, farthest behind the best other",
                    BENCH_TOLERANCE),
        {.text = "CPU time, 10 KB JSON document",
         .limit = 0.67,
         .reached = bench_row_ratio(results, BENCH_SMALL_DOCUMENT, variant, METRIC_CPU)},
        {.text = "time in allocation, built-in parser",
         .limit = 0.50,
         .reached = bench_allocation_ratio(results, variant)},
        {.text = "peak memory, geometric mean, single-threaded",
         .limit = 0.90,
         .reached = bench_mean(results, single, variant, METRIC_PEAK)},
        bench_worst(results, variant, METRIC_PEAK, false, "peak memory, highest of one workload",
                    BENCH_MEMORY_LIMIT),
        {.text = "two threads exchanging blocks, wall time",
         .limit = NAN,
         .reached = bench_row_ratio(results, BENCH_EXCHANGE, variant, METRIC_WALL),
         .best_other =
             exchange != NULL ? bench_best_other_ratio(results, exchange, METRIC_WALL) : NAN},
        {.text = "starting a process, over no library",
         .limit = 40,
         .reached = bench_start_over_s(results, variant) * 1e6,
         .unit = " us"},
    };
    static_assert(sizeof all / sizeof all[0] <= BENCH_TARGETS_MAX, "room for every target");
    memcpy(targets, all, sizeof all);
    return sizeof all / sizeof all[0];
}

bool bench_target_is_met(const struct bench_target *target) {
    double limit = isnan(target->limit) ? target->best_other : target->limit;
    double reached = target->unit == NULL ? bench_rounded(target->reached) : target->reached;
    return !(reached > (target->unit == NULL ? bench_rounded(limit) : limit));
}
