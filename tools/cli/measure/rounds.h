/* The raw data of a measurement: rounds, in each of which every variant ran once.
 *
 *   round 0   [B, A]      order: who ran at which place
 *   round 1   [A, B]      results: by variant, wherever it ran
 *
 * Zeroed rounds are empty ones; variant_count and reference are the owner's to set. The last round
 * may be half filled while it runs, and after an experiment that failed.
 */
#ifndef MEASURE_ROUNDS_H
#define MEASURE_ROUNDS_H

#include "launch/launcher.h"

#include <stddef.h>

enum { ROUNDS_VARIANTS_MAX = 16 };

struct round {
    unsigned char order[ROUNDS_VARIANTS_MAX]; /* order[place] = variant */
    size_t padding_bytes;                     /* by which the environment was made larger */
    struct launch_result results[ROUNDS_VARIANTS_MAX]; /* by variant */
};

struct rounds {
    unsigned variant_count;
    unsigned reference; /* the variant that the others are compared with */
    unsigned count;
    struct round *items;
};

/* A new, zeroed round at the end; valid until the next call. */
struct round *rounds_add(struct rounds *rounds);

/* Gives the rounds back: none are left. */
void rounds_free(struct rounds *rounds);

#endif
