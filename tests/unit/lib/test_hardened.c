/* If this failed, the hardened mode would take its own doings for faults, lose blocks in its
 * quarantine, or race with itself. */
#include "checked_life.h"

/* Each slot of a claim, which is a few neighbours somewhere in a word, is as likely as another. */
static void no_slot_is_easier_to_foresee_than_another(void) {
    enum { SLOTS = 16, DRAWS = 1000 };
    static struct heap heap;
    heap.random_state = 1;
    for (unsigned place = 0; place <= 64 - SLOTS; place += 8) {
        unsigned count[64] = {0};
        uint64_t mask = (((uint64_t)1 << SLOTS) - 1) << place;
        for (unsigned i = 0; i < DRAWS * SLOTS; i++)
            count[checked_random_slot(&heap, mask)]++;
        for (unsigned slot = place; slot < place + SLOTS; slot++)
            CHECK_SAY(count[slot] > DRAWS * 3 / 4 && count[slot] < DRAWS * 5 / 4,
                      "slot %u of those from %u on: %u of %d times", slot, place, count[slot],
                      DRAWS * SLOTS);
    }
    for (unsigned i = 0; i < DRAWS; i++) {
        uint64_t mask = heap.random_state | 1;
        CHECK((mask >> checked_random_slot(&heap, mask) & 1) != 0);
    }
}

enum { SHARED_BLOCKS = 400 }; /* of one slab */
static void *shared_blocks[SHARED_BLOCKS];

static void *give_every_other(void *argument) {
    for (unsigned i = 0; i < SHARED_BLOCKS; i += 2)
        checked_give(heap_current, shared_blocks[i], &life_free, CHECKED_BYTES_UNKNOWN, NULL);
    return argument;
}

/* If it came only when a slab is used up, two threads that exchange blocks would use twice the
 * memory. */
static void what_other_threads_free_comes_in_while_its_owner_frees(void) {
    pthread_t thread;
    for (unsigned i = 0; i < SHARED_BLOCKS; i++)
        shared_blocks[i] = life_take(72);
    pthread_create(&thread, NULL, give_every_other, NULL);
    pthread_join(thread, NULL);
    CHECK(atomic_load(&heap_current->inbox) != NULL);
    for (unsigned i = 1; i < SHARED_BLOCKS; i += 2)
        life_give(shared_blocks[i], CHECKED_BYTES_UNKNOWN);
    CHECK(atomic_load(&heap_current->inbox) == NULL);
}

enum { LEFT_BLOCKS = 2 };
static void *left_blocks[LEFT_BLOCKS];

static void *leave_blocks(void *argument) {
    heap_life_open();
    for (unsigned i = 0; i < LEFT_BLOCKS; i++)
        left_blocks[i] = life_take(72);
    life_end_thread();
    return argument;
}

/* A thread that frees the last blocks of threads that have ended would keep a slab for each, as
 * long as its quarantine holds the block, and each new thread would take a new one. */
static void the_last_blocks_of_ended_threads_keep_no_slab_each(void) {
    enum { GENERATIONS = 64, MOST_KEPT = 8 };
    size_t taken_before = region_counts.taken;
    for (unsigned i = 0; i < GENERATIONS; i++) {
        run_threads(leave_blocks, 1, 0);
        for (unsigned k = 0; k < LEFT_BLOCKS; k++)
            life_give(left_blocks[k], 72);
    }
    CHECK_SAY(region_counts.taken <= taken_before + MOST_KEPT, "%zu slabs before, %zu after",
              taken_before, region_counts.taken);
}

/* What a freed pointer still points to is not another block at once, nor a slab of another class.
 */
static void empty_slabs_rest_before_they_serve_again(void) {
    enum { LARGE = 30000, BLOCKS = 8, FLUSH = 4 * LIFE_QUARANTINE };
    void *block[BLOCKS];
    for (unsigned i = 0; i < BLOCKS; i++)
        block[i] = life_take(LARGE);
    for (unsigned i = 0; i < BLOCKS; i++)
        life_give(block[i], LARGE);
    for (unsigned i = 0; i < FLUSH; i++)
        life_give(life_take(24), 24);
    size_t emptied = region_counts.warm;
    block[0] = life_take(5000);
    CHECK_SAY(emptied > 0 && region_counts.warm == emptied, "%zu emptied, %zu left", emptied,
              region_counts.warm);
    life_give(block[0], 5000);
}

int main(void) {
    TAP_RUN(no_slot_is_easier_to_foresee_than_another);
    life_start(true);
    TAP_RUN(empty_slabs_rest_before_they_serve_again);
    TAP_RUN(the_last_blocks_of_ended_threads_keep_no_slab_each);
    life_run();
    TAP_RUN(what_other_threads_free_comes_in_while_its_owner_frees);
    return tap_done();
}
