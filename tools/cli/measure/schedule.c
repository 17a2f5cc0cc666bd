#include "measure/schedule.h"

#include <assert.h>
#include <string.h>

static void schedule_shuffle(struct randomness *randomness, unsigned char *items, unsigned count) {
    for (unsigned i = count; i > 1; i--) {
        unsigned j = randomness_below(randomness, i);
        unsigned char item = items[i - 1];
        items[i - 1] = items[j];
        items[j] = item;
    }
}

void schedule_init(struct schedule *schedule, unsigned variant_count, uint64_t seed) {
    assert(variant_count >= 1 && variant_count <= ROUNDS_VARIANTS_MAX);
    unsigned block_rounds = variant_count == 2 ? 4 : variant_count;
    *schedule = (struct schedule){
        .randomness = {seed},
        .variant_count = variant_count,
        .block_rounds = block_rounds,
        .next = block_rounds,
    };
}

static void schedule_draw_block(struct schedule *schedule) {
    unsigned count = schedule->variant_count;
    unsigned char label[ROUNDS_VARIANTS_MAX] = {0};
    unsigned char shift[ROUNDS_VARIANTS_MAX] = {0};
    assert(count >= 1);
    for (unsigned i = 0; i < count; i++)
        label[i] = (unsigned char)i;
    for (unsigned i = 0; i < schedule->block_rounds; i++)
        shift[i] = (unsigned char)(i % count);
    schedule_shuffle(&schedule->randomness, label, count);
    schedule_shuffle(&schedule->randomness, shift, schedule->block_rounds);
    for (unsigned row = 0; row < schedule->block_rounds; row++)
        for (unsigned place = 0; place < count; place++)
            schedule->rows[row][place] = label[(place + shift[row]) % count];
    schedule->next = 0;
}

void schedule_next(struct schedule *schedule, unsigned char *order) {
    if (schedule->next == schedule->block_rounds)
        schedule_draw_block(schedule);
    memcpy(order, schedule->rows[schedule->next++], schedule->variant_count);
}

unsigned schedule_round_up(const struct schedule *schedule, unsigned rounds) {
    unsigned step = schedule->block_rounds;
    return (rounds + step - 1) / step * step;
}
