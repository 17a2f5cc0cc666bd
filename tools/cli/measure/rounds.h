/* The raw data of a measurement: rounds, in each of which every variant ran once.
 *
 *   round 0   [B, A]      order: who ran at which place
 *   round 1   [A, B]      results: by variant, wherever it ran
 *
 * Zeroed rounds are empty ones; variant_count and reference are the owner's to set. The last round
 * may be half filled while it runs, and after an experiment that failed.
 *
 * What is known of every run is in its launch_result. Metrics that this measurement alone has are
 * declared with rounds_own() before the first round; then each run has its number of them, above 0,
 * in own[variant][n]. Everybody who goes through the metrics counts to rounds_metrics().
 */
#ifndef MEASURE_ROUNDS_H
#define MEASURE_ROUNDS_H

#include "measure/metric.h"
#include "target/variant.h"

#include <stddef.h>

enum { ROUNDS_VARIANTS_MAX = VARIANTS_MAX };

struct round {
    unsigned char order[ROUNDS_VARIANTS_MAX]; /* order[place] = variant */
    size_t padding_bytes;                     /* by which the environment was made larger */
    unsigned turn; /* where several commands take turns: its place among them */
    struct launch_result results[ROUNDS_VARIANTS_MAX]; /* by variant */
    double own[ROUNDS_VARIANTS_MAX][METRICS_OWN_MAX];  /* by variant and own metric */
};

struct rounds {
    unsigned variant_count;
    unsigned reference; /* the variant that the others are compared with */
    unsigned count;
    struct round *items;
    unsigned own_count;
    struct metric_about own[METRICS_OWN_MAX]; /* their texts are somebody else's */
};

/* A new, zeroed round at the end; valid until the next call. */
struct round *rounds_add(struct rounds *rounds);

/* Gives the rounds back: none are left. */
void rounds_free(struct rounds *rounds);

/* Declares one more metric, and returns its place in own[]. At most METRICS_OWN_MAX exist. */
unsigned rounds_own(struct rounds *rounds, const struct metric_about *about);

/* Of all metrics: those of metric.h, then the own ones. */
unsigned rounds_metrics(const struct rounds *rounds);
const struct metric_about *rounds_about(const struct rounds *rounds, enum metric metric);

/* As metric_value, of any of them. */
double rounds_value(const struct rounds *rounds, unsigned index, unsigned variant,
                    enum metric metric);

#endif
