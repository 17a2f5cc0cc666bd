#include "spans.h"

#include "os.h"
#include "region.h"

#include <string.h>

/* Spans that were returned, oldest first: a ring. When it is full the oldest is forgotten; its
 * address space is not used again, and there is plenty. The last small ones keep their memory:
 * a page fault takes many times as long as clearing a page. */
enum {
    SPANS_KEPT = 1024,
    SPANS_RESTING = 8,   /* the last ones are not reused yet */
    SPAN_WARM_SLABS = 8, /* the largest that keeps its memory */
    SPANS_WARM_SLABS = 24,
};
static SELDOM struct {
    size_t slab_index;
    uint32_t slabs; /* 0: taken again */
    bool is_warm;
} kept_spans[SPANS_KEPT];
static size_t kept_spans_next;
static size_t spans_taken; /* now */
static size_t warm_slabs;  /* slabs of kept spans that keep their memory */

/* Return the memory of a kept span. The slabs whose memory that is. */
static size_t cool(size_t place) {
    if (!kept_spans[place].is_warm)
        return 0;
    os_purge(region_slab_start(kept_spans[place].slab_index),
             (size_t)kept_spans[place].slabs << SLAB_SHIFT);
    ASSERT(warm_slabs >= kept_spans[place].slabs);
    kept_spans[place].is_warm = false;
    warm_slabs -= kept_spans[place].slabs;
    return kept_spans[place].slabs;
}

static size_t take_kept(size_t slabs) {
    for (size_t i = 0; i < SPANS_KEPT - SPANS_RESTING; i++) {
        size_t place = (kept_spans_next + i) % SPANS_KEPT;
        if (kept_spans[place].slabs != slabs)
            continue;
        if (kept_spans[place].is_warm)
            warm_slabs -= slabs;
        kept_spans[place].is_warm = false;
        kept_spans[place].slabs = 0;
        return kept_spans[place].slab_index;
    }
    return REGION_NO_SLAB;
}

/* Slabs that never served, for a span and its neighbours. */
static size_t take_new(size_t slabs) {
    size_t first = region_counts.used;
    return slabs < SIZE_MAX - 2 && region_skip_unused(1 + slabs + 1) ? first + 1 : REGION_NO_SLAB;
}

size_t spans_take(size_t slabs) {
    ASSERT(lock_is_mine(&pool_lock) && slabs > 0);
    if (region_counts.taken + slabs > region_bounds.memory_slabs ||
        spans_taken >= region_bounds.apart_most)
        return REGION_NO_SLAB;
    size_t slab_index = take_kept(slabs);
    if (slab_index == REGION_NO_SLAB)
        slab_index = take_new(slabs);
    if (slab_index == REGION_NO_SLAB ||
        !os_commit(region_slab_start(slab_index), slabs << SLAB_SHIFT))
        return REGION_NO_SLAB;
    ASSERT(slab_index > 0 && slab_index + slabs < region_counts.used); /* with neighbours */
    os_put_into_dumps(region_slab_start(slab_index), slabs << SLAB_SHIFT);
    spans_taken++;
    region_count_taken(slabs);
    return slab_index;
}

bool spans_keep_memory(size_t slabs) {
    return slabs <= SPAN_WARM_SLABS && slabs <= region_bounds.warm_slabs &&
           region_bounds.memory_slabs == SIZE_MAX;
}

/* Return the memory of a span, and make it inaccessible. Locked memory cannot be returned, and must
 * read as zero all the same. */
static void empty(void *start, size_t bytes) {
    if (!os_purge(start, bytes))
        memset(start, 0, bytes);
    os_leave_out_of_dumps(start, bytes);
    os_hide(start, bytes);
}

void spans_return(size_t slab_index, size_t slabs) {
    ASSERT(lock_is_mine(&pool_lock));
    ASSERT(slabs > 0 && slab_index > 0 && slab_index + slabs < region_counts.used);
    ASSERT(spans_taken > 0 && region_counts.taken >= slabs);
    spans_taken--;
    region_counts.taken -= slabs;
    bool is_warm =
        spans_keep_memory(slabs) && os_hide(region_slab_start(slab_index), slabs << SLAB_SHIFT);
    if (!is_warm)
        empty(region_slab_start(slab_index), slabs << SLAB_SHIFT);
    cool(kept_spans_next);
    kept_spans[kept_spans_next].slab_index = slab_index;
    kept_spans[kept_spans_next].slabs = (uint32_t)slabs;
    kept_spans[kept_spans_next].is_warm = is_warm;
    kept_spans_next = (kept_spans_next + 1) % SPANS_KEPT;
    warm_slabs += is_warm ? slabs : 0;
    for (size_t i = 0; warm_slabs > SPANS_WARM_SLABS; i++)
        cool((kept_spans_next + i) % SPANS_KEPT);
}

size_t spans_trim(void) {
    ASSERT(lock_is_mine(&pool_lock));
    size_t slabs_returned = 0;
    for (size_t place = 0; warm_slabs != 0; place++)
        slabs_returned += cool(place);
    return slabs_returned << SLAB_SHIFT;
}
