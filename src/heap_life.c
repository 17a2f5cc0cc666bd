#include "heap_life.h"

#include "audit.h"
#include "blame.h"
#include "heap.h"
#include "orphans.h"
#include "stats.h"

#include <string.h>

enum {
    /* The longest that the end of the process waits for a thread that holds the lock. It may itself
     * be waiting for the end, in a signal handler that calls exit(). */
    END_PATIENCE_MS = 500,
    ABANDONED_LOOKS = 2, /* heaps looked at for their thread, for each new one */
};

/* What was claimed and is left will not be handed out; what a fork brought and is not left was. */
static void settle_calls(struct heap *heap, unsigned class_index) {
    uint64_t left = count_bits(heap->claims[class_index].mask);
    heap->counters->pool_calls[class_index] += heap->inherited[class_index] - left;
    heap->inherited[class_index] = 0;
}

static void settle_bin_counts(struct heap *heap) {
    for (unsigned i = 0; i < heap_table_classes(); i++)
        settle_calls(heap, i);
}

/* Give unclaimed slots back and make all slabs of a class orphans. */
static void orphan_class(struct heap *heap, unsigned class_index) {
    settle_calls(heap, class_index);
    heap_empty_bin(heap, class_index);
    struct class_slabs *slabs = &heap->classes[class_index];
    struct slab *current = slabs->current;
    ASSERT(current == NULL || current->place == SLAB_CURRENT);
    slabs->current = NULL;
    if (current != NULL) {
        current->place = SLAB_NOWHERE;
        orphans_take_in(current);
    }
    struct slab_list *lists[] = {&slabs->available, &slabs->full};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        while (lists[i]->first != NULL) {
            struct slab *slab = lists[i]->first;
            places_remove(lists[i], slab);
            orphans_take_in(slab);
        }
    }
}

/* Under pool_lock. */
static void retire(struct heap *heap) {
    for (unsigned i = 0; i < heap_table_classes(); i++)
        orphan_class(heap, i);
    /* Sequentially consistent, the partner of orphans_post_remote(). */
    atomic_store_explicit(&heap->alive, false, memory_order_seq_cst);
    orphans_forward_all(heap);
    stats_retire(heap->counters);
    heap->counters = &heap->private_counters;
    audit_empty(heap);
    heap_table_retire(heap);
}

static bool is_alive(struct heap *heap) {
    return atomic_load_explicit(&heap->alive, memory_order_relaxed);
}

/* Other threads' doings with the heap end where pool_lock is let go, so the thread lets the heap go
 * before that: a signal handler may allocate or fork at any moment. */
COLD void heap_life_close(struct heap *heap) {
    ASSERT(heap == heap_current && heap->alive);
    heap_drain_inbox(heap);
    quarantine_empty(heap);
    bool held = lock_acquire(&pool_lock);
    heap_current = (struct heap *)(uintptr_t)&heap_ended;
    if (!held)
        return;
    retire(heap);
    lock_release(&pool_lock);
}

/* Close one heap whose thread has ended without doing so, if the next one to look at is such a one.
 * A signal handler that forks meanwhile leaves nothing of it to retire in the child. */
static void close_abandoned(void) {
    if (!lock_acquire(&pool_lock))
        return;
    struct heap *heap = heap_table_next_abandoned();
    lock_release(&pool_lock);
    if (heap == NULL)
        return;
    heap_drain_inbox(heap);
    quarantine_empty(heap);
    if (!lock_acquire(&pool_lock)) {
        heap_table_abandon(heap);
        return;
    }
    if (is_alive(heap))
        retire(heap);
    lock_release(&pool_lock);
}

/* As in heap_life_close(), the heap is the thread's before pool_lock is let go. */
static struct heap *open(void) {
    if (!lock_acquire(&pool_lock))
        return NULL;
    struct heap *heap = heap_table_claim();
    if (heap != NULL) {
        struct tagpool_stats_counters *lane = stats_claim_lane();
        heap->counters = lane != NULL ? lane : &heap->private_counters;
        audit_empty(heap);
        atomic_store_explicit(&heap->alive, true, memory_order_seq_cst);
        heap_current = heap;
    }
    lock_release(&pool_lock);
    return heap;
}

COLD struct heap *heap_life_open(void) {
    ASSERT(!heap_is_real(heap_current));
    for (int look = 0; look < ABANDONED_LOOKS && heap_table_is_used_up(); look++)
        close_abandoned();
    return open();
}

/* After a fork, for each slab of another thread: what the thread left in the middle is worked out
 * from the live bits. */
static void take_over(struct slab *slab) {
    int owner = slab_owner(slab);
    slab_unpost(slab);
    blame_fold(slab);
    if (owner == SLAB_OWNER_ORPHAN) {
        orphans_settle(slab);
        return;
    }
    slab->disturbed = true;
    slab_recount(slab);
    slab->place = SLAB_NOWHERE;
    orphans_take_in(slab);
}

/* After a fork, for each slab of the heap that goes on: it may have been at work on the slab when a
 * signal handler forked, so the slab stays as it is. Only the inbox is made anew, because threads
 * that are gone may have been about to put slabs into it. */
static void post_again(struct heap *mine, struct slab *slab) {
    int owner;
    ASSERT(slab_owner(slab) == (int)mine->owner);
    if (!slab_is_posted(slab) && !slab_has_remote(slab))
        return;
    slab_post_remote(slab, &owner);
    orphans_push_inbox_remote(mine, slab);
}

COLD void heap_life_after_fork(bool intact) {
    struct heap *mine = heap_current;
    stats_after_fork();
    region_after_fork();
    if (heap_is_real(mine)) {
        struct tagpool_stats_counters *lane = stats_claim_lane();
        mine->counters = lane != NULL ? lane : &mine->private_counters;
        mine->forks++;
        memset(&mine->private_counters, 0, sizeof mine->private_counters);
        /* The slots that the parent's heap had claimed are the child's to hand out too. How many of
         * them it did shows at its end, if it comes to one: most children end without. */
        for (unsigned i = 0; i < heap_table_classes(); i++)
            mine->inherited[i] = (uint8_t)count_bits(mine->claims[i].mask);
        heap_table_note_thread(mine);
    }
    bool others = heap_table_count > (heap_is_real(mine) ? 1u : 0u);
    if (!intact || !others)
        return;
    heap_table_reset(mine);
    for (size_t index = 0; index < region_counts.used; index++) {
        struct slab *slab = slab_at(index);
        int owner = slab_owner(slab);
        if (heap_is_real(mine) && owner == (int)mine->owner)
            post_again(mine, slab);
        else if (owner == SLAB_OWNER_NONE)
            slab_unpost(slab);
        else if (owner >= 0 && owner < SLAB_OWNER_LARGE)
            take_over(slab);
    }
}

/* A call of this thread that a signal handler interrupted to call exit() does not go on. */
COLD void heap_life_settle_counts(void) {
    bool held = lock_acquire_within(&pool_lock, END_PATIENCE_MS, END_PATIENCE_MS);
    for (unsigned owner = SLAB_OWNER_FIRST; owner < heap_table_end(); owner++) {
        struct heap *heap = heap_table_of(owner);
        if (is_alive(heap))
            settle_bin_counts(heap);
    }
    if (held)
        lock_release(&pool_lock);
}

COLD void heap_life_sum(struct heap_life_sums *sums) {
    *sums = (struct heap_life_sums){.free_bytes = 0};
    bool held = lock_acquire(&pool_lock); /* whoever holds it changes a slab or two at most */
    for (size_t index = 0; index < region_counts.used; index++) {
        struct slab *slab = slab_at(index);
        int owner = slab_owner(slab);
        if (owner == SLAB_OWNER_LARGE)
            sums->live_bytes += slab_large_bytes(slab);
        if (owner < 0 || owner >= SLAB_OWNER_LARGE)
            continue;
        size_t live = slab_live_count(slab);
        sums->live_blocks[slab->class_index] += live;
        sums->live_bytes += live * slab->stride;
        sums->free_bytes += SLAB_BYTES - live * slab->stride;
    }
    if (held)
        lock_release(&pool_lock);
}

COLD void heap_life_each_live(void (*visit)(struct slab *slab, uint32_t slot, void *context),
                              void *context) {
    for (size_t index = 0; index < region_counts.used; index++) {
        struct slab *slab = slab_at(index);
        int owner = slab_owner(slab);
        if (owner == SLAB_OWNER_LARGE && slab_large_bytes(slab) != 0)
            visit(slab, 0, context);
        if (owner < 0 || owner >= SLAB_OWNER_LARGE)
            continue;
        for (uint32_t slot = 0; slot < slab->slot_count; slot++)
            if (slab_is_live(slab_live_of(slab, slot), slot) &&
                !slab_is_freed_remotely(slab, slot) && !slab_is_aside(slab, slot))
                visit(slab, slot, context);
    }
}
