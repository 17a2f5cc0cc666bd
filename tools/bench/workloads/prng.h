/* Random numbers that are the same on every machine (splitmix64, by Sebastiano Vigna). */
#ifndef WORKLOADS_PRNG_H
#define WORKLOADS_PRNG_H

#include <stdint.h>

struct prng {
    uint64_t state; /* any value is a good seed */
};

static inline uint64_t prng_next(struct prng *prng) {
    uint64_t mixed = (prng->state += 0x9e3779b97f4a7c15u);
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
}

/* From 0 to limit - 1; limit is 1 to 2^32. */
static inline uint32_t prng_below(struct prng *prng, uint64_t limit) {
    return (uint32_t)(((prng_next(prng) >> 32) * limit) >> 32);
}

#endif
