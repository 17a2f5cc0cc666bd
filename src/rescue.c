#include "rescue.h"

#include "advice.h"
#include "orphans.h"
#include "os.h"

static size_t growth_left; /* slabs to be taken until all inboxes are looked through */
static size_t left_in_all; /* slabs that were looked at, and left */

/* Neighbouring slabs that are purged at once. */
struct neighbours {
    size_t first;
    size_t count;
};

APART static size_t purge(struct neighbours *slabs) {
    size_t bytes = slabs->count << SLAB_SHIFT;
    if (bytes != 0)
        advice_forbid_huge_pages(slabs->first, slabs->count);
    bool is_purged = bytes != 0 && os_purge(slab_start(slab_at(slabs->first)), bytes);
    slabs->count = 0;
    return is_purged ? bytes : 0;
}

/* Add a slab; the bytes that had to be purged because it is no neighbour. */
static size_t purge_with(struct neighbours *slabs, size_t index) {
    size_t bytes = 0;
    if (slabs->count != 0 && index + 1 == slabs->first) {
        slabs->first--;
    } else if (slabs->count == 0 || index != slabs->first + slabs->count) {
        bytes = purge(slabs);
        slabs->first = index;
    }
    slabs->count++;
    return bytes;
}

/* The place of a slab of another heap, and its counts as they are at one moment. The place is read
 * before and after: a full or available slab is not being counted anew. */
static enum slab_place place_of(const struct slab *slab) {
    return (enum slab_place)__atomic_load_n(&slab->place, __ATOMIC_ACQUIRE);
}

static uint64_t counts_of(const struct slab *slab) {
    return __atomic_load_n((const uint64_t *)(const void *)&slab->countdown, __ATOMIC_ACQUIRE);
}

/* True if every slot in use was freed by other threads, as rescue.h says. */
static bool is_wholly_freed(const struct slab *slab, bool are_threads_ordered) {
    enum slab_place place = place_of(slab);
    bool may_be_chosen = place == SLAB_AVAILABLE || place == SLAB_SPARSE;
    if (place != SLAB_FULL && !(may_be_chosen && are_threads_ordered))
        return false;
    uint64_t counts = counts_of(slab);
    uint32_t one = (uint32_t)counts, other = (uint32_t)(counts >> 32);
    uint32_t freed;
    bool is_all = slab_is_all_remote(slab, &freed);
    /* It has come to 0, or past it where several were freed at once. */
    uint32_t countdown = __atomic_load_n(&slab->countdown, __ATOMIC_RELAXED);
    bool needs_attention = countdown == 0 || countdown > slab->slot_count;
    return is_all && !needs_attention && one + other == freed && counts_of(slab) == counts &&
           place_of(slab) == place;
}

/* Keep a slab that is purged apart. Its free slots are not as free() left them. */
static void keep(struct heap *owner, struct slab *slab) {
    slab_set_disturbed(slab, SLAB_DISTURBED);
    if (slab->filled) {
        slab->filled = false;
        __atomic_fetch_sub(&region_counts.filled, 1, __ATOMIC_RELAXED);
    }
    slab->inbox_next = owner->rescued;
    __atomic_store_n(&owner->rescued, slab, __ATOMIC_RELAXED);
}

APART static size_t look_through(struct heap *owner) {
    ASSERT(lock_is_mine(&pool_lock) && owner != heap_current);
    struct neighbours slabs = {.count = 0};
    size_t bytes = 0;
    uint32_t left = 0;
    /* Sequentially consistent, as the owner's in heap_drain_inbox(): if the owner took slabs out
     * before us, we see that it drains, or all that it did to them. */
    struct slab *slab = atomic_exchange_explicit(&owner->inbox, NULL, memory_order_seq_cst);
    bool drains = atomic_load_explicit(&owner->drains, memory_order_seq_cst);
    bool are_threads_ordered = slab != NULL && !drains && os_order_threads();
    while (slab != NULL) {
        struct slab *next = slab->inbox_next;
        if (!drains && slab_owner(slab) == (int)owner->owner &&
            is_wholly_freed(slab, are_threads_ordered)) {
            bytes += purge_with(&slabs, slab_index(slab));
            keep(owner, slab);
        } else {
            orphans_forward(slab);
            left++;
        }
        slab = next;
    }
    bytes += purge(&slabs);
    left_in_all += left;
    /* What is left is not looked at again before as much has come. */
    atomic_store_explicit(&owner->waiting, left, memory_order_relaxed);
    atomic_store_explicit(&owner->rescue_from, left < RESCUE_SLABS / 2 ? RESCUE_SLABS : 2 * left,
                          memory_order_relaxed);
    return bytes;
}

APART void rescue_heap(struct heap *owner) {
    if (!lock_acquire(&pool_lock))
        return;
    if (owner->alive && !heap_table_is_vanished(owner) && owner != heap_current)
        look_through(owner);
    lock_release(&pool_lock);
}

size_t rescue_all(void) {
    ASSERT(lock_is_mine(&pool_lock));
    size_t bytes = 0;
    for (unsigned owner = SLAB_OWNER_FIRST; owner < heap_table_end(); owner++) {
        struct heap *heap = heap_table_of(owner);
        bool has_some = atomic_load_explicit(&heap->inbox, memory_order_relaxed) != NULL;
        if (has_some && heap != heap_current && heap->alive && !heap_table_is_vanished(heap))
            bytes += look_through(heap);
    }
    return bytes;
}

void rescue_before_growth(void) {
    if (growth_left-- != 0)
        return;
    left_in_all = 0;
    (void)rescue_all();
    growth_left = left_in_all + RESCUE_SLABS;
}

bool rescue_give_back(struct heap *heap) {
    ASSERT(lock_is_mine(&pool_lock));
    struct slab *slab = heap->rescued;
    bool has_some = slab != NULL;
    __atomic_store_n(&heap->rescued, NULL, __ATOMIC_RELAXED);
    while (slab != NULL) {
        struct slab *next = slab->inbox_next;
        orphans_push_inbox_remote(heap, slab);
        slab = next;
    }
    return has_some;
}

SLOW bool rescue_await(void) {
    if (!lock_acquire(&pool_lock))
        return false;
    lock_release(&pool_lock);
    return true;
}
