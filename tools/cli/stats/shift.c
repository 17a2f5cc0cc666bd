#include "stats/shift.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

enum { SHIFT_EXACT_VALUES = 60 };

static int shift_order_of(const void *left, const void *right) {
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

/* How many of the orders of n + m values give U = u is the coefficient of q^u in the Gaussian
 * binomial, the product over i = 1 ... m of (1 - q^(n+i)) / (1 - q^i). Low coefficients come from
 * lower ones alone, so that they stay exact where the middle ones are rounded. */
static double *shift_counts(unsigned n, unsigned m) {
    unsigned most = n * m;
    double *counts = memory_array(most + 1, sizeof *counts);
    counts[0] = 1;
    for (unsigned i = 1; i <= m; i++) {
        for (unsigned u = most; u >= n + i; u--)
            counts[u] -= counts[u - n - i];
        for (unsigned u = i; u <= most; u++)
            counts[u] += counts[u - i];
    }
    return counts;
}

static unsigned shift_exact_k(unsigned n, unsigned m, double tail) {
    double *counts = shift_counts(n, m);
    double all = 1;
    for (unsigned i = 1; i <= m; i++)
        all = all * (n + i) / i;
    unsigned k = 0;
    double below = counts[0];
    while (below <= tail * all && k < n * m)
        below += counts[++k];
    free(counts);
    return k;
}

unsigned shift_rank_k(unsigned n, unsigned m, double confidence) {
    double tail = (1 - confidence) / 2;
    if (n == 0 || m == 0)
        return 0;
    if (n <= SHIFT_EXACT_VALUES && m <= SHIFT_EXACT_VALUES)
        return shift_exact_k(n, m, tail);
    double mean = (double)n * m / 2;
    double deviation = sqrt((double)n * m * ((double)n + m + 1) / 12);
    double k = floor(mean - paired_normal_quantile(tail) * deviation + 0.5);
    return k < 0 ? 0 : (unsigned)k;
}

struct paired_interval shift_estimate(const double *x, unsigned n, const double *y, unsigned m) {
    size_t count = (size_t)n * m;
    double *differences = memory_array(count, sizeof *differences);
    for (unsigned i = 0; i < n; i++)
        for (unsigned j = 0; j < m; j++)
            differences[(size_t)i * m + j] = y[j] - x[i];
    qsort(differences, count, sizeof *differences, shift_order_of);
    struct paired_interval interval = {
        .estimate = (differences[(count - 1) / 2] + differences[count / 2]) / 2};
    unsigned k = shift_rank_k(n, m, PAIRED_CONFIDENCE);
    if (k > 0) {
        interval.exists = true;
        interval.low = differences[k - 1];
        interval.high = differences[count - k];
    }
    free(differences);
    return interval;
}
