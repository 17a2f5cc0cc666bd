#include "sweep.h"

#include "census.h"
#include "os.h"

enum {
    SWEEP_EVERY = 4, /* slabs that a heap goes on to until it looks at the clock */
#ifdef TAGPOOL_SMALL_WORLD
    SWEEP_FROM_SLABS = 4,
    SWEEP_WAIT_NS = 1000000,
#else
    SWEEP_WAIT_NS = 1000000000, /* memory that was not needed for so long goes back */
    SWEEP_FROM_SLABS = 64,      /* a smaller pool has little to give back */
#endif
};

static bool is_worthwhile(void) {
    return !heap_table_is_hardened &&
           __atomic_load_n(&region_counts.used, __ATOMIC_RELAXED) >= SWEEP_FROM_SLABS;
}

static size_t purge(struct slab *slab) {
    if (slab->filled) {
        slab->filled = false;
        __atomic_fetch_sub(&region_counts.filled, 1, __ATOMIC_RELAXED);
    }
    return slab_purge(slab);
}

/* True if a slab with so many blocks can spare more than it has returned: `rest` says with how many
 * it did. */
static bool has_more(const struct slab *slab, uint32_t blocks) {
    uint32_t before = slab->rest < SLAB_RESTS ? slab->rest : UINT32_MAX;
    return blocks <= slab_few(slab, before);
}

void sweep_purge_sparse(struct slab *slab, uint32_t blocks) {
    ASSERT(blocks <= slab_used(slab) && slab_owner(slab) != SLAB_OWNER_NONE);
    if (!is_worthwhile() || !has_more(slab, blocks))
        return;
    purge(slab);
    slab->rest = (uint16_t)blocks;
}

/* Each event that lets a slab spare more puts it in front of those that have nothing more. */
void sweep_sparse(struct heap *heap) {
    ASSERT(lock_is_mine(&pool_lock));
    if (!is_worthwhile())
        return;
    for (unsigned i = 0; i < SIZE_CLASS_COUNT; i++)
        for (struct slab *slab = heap->classes[i].sparse.first;
             slab != NULL && has_more(slab, slab_used(slab)); slab = slab->next)
            sweep_purge_sparse(slab, slab_used(slab));
    heap->sparse_noted = 0;
}

void sweep_note_sparse(struct heap *heap) {
    if (++heap->sparse_noted <= region_bounds.warm_slabs)
        return;
    if (!lock_acquire(&pool_lock))
        return;
    sweep_sparse(heap);
    lock_release(&pool_lock);
}

/* The same of those that have been there when the clock was looked at the last time. */
static void sweep_rested(struct heap *heap) {
    for (unsigned i = 0; i < SIZE_CLASS_COUNT; i++)
        for (struct slab *slab = heap->classes[i].sparse.first;
             slab != NULL && has_more(slab, slab_used(slab)); slab = slab->next) {
            if (slab->rest == SLAB_BUSY)
                slab->rest = SLAB_RESTS;
            else
                sweep_purge_sparse(slab, slab_used(slab));
        }
}

void sweep_go_on(struct heap *heap) {
    ASSERT(heap_is_real(heap) && !lock_is_mine(&pool_lock));
    if (++heap->slabs_changed % SWEEP_EVERY != 0)
        return;
    census_go_on();
    if (!is_worthwhile())
        return;
    uint64_t now_ns = os_clock_ns();
    if (now_ns - heap->swept_ns < SWEEP_WAIT_NS)
        return;
    heap->swept_ns = now_ns;
    if (!lock_acquire(&pool_lock))
        return;
    sweep_rested(heap);
    region_decay();
    lock_release(&pool_lock);
}

size_t sweep_list(const struct slab_list *list) {
    size_t bytes = 0;
    for (struct slab *slab = list->first; slab != NULL; slab = slab->next)
        bytes += purge(slab);
    return bytes;
}

size_t sweep_all(struct heap *heap) {
    size_t bytes = 0;
    for (unsigned i = 0; i < SIZE_CLASS_COUNT && !heap_table_is_hardened; i++)
        bytes += sweep_list(&heap->classes[i].available) + sweep_list(&heap->classes[i].sparse) +
                 sweep_list(&heap->classes[i].full);
    return bytes;
}
