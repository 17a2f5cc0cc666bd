/* Bursts of mixed sizes in short threads: each thread allocates blocks of 8 bytes to 100 KiB, frees
 * two thirds of them soon and the rest at its end, and exchanges some with other threads by way of
 * a table. Some threads do eight times as much as others. Prints how many blocks there were. */
#include "command_line.h"
#include "prng.h"
#include "workers.h"

#include <stdatomic.h>

enum {
    EXCHANGED = 1000,
    WORD_SHIFTS = 5,      /* most blocks have 1 to 16 words, */
    KEPT_WORD_SHIFTS = 7, /* those that are kept to the end 1 to 64, */
    LARGE_FACTOR = 100,   /* and one in a hundred is so many times as large */
    EMPTY_THE_TABLE_EACH = 10,
};

static _Atomic(uint64_t *) exchanged[EXCHANGED];

struct burst {
    struct prng prng;
    uint64_t blocks;
    uint64_t made;
    uint64_t damaged;
};

static int is_lucky(struct prng *prng, uint32_t percent) {
    return prng_below(prng, 100) < percent;
}

/* Its first word is its size, its last one the opposite. */
static uint64_t *make(struct burst *burst, uint32_t shifts) {
    size_t words = ((size_t)1 << prng_below(&burst->prng, shifts)) + 1;
    if (is_lucky(&burst->prng, 1))
        words *= LARGE_FACTOR;
    uint64_t *block = calloc(words, sizeof *block);
    if (block == NULL) {
        fprintf(stderr, "threads_bursts: out of memory\n");
        exit(1);
    }
    block[0] = words;
    for (size_t i = 1; i < words; i++)
        block[i] = ~(uint64_t)words;
    burst->made++;
    return block;
}

static void drop(struct burst *burst, uint64_t *block) {
    if (block == NULL)
        return;
    uint64_t words = block[0];
    burst->damaged += words < 2 || block[words - 1] != ~words;
    free(block);
}

static void *burst_run(void *context) {
    struct burst *burst = context;
    struct prng *prng = &burst->prng;
    uint64_t left = burst->blocks, kept_left = burst->blocks / 2;
    uint64_t **blocks = calloc(left + 1, sizeof *blocks);
    uint64_t **kept = calloc(kept_left + 1, sizeof *kept);
    uint64_t count = 0, kept_count = 0;
    if (blocks == NULL || kept == NULL) {
        fprintf(stderr, "threads_bursts: out of memory: no table of blocks\n");
        exit(1);
    }
    while (left > 0 || kept_left > 0) {
        if (kept_left == 0 || (left > 0 && is_lucky(prng, 50))) {
            left--;
            blocks[count++] = make(burst, WORD_SHIFTS);
        } else {
            kept_left--;
            kept[kept_count++] = make(burst, KEPT_WORD_SHIFTS);
        }
        if (count > 0 && is_lucky(prng, 66)) {
            uint32_t index = prng_below(prng, count);
            drop(burst, blocks[index]);
            blocks[index] = NULL;
        }
        if (count > 0 && is_lucky(prng, 25)) {
            uint32_t index = prng_below(prng, count);
            blocks[index] = atomic_exchange(&exchanged[prng_below(prng, EXCHANGED)], blocks[index]);
        }
    }
    while (kept_count > 0)
        drop(burst, kept[--kept_count]);
    while (count > 0)
        drop(burst, blocks[--count]);
    free(blocks);
    free(kept);
    return NULL;
}

static void empty_the_table(struct burst *burst) {
    for (size_t i = 0; i < EXCHANGED; i++)
        drop(burst, atomic_exchange(&exchanged[i], NULL));
}

int main(int argc, char **argv) {
    uint64_t at_once = 4, generations = 50, blocks = 1000;
    const struct command_option options[] = {
        {'t', &at_once, 1, WORKERS_MAX},
        {'g', &generations, 1, 1000000},
        {'b', &blocks, 1, 1000000},
    };
    const struct command command = {
        .name = "threads_bursts",
        .usage = "[-t THREADS (at a time)] [-g GENERATIONS (of threads)] [-b BLOCKS (of the thread "
                 "that does least)]",
        .options = options,
        .option_count = 3,
    };
    command_parse(&command, argc, argv);
    uint64_t made = 0, damaged = 0;
    for (uint64_t generation = 1; generation <= generations; generation++) {
        static struct burst bursts[WORKERS_MAX];
        for (uint64_t i = 0; i < at_once; i++)
            bursts[i] = (struct burst){.prng = {.state = generation * WORKERS_MAX + i},
                                       .blocks = blocks * (i % 8 + 1)};
        workers_run(at_once, burst_run, bursts, sizeof bursts[0]);
        if (generation % EMPTY_THE_TABLE_EACH == 0 || generation == generations)
            empty_the_table(&bursts[0]);
        for (uint64_t i = 0; i < at_once; i++) {
            made += bursts[i].made;
            damaged += bursts[i].damaged;
        }
    }
    printf("%" PRIu64 " blocks in %" PRIu64 " threads, %" PRIu64 " damaged\n", made,
           at_once * generations, damaged);
    return damaged != 0;
}
