#include "places.h"

#include "audit.h"
#include "census.h"
#include "os.h"
#include "stats.h"
#include "sweep.h"

/* The list that the slab's place names; NULL for a place that is no list. */
static struct slab_list *list_of(struct heap *heap, const struct slab *slab) {
    switch (slab->place) {
    case SLAB_AVAILABLE:
        return &heap->classes[slab->class_index].available;
    case SLAB_SPARSE:
        return &heap->classes[slab->class_index].sparse;
    case SLAB_FULL:
        return &heap->classes[slab->class_index].full;
    default:
        return NULL;
    }
}

void places_unlist(struct heap *heap, struct slab *slab) {
    struct slab_list *list = list_of(heap, slab);
    if (slab->place == SLAB_SPARSE)
        sweep_forget_sparse(heap, slab);
    if (list != NULL)
        places_remove(list, slab);
}

/* The lists of a class, one of which gets a slab. The first time their page is written to before it
 * is read: else it would fault in twice. In one step, as a signal handler may do the same. */
static struct class_slabs *lists_for(struct heap *heap, unsigned class_index) {
    struct class_slabs *lists = &heap->classes[class_index];
    struct slab *none = NULL;
    if (class_index >= __atomic_load_n(&heap->listed_end, __ATOMIC_RELAXED)) {
        (void)__atomic_compare_exchange_n(&lists->full.first, &none, NULL, false, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED);
        places_raise(&heap->listed_end, class_index + 1);
    }
    return lists;
}

void places_enlist(struct heap *heap, struct slab *slab) {
    ASSERT(slab_owner(slab) == (int)heap->owner);
    audit_slab(heap, slab);
    uint32_t used = slab_used(slab);
    uint32_t gap = places_gap(slab);
    bool is_full = used + gap > slab->slot_count;
    if (is_full && !slab->filled) {
        slab->filled = true;
        __atomic_fetch_add(&region_counts.filled, 1, __ATOMIC_RELAXED);
    }
    struct class_slabs *lists = lists_for(heap, slab->class_index);
    slab_set_wake(slab, is_full && used > gap ? used - gap : slab_few(slab, used));
    if (is_full)
        places_push(&lists->full, slab, SLAB_FULL);
    else if (used <= slab_few(slab, UINT32_MAX))
        places_push(&lists->sparse, slab, SLAB_SPARSE);
    else
        places_push(&lists->available, slab, SLAB_AVAILABLE);
}

void places_release(struct slab *slab) {
    ASSERT(lock_is_mine(&pool_lock));
    ASSERT(slab_used(slab) == 0 && slab->place == SLAB_NOWHERE);
    ASSERT(slab_owner(slab) >= 0 && slab_owner(slab) < SLAB_OWNER_NONE);
    audit_slab(NULL, slab);
    if (slab->filled)
        __atomic_fetch_sub(&region_counts.filled, 1, __ATOMIC_RELAXED);
    bool is_hidden = false;
    if (heap_table_is_hardened && slab->class_index == 0) {
        is_hidden = !os_commit(slab_start(slab), SLAB_BYTES); /* at a limit of data */
        os_put_into_dumps(slab_start(slab), SLAB_BYTES);
    }
    slab_set_owner(slab, SLAB_OWNER_NONE);
    if (is_hidden)
        region_return_hidden(slab_index(slab));
    else
        region_return_slab(slab_index(slab));
    stats_note_slabs(region_counts.taken, region_counts.taken_peak, region_counts.warm);
    census_note();
}

/* Hand out from a slab that has free slots again and lies lower than the one so far: nodes gather
 * in few slabs, and the others run empty. */
static bool replace_current(struct heap *heap, struct slab *slab) {
    struct slab *current = heap->current[slab->class_index];
    ASSERT(current == NULL || (current->place == SLAB_CURRENT && current != slab));
    if (current == NULL || current < slab || slab_used(current) == 0)
        return false;
    OWNER_STORE(&current->place, (uint8_t)SLAB_NOWHERE);
    places_enlist(heap, current);
    places_make_current(heap, slab);
    return true;
}

SLOW void places_wake(struct heap *heap, struct slab *slab) {
    ASSERT(slab_owner(slab) == (int)heap->owner && !lock_is_mine(&pool_lock));
    ASSERT(slab->place < SLAB_ORPHANED && slab_used(slab) <= slab->wake);
    if (slab->place == SLAB_CURRENT)
        return;
    places_unlist(heap, slab);
    if (slab_used(slab) != 0) {
        if (!replace_current(heap, slab))
            places_enlist(heap, slab);
        if (slab->place == SLAB_SPARSE)
            sweep_note_sparse(heap);
        return;
    }
    if (!lock_acquire(&pool_lock)) {
        places_enlist(heap, slab); /* it stays, for the heap's next need */
        return;
    }
    places_release(slab);
    lock_release(&pool_lock);
    sweep_note_empty(heap);
}

void places_settle(struct heap *heap, struct slab *slab) {
    if (slab->place == SLAB_CURRENT || slab_used(slab) > slab->wake)
        return;
    places_wake(heap, slab);
}
