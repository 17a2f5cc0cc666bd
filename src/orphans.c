#include "orphans.h"

#include "audit.h"
#include "blame.h"
#include "places.h"
#include "sweep.h"

enum { SPARSE_MOST = 8 };     /* orphans with few blocks, about, until these return memory */
enum { VANISHED_LOOKS = 32 }; /* slabs looked at for some whose owner is gone */

/* Those that can serve, and those that cannot. Under pool_lock; read without it only to see whether
 * a list is empty. */
static struct slab_list orphans[SIZE_CLASS_ALL];
static struct slab_list full_orphans[SIZE_CLASS_ALL];

static size_t sparse_noted; /* orphans since then that had few blocks; under pool_lock */

static size_t vanished_next; /* after a fork: slabs from here on, */
static size_t vanished_end;  /* to here, may have an owner that is gone */

static struct slab_list *list_of(const struct slab *slab) {
    return slab->place == SLAB_ORPHANED ? &orphans[slab->class_index]
                                        : &full_orphans[slab->class_index];
}

__attribute__((unused)) static bool is_orphan(const struct slab *slab) {
    return slab_owner(slab) == SLAB_OWNER_ORPHAN &&
           (slab->place == SLAB_ORPHANED || slab->place == SLAB_ORPHANED_FULL);
}

/* An orphan has become one, or has fewer blocks than before. When there are many with few, all
 * return what they can spare. */
static void note_sparse(const struct slab *slab) {
    if (slab_used(slab) > slab_few(slab, UINT32_MAX) || ++sparse_noted < SPARSE_MOST)
        return;
    sparse_noted = 0;
    orphans_sweep(false);
}

void orphans_take_in(struct slab *slab) {
    ASSERT(lock_is_mine(&pool_lock) && slab->place == SLAB_NOWHERE);
    audit_slab(NULL, slab);
    slab_set_wake(slab, 0);
    if (slab_used(slab) == 0) {
        places_release(slab);
        return;
    }
    slab_set_owner(slab, SLAB_OWNER_ORPHAN);
    note_sparse(slab);
    if (slab_used(slab) < slab->slot_count)
        places_push(&orphans[slab->class_index], slab, SLAB_ORPHANED);
    else
        places_push(&full_orphans[slab->class_index], slab, SLAB_ORPHANED_FULL);
}

void orphans_settle(struct slab *slab) {
    ASSERT(lock_is_mine(&pool_lock));
    ASSERT(is_orphan(slab));
    uint32_t used = slab_used(slab);
    if (used == 0) {
        places_remove(list_of(slab), slab);
        places_release(slab);
        return;
    }
    if (slab->place == SLAB_ORPHANED_FULL && used + places_gap(slab) <= slab->slot_count) {
        places_remove(list_of(slab), slab);
        places_push(&orphans[slab->class_index], slab, SLAB_ORPHANED);
    }
}

void orphans_sweep(bool rested) {
    ASSERT(lock_is_mine(&pool_lock));
    for (unsigned i = SIZE_CLASS_FIRST; i < heap_table_classes(); i++)
        for (struct slab *slab = orphans[i].first; slab != NULL; slab = slab->next) {
            if (rested)
                sweep_purge_rested(slab, slab_used(slab));
            else
                sweep_purge_sparse(slab, slab_used(slab));
        }
}

APART size_t orphans_trim(void) {
    size_t bytes = 0;
    for (unsigned i = SIZE_CLASS_FIRST; i < heap_table_classes(); i++)
        bytes += sweep_list(&orphans[i]) + sweep_list(&full_orphans[i]);
    return bytes;
}

static void adopt(struct heap *heap, struct slab *slab) {
    ASSERT(lock_is_mine(&pool_lock) && heap_is_real(heap));
    ASSERT(is_orphan(slab));
    places_remove(list_of(slab), slab);
    slab_set_owner(slab, heap->owner);
    places_note_class(heap, slab->class_index);
    blame_fold(slab);
    OWNER_ADD(&heap->counters->slabs_adopted, 1);
}

struct slab *orphans_adopt(struct heap *heap, unsigned class_index) {
    struct slab *found = NULL;
    bool has_some = __atomic_load_n(&orphans[class_index].first, __ATOMIC_RELAXED) != NULL ||
                    __atomic_load_n(&vanished_end, __ATOMIC_RELAXED) != 0;
    if (!has_some || !lock_acquire(&pool_lock))
        return NULL;
    if (orphans[class_index].first == NULL && !orphans_take_over_some(VANISHED_LOOKS))
        __atomic_store_n(&vanished_end, 0, __ATOMIC_RELAXED);
    found = orphans[class_index].first;
    if (found != NULL)
        adopt(heap, found);
    lock_release(&pool_lock);
    return found;
}

/* Without the lock: the block's remote bit says that it is free, until somebody who has the lock
 * comes by. */
static bool give_without_lock(struct slab *slab, uint32_t slot) {
    enum slab_remote_result result = slab_give_remote(slab, slab_remote_word_of(slab, slot), slot);
    if (result == SLAB_REMOTE_POST)
        (void)orphans_post_remote(slab);
    return result != SLAB_REMOTE_DOUBLE;
}

/* True if the heap is to adopt an orphan that it frees a block of: it has no slab of the class to
 * hand out from, or only such as have few blocks, and this one has more: then many frees go without
 * pool_lock. One with few blocks would join those, and no other thread could use it: in the
 * hardened mode until the quarantine has let its blocks out. */
static bool is_worth_adopting(const struct heap *heap, const struct slab *slab) {
    if (!heap_is_real(heap))
        return false;
    const struct class_slabs *lists = heap_table_slabs(heap, slab->class_index);
    bool has_few = slab_used(slab) <= slab_few(slab, UINT32_MAX);
    return lists->available.first == NULL && (lists->sparse.first == NULL || !has_few);
}

SLOW bool orphans_give(struct heap *heap, struct slab *slab, uint32_t slot) {
    if (!lock_acquire(&pool_lock))
        return give_without_lock(slab, slot);
    bool is_given = slab_owner(slab) == SLAB_OWNER_ORPHAN && slab_holds(slab, slot);
    bool adopts = is_given && is_worth_adopting(heap, slab);
    bool settles = false;
    if (adopts) {
        adopt(heap, slab);
        places_enlist(heap, slab);
    } else if (is_given && slab_has_remote(slab)) {
        blame_fold(slab);
    }
    if (is_given)
        settles = slab_give(slab, slot, slab_live_of(slab, slot));
    if (is_given && !adopts)
        orphans_settle(slab);
    lock_release(&pool_lock);
    if (settles && adopts)
        places_wake(heap, slab);
    return is_given;
}

/* ---- slabs of threads that a fork left behind ---- */

void orphans_take_over(struct slab *slab) {
    ASSERT(lock_is_mine(&pool_lock));
    if (!heap_table_has_vanished(slab_owner(slab)))
        return;
    slab_unpost(slab);
    slab_set_disturbed(slab, SLAB_DISTURBED);
    slab_recount(slab);
    slab_mark_remote(slab);
    blame_fold(slab);
    slab->place = SLAB_NOWHERE;
    orphans_take_in(slab);
}

void orphans_after_fork(void) {
    vanished_next = 0;
    vanished_end = region_counts.used;
}

bool orphans_take_over_some(size_t looks) {
    for (; looks > 0 && vanished_next < vanished_end; looks--) {
        orphans_take_over(slab_at(vanished_next));
        vanished_next = region_next_slab(vanished_next + 1);
    }
    return vanished_next < vanished_end;
}

/* ---- inboxes ---- */

/* Sequentially consistent, before the load of the owner in orphans_post_remote(): the partner of
 * heap_life_close(). */
void orphans_push_inbox_remote(struct heap *heap, struct slab *slab) {
    ASSERT(slab_is_posted(slab));
    struct slab *first = atomic_load_explicit(&heap->inbox, memory_order_relaxed);
    do {
        slab->inbox_next = first;
    } while (!atomic_compare_exchange_weak_explicit(&heap->inbox, &first, slab,
                                                    memory_order_seq_cst, memory_order_relaxed));
}

void orphans_forward(struct slab *slab) {
    ASSERT(lock_is_mine(&pool_lock) && slab_is_posted(slab));
    int owner = slab_owner(slab);
    if (heap_table_has_vanished(owner)) {
        orphans_take_over(slab);
        return;
    }
    if (owner != SLAB_OWNER_ORPHAN && owner != SLAB_OWNER_NONE) {
        orphans_push_inbox_remote(heap_table_of((unsigned)owner),
                                  slab); /* still posted; its owner is alive */
        return;
    }
    slab_unpost(slab);
    if (owner == SLAB_OWNER_ORPHAN) {
        slab_mark_remote(slab);
        blame_fold(slab);
        orphans_settle(slab);
    }
}

void orphans_forward_all(struct heap *heap) {
    ASSERT(lock_is_mine(&pool_lock));
    struct slab *slab = atomic_exchange_explicit(&heap->inbox, NULL, memory_order_seq_cst);
    while (slab != NULL) {
        struct slab *next = slab->inbox_next;
        orphans_forward(slab);
        slab = next;
    }
}

/* The slab has no owner that reads its inbox. Without the lock, who adopts it, or frees into it
 * next, folds. */
SLOW static void forward_posted(struct slab *slab, int owner) {
    if (lock_acquire(&pool_lock)) {
        orphans_forward(slab);
        lock_release(&pool_lock);
        return;
    }
    slab_unpost(slab);
    if (slab_owner(slab) != owner)
        (void)orphans_post_remote(slab);
}

/* Some of what lies in the inbox may belong to others. Without the lock, who drains it forwards. */
SLOW static void forward_inbox(struct heap *heap) {
    if (!lock_acquire(&pool_lock))
        return;
    orphans_forward_all(heap);
    lock_release(&pool_lock);
}

struct heap *orphans_post_remote(struct slab *slab) {
    int owner;
    if (!slab_post_remote(slab, &owner))
        return NULL;
    if ((unsigned)owner - SLAB_OWNER_FIRST >= SLAB_OWNER_NONE - SLAB_OWNER_FIRST ||
        !heap_table_is_of_now(heap_table_of((unsigned)owner))) {
        forward_posted(slab, owner);
        return NULL;
    }
    struct heap *heap = heap_table_of((unsigned)owner);
    orphans_push_inbox_remote(heap, slab);
    /* A closing heap changes the owner of its slabs and then empties its inbox; we push and then
     * look: one of us sees the other. */
    if (slab_owner(slab) != owner) {
        forward_inbox(heap);
        return NULL;
    }
    /* Relaxed, and in two steps: an estimate will do. */
    uint32_t waiting = atomic_load_explicit(&heap->waiting, memory_order_relaxed) + 1;
    atomic_store_explicit(&heap->waiting, waiting, memory_order_relaxed);
    return waiting >= atomic_load_explicit(&heap->rescue_from, memory_order_relaxed) ? heap : NULL;
}
