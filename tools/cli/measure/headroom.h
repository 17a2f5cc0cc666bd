/* How much there is to gain at all: the share of CPU time that goes into allocation, by inflation.
 *
 * In each round the program runs with k = 0, 1 and 2 extra pairs of malloc and free behind each
 * request (tagpool/inflate.h). The slope of CPU time over k is what one pair per request costs, and
 * the line goes on to k = -1, the program without its own:
 *
 *   share   = slope / CPU time of the plain program
 *   ceiling = 1 / (1 - share), how many times as fast a free allocator makes it at most
 *
 * It counts the calls alone. A pool also places blocks closer together, which saves page faults and
 * cache misses elsewhere, so that a program may gain more than this.
 */
#ifndef MEASURE_HEADROOM_H
#define MEASURE_HEADROOM_H

#include "measure/rounds.h"

#include <stdbool.h>

enum { HEADROOM_STEPS = 3, HEADROOM_ROUNDS_LEAST = 6, HEADROOM_ROUNDS_MOST = 12 };

struct headroom {
    bool measured;
    unsigned rounds;
    double cpu_s[HEADROOM_STEPS]; /* medians for k = 0, 1, 2 */
    double share, low, high;      /* between 0 and HEADROOM_SHARE_MOST; 95 % interval */
};

#define HEADROOM_SHARE_MOST 0.95

/* From rounds whose variant k ran with k extra pairs; `plain_s` is the plain program's CPU time. At
 * least HEADROOM_ROUNDS_LEAST rounds are there. */
void headroom_make(struct headroom *headroom, const struct rounds *rounds, double plain_s);

/* 1.16 for a share of 0.14. */
double headroom_ceiling(double share);

/* How many rounds cost at most `seconds`, when a plain run takes `run_s`; 0 when fewer than
 * HEADROOM_ROUNDS_LEAST do. */
unsigned headroom_rounds_for(double seconds, double run_s);

#endif
