#include "orphans.h"

#include "audit.h"
#include "blame.h"
#include "places.h"
#include "sweep.h"

enum { ADOPT_ATTEMPTS = 4 }; /* orphans looked at for a free slot before a new slab is taken */

static struct slab_list orphans[SIZE_CLASS_ALL]; /* under pool_lock; read without it only to see
                                                      whether it is empty */

void orphans_take_in(struct slab *slab) {
    ASSERT(lock_is_mine(&pool_lock) && slab->place == SLAB_NOWHERE);
    audit_slab(NULL, slab);
    slab_set_wake(slab, 0);
    if (slab_used(slab) == 0) {
        places_release(slab);
        return;
    }
    slab_set_owner(slab, SLAB_OWNER_ORPHAN);
    if (sweep_has_rested(slab))
        sweep_purge_sparse(slab, slab_used(slab));
    places_push(&orphans[slab->class_index], slab, SLAB_ORPHANED);
}

void orphans_settle(struct slab *slab) {
    ASSERT(lock_is_mine(&pool_lock));
    ASSERT(slab->place == SLAB_ORPHANED && slab_owner(slab) == SLAB_OWNER_ORPHAN);
    if (slab_used(slab) != 0) {
        sweep_purge_sparse(slab, slab_used(slab));
        return;
    }
    places_remove(&orphans[slab->class_index], slab);
    places_release(slab);
}

static void adopt(struct heap *heap, struct slab *slab) {
    ASSERT(lock_is_mine(&pool_lock) && heap_is_real(heap));
    ASSERT(slab->place == SLAB_ORPHANED && slab_owner(slab) == SLAB_OWNER_ORPHAN);
    places_remove(&orphans[slab->class_index], slab);
    slab_set_owner(slab, heap->owner);
    blame_fold(slab);
    places_enlist(heap, slab);
    heap->counters->slabs_adopted++;
}

struct slab *orphans_adopt(struct heap *heap, unsigned class_index) {
    struct slab *found = NULL;
    if (__atomic_load_n(&orphans[class_index].first, __ATOMIC_RELAXED) == NULL ||
        !lock_acquire(&pool_lock))
        return NULL;
    for (int attempt = 0; attempt < ADOPT_ATTEMPTS && found == NULL; attempt++) {
        struct slab *slab = orphans[class_index].first;
        if (slab == NULL)
            break;
        adopt(heap, slab);
        if (slab_used(slab) < slab->slot_count)
            found = slab;
    }
    lock_release(&pool_lock);
    return found;
}

/* Without the lock: the block's remote bit says that it is free, until somebody who has the lock
 * comes by. */
static bool give_without_lock(struct slab *slab, uint32_t slot) {
    enum slab_remote_result result = slab_give_remote(slab, slot);
    if (result == SLAB_REMOTE_POST)
        orphans_post_remote(slab);
    return result != SLAB_REMOTE_DOUBLE;
}

SLOW bool orphans_give(struct heap *heap, struct slab *slab, uint32_t slot) {
    if (!lock_acquire(&pool_lock))
        return give_without_lock(slab, slot);
    bool is_given = slab_owner(slab) == SLAB_OWNER_ORPHAN && slab_holds(slab, slot);
    bool adopts =
        is_given && heap_is_real(heap) && heap->classes[slab->class_index].available.first == NULL;
    bool settles = false;
    if (adopts)
        adopt(heap, slab);
    else if (is_given && slab_has_remote(slab))
        blame_fold(slab);
    if (is_given)
        settles = slab_give(slab, slot, slab_live_of(slab, slot));
    if (is_given && !adopts)
        orphans_settle(slab);
    lock_release(&pool_lock);
    if (settles && adopts)
        places_wake(heap, slab);
    return is_given;
}

/* ---- inboxes ---- */

/* Sequentially consistent, with the load of `alive` after it: the partner of heap_life_close(). */
void orphans_push_inbox_remote(struct heap *heap, struct slab *slab) {
    ASSERT(slab_is_posted(slab));
    struct slab_remote *remote = slab_remote(slab_index(slab));
    struct slab *first = atomic_load_explicit(&heap->inbox, memory_order_relaxed);
    do {
        remote->inbox_next = first;
    } while (!atomic_compare_exchange_weak_explicit(&heap->inbox, &first, slab,
                                                    memory_order_seq_cst, memory_order_relaxed));
}

void orphans_forward(struct slab *slab) {
    ASSERT(lock_is_mine(&pool_lock) && slab_is_posted(slab));
    int owner = slab_owner(slab);
    if (owner != SLAB_OWNER_ORPHAN && owner != SLAB_OWNER_NONE) {
        orphans_push_inbox_remote(heap_table_of((unsigned)owner),
                                  slab); /* still posted; its owner is alive */
        return;
    }
    slab_unpost(slab);
    if (owner == SLAB_OWNER_ORPHAN) {
        blame_fold(slab);
        orphans_settle(slab);
    }
}

void orphans_forward_all(struct heap *dead) {
    ASSERT(lock_is_mine(&pool_lock));
    struct slab *slab = atomic_exchange_explicit(&dead->inbox, NULL, memory_order_seq_cst);
    while (slab != NULL) {
        struct slab *next = slab_remote(slab_index(slab))->inbox_next;
        orphans_forward(slab);
        slab = next;
    }
}

void orphans_post_remote(struct slab *slab) {
    int owner;
    if (!slab_post_remote(slab, &owner))
        return;
    if (owner == SLAB_OWNER_ORPHAN || owner == SLAB_OWNER_NONE) {
        if (!lock_acquire(&pool_lock)) {
            slab_unpost(slab); /* who adopts the slab, or frees into it next, folds */
            if (slab_owner(slab) == owner)
                return;
            orphans_post_remote(slab);
            return;
        }
        orphans_forward(slab);
        lock_release(&pool_lock);
        return;
    }
    struct heap *heap = heap_table_of((unsigned)owner);
    orphans_push_inbox_remote(heap, slab);
    /* The owner clears `alive` and then empties its inbox; we push and then look: one of us sees
     * the other. */
    if (!atomic_load_explicit(&heap->alive, memory_order_seq_cst) && lock_acquire(&pool_lock)) {
        orphans_forward_all(heap); /* or who gets the heap next does */
        lock_release(&pool_lock);
    }
}
