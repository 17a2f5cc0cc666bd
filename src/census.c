#include "census.h"

#include "clock.h"
#include "heap_table.h"
#include "large.h"
#include "os.h"
#include "stats.h"

enum {
#ifdef TAGPOOL_SMALL_WORLD
    CENSUS_WAIT_NS = 0,
#else
    CENSUS_WAIT_NS = 1000000000,
#endif
    CENSUS_SLAB_WAIT_NS = 10000, /* more for each slab: a look takes about a hundredth of it */
};

/* Owners of slabs may be at work on them: a count may be a moment old. */
static uint64_t live_bytes(void) {
    uint64_t bytes = 0;
    for (size_t index = 0; index < region_counts.used; index = region_next_slab(index + 1)) {
        const struct slab *slab = slab_at(index);
        int owner = slab_owner(slab);
        if (owner < 0 || owner >= SLAB_OWNER_NONE)
            continue;
        uint64_t used = __atomic_load_n(&slab->countdown, __ATOMIC_RELAXED) +
                        (uint64_t)__atomic_load_n(&slab->wake, __ATOMIC_RELAXED);
        bytes += (used < slab->slot_count ? used : slab->slot_count) * slab->stride;
    }
    struct large_sums large;
    large_sum(&large);
    return bytes + large.memory_bytes;
}

/* The struct is all counters: add it up as an array of them. */
static void add_counters(struct tagpool_stats_counters *sum,
                         const struct tagpool_stats_counters *counters) {
    uint64_t *into = (uint64_t *)sum;
    const uint64_t *from = (const uint64_t *)counters;
    for (size_t i = 0; i < sizeof *sum / sizeof *into; i++)
        into[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

static void take(uint64_t now_ns) {
    struct tagpool_stats_counters beyond = {0};
    add_counters(&beyond, &heap_table_homeless);
    for (unsigned owner = SLAB_OWNER_FIRST; owner < heap_table_end(); owner++) {
        const struct heap *heap = heap_table_of(owner);
        if (atomic_load_explicit(&heap->alive, memory_order_relaxed) &&
            !heap_table_is_vanished(heap) && !stats_is_lane(heap->counters))
            add_counters(&beyond, heap->counters);
    }
    stats_note_census(now_ns, live_bytes(), &beyond);
}

static bool is_due(uint64_t now_ns) {
    uint64_t last_ns = stats_census_ns();
    return last_ns == 0 ||
           now_ns - last_ns >= CENSUS_WAIT_NS + (uint64_t)CENSUS_SLAB_WAIT_NS * region_counts.used;
}

NEAR void census_note(void) {
    ASSERT(lock_is_mine(&pool_lock));
    if (!stats_is_kept())
        return;
    uint64_t now_ns = clock_coarse_ns();
    if (is_due(now_ns))
        take(now_ns);
}

NEAR void census_go_on(void) {
    if (!stats_is_kept() || !lock_acquire(&pool_lock))
        return;
    census_note();
    lock_release(&pool_lock);
}
