/* One statement out of several that were made on their own, on other machines or at other times:
 * pure functions of numbers.
 *
 * Each stratum brings its estimate y_i of ln(variant / reference) and a standard error s_i. They
 * need not agree: machines differ. So the truth of a stratum is taken to vary about a common one,
 * with a variance tau^2 (random effects):
 *
 *   tau^2      DerSimonian and Laird (1986): what the y_i differ more than their s_i explain
 *   estimate   the mean of the y_i, weighted by 1 / (s_i^2 + tau^2)
 *   interval   Hartung and Knapp (2001): with the t distribution of k - 1 degrees of freedom and
 * the weighted spread of the y_i, which holds with few strata, too (IntHout et al. 2014); never
 * narrower than without that spread another    Higgins, Thompson and Spiegelhalter (2009): where
 * one more stratum is expected outlying   Viechtbauer and Cheung (2010): a stratum whose estimate
 * is far from the one that all others give, for k strata at 5 % / k (Bonferroni) by t with k - 2
 * degrees of freedom
 *
 * Only ratios are combined, and never times: a fast machine and a slow one have no common time.
 */
#ifndef STATS_COMBINED_H
#define STATS_COMBINED_H

#include "stats/paired.h"

struct combined_stratum {
    double estimate, error; /* of the logarithm */
    bool outlying;          /* combined_make() finds out; never with fewer than three */
};

struct combined {
    struct paired_interval all;     /* exists: from two strata on */
    struct paired_interval another; /* exists: from three on */
    double error;                   /* of all.estimate */
    double tau;                     /* standard deviation between strata */
};

/* The two-sided quantile of Student's t: P(|T| > result) = tails; `freedom` >= 1. */
double combined_t_quantile(double tails, unsigned freedom);

/* The standard error that an interval at PAIRED_CONFIDENCE stands for. */
double combined_error_of(const struct paired_interval *interval);

/* At least one stratum; with a single one it is that stratum's, without an interval. */
struct combined combined_make(struct combined_stratum *strata, unsigned count);

#endif
