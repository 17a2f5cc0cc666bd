#include "idle.h"

#include "os.h"

_Atomic(bool) idle_door;

enum {
#ifdef TAGPOOL_SMALL_WORLD
    IDLE_BATCH_SLABS = 2,
#else
    IDLE_BATCH_SLABS = 256, /* slabs for which the door is closed, and pool_lock held, at a time */
#endif
};

static bool close_door(void) {
    ASSERT(lock_is_mine(&pool_lock));
    atomic_store_explicit(&idle_door, true, memory_order_seq_cst);
    return os_order_threads();
}

/* Release, the partner of idle_door_is_closed(). */
static void open_door(void) {
    atomic_store_explicit(&idle_door, false, memory_order_release);
}

/* The heap that a slab belongs to; NULL if that is the calling thread's, or none. */
static struct heap *other_heap_of(const struct slab *slab) {
    int owner = slab_owner(slab);
    if (owner < SLAB_OWNER_FIRST || owner >= SLAB_OWNER_NONE)
        return NULL;
    struct heap *heap = heap_table_of((unsigned)owner);
    return heap != heap_current ? heap : NULL;
}

/* The pages without a block, or a slot that the heap has claimed. Acquire, the partner of the
 * stores in heap_fill(): who sees a claim sees the live bits of those before. */
static size_t purge(const struct heap *heap, struct slab *slab) {
    if (heap_table_is_hardened && slab->class_index == 0) /* it has no memory */
        return 0;
    uint64_t pages = 0;
    for (unsigned i = heap_table_first_bin(slab->class_index); i <= slab->class_index; i++) {
        uint64_t *live = __atomic_load_n(&heap->claims[i].live, __ATOMIC_ACQUIRE);
        uint64_t slots = __atomic_load_n(&heap->claimed[i], __ATOMIC_ACQUIRE);
        if (live >= slab->live && live < slab->live + SLAB_WORDS)
            pages |= slab_pages_of(slab, (unsigned)(live - slab->live), slots);
    }
    return slab_purge(slab, pages);
}

/* Look at slabs from one on; the bytes purged, and where to go on. */
static size_t trim_some(size_t *index) {
    size_t end = *index + IDLE_BATCH_SLABS;
    size_t bytes = 0;
    bool is_closed = false;
    for (; *index < end && *index < region_counts.used; *index = region_next_slab(*index + 1)) {
        struct slab *slab = slab_at(*index);
        const struct heap *heap = other_heap_of(slab);
        if (heap == NULL)
            continue;
        if (!is_closed && !close_door()) {
            *index = SIZE_MAX;
            break;
        }
        is_closed = true;
        bytes += purge(heap, slab);
    }
    open_door();
    return bytes;
}

size_t idle_trim(void) {
    size_t bytes = 0;
    size_t index = 0;
    while (index < __atomic_load_n(&region_counts.used, __ATOMIC_RELAXED)) {
        if (!lock_acquire(&pool_lock))
            return bytes;
        bytes += trim_some(&index);
        lock_release(&pool_lock);
    }
    return bytes;
}

SLOW bool idle_await(void) {
    if (!lock_acquire(&pool_lock))
        return false;
    lock_release(&pool_lock);
    return true;
}
