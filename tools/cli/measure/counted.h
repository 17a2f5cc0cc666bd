/* What the processor's counters say about a comparison, from rounds of their own.
 *
 * The timed rounds run without counters. Here too each round runs every variant once, and a
 * difference is that of analysis.h: an estimate with its interval.
 */
#ifndef MEASURE_COUNTED_H
#define MEASURE_COUNTED_H

#include "measure/rounds.h"
#include "stats/paired.h"

enum { COUNTED_ROUNDS = 6 };

struct counted {
    bool measured;
    unsigned rounds;
    int errors[COUNTER_COUNT];                          /* 0: counted in every run */
    double medians[ROUNDS_VARIANTS_MAX][COUNTER_COUNT]; /* where counted */
    struct paired_interval differences[ROUNDS_VARIANTS_MAX][COUNTER_COUNT]; /* of logarithms */
};

/* From rounds that ran with counters; one at least. */
void counted_make(struct counted *counted, const struct rounds *rounds);

#endif
