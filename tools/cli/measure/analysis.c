#include "measure/analysis.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

/* The metric of one variant in every round. */
static double *analysis_values(const struct rounds *rounds, unsigned variant, enum metric metric) {
    double *values = memory_array(rounds->count, sizeof *values);
    for (unsigned i = 0; i < rounds->count; i++)
        values[i] = rounds_value(rounds, i, variant, metric);
    return values;
}

static double *analysis_differences(const struct rounds *rounds, unsigned variant,
                                    enum metric metric) {
    double *differences = memory_array(rounds->count, sizeof *differences);
    for (unsigned i = 0; i < rounds->count; i++)
        differences[i] = log(rounds_value(rounds, i, variant, metric) /
                             rounds_value(rounds, i, rounds->reference, metric));
    return differences;
}

static bool analysis_all_equal(const double *values, unsigned count) {
    for (unsigned i = 1; i < count; i++)
        if (values[i] != values[0])
            return false;
    return true;
}

/* Did the reference run before the variant? */
static bool analysis_reference_first(const struct rounds *rounds, unsigned index,
                                     unsigned variant) {
    const struct round *round = &rounds->items[index];
    for (unsigned place = 0; place < rounds->variant_count; place++) {
        if (round->order[place] == rounds->reference)
            return true;
        if (round->order[place] == variant)
            return false;
    }
    return false;
}

static void analysis_check_independence(struct analysis *analysis, const struct rounds *rounds,
                                        unsigned variant, const double *differences) {
    bool *first = memory_array(rounds->count, sizeof *first);
    for (unsigned i = 0; i < rounds->count; i++)
        first[i] = analysis_reference_first(rounds, i, variant);
    analysis->order = paired_order_effect(differences, first, rounds->count);
    free(first);
    analysis->autocorrelation = paired_autocorrelation(differences, rounds->count);
    /* 2.58 standard errors, as for the order effect; only a positive correlation narrows intervals
     * wrongly. */
    analysis->autocorrelated =
        rounds->count >= 10 && analysis->autocorrelation > 2.58 / sqrt(rounds->count);
}

void analysis_make(struct analysis *analysis, const struct rounds *rounds, unsigned variant,
                   enum metric metric, double threshold) {
    unsigned count = rounds->count;
    double *reference = analysis_values(rounds, rounds->reference, metric);
    double *values = analysis_values(rounds, variant, metric);
    double *differences = analysis_differences(rounds, variant, metric);
    *analysis = (struct analysis){
        .reference = paired_median(reference, count),
        .value = paired_median(values, count),
        .difference = paired_estimate(differences, count),
        .middle = paired_median(differences, count),
        .sigma = paired_sigma(differences, count),
    };
    bool time = rounds_about(rounds, metric)->unit == METRIC_SECONDS;
    analysis->exact = !time && count > 1 && analysis_all_equal(reference, count) &&
                      analysis_all_equal(values, count);
    struct paired_interval judged = analysis->difference;
    if (analysis->exact) {
        judged = (struct paired_interval){judged.estimate, judged.estimate, judged.estimate, true};
        analysis->difference.exists = false;
    }
    analysis->verdict = paired_judge(&judged, threshold);
    if (analysis->verdict == PAIRED_INCONCLUSIVE)
        analysis->rounds_to_settle = paired_rounds_to_settle(&judged, count, threshold);
    analysis_check_independence(analysis, rounds, variant, differences);
    free(reference);
    free(values);
    free(differences);
}

struct moments analysis_moments(const struct rounds *rounds, unsigned variant, enum metric metric) {
    double *values = analysis_values(rounds, variant, metric);
    struct moments moments = moments_of(values, rounds->count);
    free(values);
    return moments;
}

/* The greatest `measure` over the variants and the metrics that decide. */
static double analysis_worst(const struct rounds *rounds,
                             double (*measure)(const double *differences, unsigned count)) {
    double worst = 0;
    for (unsigned variant = 0; variant < rounds->variant_count; variant++)
        for (unsigned metric = 0; metric < rounds_metrics(rounds); metric++) {
            if (variant == rounds->reference || !rounds_about(rounds, (enum metric)metric)->decides)
                continue;
            double *differences = analysis_differences(rounds, variant, (enum metric)metric);
            worst = fmax(worst, measure(differences, rounds->count));
            free(differences);
        }
    return worst;
}

static double analysis_half_width(const double *differences, unsigned count) {
    struct paired_interval interval = paired_estimate(differences, count);
    return interval.exists ? (paired_share(interval.high) - paired_share(interval.low)) / 2 : 0;
}

double analysis_worst_sigma(const struct rounds *rounds) {
    return analysis_worst(rounds, paired_sigma);
}

double analysis_worst_half_width(const struct rounds *rounds) {
    return analysis_worst(rounds, analysis_half_width);
}
