/* What blocks go through with tags in front of them, for a test of each mode and world: the core
 * alone, as route.c calls it, so that the sanitizers see all of it. */
#ifndef CHECKED_LIFE_H
#define CHECKED_LIFE_H

#include "config.h"
#include "heap_calls.h"
#include "random.h"
#include "tap.h"

#include <signal.h>
#include <stdatomic.h>

#ifdef TAGPOOL_SMALL_WORLD
enum { LIFE_BLOCKS = 400, LIFE_STEPS = 6000, LIFE_LARGEST = 3000, LIFE_QUARANTINE = 16 };
#else
enum { LIFE_BLOCKS = 3000, LIFE_STEPS = 20000, LIFE_LARGEST = 70000, LIFE_QUARANTINE = 256 };
#endif

static const struct call life_free = {.function = "free", .form = BLOCK_MALLOC};
static const struct call life_realloc = {
    .function = "realloc", .form = BLOCK_MALLOC, .is_use = true};

static inline void life_start(bool hardened) {
    start_pool();
    checked_start();
    if (hardened)
        checked_harden(LIFE_QUARANTINE, 16);
    heap_life_open();
}

static inline size_t life_largest(void) {
    return checked_is_hardened ? LIFE_LARGEST : TAGPOOL_NODE_MAX - BLOCK_TAG_BYTES;
}

/* NULL when the pool has no room. */
static inline void *life_take(size_t bytes) {
    return checked_take(heap_current, class_for(bytes), bytes, BLOCK_MALLOC);
}

/* By the short way of blocks of other threads, and of slabs that these free into, if it serves. */
static inline void life_give(void *block, size_t bytes) {
    struct heap *heap = heap_current;
    bool is_given =
        checked_is_posted(heap, block)
            ? checked_give_posted(heap, block, &life_free, bytes, checked_is_hardened)
            : checked_give_remote(heap, block, &life_free, bytes, NULL, checked_is_hardened);
    if (!is_given)
        checked_give(heap, block, &life_free, bytes, NULL);
}

static inline void life_end_thread(void) {
    heap_life_close(heap_current);
}

/* Mostly nodes, some larger. */
static inline size_t life_size(uint32_t dice) {
    size_t most = dice % 64 == 0 ? life_largest() : dice % 8 == 0 ? 900 : 120;
    return sizeof(uint64_t) * 2 + dice / 64 % (most - 16);
}

/* ---- one thread ---- */

static void blocks_of_every_size_keep_their_contents(void) {
    static void *blocks[LIFE_BLOCKS];
    for (int round = 0; round < 3; round++) {
        for (unsigned i = 0; i < LIFE_BLOCKS; i++) {
            size_t bytes = i * 7 % 1000;
            blocks[i] = life_take(bytes);
            if (blocks[i] == NULL) /* the small world is full */
                continue;
            CHECK((uintptr_t)blocks[i] % SLOT_ALIGN == 0);
            CHECK(checked_bytes(heap_current, blocks[i], &life_realloc, NULL) >= bytes);
            pattern_fill(blocks[i], bytes, i);
        }
        for (unsigned i = 0; i < LIFE_BLOCKS; i++)
            if (blocks[i] != NULL) {
                CHECK(pattern_holds(blocks[i], i * 7 % 1000, i));
                life_give(blocks[i], i % 2 == 0 ? i * 7 % 1000 : CHECKED_BYTES_UNKNOWN);
            }
    }
}

static void a_block_is_resized_in_its_slot(void) {
    for (size_t bytes = 200; bytes < 1000; bytes += 13) {
        unsigned char *block = life_take(bytes);
        pattern_fill(block, bytes, 1);
        size_t resized = 0;
        CHECK(!checked_resize(block, bytes / 4)); /* too much would be left empty */
        for (size_t less = bytes; less > 0; less -= 7 < less ? 7 : less) {
            if (!checked_resize(block, less))
                break;
            resized++;
            CHECK(pattern_holds(block, less, 1));
            CHECK(checked_bytes(heap_current, block, &life_realloc, NULL) >= less);
        }
        CHECK(resized > 5);
        life_give(block, CHECKED_BYTES_UNKNOWN);
    }
}

static inline bool life_is_given_fast(void *pointer) {
    struct heap *heap = heap_current;
    return checked_is_hardened ? checked_give_node(heap, pointer, BLOCK_MALLOC,
                                                   CHECKED_BYTES_UNKNOWN, CHECKED_HARDENED) ||
                                     checked_give_node(heap, pointer, BLOCK_MALLOC,
                                                       CHECKED_BYTES_UNKNOWN, CHECKED_SMALL)
                               : checked_give_node(heap, pointer, BLOCK_MALLOC,
                                                   CHECKED_BYTES_UNKNOWN, CHECKED_TAGGED);
}

/* The fast paths count the slots of a slab on into the gap of the next. */
static void nothing_in_a_gap_is_a_block(void) {
    static void *blocks[LIFE_BLOCKS];
    for (size_t bytes = 8; bytes < 1000; bytes += 130) {
        for (unsigned i = 0; i < LIFE_BLOCKS; i++)
            blocks[i] = life_take(bytes);
        for (unsigned i = 0; i < LIFE_BLOCKS; i++) {
            char *slab = (char *)((uintptr_t)blocks[i] & ~(SLAB_BYTES - 1));
            for (size_t offset = 0; blocks[i] != NULL && offset < SLAB_GAP_BYTES; offset += 8)
                CHECK_SAY(!life_is_given_fast(slab + offset), "%zu bytes, %zu", bytes, offset);
        }
        for (unsigned i = 0; i < LIFE_BLOCKS; i++)
            if (blocks[i] != NULL)
                life_give(blocks[i], bytes);
    }
}

static void the_pool_is_empty_when_all_is_freed(void) {
    struct heap_life_sums sums;
    heap_life_sum(&sums);
    CHECK_SAY(sums.live_bytes == 0, "%zu bytes live", sums.live_bytes);
}

/* ---- many threads ---- */

enum { LIFE_PLACES = 128, LIFE_THREADS = 5, LIFE_GENERATIONS = 3 };

struct life_node {
    uint64_t bytes;
    uint64_t seed;
};

static _Atomic(struct life_node *) life_places[LIFE_PLACES];
static _Atomic(unsigned) life_damaged;

static inline void life_drop(struct life_node *node) {
    if (node == NULL)
        return;
    if (!pattern_holds(node + 1, node->bytes - sizeof *node, (unsigned)node->seed))
        atomic_fetch_add(&life_damaged, 1);
    life_give(node, node->seed % 2 == 0 ? node->bytes : CHECKED_BYTES_UNKNOWN);
}

static inline void *life_exchange(void *argument) {
    uint64_t random = (uintptr_t)argument;
    heap_life_open();
    for (int step = 0; step < LIFE_STEPS; step++) {
        struct life_node *node = NULL;
        uint32_t seed = random_next(&random);
        size_t bytes = life_size(seed);
        if (random_below(&random, 8) != 0 && (node = life_take(bytes)) != NULL) {
            *node = (struct life_node){.bytes = bytes, .seed = seed};
            pattern_fill(node + 1, bytes - sizeof *node, seed);
        }
        life_drop(atomic_exchange(&life_places[random_below(&random, LIFE_PLACES)], node));
    }
    life_end_thread();
    return NULL;
}

static void threads_that_come_and_go_exchange_blocks(void) {
    for (size_t generation = 0; generation < LIFE_GENERATIONS; generation++)
        run_threads(life_exchange, LIFE_THREADS, generation * LIFE_THREADS + 1);
    CHECK_SAY(atomic_load(&life_damaged) == 0, "%u damaged blocks", atomic_load(&life_damaged));
    for (size_t i = 0; i < LIFE_PLACES; i++)
        life_drop(atomic_exchange(&life_places[i], NULL));
}

static _Atomic(unsigned) life_left;

static inline void *life_exchange_or_trim(void *argument) {
    if (argument == NULL) {
        trim_until_none(&life_left);
        return NULL;
    }
    life_exchange(argument);
    atomic_fetch_sub(&life_left, 1);
    return NULL;
}

/* One that has no heap gives back what the others can spare. */
static void memory_is_given_back_beside_threads_at_work(void) {
    atomic_store(&life_left, LIFE_THREADS);
    run_threads(life_exchange_or_trim, LIFE_THREADS + 1, 0);
    CHECK_SAY(atomic_load(&life_damaged) == 0, "%u damaged blocks", atomic_load(&life_damaged));
    for (size_t i = 0; i < LIFE_PLACES; i++)
        life_drop(atomic_exchange(&life_places[i], NULL));
}

/* ---- faults ---- */

static void *life_block;

static void life_write_in_front(void) {
    ((volatile char *)life_block)[-1] ^= 1;
    life_give(life_block, CHECKED_BYTES_UNKNOWN);
}

static void life_give_twice(void) {
    life_give(life_block, CHECKED_BYTES_UNKNOWN);
    life_give(life_block, CHECKED_BYTES_UNKNOWN);
}

static void life_give_with_wrong_size(void) {
    life_give(life_block, 900);
}

static void life_give_as_new_unasked(void) {
    static const struct call call = {.function = "operator delete", .form = BLOCK_NEW};
    checked_give(heap_current, life_block, &call, CHECKED_BYTES_UNKNOWN, NULL);
}

static void life_give_as_new(void) {
    config.forms = 1;
    life_give_as_new_unasked();
}

static void life_give_soundly(void) {
    life_give(life_block, 40);
}

static void faults_are_named(void) {
    static const struct {
        void (*crime)(void);
        const char *text; /* NULL: none */
    } crimes[] = {{life_write_in_front, "underflow of this block"},
                  {life_give_twice, "]: double free of 0x"},
                  {life_give_with_wrong_size, "]: size mismatch at free of 0x"},
                  {life_give_as_new, "]: possible form mismatch at free of 0x"},
                  {life_give_as_new_unasked, NULL},
                  {life_give_soundly, NULL}};
    life_block = life_take(40);
    for (size_t i = 0; i < sizeof crimes / sizeof crimes[0]; i++) {
        char text[1024];
        int signal_number = die_of(crimes[i].crime, text, sizeof text);
        bool is_named = crimes[i].text == NULL
                            ? text[0] == '\0' && signal_number == 0
                            : strstr(text, crimes[i].text) != NULL && signal_number == SIGABRT;
        CHECK_SAY(is_named, "fault %zu: signal %d, it wrote: %s", i, signal_number, text);
    }
    life_give(life_block, 40);
}

static inline void life_run(void) {
    TAP_RUN(blocks_of_every_size_keep_their_contents);
    TAP_RUN(a_block_is_resized_in_its_slot);
    TAP_RUN(nothing_in_a_gap_is_a_block);
    TAP_RUN(faults_are_named);
    TAP_RUN(the_pool_is_empty_when_all_is_freed);
    TAP_RUN(threads_that_come_and_go_exchange_blocks);
    TAP_RUN(memory_is_given_back_beside_threads_at_work);
}

#endif
