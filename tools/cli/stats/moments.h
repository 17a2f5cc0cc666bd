/* What other tools say of a sample: mean, standard deviation, extremes and outliers. A pure
 * function.
 *
 * No verdict rests on them: one slow run moves a mean, and a deviation says nothing about how sure
 * a difference is. They are there for who compares with such a tool, or writes a paper.
 */
#ifndef STATS_MOMENTS_H
#define STATS_MOMENTS_H

struct moments {
    double mean;
    double deviation; /* with n - 1; 0 for a single value */
    double minimum;
    double maximum;
    unsigned outliers; /* further from the median than 3.5 deviations, as their median tells them */
};

/* n >= 1. */
struct moments moments_of(const double *values, unsigned n);

#endif
