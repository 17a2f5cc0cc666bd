/* Threads that exchange blocks at random: each makes a block, swaps it into a shared slot, and
 * checks and frees whatever was there, which mostly another thread has made. Prints the number of
 * blocks and a sum over all of them that does not depend on who met whom. */
#include <stdatomic.h>

#include "block.h"
#include "command_line.h"
#include "workers.h"

#define SLOTS_MAX 65536

typedef _Atomic(struct block *) slot;

struct trader {
    slot *slots;
    uint64_t slot_count;
    uint64_t rounds;
    uint64_t seed;
    uint64_t sum;         /* of the blocks it has freed */
    uint64_t freed_count; /* how many these were */
};

static void *trader_run(void *context) {
    struct trader *trader = context;
    struct prng prng = {.state = trader->seed};
    for (uint64_t round = 0; round < trader->rounds; round++) {
        uint64_t draw = prng_next(&prng);
        struct block *block = block_make(draw, block_draw_bytes(&prng));
        /* Release: the taker sees the content. Acquire: we see that of the block we get. The
         * partner of both is the same line in another thread, and the last collection after the
         * join. */
        block = atomic_exchange_explicit(&trader->slots[draw % trader->slot_count], block,
                                         memory_order_acq_rel);
        if (block != NULL) {
            trader->sum += block_free(block);
            trader->freed_count++;
        }
    }
    return NULL;
}

int main(int argc, char **argv) {
    static slot slots[SLOTS_MAX];
    uint64_t threads = 2;
    uint64_t rounds = 2500000;
    uint64_t slot_count = 256;
    const struct command_option options[] = {
        {'t', &threads, 2, 8},
        {'n', &rounds, 1, 1000000000},
        {'s', &slot_count, 1, SLOTS_MAX},
    };
    const struct command command = {
        .name = "threads_exchange",
        .usage = "[-t THREADS (2 to 8)] [-n ROUNDS (of each thread)] [-s SLOTS]",
        .options = options,
        .option_count = 3,
    };
    command_parse(&command, argc, argv);
    struct trader traders[8];
    for (uint64_t i = 0; i < threads; i++)
        traders[i] = (struct trader){
            .slots = slots, .slot_count = slot_count, .rounds = rounds, .seed = i + 1};
    workers_run(threads, trader_run, traders, sizeof traders[0]);
    uint64_t sum = 0;
    uint64_t freed_count = 0;
    for (uint64_t i = 0; i < threads; i++) {
        sum += traders[i].sum;
        freed_count += traders[i].freed_count;
    }
    for (uint64_t i = 0; i < slot_count; i++) {
        struct block *block = atomic_load_explicit(&slots[i], memory_order_relaxed);
        if (block != NULL) {
            sum += block_free(block);
            freed_count++;
        }
    }
    printf("%" PRIu64 " blocks exchanged, sum %016" PRIx64 "\n", freed_count, sum);
    return freed_count != threads * rounds;
}
