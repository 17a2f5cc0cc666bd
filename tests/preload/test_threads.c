/* If this failed, blocks that pass between threads would be lost, handed out twice or damaged:
 * frees by another thread than the owner's, blocks that outlive their thread, and the calls on such
 * blocks. */
#include "../harness/tap.h"
#include "behaviour.h"
#include <pthread.h>
#include <stdatomic.h>

enum { BLOCKS = 4000, SIZES = 5 };

static const size_t sizes[SIZES] = {16, 40, 136, 700, 3000};

struct parcel {
    unsigned char *block[BLOCKS];
};

static void *fill_parcel(void *argument) {
    struct parcel *parcel = argument;
    for (size_t i = 0; i < BLOCKS; i++) {
        parcel->block[i] = malloc(sizes[i % SIZES]);
        pattern_fill(parcel->block[i], sizes[i % SIZES], (unsigned)i);
    }
    return argument;
}

static bool parcel_holds(const struct parcel *parcel) {
    for (size_t i = 0; i < BLOCKS; i++)
        if (!pattern_holds(parcel->block[i], sizes[i % SIZES], (unsigned)i))
            return false;
    return true;
}

static void *free_parcel(void *argument) {
    struct parcel *parcel = argument;
    for (size_t i = 0; i < BLOCKS; i++)
        free(parcel->block[i]);
    return argument;
}

static void run_thread(void *(*function)(void *), void *argument) {
    pthread_t thread;
    pthread_create(&thread, NULL, function, argument);
    pthread_join(thread, NULL);
}

static struct parcel parcels[4];

static void blocks_of_an_ended_thread_hold_and_can_be_freed(void) {
    for (int round = 0; round < 5; round++) {
        run_thread(fill_parcel, &parcels[0]);
        fill_parcel(&parcels[1]);
        CHECK(parcel_holds(&parcels[0]) && parcel_holds(&parcels[1]));
        free_parcel(&parcels[0]);
        CHECK(parcel_holds(&parcels[1]));
        free_parcel(&parcels[1]);
    }
}

static void blocks_freed_by_another_thread_are_used_again(void) {
    size_t before_kib = 0;
    for (int round = 0; round < 60; round++) {
        if (round == 10)
            before_kib = resident_kib();
        fill_parcel(&parcels[0]);
        CHECK(parcel_holds(&parcels[0]));
        run_thread(free_parcel, &parcels[0]);
    }
    CHECK_SAY(resident_kib() <= before_kib + 4096, "%zu KiB became %zu KiB", before_kib,
              resident_kib());
}

static void orphans_are_used_again(void) {
    size_t before_kib = 0;
    for (int round = 0; round < 60; round++) {
        if (round == 10)
            before_kib = resident_kib();
        run_thread(fill_parcel, &parcels[0]);
        CHECK(parcel_holds(&parcels[0]));
        run_thread(free_parcel, &parcels[0]);
    }
    CHECK_SAY(resident_kib() <= before_kib + 4096, "%zu KiB became %zu KiB", before_kib,
              resident_kib());
}

/* A thread ends with half of its blocks live; others take the free halves over, the live ones stay.
 */
static void half_used_orphans_are_adopted_without_harm(void) {
    struct parcel *old = &parcels[0], *young = &parcels[1];
    run_thread(fill_parcel, old);
    for (size_t i = 0; i < BLOCKS; i += 2)
        free(old->block[i]);
    run_thread(fill_parcel, young);
    fill_parcel(&parcels[2]);
    CHECK(parcel_holds(young) && parcel_holds(&parcels[2]));
    for (size_t i = 1; i < BLOCKS; i += 2) {
        CHECK(pattern_holds(old->block[i], sizes[i % SIZES], (unsigned)i));
        free(old->block[i]);
    }
    CHECK(parcel_holds(young) && parcel_holds(&parcels[2]));
    run_thread(free_parcel, young);
    free_parcel(&parcels[2]);
}

static void *realloc_parcel(void *argument) {
    struct parcel *parcel = argument;
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t old = sizes[i % SIZES], new = sizes[(i + i / SIZES) % SIZES];
        parcel->block[i] = realloc(parcel->block[i], new);
        if (!pattern_holds(parcel->block[i], old < new ? old : new, (unsigned)i))
            return NULL;
        parcel->block[i] = realloc(parcel->block[i], old);
        if (malloc_usable_size(parcel->block[i]) < old)
            return NULL;
        pattern_fill(parcel->block[i], old, (unsigned)i);
    }
    return argument;
}

static void another_thread_can_resize_a_block(void) {
    pthread_t thread;
    void *result = NULL;
    fill_parcel(&parcels[0]);
    pthread_create(&thread, NULL, realloc_parcel, &parcels[0]);
    pthread_join(thread, &result);
    CHECK_SAY(result != NULL, "bytes were lost");
    CHECK(parcel_holds(&parcels[0]));
    free_parcel(&parcels[0]);
}

/* Two threads free the two halves of the same slabs at one time, while the owner goes on in them.
 */
static atomic_int started;

static void *free_half(void *argument) {
    struct parcel *parcel = &parcels[0];
    atomic_fetch_add(&started, 1);
    while (atomic_load(&started) < 3)
        nap_ms(0);
    for (size_t i = (size_t)(uintptr_t)argument; i < BLOCKS; i += 3)
        free(parcel->block[i]);
    return argument;
}

static void threads_may_free_neighbours_while_the_owner_allocates(void) {
    for (int round = 0; round < 30; round++) {
        pthread_t thread[2];
        fill_parcel(&parcels[0]);
        atomic_store(&started, 0);
        pthread_create(&thread[0], NULL, free_half, (void *)(uintptr_t)0);
        pthread_create(&thread[1], NULL, free_half, (void *)(uintptr_t)1);
        atomic_fetch_add(&started, 1);
        while (atomic_load(&started) < 3)
            nap_ms(0);
        fill_parcel(&parcels[1]);
        for (size_t i = 2; i < BLOCKS; i += 3) {
            CHECK(pattern_holds(parcels[0].block[i], sizes[i % SIZES], (unsigned)i));
            free(parcels[0].block[i]);
        }
        pthread_join(thread[0], NULL);
        pthread_join(thread[1], NULL);
        CHECK(parcel_holds(&parcels[1]));
        free_parcel(&parcels[1]);
        if (tap.faults != 0)
            break;
    }
}

static void many_threads_at_one_time_have_blocks_of_their_own(void) {
    enum { MANY = 64 };
    static struct parcel many[MANY];
    pthread_t thread[MANY];
    for (size_t i = 0; i < MANY; i++)
        pthread_create(&thread[i], NULL, fill_parcel, &many[i]);
    for (size_t i = 0; i < MANY; i++)
        pthread_join(thread[i], NULL);
    for (size_t i = 0; i < MANY; i++) {
        CHECK_SAY(parcel_holds(&many[i]), "the blocks of thread %zu", i);
        free_parcel(&many[i]);
    }
}

/* If this failed, a program with threads would stand still for 10 ms or more when it first needs
 * the other threads in order: the kernel is to be told of that before there are any. */
static void what_orders_threads_is_prepared_while_there_is_one(void) {
    enum { QUERY = 0, PRIVATE_EXPEDITED = 1 << 3 };
    free(opaque(malloc(48)));
    long known = syscall(SYS_membarrier, QUERY, 0, 0);
    if (!pools_are_on() || known < 0 || (known & PRIVATE_EXPEDITED) == 0) {
        tap_skip("no pools, or the kernel cannot do it");
        return;
    }
    CHECK(syscall(SYS_membarrier, PRIVATE_EXPEDITED, 0, 0) == 0);
}

int main(void) {
    TAP_RUN(what_orders_threads_is_prepared_while_there_is_one);
    TAP_RUN(blocks_of_an_ended_thread_hold_and_can_be_freed);
    TAP_RUN(blocks_freed_by_another_thread_are_used_again);
    TAP_RUN(orphans_are_used_again);
    TAP_RUN(half_used_orphans_are_adopted_without_harm);
    TAP_RUN(another_thread_can_resize_a_block);
    TAP_RUN(threads_may_free_neighbours_while_the_owner_allocates);
    TAP_RUN(many_threads_at_one_time_have_blocks_of_their_own);
    return tap_done();
}
