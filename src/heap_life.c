#include "heap_life.h"

#include "audit.h"
#include "blame.h"
#include "heap.h"
#include "orphans.h"
#include "rescue.h"
#include "stats.h"
#include "sweep.h"

#include <string.h>

enum {
    /* The longest that the end of the process waits for a thread that holds the lock. It may itself
     * be waiting for the end, in a signal handler that calls exit(). */
    END_PATIENCE_MS = 500,
    ABANDONED_LOOKS = 2, /* heaps looked at for their thread, for each new one */
};

static void settle_bin_counts(struct heap *heap) {
    for (unsigned i = 0; i < heap_table_classes(); i++)
        heap_settle_calls(heap, i);
}

/* True if the heap has no slab of a class. */
static bool is_unused(const struct heap *heap, unsigned class_index) {
    const struct class_slabs *lists = heap_table_slabs(heap, class_index);
    return heap->current[class_index] == NULL && lists->available.first == NULL &&
           lists->sparse.first == NULL && lists->full.first == NULL;
}

/* Give back what is claimed and not handed out. */
static void empty_bins(struct heap *heap) {
    for (unsigned i = 0; i < heap->class_end; i++) {
        heap->claims[i].guest_fills = 0;
        if (heap_table_inherited(heap, i) == 0 && heap->claims[i].mask == 0)
            continue;
        heap_settle_calls(heap, i);
        heap_empty_bin(heap, i);
    }
}

/* Make all slabs of a class orphans. */
static void orphan_class(struct heap *heap, unsigned class_index) {
    struct slab *current = heap->current[class_index];
    ASSERT(current == NULL || current->place == SLAB_CURRENT);
    heap->current[class_index] = NULL;
    if (current != NULL) {
        current->place = SLAB_NOWHERE;
        orphans_take_in(current);
    }
    if (class_index >= heap->listed_end)
        return;
    struct class_slabs *slabs = &heap->classes[class_index];
    struct slab_list *lists[] = {&slabs->available, &slabs->sparse, &slabs->full};
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
    stats_hold_calls();
    empty_bins(heap);
    for (unsigned i = 0; i < heap->class_end; i++)
        if (!is_unused(heap, i))
            orphan_class(heap, i);
    heap->class_end = heap->listed_end = 0;
    atomic_store_explicit(&heap->alive, false, memory_order_relaxed);
    (void)rescue_give_back(heap);
    /* After the change of owners, with an exchange that is sequentially consistent: the partner of
     * orphans_post_remote(). */
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

/* A heap, also if only those of threads that a fork left behind are left. */
static struct heap *claim(void) {
    struct heap *heap = heap_table_claim();
    if (heap != NULL || heap_table_generation == 0)
        return heap;
    orphans_after_fork();
    (void)orphans_take_over_some(SIZE_MAX);
    heap_table_recycle();
    return heap_table_claim();
}

/* A signal handler may fork at any moment of this: then the child's heap is of a later generation
 * than was read here, or heap_current names it already. */
static void enter(struct heap *heap) {
    unsigned generation;
    __atomic_store_n(&heap_current, heap, __ATOMIC_RELAXED);
    do {
        generation = __atomic_load_n(&heap_table_generation, __ATOMIC_RELAXED);
        __atomic_store_n(&heap->generation, generation, __ATOMIC_RELAXED);
    } while (generation != __atomic_load_n(&heap_table_generation, __ATOMIC_RELAXED));
}

/* As in heap_life_close(), the heap is the thread's before pool_lock is let go. */
static struct heap *open(void) {
    if (!lock_acquire(&pool_lock))
        return NULL;
    struct heap *heap = claim();
    if (heap != NULL) {
        struct tagpool_stats_counters *lane = stats_claim_lane();
        heap->counters = lane != NULL ? lane : &heap->private_counters;
        audit_empty(heap);
        heap->rescue_from = RESCUE_SLABS;
        sweep_open(heap);
        atomic_store_explicit(&heap->alive, true, memory_order_relaxed);
        enter(heap);
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

/* After a fork, for each slab of the heap that goes on: it may have been at work on the slab when a
 * signal handler forked, so the slab stays as it is. Only the inbox is made anew, because threads
 * that are gone may have been about to put slabs into it; with `searches` also slabs that such
 * threads were about to post. */
static void post_again(struct heap *mine, struct slab *slab, bool searches) {
    int owner;
    ASSERT(slab_owner(slab) == (int)mine->owner);
    if (!slab_is_posted(slab) && !(searches && slab_has_any_remote(slab)))
        return;
    slab_mark_remote(slab);
    slab_post_remote(slab, &owner);
    orphans_push_inbox_remote(mine, slab);
}

/* True if other threads have freed blocks that were not theirs. */
static bool others_free_remotely(const struct heap *mine) {
    if (heap_table_homeless.remote_frees != 0)
        return true;
    for (unsigned owner = SLAB_OWNER_FIRST; owner < heap_table_end(); owner++) {
        struct heap *heap = heap_table_of(owner);
        if (heap != mine && is_alive(heap) && heap->counters->remote_frees != 0)
            return true;
    }
    return false;
}

/* What they hold is posted, and delivered anew. Those of threads that are gone nobody reads; a heap
 * that waits for a thread may have got a slab by mistake. */
static void forget_inboxes(struct heap *mine) {
    for (unsigned owner = SLAB_OWNER_FIRST; owner < heap_table_end(); owner++) {
        struct heap *heap = heap_table_of(owner);
        bool is_read = heap == mine || !is_alive(heap);
        if (is_read && atomic_load_explicit(&heap->inbox, memory_order_relaxed) != NULL)
            atomic_store_explicit(&heap->inbox, NULL, memory_order_relaxed);
    }
    if (heap_is_real(mine))
        mine->rescued = NULL;
}

/* After a fork, what was on its way from one thread to another: posted slabs. Those of threads that
 * are gone are taken over, because nobody would post them again; the others stay untouched until
 * somebody meets them. */
static void deliver_posted(struct heap *mine, bool searches) {
    for (size_t index = 0; index < region_counts.used; index = region_next_slab(index + 1)) {
        struct slab *slab = slab_at(index);
        int owner = slab_owner(slab);
        if (heap_is_real(mine) && owner == (int)mine->owner)
            post_again(mine, slab, searches);
        else if (owner >= 0 && owner != SLAB_OWNER_NONE && slab_is_posted(slab))
            orphans_forward(slab);
    }
}

COLD void heap_life_after_fork(bool intact) {
    struct heap *mine = heap_current;
    bool searches = others_free_remotely(mine);
    bool others = searches || heap_table_count > (heap_is_real(mine) ? 1u : 0u);
    heap_table_homeless = (struct tagpool_stats_counters){0};
    stats_after_fork();
    region_after_fork();
    if (others)
        heap_table_generation++;
    if (heap_is_real(mine)) {
        struct tagpool_stats_counters *lane = stats_claim_lane();
        mine->counters = lane != NULL ? lane : &mine->private_counters;
        mine->generation = heap_table_generation;
        mine->forks++;
        memset(&mine->private_counters, 0, sizeof mine->private_counters);
        /* The slots that the parent's heap had claimed are the child's to hand out too. How many of
         * them it did shows at its end, if it comes to one: most children end without. */
        for (unsigned i = 0; i < heap_table_classes(); i++)
            mine->inherited[i] = (uint8_t)count_bits(mine->claims[i].mask);
        heap_table_note_thread(mine);
    }
    if (!others)
        return;
    orphans_after_fork();
    if (!intact)
        return;
    forget_inboxes(mine);
    deliver_posted(mine, searches);
}

/* A call of this thread that a signal handler interrupted to call exit() does not go on. */
COLD void heap_life_settle_counts(void) {
    bool held = lock_acquire_within(&pool_lock, END_PATIENCE_MS, END_PATIENCE_MS);
    for (unsigned owner = SLAB_OWNER_FIRST; owner < heap_table_end(); owner++) {
        struct heap *heap = heap_table_of(owner);
        if (!is_alive(heap) || heap_table_is_vanished(heap))
            continue;
        settle_bin_counts(heap);
        if (!stats_is_lane(heap->counters))
            stats_retire(heap->counters);
    }
    stats_retire(&heap_table_homeless);
    if (held)
        lock_release(&pool_lock);
}

APART COLD void heap_life_sum(struct heap_life_sums *sums) {
    *sums = (struct heap_life_sums){.free_bytes = 0};
    bool held = lock_acquire(&pool_lock); /* whoever holds it changes a slab or two at most */
    for (size_t index = 0; index < region_counts.used; index = region_next_slab(index + 1)) {
        struct slab *slab = slab_at(index);
        int owner = slab_owner(slab);
        if (owner < 0 || owner >= SLAB_OWNER_NONE)
            continue;
        size_t live = slab_live_count(slab);
        sums->live_blocks[slab->class_index] += live;
        sums->live_bytes += live * slab->stride;
        sums->free_bytes += SLAB_BYTES - live * slab->stride;
        sums->free_slots += slab->slot_count - live;
    }
    large_sum(&sums->large);
    if (held)
        lock_release(&pool_lock);
}

APART COLD void heap_life_each_live(void (*visit)(struct slab *slab, uint32_t slot, void *context),
                                    void *context) {
    for (size_t index = 0; index < region_counts.used; index = region_next_slab(index + 1)) {
        struct slab *slab = slab_at(index);
        int owner = slab_owner(slab);
        if (owner < 0 || owner >= SLAB_OWNER_NONE)
            continue;
        for (uint32_t slot = 0; slot < slab->slot_count; slot++)
            if (slab_holds(slab, slot))
                visit(slab, slot, context);
    }
}
