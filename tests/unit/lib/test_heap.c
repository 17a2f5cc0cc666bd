/* If this failed, a thread's heap would hand a slot out twice, lose one that another thread freed,
 * keep slabs that are empty, or take a damaged descriptor for a sound one. */
#include "heap_calls.h"
#include "random.h"
#include "tap.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>

enum { BLOCKS = 3000 };

static void blocks_of_every_size_are_apart_and_keep_their_contents(void) {
    static void *blocks[BLOCKS];
    for (unsigned i = 0; i < BLOCKS; i++) {
        size_t bytes = i % TAGPOOL_NODE_MAX + 1;
        blocks[i] = take(bytes);
        CHECK(blocks[i] != NULL && (uintptr_t)blocks[i] % SLOT_ALIGN == 0);
        pattern_fill(blocks[i], bytes, i);
    }
    for (unsigned i = 0; i < BLOCKS; i++) {
        CHECK(pattern_holds(blocks[i], i % TAGPOOL_NODE_MAX + 1, i));
        give(blocks[i]);
    }
}

static void the_slot_that_was_freed_is_found_again(void) {
    static void *blocks[BLOCKS];
    for (unsigned i = 0; i < BLOCKS; i++)
        blocks[i] = take(48);
    size_t taken = region_counts.taken;
    for (int round = 0; round < 20; round++) {
        for (unsigned i = (unsigned)round % 3; i < BLOCKS; i += 3)
            give(blocks[i]);
        for (unsigned i = (unsigned)round % 3; i < BLOCKS; i += 3)
            blocks[i] = take(48);
    }
    CHECK_SAY(region_counts.taken <= taken + 1, "%zu slabs became %zu", taken, region_counts.taken);
    for (unsigned i = 0; i < BLOCKS; i++)
        give(blocks[i]);
}

static void a_heap_whose_blocks_are_all_freed_keeps_no_slab_but_the_current_ones(void) {
    static void *blocks[BLOCKS];
    for (int round = 0; round < 3; round++) {
        for (unsigned i = 0; i < BLOCKS; i++)
            blocks[i] = take(500);
        for (unsigned i = 0; i < BLOCKS; i++)
            give(blocks[i]);
    }
    CHECK_SAY(region_counts.taken <= 2 * SIZE_CLASS_COUNT, "%zu slabs", region_counts.taken);
}

/* ---- two threads ---- */

static void *passed[BLOCKS];

static void *give_all(void *argument) {
    heap_life_open();
    for (unsigned i = 0; i < BLOCKS; i++) {
        if (argument == NULL && !pattern_holds(passed[i], 100, i))
            argument = passed;
        give(passed[i]);
    }
    heap_life_close(heap_current);
    return argument;
}

static bool has_memory(const void *page) {
    unsigned char is_there = 0;
    CHECK(mincore((void *)(uintptr_t)page, 1, &is_there) == 0);
    return (is_there & 1) != 0;
}

/* In a heap that no thread had before: two blocks of each size. Not NULL if the second page, where
 * the lists of slabs are, stays without memory. */
static void *touch_one_page(void *unused) {
    (void)unused;
    heap_life_open();
    const char *page = (const char *)heap_current + HEAP_PAGE_BYTES;
    bool is_new = !has_memory(page);
    for (size_t bytes = 16; bytes <= TAGPOOL_NODE_MAX; bytes += 16) {
        void *blocks[] = {take(bytes), take(bytes)};
        give(blocks[0]);
        give(blocks[1]);
    }
    bool stays = !has_memory(page);
    heap_life_close(heap_current);
    return (void *)(uintptr_t)(is_new && stays && !has_memory(page));
}

static void a_thread_with_few_blocks_touches_one_page_of_its_heap(void) {
    pthread_t thread;
    void *is_one = NULL;
    if (ASSERTION_RUNS || sysconf(_SC_PAGESIZE) != HEAP_PAGE_BYTES) {
        tap_skip("assertions look at the whole heap, or pages are of another size");
        return;
    }
    pthread_create(&thread, NULL, touch_one_page, NULL);
    pthread_join(thread, &is_one);
    CHECK(is_one != NULL);
}

static void blocks_that_another_thread_frees_come_back(void) {
    size_t taken = 0;
    for (int round = 0; round < 20; round++) {
        pthread_t thread;
        void *fault;
        for (unsigned i = 0; i < BLOCKS; i++) {
            passed[i] = take(100);
            pattern_fill(passed[i], 100, i);
        }
        pthread_create(&thread, NULL, give_all, NULL);
        pthread_join(thread, &fault);
        CHECK(fault == NULL);
        if (round == 1)
            taken = region_counts.taken;
    }
    CHECK_SAY(region_counts.taken <= taken + 2, "%zu slabs became %zu", taken, region_counts.taken);
}

static void *take_all(void *argument) {
    heap_life_open();
    for (unsigned i = 0; i < BLOCKS; i++) {
        passed[i] = take(100);
        pattern_fill(passed[i], 100, i);
    }
    heap_life_close(heap_current);
    return argument;
}

static void blocks_outlive_their_thread_and_their_slabs_are_adopted(void) {
    size_t taken = 0;
    for (int round = 0; round < 20; round++) {
        pthread_t thread;
        pthread_create(&thread, NULL, take_all, NULL);
        pthread_join(thread, NULL);
        for (unsigned i = 0; i < BLOCKS; i++) {
            CHECK(pattern_holds(passed[i], 100, i));
            give(passed[i]);
        }
        if (round == 1)
            taken = region_counts.taken;
    }
    CHECK_SAY(region_counts.taken <= taken + 2, "%zu slabs became %zu", taken, region_counts.taken);
}

/* ---- many threads, for the sanitizers too ---- */

enum { PLACES = 256, STEPS = 20000, THREADS = 6, GENERATIONS = 3 };

struct node {
    uint32_t bytes;
    uint32_t seed;
};

static _Atomic(struct node *) places[PLACES];
static _Atomic(unsigned) damaged;

static void *exchange(void *argument) {
    uint64_t random = (uintptr_t)argument;
    heap_life_open();
    for (int step = 0; step < STEPS; step++) {
        uint32_t dice = random_next(&random);
        struct node *node = NULL;
        if (dice % 8 != 0) {
            uint32_t bytes = (uint32_t)sizeof *node + dice / 16 % (dice % 16 == 1 ? 900 : 120);
            node = take(bytes);
            if (node == NULL)
                continue;
            *node = (struct node){.bytes = bytes, .seed = dice};
            pattern_fill(node + 1, bytes - sizeof *node, dice);
        }
        node = atomic_exchange(&places[random_below(&random, PLACES)], node);
        if (node == NULL)
            continue;
        if (!pattern_holds(node + 1, node->bytes - sizeof *node, node->seed))
            atomic_fetch_add(&damaged, 1);
        give(node);
    }
    heap_life_close(heap_current);
    return NULL;
}

static void threads_that_come_and_go_exchange_blocks(void) {
    for (int generation = 0; generation < GENERATIONS; generation++) {
        pthread_t threads[THREADS];
        for (uintptr_t i = 0; i < THREADS; i++)
            pthread_create(&threads[i], NULL, exchange, (void *)(i + 1));
        for (size_t i = 0; i < THREADS; i++) {
            struct heap_life_sums sums;
            heap_life_sum(&sums); /* beside threads that are at work */
            pthread_join(threads[i], NULL);
        }
    }
    CHECK_SAY(atomic_load(&damaged) == 0, "%u damaged blocks", atomic_load(&damaged));
    for (size_t i = 0; i < PLACES; i++) {
        struct node *node = atomic_exchange(&places[i], NULL);
        if (node != NULL)
            give(node);
    }
}

/* ---- counts ---- */

static size_t live_bytes(void) {
    struct heap_life_sums sums;
    heap_life_sum(&sums);
    return sums.live_bytes;
}

static void the_sums_are_exact(void) {
    (void)heap_trim(heap_current); /* what other threads freed counts as live until then */
    size_t live_before = live_bytes();
    void *blocks[100];
    for (size_t i = 0; i < 100; i++)
        blocks[i] = take(64);
    CHECK_SAY(live_bytes() - live_before == 6400, "%zu", live_bytes() - live_before);
    for (size_t i = 0; i < 100; i++)
        give(blocks[i]);
    CHECK(live_bytes() == live_before);
}

/* ---- faults ---- */

static void free_after_the_tag_was_overwritten(void) {
    char *block = take(48);
    struct slab *slab = slab_at(region_slab_index(block));
    atomic_store_explicit(&slab->tag, 0x4141414141414141u, memory_order_relaxed);
    give(block);
}

/* The tag of another slab, as an overflow that copies descriptors would leave it. */
static void free_after_the_tag_was_copied(void) {
    char *first = take(48);
    char *second = take(1000);
    struct slab *slab = slab_at(region_slab_index(first));
    atomic_store(&slab->tag, atomic_load(&slab_at(region_slab_index(second))->tag));
    give(first);
}

static void use_after_the_tag_was_overwritten(void) {
    char *block = take(48);
    struct slab *slab = slab_at(region_slab_index(block));
    atomic_store_explicit(&slab->tag, 1, memory_order_relaxed);
    static const struct call call = {.function = "realloc", .form = BLOCK_MALLOC};
    checked_bytes(heap_current, block, &call, NULL);
}

static void a_sound_pair_of_calls(void) {
    give(take(48));
}

static void check_fault(void (*crime)(void), const char *expected) {
    char text[1024];
    int signal_number = die_of(crime, text, sizeof text);
    CHECK_SAY(signal_number == SIGABRT, "signal %d: %s", signal_number, text);
    CHECK_SAY(strstr(text, expected) != NULL, "it wrote: %s", text);
    CHECK(strstr(text, "slab descriptor overwritten") != NULL);
}

static void a_damaged_slab_tag_is_reported(void) {
    char text[1024];
    CHECK(die_of(a_sound_pair_of_calls, text, sizeof text) == 0 && text[0] == '\0');
    check_fault(free_after_the_tag_was_overwritten, "]: corrupted slab tag at free of 0x");
    check_fault(free_after_the_tag_was_copied, "]: corrupted slab tag at free of 0x");
    check_fault(use_after_the_tag_was_overwritten, "]: corrupted slab tag at use of 0x");
}

int main(void) {
    start_pool();
    heap_life_open();
    TAP_RUN(blocks_of_every_size_are_apart_and_keep_their_contents);
    TAP_RUN(the_slot_that_was_freed_is_found_again);
    TAP_RUN(a_heap_whose_blocks_are_all_freed_keeps_no_slab_but_the_current_ones);
    TAP_RUN(a_thread_with_few_blocks_touches_one_page_of_its_heap);
    TAP_RUN(blocks_that_another_thread_frees_come_back);
    TAP_RUN(blocks_outlive_their_thread_and_their_slabs_are_adopted);
    TAP_RUN(threads_that_come_and_go_exchange_blocks);
    TAP_RUN(the_sums_are_exact);
    TAP_RUN(a_damaged_slab_tag_is_reported);
    return tap_done();
}
