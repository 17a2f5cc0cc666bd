/* If this failed, threads that exchange blocks at random would see one block in two hands: each
 * thread swaps its blocks with those in shared places, so that most blocks are freed or resized by
 * strangers. */
#include "../harness/tap.h"
#include "../preload/behaviour.h"
#include <pthread.h>
#include <stdatomic.h>

enum { PLACES = 2000, MOST_THREADS = 8, HEAD = 8 };

static unsigned steps; /* of each thread */

/* A block begins with its size and seed; the rest follows the pattern. */
static _Atomic(unsigned char *) place[PLACES];

static unsigned char *make_block(size_t bytes, uint32_t seed, unsigned char *block) {
    uint32_t head[2] = {(uint32_t)bytes, seed};
    memcpy(block, head, HEAD);
    pattern_fill(block + HEAD, bytes - HEAD, seed);
    return block;
}

static bool block_holds(const unsigned char *block) {
    uint32_t head[2];
    memcpy(head, block, HEAD);
    return head[0] >= HEAD && head[0] < 100000 &&
           pattern_holds(block + HEAD, head[0] - HEAD, head[1]);
}

static size_t random_bytes(uint64_t *random) {
    uint32_t dice = random_next(random);
    return HEAD + (dice % 64 == 0  ? dice / 64 % 8000
                   : dice % 8 == 0 ? dice / 64 % 1000
                                   : dice / 64 % 200);
}

static unsigned char *random_block(uint64_t *random) {
    size_t bytes = random_bytes(random);
    uint32_t dice = random_next(random);
    unsigned char *block = dice % 8 == 0   ? calloc(1, bytes)
                           : dice % 8 == 1 ? aligned_alloc(64, bytes)
                                           : malloc(bytes);
    return make_block(bytes, dice, block);
}

static void *exchange(void *argument) {
    uint64_t random = (uintptr_t)argument;
    uintptr_t damaged = 0;
    for (unsigned step = 0; step < steps; step++) {
        size_t i = random_below(&random, PLACES);
        unsigned char *block = step % 9 == 0 ? NULL : random_block(&random);
        block = atomic_exchange(&place[i], block);
        if (block == NULL)
            continue;
        damaged += !block_holds(block);
        if (step % 5 == 0) {
            size_t bytes = random_bytes(&random);
            block = make_block(bytes, random_next(&random), realloc(block, bytes));
            block = atomic_exchange(&place[random_below(&random, PLACES)], block);
            damaged += block != NULL && !block_holds(block);
        }
        free(block);
    }
    return (void *)damaged;
}

static void run_exchange(size_t threads) {
    pthread_t thread[MOST_THREADS];
    for (size_t i = 0; i < threads; i++)
        pthread_create(&thread[i], NULL, exchange, (void *)(uintptr_t)(i + 1));
    for (size_t i = 0; i < threads; i++) {
        void *damaged = NULL;
        pthread_join(thread[i], &damaged);
        CHECK_SAY(damaged == NULL, "thread %zu found %ju damaged blocks", i,
                  (uintmax_t)(uintptr_t)damaged);
    }
    for (size_t i = 0; i < PLACES; i++) {
        unsigned char *block = atomic_exchange(&place[i], NULL);
        CHECK(block == NULL || block_holds(block));
        free(block);
    }
}

static void two_threads_exchange_blocks(void) {
    run_exchange(2);
}

static void eight_threads_exchange_blocks(void) {
    run_exchange(8);
}

static void generations_of_threads_exchange_blocks_without_growing(void) {
    for (int round = 0; round < 3; round++)
        run_exchange(3);
    size_t before_kib = resident_kib();
    for (int round = 0; round < 6; round++)
        run_exchange(3);
    CHECK_SAY(resident_kib() <= before_kib + 8192, "%zu KiB became %zu KiB", before_kib,
              resident_kib());
}

int main(void) {
    steps = tap_repeats(60000, 150000);
    TAP_RUN(two_threads_exchange_blocks);
    TAP_RUN(eight_threads_exchange_blocks);
    TAP_RUN(generations_of_threads_exchange_blocks_without_growing);
    return tap_done();
}
