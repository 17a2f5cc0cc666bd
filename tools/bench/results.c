#include "bench/results.h"

#include <assert.h>
#include <math.h>
#include <string.h>

double results_ratio(const struct results_row *row, unsigned variant, enum metric metric) {
    return exp(row->difference[variant][metric].estimate);
}

static bool results_counts(const struct results_row *row, unsigned groups) {
    return row->reason == NULL && (groups & 1U << row->workload->group) != 0;
}

double results_mean(const struct results *results, unsigned groups, unsigned variant,
                    enum metric metric) {
    double sum = 0;
    unsigned count = 0;
    for (unsigned i = 0; i < results->row_count; i++) {
        double estimate = results->rows[i].difference[variant][metric].estimate;
        if (results_counts(&results->rows[i], groups) && !isnan(estimate)) {
            sum += estimate;
            count++;
        }
    }
    return count != 0 ? exp(sum / count) : NAN;
}

static bool results_is_other(const struct results *results, unsigned variant) {
    return variant != 0 && !results->variants[variant].shim;
}

double results_best_other_ratio(const struct results *results, const struct results_row *row,
                                enum metric metric) {
    double best = NAN;
    for (unsigned i = 0; i < results->variant_count; i++)
        if (results_is_other(results, i))
            best = fmin(best, results_ratio(row, i, metric));
    return best;
}

double results_best_other_mean(const struct results *results, unsigned groups, enum metric metric,
                               unsigned *best) {
    double least = NAN;
    for (unsigned i = 0; i < results->variant_count; i++) {
        double mean = results_is_other(results, i) ? results_mean(results, groups, i, metric) : NAN;
        if (!isnan(mean) && !(mean >= least)) {
            least = mean;
            *best = i;
        }
    }
    return least;
}

/* As printed: 1.004 is shown as 1.00 and is not above it. */
static double results_rounded(double ratio) {
    return round(ratio * 100) / 100;
}

bool results_is_above(double ratio, enum metric metric) {
    return results_rounded(ratio) > (metric == METRIC_PEAK ? RESULTS_MEMORY_LIMIT : RESULTS_LIMIT);
}

bool results_is_behind(double ratio, double best_other) {
    return ratio > best_other * RESULTS_TOLERANCE;
}

double results_start_over_s(const struct results *results, unsigned variant) {
    const struct results_start *start = &results->start;
    return start->rounds != 0 ? start->wall_s[variant] - start->wall_s[0] : NAN;
}

const struct results_row *results_find(const struct results *results, const char *name) {
    for (unsigned i = 0; i < results->row_count; i++)
        if (results->rows[i].reason == NULL && strcmp(results->rows[i].workload->name, name) == 0)
            return &results->rows[i];
    return NULL;
}

double results_allocation_ratio(const struct results *results, unsigned variant) {
    const struct results_row *calls = results_find(results, PANEL_REPLAY);
    const struct results_row *bare = results_find(results, PANEL_REPLAY_BARE);
    if (calls == NULL || bare == NULL)
        return NAN;
    double calls_s = calls->value[0][METRIC_CPU];
    double bare_s = bare->value[0][METRIC_CPU];
    return (calls_s * results_ratio(calls, variant, METRIC_CPU) -
            bare_s * results_ratio(bare, variant, METRIC_CPU)) /
           (calls_s - bare_s);
}

/* The target that no single-threaded workload is above `limit`: of the reference, or with `to_best`
 * of the best other allocator. Names the workload that comes nearest. */
static struct results_target results_worst(const struct results *results, unsigned variant,
                                           enum metric metric, bool to_best, const char *text,
                                           double limit) {
    struct results_target target = {.text = text, .limit = limit, .reached = NAN};
    for (unsigned i = 0; i < results->row_count; i++) {
        const struct results_row *row = &results->rows[i];
        if (!results_counts(row, RESULTS_SINGLE_THREADED))
            continue;
        double ratio = results_ratio(row, variant, metric);
        if (to_best)
            ratio /= results_best_other_ratio(results, row, metric);
        if (!isnan(ratio) && !(ratio <= target.reached)) {
            target.reached = ratio;
            target.workload = row->workload->name;
        }
    }
    return target;
}

double results_ratio_of(const struct results *results, const char *name, unsigned variant,
                        enum metric metric) {
    const struct results_row *row = results_find(results, name);
    return row != NULL ? results_ratio(row, variant, metric) : NAN;
}

unsigned results_targets(const struct results *results, unsigned variant,
                         struct results_target targets[RESULTS_TARGETS_MAX]) {
    const unsigned single = RESULTS_SINGLE_THREADED;
    const struct results_row *exchange = results_find(results, PANEL_EXCHANGE);
    unsigned best = 0;
    double mean = results_mean(results, single, variant, METRIC_CPU);
    const struct results_target all[] = {
        {.text = "CPU time, geometric mean, single-threaded", .limit = 0.64, .reached = mean},
        {.text = "the same, and the best other allocator",
         .limit = NAN,
         .reached = mean,
         .best_other = results_best_other_mean(results, single, METRIC_CPU, &best)},
        results_worst(results, variant, METRIC_CPU, false, "CPU time, highest of one workload",
                      RESULTS_LIMIT),
        results_worst(results, variant, METRIC_CPU, true,
                      "CPU time, farthest behind the best other", RESULTS_TOLERANCE),
        {.text = "CPU time, 10 KB JSON document",
         .limit = 0.67,
         .reached = results_ratio_of(results, PANEL_SMALL_DOCUMENT, variant, METRIC_CPU)},
        {.text = "time in allocation, built-in parser",
         .limit = 0.50,
         .reached = results_allocation_ratio(results, variant)},
        {.text = "peak memory, geometric mean, single-threaded",
         .limit = 0.90,
         .reached = results_mean(results, single, variant, METRIC_PEAK)},
        results_worst(results, variant, METRIC_PEAK, false, "peak memory, highest of one workload",
                      RESULTS_MEMORY_LIMIT),
        {.text = "two threads exchanging blocks, wall time",
         .limit = NAN,
         .reached = results_ratio_of(results, PANEL_EXCHANGE, variant, METRIC_WALL),
         .best_other =
             exchange != NULL ? results_best_other_ratio(results, exchange, METRIC_WALL) : NAN},
        {.text = "starting a process, over no library",
         .limit = 40,
         .reached = results_start_over_s(results, variant) * 1e6,
         .unit = " us"},
    };
    static_assert(sizeof all / sizeof all[0] <= RESULTS_TARGETS_MAX, "room for every target");
    memcpy(targets, all, sizeof all);
    return sizeof all / sizeof all[0];
}

bool results_target_is_met(const struct results_target *target) {
    double limit = isnan(target->limit) ? target->best_other : target->limit;
    double reached = target->unit == NULL ? results_rounded(target->reached) : target->reached;
    return !(reached > (target->unit == NULL ? results_rounded(limit) : limit));
}
