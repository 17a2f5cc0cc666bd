/* If this failed, a pool that is exhausted would not recover: in a world of 64 small slabs, the
 * pool runs out, is used again by other classes, and changes hands between threads all the time. */
#include "heap_calls.h"
#include "random.h"
#include "stats.h"
#include "tap.h"

#include <stdatomic.h>

enum { MOST = REGION_SLABS * (int)SLAB_SLOTS };

static void *blocks[MOST];

static size_t take_until_exhausted(size_t bytes) {
    size_t count = 0;
    while (count < MOST && (blocks[count] = take(bytes)) != NULL) {
        pattern_fill(blocks[count], bytes, (unsigned)count);
        count++;
    }
    return count;
}

static void check_and_give(size_t count, size_t bytes) {
    for (size_t i = 0; i < count; i++) {
        CHECK(pattern_holds(blocks[i], bytes, (unsigned)i));
        give(blocks[i]);
    }
}

static void every_class_can_have_the_whole_pool_in_turn(void) {
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASS_COUNT; i++) {
        size_t stride = size_class_stride[i];
        size_t count = take_until_exhausted(stride);
        size_t room = (REGION_SLABS - SIZE_CLASS_COUNT) * (SLAB_BYTES / stride);
        CHECK_SAY(count >= room, "%zu of %zu blocks of %zu bytes", count, room, stride);
        CHECK(take(stride) == NULL);
        check_and_give(count, stride);
    }
}

/* A full slab comes back when an eighth of its slots is free, and then serves all of these. */
static void a_few_blocks_freed_are_had_again_from_an_exhausted_pool(void) {
    enum { FEW = SLAB_BYTES / 64 / 4 };
    size_t count = take_until_exhausted(64);
    for (size_t i = 0; i < 500; i++) {
        size_t first = i * 7919 % (count / FEW) * FEW;
        for (size_t j = first; j < first + FEW; j++) {
            CHECK(pattern_holds(blocks[j], 64, (unsigned)j));
            give(blocks[j]);
        }
        for (size_t j = first; j < first + FEW; j++) {
            blocks[j] = take(64);
            CHECK(blocks[j] != NULL);
            if (blocks[j] == NULL)
                return;
            pattern_fill(blocks[j], 64, (unsigned)j);
        }
        CHECK(take(64) == NULL);
    }
    check_and_give(count, 64);
}

/* While the program goes on in a few slabs, the memory of those that it left empty goes back: in
 * the small world after two milliseconds. */
static void memory_of_empty_slabs_that_nobody_takes_goes_back(void) {
    enum { HELD = 8 * SLAB_BYTES / 512, ROUNDS = 100, ROUND_US = 200 };
    check_and_give(take_until_exhausted(64), 64);
    size_t warm = region_counts.warm;
    for (size_t i = 0; i < HELD; i++)
        blocks[i] = take(512);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (size_t i = round % 2; i < HELD; i += 2)
            give(blocks[i]);
        for (size_t i = round % 2; i < HELD; i += 2)
            blocks[i] = take(512);
        usleep(ROUND_US);
    }
    CHECK_SAY(warm > REGION_SLABS / 2 && region_counts.warm == 0, "of %zu empty slabs %zu kept",
              warm, region_counts.warm);
    for (size_t i = 0; i < HELD; i++)
        give(blocks[i]);
}

/* The bin holds slots of a slab that a lower one has replaced when the heap is trimmed. */
static void a_heap_can_be_trimmed_while_it_claims_from_a_replaced_slab(void) {
    enum { BYTES = 960, SLOTS = SLAB_BYTES / 960 };
    for (size_t i = 0; i <= SLOTS; i++) {
        blocks[i] = take(BYTES);
        pattern_fill(blocks[i], BYTES, (unsigned)i);
    }
    for (size_t i = 0; i < SLOTS / 2; i++) /* the first slab wakes */
        give(blocks[i]);
    heap_trim(heap_current);
    for (size_t i = SLOTS; i >= SLOTS / 2; i--) {
        CHECK(pattern_holds(blocks[i], BYTES, (unsigned)i));
        give(blocks[i]);
    }
    heap_trim(heap_current);
    CHECK(region_counts.taken == 0);
}

static void *hold_much_and_end(void *argument) {
    size_t *count = argument;
    heap_life_open();
    *count = take_until_exhausted(96);
    heap_life_close(heap_current);
    return NULL;
}

static void what_an_ended_thread_held_is_adopted_when_the_pool_is_exhausted(void) {
    for (int round = 0; round < 50; round++) {
        size_t count = 0;
        pthread_t thread;
        pthread_create(&thread, NULL, hold_much_and_end, &count);
        pthread_join(thread, NULL);
        CHECK(count > MOST / 16);
        /* Half of each orphan is freed from here; then there is room for as many. */
        for (size_t i = 0; i < count; i += 2)
            give(blocks[i]);
        for (size_t i = 0; i < count; i += 2) {
            blocks[i] = take(96);
            CHECK(blocks[i] != NULL);
            if (blocks[i] != NULL)
                pattern_fill(blocks[i], 96, (unsigned)i);
        }
        check_and_give(count, 96);
    }
}

/* As if another thread did it. */
static struct heap *open_another(void) {
    heap_current = (struct heap *)(uintptr_t)&heap_none;
    return heap_life_open();
}

static void close_another(struct heap *heap) {
    heap_current = heap;
    heap_life_close(heap);
}

static void further_threads_than_there_are_heaps_get_none(void) {
    struct heap *mine = heap_current;
    struct heap *heaps[HEAP_LIMIT];
    size_t count = 0;
    while (count < HEAP_LIMIT && (heaps[count] = open_another()) != NULL)
        count++;
    CHECK_SAY(count >= HEAP_LIMIT - 3, "%zu heaps", count);
    CHECK(count < HEAP_LIMIT && open_another() == NULL);
    while (count > 0)
        close_another(heaps[--count]);
    struct heap *again = open_another();
    CHECK(again != NULL);
    close_another(again);
    heap_current = mine;
}

/* ---- threads ---- */

enum { PLACES = 64, STEPS = 30000, THREADS = 5, GENERATIONS = 4 };

static _Atomic(uintptr_t *) places[PLACES];
static _Atomic(unsigned) damaged;
static _Atomic(unsigned) served;

static void *exchange(void *argument) {
    uint64_t random = (uintptr_t)argument;
    heap_life_open();
    for (int step = 0; step < STEPS; step++) {
        size_t bytes = 16 + random_below(&random, 1000);
        uintptr_t *block = take(bytes);
        if (block != NULL) {
            block[0] = bytes;
            block[bytes / 8 - 1] ^= block[bytes / 8 - 1] ^ bytes;
            atomic_fetch_add_explicit(&served, 1, memory_order_relaxed);
        }
        block = atomic_exchange(&places[random_below(&random, PLACES)], block);
        if (block == NULL)
            continue;
        if (block[0] < 16 || block[0] > 1024 || block[block[0] / 8 - 1] != block[0])
            atomic_fetch_add(&damaged, 1);
        give(block);
    }
    heap_life_close(heap_current);
    return NULL;
}

static void threads_share_a_pool_that_is_too_small_for_them(void) {
    for (size_t generation = 0; generation < GENERATIONS; generation++)
        run_threads(exchange, THREADS, generation * THREADS + 1);
    CHECK_SAY(atomic_load(&damaged) == 0, "%u damaged blocks", atomic_load(&damaged));
    CHECK_SAY(atomic_load(&served) > STEPS / 10, "%u served", atomic_load(&served));
    for (size_t i = 0; i < PLACES; i++)
        if (atomic_load(&places[i]) != NULL)
            give(atomic_exchange(&places[i], NULL));
}

static _Atomic(unsigned) left;

static void *exchange_or_trim(void *argument) {
    if (argument == NULL) {
        trim_until_none(&left);
        return NULL;
    }
    exchange(argument);
    atomic_fetch_sub(&left, 1);
    return NULL;
}

/* One gives back what the others can spare; and there are more of them than lanes of the page, so
 * the others' counts are looked at from all sides. */
static void memory_is_given_back_and_counted_beside_threads_at_work(void) {
    enum { MANY = TAGPOOL_STATS_LANES + 3 };
    char directory[] = "/tmp/tagpool-unit-heap-XXXXXX/";
    directory[sizeof directory - 2] = '\0';
    CHECK(mkdtemp(directory) != NULL);
    directory[sizeof directory - 2] = '/';
    stats_start(directory, 1, 0);
    CHECK(stats_is_kept());
    atomic_store(&left, MANY);
    run_threads(exchange_or_trim, MANY + 1, 0);
    CHECK_SAY(atomic_load(&damaged) == 0, "%u damaged blocks", atomic_load(&damaged));
    CHECK(stats_census_ns() != 0);
    stats_end();
    rmdir(directory);
    for (size_t i = 0; i < PLACES; i++)
        if (atomic_load(&places[i]) != NULL)
            give(atomic_exchange(&places[i], NULL));
}

int main(void) {
    start_pool();
    heap_life_open();
    TAP_RUN(every_class_can_have_the_whole_pool_in_turn);
    TAP_RUN(a_few_blocks_freed_are_had_again_from_an_exhausted_pool);
    TAP_RUN(memory_of_empty_slabs_that_nobody_takes_goes_back);
    TAP_RUN(a_heap_can_be_trimmed_while_it_claims_from_a_replaced_slab);
    TAP_RUN(what_an_ended_thread_held_is_adopted_when_the_pool_is_exhausted);
    TAP_RUN(further_threads_than_there_are_heaps_get_none);
    TAP_RUN(threads_share_a_pool_that_is_too_small_for_them);
    TAP_RUN(memory_is_given_back_and_counted_beside_threads_at_work);
    return tap_done();
}
