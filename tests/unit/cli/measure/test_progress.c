/* If this failed, who waits would be told of less time, or of fewer rounds, than it takes. */
#include "tap.h"

#include "measure/progress.h"

#include <math.h>

/* `count` rounds of a second each, whose differences lie `spread` apart. */
static void make(struct result *result, unsigned count, double spread) {
    *result = (struct result){
        .plan = {.max_runs = PLAN_MOST_ROUNDS, .duration_s = 100, .precision = 0.01},
        .rounds.variant_count = 2,
        .elapsed_s = count,
    };
    for (unsigned i = 0; i < count; i++) {
        struct round *round = rounds_add(&result->rounds);
        for (int variant = 0; variant < 2; variant++)
            round->results[variant] = (struct launch_result){
                .wall_ns = (uint64_t)(5e8 * (1 + spread * variant * (i % 3))),
                .user_us = (uint64_t)(5e5 * (1 + spread * variant * (i % 3)))};
    }
}

static void before_there_is_a_spread_the_next_decision_is_what_is_expected(void) {
    struct result result;
    make(&result, 3, 0.5);
    CHECK(progress_expect(&result, 8) == 8);
    rounds_free(&result.rounds);
}

static void a_spread_that_needs_many_rounds_shows_at_once(void) {
    struct result result;
    make(&result, 6, 0.02);
    unsigned expected = progress_expect(&result, 8);
    CHECK_SAY(expected > 30 && expected <= 100, "%u", expected);
    CHECK(fabs(progress_left_s(&result, expected) - (expected - 6)) < 0.01);
    result.plan.duration_s = 20;
    CHECK_SAY(progress_expect(&result, 8) == 20, "%u", progress_expect(&result, 8));
    result.plan.min_runs = 30;
    CHECK(progress_expect(&result, 32) == 30);
    rounds_free(&result.rounds);
}

static void a_time_that_was_asked_for_is_in_the_time_left(void) {
    struct result result;
    make(&result, 6, 0);
    result.plan.min_time_s = 50;
    unsigned expected = progress_expect(&result, 8);
    CHECK_SAY(expected == 50, "%u", expected);
    CHECK(fabs(progress_left_s(&result, expected) - 44) < 0.01);
    result.plan.max_runs = 20;
    CHECK_SAY(progress_expect(&result, 8) == 20, "%u", progress_expect(&result, 8));
    rounds_free(&result.rounds);
}

static void a_number_of_rounds_that_was_asked_for_is_kept(void) {
    struct result result;
    make(&result, 6, 0.5);
    result.plan.runs = 9;
    CHECK(progress_expect(&result, 9) == 9);
    CHECK(fabs(progress_left_s(&result, 9) - 3) < 0.01);
    rounds_free(&result.rounds);
}

int main(void) {
    TAP_RUN(before_there_is_a_spread_the_next_decision_is_what_is_expected);
    TAP_RUN(a_spread_that_needs_many_rounds_shows_at_once);
    TAP_RUN(a_time_that_was_asked_for_is_in_the_time_left);
    TAP_RUN(a_number_of_rounds_that_was_asked_for_is_kept);
    return tap_done();
}
