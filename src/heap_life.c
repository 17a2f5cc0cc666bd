#include "heap_life.h"

#include "audit.h"
#include "blame.h"
#include "heap.h"
#include "orphans.h"
#include "stats.h"

#include <string.h>

COLD struct heap *heap_life_open(void) {
    ASSERT(!heap_is_real(heap_current));
    lock_acquire(&pool_lock);
    struct heap *heap = heap_table_claim();
    if (heap != NULL) {
        struct tagpool_stats_counters *lane = stats_claim_lane();
        heap->counters = lane != NULL ? lane : &heap->private_counters;
        audit_empty(heap);
        atomic_store_explicit(&heap->alive, true, memory_order_seq_cst);
    }
    lock_release(&pool_lock);
    if (heap != NULL)
        heap_current = heap;
    return heap;
}

static void settle_bin_counts(struct heap *heap) {
    for (unsigned i = 0; i < heap_table_classes(); i++)
        heap->counters->pool_calls[i] -= count_bits(heap->claims[i].mask);
}

/* Give unclaimed slots back and make all slabs of a class orphans. */
static void orphan_class(struct heap *heap, unsigned class_index) {
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

COLD void heap_life_close(struct heap *heap) {
    ASSERT(heap == heap_current && heap->alive);
    heap_drain_inbox(heap);
    quarantine_empty(heap);
    lock_acquire(&pool_lock);
    for (unsigned i = 0; i < heap_table_classes(); i++)
        orphan_class(heap, i);
    /* Sequentially consistent, the partner of orphans_post_remote(). */
    atomic_store_explicit(&heap->alive, false, memory_order_seq_cst);
    orphans_forward_all(heap);
    stats_retire(heap->counters);
    heap->counters = &heap->private_counters;
    audit_empty(heap);
    heap_table_retire(heap);
    lock_release(&pool_lock);
    heap_current = (struct heap *)(uintptr_t)&heap_ended;
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
    if (heap_is_real(mine)) {
        struct tagpool_stats_counters *lane = stats_claim_lane();
        mine->counters = lane != NULL ? lane : &mine->private_counters;
        mine->forks++;
        memset(&mine->private_counters, 0, sizeof mine->private_counters);
        /* The slots that the parent's heap had claimed are the child's to hand out too. */
        for (unsigned i = 0; i < heap_table_classes(); i++)
            mine->counters->pool_calls[i] = count_bits(mine->claims[i].mask);
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

COLD void heap_life_settle_counts(void) {
    lock_acquire(&pool_lock);
    for (unsigned owner = SLAB_OWNER_FIRST; owner < heap_table_end(); owner++) {
        struct heap *heap = heap_table_of(owner);
        if (atomic_load_explicit(&heap->alive, memory_order_relaxed))
            settle_bin_counts(heap);
    }
    lock_release(&pool_lock);
}

COLD void heap_life_sum(struct heap_life_sums *sums) {
    *sums = (struct heap_life_sums){.free_bytes = 0};
    lock_acquire(&pool_lock);
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
