/* From raw rounds to statements: each variant against the reference, metric by metric.
 *
 * A metric that came out the same in every run of both variants is exact and gets no interval:
 * there is nothing to estimate. For all others paired.h has the method.
 */
#ifndef MEASURE_ANALYSIS_H
#define MEASURE_ANALYSIS_H

#include "measure/metric.h"
#include "measure/rounds.h"
#include "stats/moments.h"
#include "stats/paired.h"

struct analysis {
    bool exact;       /* every run of the variant agrees, and every run of the reference */
    double reference; /* median over the rounds, in the metric's unit */
    double value;
    struct paired_interval difference; /* of ln(variant / reference) */
    double middle;                     /* the median of the rounds' own differences */
    enum paired_verdict verdict;
    double sigma;              /* of the differences */
    unsigned rounds_to_settle; /* in all; 0 unless inconclusive */
    struct paired_order order; /* who runs first matters? */
    double autocorrelation;    /* of successive rounds */
    bool autocorrelated;       /* beyond noise */
};

/* At least one round is there. `threshold` as in paired_judge. */
void analysis_make(struct analysis *analysis, const struct rounds *rounds, unsigned variant,
                   enum metric metric, double threshold);

/* Of all runs of a variant. */
struct moments analysis_moments(const struct rounds *rounds, unsigned variant, enum metric metric);

/* The largest sigma over all variants and all metrics that decide: what the number of rounds is
 * planned by. */
double analysis_worst_sigma(const struct rounds *rounds);

/* The largest half-width of an interval over the same, as a share; 0 when there is no interval yet.
 */
double analysis_worst_half_width(const struct rounds *rounds);

#endif
