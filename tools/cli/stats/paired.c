#include "stats/paired.h"

#include "base/memory.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRED_EXACT_ROUNDS = 60 };

/* Two-sided 99 %: a warning that shows up once in a hundred calm sessions is no nuisance. */
#define PAIRED_WARNING_DEVIATIONS 2.576

static int paired_order_of(const void *left, const void *right) {
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

static double paired_sorted_median(const double *sorted, unsigned long n) {
    return n % 2 != 0 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

double paired_median(const double *values, unsigned n) {
    double *sorted = memory_array(n, sizeof *sorted);
    memcpy(sorted, values, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, paired_order_of);
    double median = n == 0 ? 0 : paired_sorted_median(sorted, n);
    free(sorted);
    return median;
}

double paired_sigma(const double *values, unsigned n) {
    double *distance = memory_array(n, sizeof *distance);
    double median = paired_median(values, n);
    for (unsigned i = 0; i < n; i++)
        distance[i] = fabs(values[i] - median);
    double sigma = 1.4826 * paired_median(distance, n);
    free(distance);
    return sigma;
}

/* By bisection on erfc: two lines instead of a table of coefficients. */
double paired_normal_quantile(double tail) {
    double low = 0, high = 10;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        if (erfc(middle / sqrt(2)) / 2 > tail)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static unsigned paired_exact_k(unsigned n, double tail) {
    unsigned sums = n * (n + 1) / 2;
    double *p = memory_array(sums + 1, sizeof *p);
    /* p[s] = P(W+ = s): each rank i is added with probability one half. */
    p[0] = 1;
    for (unsigned i = 1; i <= n; i++)
        for (unsigned s = sums + 1; s-- > 0;)
            p[s] = (p[s] + (s >= i ? p[s - i] : 0)) / 2;
    unsigned k = 0;
    double below = p[0];
    while (below <= tail && k < sums)
        below += p[++k];
    free(p);
    return k;
}

unsigned paired_signed_rank_k(unsigned n, double confidence) {
    double tail = (1 - confidence) / 2;
    if (n == 0)
        return 0;
    if (n <= PAIRED_EXACT_ROUNDS)
        return paired_exact_k(n, tail);
    double count = n;
    double mean = count * (count + 1) / 4;
    double deviation = sqrt(count * (count + 1) * (2 * count + 1) / 24);
    double k = floor(mean - paired_normal_quantile(tail) * deviation + 0.5);
    return k < 0 ? 0 : (unsigned)k;
}

struct paired_interval paired_estimate(const double *differences, unsigned n) {
    size_t count = (size_t)n * (n + 1) / 2;
    double *walsh = memory_array(count, sizeof *walsh);
    size_t next = 0;
    for (unsigned i = 0; i < n; i++)
        for (unsigned j = i; j < n; j++)
            walsh[next++] = (differences[i] + differences[j]) / 2;
    qsort(walsh, count, sizeof *walsh, paired_order_of);
    struct paired_interval interval = {.estimate = paired_sorted_median(walsh, count)};
    unsigned k = paired_signed_rank_k(n, PAIRED_CONFIDENCE);
    if (k > 0) {
        interval.exists = true;
        interval.low = walsh[k - 1];
        interval.high = walsh[count - k];
    }
    free(walsh);
    return interval;
}

unsigned paired_rounds_for(double sigma, double half_width, unsigned most) {
    double rounds = ceil(pow(2.4 * sigma / half_width, 2));
    return rounds < most ? (unsigned)rounds : most;
}

double paired_share(double difference) {
    return expm1(difference);
}

enum paired_verdict paired_judge(const struct paired_interval *interval, double threshold) {
    if (!interval->exists)
        return PAIRED_INCONCLUSIVE;
    double low = paired_share(interval->low);
    double high = paired_share(interval->high);
    if (high < -threshold)
        return PAIRED_FASTER;
    if (low > threshold)
        return PAIRED_SLOWER;
    if (low >= -threshold && high <= threshold)
        return PAIRED_NO_DIFFERENCE;
    if (high < 0)
        return PAIRED_SLIGHTLY_FASTER;
    if (low > 0)
        return PAIRED_SLIGHTLY_SLOWER;
    return PAIRED_INCONCLUSIVE;
}

unsigned paired_rounds_to_settle(const struct paired_interval *interval, unsigned n,
                                 double threshold) {
    if (!interval->exists)
        return PAIRED_ROUNDS_FOR_INTERVAL;
    /* Settled is what excludes 0 or lies wholly within the threshold, whichever takes fewer rounds.
     */
    double distance = fabs(interval->estimate);
    double to_reach = fmax(distance, threshold - distance);
    double half_width = (interval->high - interval->low) / 2;
    double rounds = ceil(n * pow(half_width / to_reach, 2));
    if (!(rounds < UINT_MAX))
        return UINT_MAX;
    return rounds > n ? (unsigned)rounds : n + 1;
}

double paired_autocorrelation(const double *values, unsigned n) {
    double mean = 0, spread = 0, product = 0;
    for (unsigned i = 0; i < n; i++)
        mean += values[i] / n;
    for (unsigned i = 0; i < n; i++) {
        spread += (values[i] - mean) * (values[i] - mean);
        if (i > 0)
            product += (values[i] - mean) * (values[i - 1] - mean);
    }
    return spread > 0 ? product / spread : 0;
}

struct paired_order paired_order_effect(const double *differences, const bool *first, unsigned n) {
    double *half[2] = {memory_array(n, sizeof(double)), memory_array(n, sizeof(double))};
    unsigned count[2] = {0, 0};
    for (unsigned i = 0; i < n; i++)
        half[first[i]][count[first[i]]++] = differences[i];
    struct paired_order order = {0};
    if (count[0] > 0 && count[1] > 0) {
        order.effect = (paired_median(half[1], count[1]) - paired_median(half[0], count[0])) / 2;
        /* The standard error of a median is 1.2533 sigma / sqrt(n); sigma from within each half. */
        double a = paired_sigma(half[0], count[0]);
        double b = paired_sigma(half[1], count[1]);
        double error = 1.2533 / 2 * sqrt(a * a / count[0] + b * b / count[1]);
        order.significant = n >= PAIRED_ROUNDS_FOR_INTERVAL + 2 && error > 0 &&
                            fabs(order.effect) > PAIRED_WARNING_DEVIATIONS * error;
    }
    free(half[0]);
    free(half[1]);
    return order;
}
