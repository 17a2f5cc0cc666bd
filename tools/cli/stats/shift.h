/* By how much one sample lies above another that was taken at another time: pure functions.
 *
 * Two sessions have no rounds in common, so nothing is paired. Of x_1 ... x_n and y_1 ... y_m come
 *
 *   the estimate   Hodges-Lehmann: the median of the n m differences y_j - x_i
 *   the interval   [D_(k), D_(nm+1-k)] of the sorted differences, k from the exact distribution of
 *                  the Mann-Whitney statistic (normal approximation above 60 values)
 */
#ifndef STATS_SHIFT_H
#define STATS_SHIFT_H

#include "stats/paired.h"

/* The largest k with P(U <= k-1) <= (1 - confidence) / 2, or 0 when there is none. */
unsigned shift_rank_k(unsigned n, unsigned m, double confidence);

/* At PAIRED_CONFIDENCE; n, m >= 1. Below four values each no interval exists. */
struct paired_interval shift_estimate(const double *x, unsigned n, const double *y, unsigned m);

#endif
