/* Repeatable random numbers for tests: the same seed gives the same numbers on every machine.
 *
 * The generator is splitmix64 (Steele, Lea, Flood 2014). Any state will do to begin with, 0 and
 * neighbouring numbers too. It draws nothing from the program under test.
 */
#ifndef RANDOM_H
#define RANDOM_H

#include <stdint.h>

static inline uint32_t random_next(uint64_t *state) {
    uint64_t mixed = (*state += 0x9e3779b97f4a7c15u);
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)((mixed ^ mixed >> 31) >> 32);
}

/* A number in [0, below); below must not be 0. */
static inline uint32_t random_below(uint64_t *state, uint32_t below) {
    return (uint32_t)((uint64_t)random_next(state) * below >> 32);
}

#endif
