/* If this failed, `tagpool compare --headroom` would promise a gain that no allocator can give, or
 * hide one. */
#include "tap.h"

#include "measure/headroom.h"

#include <math.h>

/* Rounds of a program of 100 ms whose allocation takes `share` of it, drifting by `drift` from one
 * round to the next. */
static void make_rounds(struct rounds *rounds, double share, double drift) {
    *rounds = (struct rounds){.variant_count = HEADROOM_STEPS};
    for (unsigned i = 0; i < 8; i++) {
        struct round *round = rounds_add(rounds);
        for (unsigned k = 0; k < HEADROOM_STEPS; k++)
            round->results[k].user_us = (uint64_t)llround(1e5 * (1 + share * k) * (1 + drift * i));
    }
}

static void the_slope_gives_the_share_of_allocation(void) {
    struct rounds rounds;
    struct headroom headroom;
    make_rounds(&rounds, 0.14, 0);
    headroom_make(&headroom, &rounds, 0.1);
    CHECK(headroom.measured && headroom.rounds == 8);
    CHECK(fabs(headroom.share - 0.14) < 1e-6);
    CHECK(fabs(headroom.low - 0.14) < 1e-6 && fabs(headroom.high - 0.14) < 1e-6);
    CHECK(fabs(headroom.cpu_s[2] - 0.128) < 1e-6);
    rounds_free(&rounds);
}

static void a_drift_of_the_machine_widens_the_interval_about_the_truth(void) {
    struct rounds rounds;
    struct headroom headroom;
    make_rounds(&rounds, 0.14, 0.01);
    /* The plain program was measured in the middle of the drift. */
    headroom_make(&headroom, &rounds, 0.1035);
    CHECK(fabs(headroom.share - 0.14) < 1e-4);
    CHECK(headroom.low < 0.139 && headroom.high > 0.141);
    rounds_free(&rounds);
}

static void a_program_that_gets_faster_by_more_calls_has_no_headroom(void) {
    struct rounds rounds;
    struct headroom headroom;
    make_rounds(&rounds, -0.1, 0);
    headroom_make(&headroom, &rounds, 0.1);
    CHECK(headroom.share == 0 && headroom_ceiling(headroom.share) == 1);
    rounds_free(&rounds);
}

static void the_ceiling_follows_from_the_share_and_stays_finite(void) {
    CHECK(fabs(headroom_ceiling(0.14) - 1.1628) < 1e-4);
    CHECK(headroom_ceiling(0) == 1);
    CHECK(fabs(headroom_ceiling(2) - 20) < 1e-9);
}

static void rounds_are_bounded_by_what_they_cost(void) {
    CHECK(headroom_rounds_for(15, 0.1) == HEADROOM_ROUNDS_MOST);
    CHECK(headroom_rounds_for(3.7, 0.1) == HEADROOM_ROUNDS_LEAST);
    CHECK(headroom_rounds_for(3.5, 0.1) == 0);
    CHECK(headroom_rounds_for(0, 0) == 0);
}

int main(void) {
    TAP_RUN(the_slope_gives_the_share_of_allocation);
    TAP_RUN(a_drift_of_the_machine_widens_the_interval_about_the_truth);
    TAP_RUN(a_program_that_gets_faster_by_more_calls_has_no_headroom);
    TAP_RUN(the_ceiling_follows_from_the_share_and_stays_finite);
    TAP_RUN(rounds_are_bounded_by_what_they_cost);
    return tap_done();
}
