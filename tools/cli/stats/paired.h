/* The statistics of paired rounds: pure functions of numbers, no input or output.
 *
 * Per round and metric, d = ln(variant / reference). From the n values of d come
 *
 *   the estimate   Hodges-Lehmann: the median of the M = n(n+1)/2 Walsh averages (d_i + d_j)/2,
 *                  i <= j
 *   the interval   [W_(k), W_(M+1-k)] of the sorted Walsh averages, k from the exact distribution
 *                  of the signed-rank statistic (normal approximation above n = 60); it holds the
 *                  truth 95 % of the time, whatever the distribution of d, as long as that is
 *                  symmetric about the truth
 *   the verdict    where the interval lies against 0 and the noise threshold
 *
 * Below six rounds no 95 % interval exists; `exists` is then false and low, high are meaningless.
 */
#ifndef STATS_PAIRED_H
#define STATS_PAIRED_H

#include <stdbool.h>

#define PAIRED_CONFIDENCE 0.95

enum { PAIRED_ROUNDS_FOR_INTERVAL = 6 };

/* In natural logarithms of the ratio, as are all differences here. */
struct paired_interval {
    double estimate;
    double low, high;
    bool exists;
};

enum paired_verdict {
    PAIRED_FASTER,          /* wholly below -threshold; for memory: less */
    PAIRED_SLIGHTLY_FASTER, /* below 0, but touching -threshold */
    PAIRED_NO_DIFFERENCE,   /* wholly within the threshold */
    PAIRED_SLIGHTLY_SLOWER,
    PAIRED_SLOWER,
    PAIRED_INCONCLUSIVE, /* holds 0 and goes beyond the threshold, or no interval exists */
};

/* The largest k with P(W+ <= k-1) <= (1 - confidence) / 2, or 0 when there is none. */
unsigned paired_signed_rank_k(unsigned n, double confidence);

/* The standard normal quantile of 1 - tail. */
double paired_normal_quantile(double tail);

double paired_median(const double *values, unsigned n);

/* 1.4826 * median(|d - median(d)|): the standard deviation, if outliers are left aside. */
double paired_sigma(const double *values, unsigned n);

/* Estimate and interval at PAIRED_CONFIDENCE; n >= 1. */
struct paired_interval paired_estimate(const double *differences, unsigned n);

/* Rounds after which an interval of half-width `half_width` can be expected: ceil((2.4 sigma /
 * h)^2), at most `most`. */
unsigned paired_rounds_for(double sigma, double half_width, unsigned most);

/* `threshold` is a share, 0.01 for 1 %. */
enum paired_verdict paired_judge(const struct paired_interval *interval, double threshold);

/* How many rounds an inconclusive comparison would need in all, judged by its interval after n
 * rounds. */
unsigned paired_rounds_to_settle(const struct paired_interval *interval, unsigned n,
                                 double threshold);

/* exp(d) - 1: -0.098 for 9.8 % less. */
double paired_share(double difference);

/* Lag-1 autocorrelation, in [-1, 1]; 0 when the values do not vary. */
double paired_autocorrelation(const double *values, unsigned n);

/* The order effect (median d when the reference ran first - median d when second) / 2, and whether
 * it stands out of the noise. `first[i]` tells if the reference ran before the variant in round i.
 */
struct paired_order {
    double effect;
    bool significant;
};
struct paired_order paired_order_effect(const double *differences, const bool *first, unsigned n);

#endif
