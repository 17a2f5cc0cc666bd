#include "inherited.h"

#include "heap_life.h"
#include "large.h"
#include "os.h"

#include <stdatomic.h>
#include <string.h>

static SELDOM struct {
    _Atomic(bool) is_beside_threads; /* the fork under way */
    bool are_there;
    uint64_t *marks;   /* SLAB_WORDS for each slab; NULL: any block may be one */
    size_t slabs;      /* that have some */
    size_t slabs_most; /* that there is room for */
} inherited;

/* Relaxed: forks at the same time have the same threads beside them. */
void inherited_before_fork(void) {
    atomic_store_explicit(&inherited.is_beside_threads, os_thread_count() != 1,
                          memory_order_relaxed);
}

static uint64_t *mark_word(const struct slab *slab, uint32_t slot) {
    return &inherited.marks[slab_index(slab) * SLAB_WORDS + slot / WORD_BITS];
}

static void mark(struct slab *slab, uint32_t slot, void *context) {
    (void)context;
    *mark_word(slab, slot) |= (uint64_t)1 << slot % WORD_BITS;
}

/* What was reserved stays so: it is known as ours. */
static void make_room(void) {
    size_t words = inherited.slabs * SLAB_WORDS;
    if (inherited.marks != NULL && inherited.slabs <= inherited.slabs_most) {
        memset(inherited.marks, 0, words * sizeof *inherited.marks);
        return;
    }
    size_t bytes = os_round_to_page(words * sizeof *inherited.marks);
    uint64_t *marks = words != 0 ? os_reserve(bytes, os_page_bytes()) : NULL;
    bool has_room = marks != NULL && os_commit(marks, bytes);
    inherited.marks = has_room ? marks : NULL;
    inherited.slabs_most = has_room ? inherited.slabs : 0;
}

void inherited_after_fork(void) {
    if (!atomic_load_explicit(&inherited.is_beside_threads, memory_order_relaxed) &&
        !inherited.are_there)
        return;
    inherited.are_there = true;
    inherited.slabs = region_counts.used;
    make_room();
    if (inherited.marks != NULL)
        heap_life_each_live(mark, NULL);
    for (struct span *span = large_next(NULL); span != NULL; span = large_next(span))
        span->is_inherited = true;
}

bool inherited_has(const struct slab *slab, uint32_t slot) {
    if (!inherited.are_there || slab_index(slab) >= inherited.slabs)
        return false;
    return inherited.marks == NULL || (*mark_word(slab, slot) >> slot % WORD_BITS & 1) != 0;
}
