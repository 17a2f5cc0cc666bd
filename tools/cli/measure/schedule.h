/* The order of the variants within each round.
 *
 * Machines drift, caches stay warm and whoever runs second may gain: a fixed order would certify
 * differences between identical programs. So rounds come in blocks in which every variant runs
 * equally often at every place, and the rounds of a block are shuffled:
 *
 *   two variants     a block of four rounds, AB AB BA BA, shuffled
 *   v > 2 variants   a block of v rounds, the rows of a cyclic Latin square over a random
 *                    relabelling, shuffled
 */
#ifndef MEASURE_SCHEDULE_H
#define MEASURE_SCHEDULE_H

#include "base/randomness.h"
#include "measure/rounds.h"

struct schedule {
    struct randomness randomness;
    unsigned variant_count;
    unsigned block_rounds; /* rounds in a block */
    unsigned next; /* the round of the block that comes next; block_rounds: draw a new one */
    unsigned char rows[ROUNDS_VARIANTS_MAX][ROUNDS_VARIANTS_MAX];
};

/* variant_count is 1 to ROUNDS_VARIANTS_MAX. */
void schedule_init(struct schedule *schedule, unsigned variant_count, uint64_t seed);

/* Fills order[0 .. variant_count - 1] with the variants in the order in which they run next. */
void schedule_next(struct schedule *schedule, unsigned char *order);

/* The least number of rounds, at least `rounds`, after which every variant has run equally often at
 * every place. */
unsigned schedule_round_up(const struct schedule *schedule, unsigned rounds);

#endif
