#include "sweep.h"

#include "heap_table.h"

enum {
    SPARSE_BLOCKS = 16, /* so few in a slab leave pages without any */
    SPARSE_AGAIN = 4,   /* as soon as so few of these are left, there are more such pages */
    SWEEP_EVERY = 4,    /* slabs that a heap goes on to until the sweep goes on */
    SWEEP_SLABS = 8,    /* by so many: src/DECISIONS.md, */
    SWEEP_LOOKS = 32,   /* not counting other heaps', but then no further than this */
#ifdef TAGPOOL_SMALL_WORLD
    SWEEP_FROM_SLABS = 4,
#else
    SWEEP_FROM_SLABS = 64, /* a smaller pool has little to give back */
#endif
};

void sweep_purge_sparse(struct slab *slab, uint32_t blocks) {
    ASSERT(blocks <= slab_used(slab) && slab_owner(slab) != SLAB_OWNER_NONE);
    if (heap_table_is_hardened || region_counts.used < SWEEP_FROM_SLABS || blocks > SPARSE_BLOCKS ||
        blocks > slab->rest / SPARSE_AGAIN)
        return;
    if (slab->filled) {
        slab->filled = false;
        __atomic_fetch_sub(&region_counts.filled, 1, __ATOMIC_RELAXED);
    }
    slab_purge(slab);
    slab->rest = (uint16_t)blocks;
}

bool sweep_has_rested(struct slab *slab) {
    if (slab->rest != SLAB_BUSY)
        return true;
    slab->rest = SLAB_RESTS;
    return false;
}

/* The sweep comes by a slab: return what memory it can spare, if it has rested. False if that is
 * for another heap to do. */
static bool sweep_slab(const struct heap *heap, struct slab *slab) {
    ASSERT(lock_is_mine(&pool_lock));
    int owner = slab_owner(slab);
    if (owner != (int)heap->owner && owner != SLAB_OWNER_ORPHAN && owner != SLAB_OWNER_NONE)
        return false;
    if (!sweep_has_rested(slab))
        return true;
    if (owner == SLAB_OWNER_NONE)
        region_cool(slab_index(slab));
    else
        sweep_purge_sparse(slab, slab_live_count(slab)); /* slots that wait in a bin hold nothing */
    return true;
}

void sweep_go_on(struct heap *heap) {
    ASSERT(heap_is_real(heap) && !lock_is_mine(&pool_lock));
    if (++heap->slabs_changed % SWEEP_EVERY != 0 || heap_table_is_hardened ||
        __atomic_load_n(&region_counts.used, __ATOMIC_RELAXED) < SWEEP_FROM_SLABS ||
        !lock_acquire(&pool_lock))
        return;
    unsigned swept = 0;
    for (unsigned i = 0; i < SWEEP_LOOKS && swept < SWEEP_SLABS; i++) {
        if (heap->sweep_next >= region_counts.used)
            heap->sweep_next = 0;
        swept += sweep_slab(heap, slab_at(heap->sweep_next++));
    }
    lock_release(&pool_lock);
}
