/* Repeatable random numbers: the same seed gives the same run on every machine.
 *
 * The generator is splitmix64 (Steele, Lea, Flood 2014). It orders measurements; it keeps no
 * secrets.
 */
#ifndef BASE_RANDOMNESS_H
#define BASE_RANDOMNESS_H

#include <stdint.h>

struct randomness {
    uint64_t state; /* the seed to begin with */
};

uint64_t randomness_next(struct randomness *randomness);

/* A number in [0, bound); bound must not be 0. */
uint32_t randomness_below(struct randomness *randomness, uint32_t bound);

/* A number in [0, 1). */
double randomness_fraction(struct randomness *randomness);

/* A seed that differs from run to run, small enough to be typed. */
uint64_t randomness_fresh_seed(void);

#endif
