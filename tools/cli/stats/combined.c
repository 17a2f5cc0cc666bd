#include "stats/combined.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

/* What never varies would have all the weight. */
#define COMBINED_ERROR_LEAST 1e-5

/* P(|T| <= t), by the finite sums for whole degrees of freedom (Abramowitz and Stegun, 26.7.3 and
 * 26.7.4). */
static double combined_t_within(double t, unsigned freedom) {
    double angle = atan(t / sqrt(freedom));
    double square = cos(angle) * cos(angle);
    bool odd = freedom % 2 != 0;
    double term = odd ? cos(angle) : 1, sum = freedom == 1 ? 0 : term;
    for (unsigned i = odd ? 3 : 2; i + 1 < freedom; i += 2) {
        term *= square * (i - 1 + 0.0) / i;
        sum += term;
    }
    sum *= sin(angle);
    return odd ? 2 / M_PI * (angle + sum) : sum;
}

double combined_t_quantile(double tails, unsigned freedom) {
    double low = 0, high = 1e4;
    for (int i = 0; i < 80; i++) {
        double middle = (low + high) / 2;
        if (1 - combined_t_within(middle, freedom) > tails)
            low = middle;
        else
            high = middle;
    }
    return low;
}

double combined_error_of(const struct paired_interval *interval) {
    return (interval->high - interval->low) / 2 /
           paired_normal_quantile((1 - PAIRED_CONFIDENCE) / 2);
}

/* ---- the mean ---- */

/* Of all strata but `left_out`. */
struct combined_mean {
    unsigned count;
    double tau2, weight, estimate;
    double spread; /* weighted, of the estimates */
};

static double combined_variance(const struct combined_stratum *stratum) {
    return pow(fmax(stratum->error, COMBINED_ERROR_LEAST), 2);
}

static void combined_weigh(struct combined_mean *mean, const struct combined_stratum *strata,
                           unsigned count, unsigned left_out) {
    double sum = 0;
    mean->count = 0;
    mean->weight = 0;
    mean->spread = 0;
    for (unsigned i = 0; i < count; i++) {
        double weight = 1 / (combined_variance(&strata[i]) + mean->tau2);
        if (i == left_out)
            continue;
        mean->count++;
        mean->weight += weight;
        sum += weight * strata[i].estimate;
    }
    mean->estimate = sum / mean->weight;
    for (unsigned i = 0; i < count; i++)
        if (i != left_out)
            mean->spread += pow(strata[i].estimate - mean->estimate, 2) /
                            (combined_variance(&strata[i]) + mean->tau2);
}

/* With tau^2 = 0 first, which says how much tau^2 has to explain. */
static struct combined_mean combined_mean_of(const struct combined_stratum *strata, unsigned count,
                                             unsigned left_out) {
    struct combined_mean mean = {0};
    double squares = 0;
    combined_weigh(&mean, strata, count, left_out);
    for (unsigned i = 0; i < count; i++)
        if (i != left_out)
            squares += pow(combined_variance(&strata[i]), -2);
    double freedom = mean.count - 1.0;
    double scale = mean.weight - squares / mean.weight;
    double tau2 = scale > 0 ? fmax((mean.spread - freedom) / scale, 0) : 0;
    mean.tau2 = tau2;
    combined_weigh(&mean, strata, count, left_out);
    return mean;
}

/* Is it far from what all others say? */
static bool combined_is_outlying(const struct combined_stratum *strata, unsigned count,
                                 unsigned stratum) {
    struct combined_mean others = combined_mean_of(strata, count, stratum);
    double error = sqrt(combined_variance(&strata[stratum]) + others.tau2 + 1 / others.weight);
    /* As many degrees of freedom as the others leave for tau^2. */
    double reach = combined_t_quantile((1 - PAIRED_CONFIDENCE) / count, count - 2);
    return fabs(strata[stratum].estimate - others.estimate) > reach * error;
}

struct combined combined_make(struct combined_stratum *strata, unsigned count) {
    struct combined_mean mean = combined_mean_of(strata, count, count);
    struct combined combined = {.all.estimate = mean.estimate, .tau = sqrt(mean.tau2)};
    for (unsigned i = 0; i < count; i++)
        strata[i].outlying = count >= 3 && combined_is_outlying(strata, count, i);
    if (count < 2) {
        combined.error = strata[0].error;
        return combined;
    }
    double tails = 1 - PAIRED_CONFIDENCE;
    double reach = combined_t_quantile(tails, count - 1);
    combined.error = sqrt(fmax(mean.spread / (count - 1.0), 1) / mean.weight);
    combined.all.exists = true;
    combined.all.low = mean.estimate - reach * combined.error;
    combined.all.high = mean.estimate + reach * combined.error;
    if (count < 3)
        return combined;
    double far =
        combined_t_quantile(tails, count - 2) * sqrt(mean.tau2 + combined.error * combined.error);
    combined.another =
        (struct paired_interval){mean.estimate, mean.estimate - far, mean.estimate + far, true};
    return combined;
}
