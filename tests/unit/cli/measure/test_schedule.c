/* If this failed, who runs first could decide who is faster. */
#include "tap.h"

#include "measure/schedule.h"

#include <stdbool.h>

/* How often each variant ran at each place in `rounds` rounds; false if a round is no permutation.
 */
static bool count_places(struct schedule *schedule, unsigned rounds,
                         unsigned counts[ROUNDS_VARIANTS_MAX][ROUNDS_VARIANTS_MAX]) {
    unsigned char order[ROUNDS_VARIANTS_MAX];
    for (unsigned i = 0; i < rounds; i++) {
        unsigned seen = 0;
        schedule_next(schedule, order);
        for (unsigned place = 0; place < schedule->variant_count; place++) {
            if (order[place] >= schedule->variant_count || (seen & 1U << order[place]) != 0)
                return false;
            seen |= 1U << order[place];
            counts[order[place]][place]++;
        }
    }
    return true;
}

static void every_variant_runs_equally_often_at_every_place(void) {
    for (unsigned variants = 1; variants <= ROUNDS_VARIANTS_MAX; variants++) {
        unsigned counts[ROUNDS_VARIANTS_MAX][ROUNDS_VARIANTS_MAX] = {0};
        struct schedule schedule;
        schedule_init(&schedule, variants, 4711 + variants);
        unsigned rounds = schedule_round_up(&schedule, 30);
        CHECK(rounds >= 30 && rounds < 30 + ROUNDS_VARIANTS_MAX);
        CHECK(count_places(&schedule, rounds, counts));
        for (unsigned variant = 0; variant < variants; variant++)
            for (unsigned place = 0; place < variants; place++)
                CHECK_SAY(counts[variant][place] == rounds / variants,
                          "variant %u of %u ran %u times at place %u", variant, variants,
                          counts[variant][place], place);
    }
}

static void eight_pilot_rounds_of_two_variants_are_balanced(void) {
    for (uint64_t seed = 0; seed < 50; seed++) {
        unsigned counts[ROUNDS_VARIANTS_MAX][ROUNDS_VARIANTS_MAX] = {0};
        struct schedule schedule;
        schedule_init(&schedule, 2, seed);
        CHECK(count_places(&schedule, 8, counts));
        CHECK(counts[0][0] == 4 && counts[1][0] == 4);
    }
}

static void the_same_seed_gives_the_same_order_and_another_seed_another(void) {
    unsigned differences[2] = {0, 0};
    struct schedule schedules[3];
    schedule_init(&schedules[0], 3, 1);
    schedule_init(&schedules[1], 3, 1);
    schedule_init(&schedules[2], 3, 2);
    for (int i = 0; i < 60; i++) {
        unsigned char orders[3][ROUNDS_VARIANTS_MAX];
        for (int j = 0; j < 3; j++)
            schedule_next(&schedules[j], orders[j]);
        differences[0] += memcmp(orders[0], orders[1], 3) != 0;
        differences[1] += memcmp(orders[0], orders[2], 3) != 0;
    }
    CHECK(differences[0] == 0);
    CHECK(differences[1] > 10);
}

static void the_order_is_shuffled_not_alternating(void) {
    struct schedule schedule;
    unsigned changes = 0;
    unsigned char before[ROUNDS_VARIANTS_MAX] = {0};
    schedule_init(&schedule, 2, 99);
    for (int i = 0; i < 200; i++) {
        unsigned char order[ROUNDS_VARIANTS_MAX];
        schedule_next(&schedule, order);
        changes += i > 0 && order[0] != before[0];
        memcpy(before, order, sizeof before);
    }
    /* A shuffle changes in about 58 % of the steps (2 of 3 within a block, 1 of 2 between);
     * alternation would in all. */
    CHECK_SAY(changes > 80 && changes < 160, "%u changes in 200 rounds", changes);
}

int main(void) {
    TAP_RUN(every_variant_runs_equally_often_at_every_place);
    TAP_RUN(eight_pilot_rounds_of_two_variants_are_balanced);
    TAP_RUN(the_same_seed_gives_the_same_order_and_another_seed_another);
    TAP_RUN(the_order_is_shuffled_not_alternating);
    return tap_done();
}
