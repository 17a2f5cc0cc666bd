#include "sweep.h"

#include "census.h"
#include "clock.h"
#include "os.h"

enum {
    /* Claims of slots until a heap looks at the clock. A look may be a system call (clock.h), so
     * there are to be few: it adapts to how much time passes between two. */
    CLAIMS_LEAST = 16,
    CLAIMS_MOST = 8192,
    CLAIMS_MOST_EMPTY = 256, /* while there is memory that may have to go back */
    EMPTY_SLABS = 16,        /* so many empty slabs are */
    CLAIMS_OF_A_SLAB = 16,   /* going on to another slab counts as so many */
    LOOKS_OF_A_DECAY = 16,   /* there are to be about so many */
    GROWTH_SHARE = 32,       /* the pool may grow by this share of itself until sparse slabs are
                                to give memory back, */
#ifdef TAGPOOL_SMALL_WORLD
    SWEEP_FROM_SLABS = 4,
    GROWTH_LEAST_SLABS = 1,
#else
    SWEEP_FROM_SLABS = 64,   /* a smaller pool has little to give back */
    GROWTH_LEAST_SLABS = 16, /* or by so many slabs */
#endif
    SPARSE_MOST = 256, /* sparse slabs before they give back what they can: 16 MiB */
    NS_OF_MS = 1000000,
};

static FIXED uint64_t decay_ns;
static uint64_t looked_ns;  /* when a heap looked at the clock the last time */
static uint64_t decayed_ns; /* when empty slabs were returned the last time; any thread begins it */
static size_t growth_left;  /* slabs until sweep_is_worth_growth(); under pool_lock */

void sweep_start(uint64_t decay_ms) {
    decay_ns = decay_ms * NS_OF_MS;
#ifdef TAGPOOL_SMALL_WORLD
    decay_ns /= 1000;
#endif
}

static bool is_worthwhile(void) {
    return !heap_table_is_hardened &&
           __atomic_load_n(&region_counts.used, __ATOMIC_RELAXED) >= SWEEP_FROM_SLABS;
}

static size_t purge(struct slab *slab) {
    if (slab->filled) {
        slab->filled = false;
        __atomic_fetch_sub(&region_counts.filled, 1, __ATOMIC_RELAXED);
    }
    return slab_purge(slab, 0, 0);
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

void sweep_forget_sparse(struct heap *heap, const struct slab *slab) {
    bool has_returned = slab->rest < SLAB_RESTS;
    if (!has_returned && heap->sparse_noted != 0)
        heap->sparse_noted--;
}

void sweep_note_sparse(struct heap *heap) {
    if (++heap->sparse_noted < SPARSE_MOST && heap->sparse_noted <= region_bounds.warm_slabs)
        return;
    if (!lock_acquire(&pool_lock))
        return;
    sweep_sparse(heap);
    lock_release(&pool_lock);
}

void sweep_purge_rested(struct slab *slab, uint32_t blocks) {
    if (slab->rest == SLAB_BUSY)
        slab->rest = SLAB_RESTS;
    else
        sweep_purge_sparse(slab, blocks);
}

/* Is the time over that began then? Another thread may have seen a later one. */
static bool is_over(uint64_t start_ns, uint64_t now_ns) {
    return now_ns >= start_ns && now_ns - start_ns >= decay_ns;
}

static void purge_rested(struct heap *heap) {
    for (unsigned i = 0; i < SIZE_CLASS_COUNT && !heap_table_is_hardened; i++)
        for (struct slab *slab = heap->classes[i].sparse.first;
             slab != NULL && has_more(slab, slab_used(slab)); slab = slab->next)
            sweep_purge_rested(slab, slab_used(slab));
}

bool sweep_rested(struct heap *heap) {
    ASSERT(lock_is_mine(&pool_lock));
    uint64_t now_ns = heap->looked_ns;
    bool is_small = __atomic_load_n(&region_counts.used, __ATOMIC_RELAXED) < SWEEP_FROM_SLABS;
    bool is_own = is_over(heap->swept_ns, now_ns);
    bool is_all = is_over(__atomic_load_n(&decayed_ns, __ATOMIC_RELAXED), now_ns);
    /* What nobody needed since the last time goes back. If nobody looked at the clock meanwhile,
     * nobody needed anything: then that is what is there now. */
    for (int times = heap->was_idle ? 2 : 1; times > 0; times--) {
        if (is_own)
            purge_rested(heap);
        if (is_all && !is_small)
            region_decay();
    }
    if (is_own)
        heap->swept_ns = now_ns;
    if (is_all)
        __atomic_store_n(&decayed_ns, now_ns, __ATOMIC_RELAXED);
    return is_all;
}

bool sweep_is_worth_growth(void) {
    ASSERT(lock_is_mine(&pool_lock));
    if (growth_left-- != 0)
        return false;
    size_t share = region_counts.taken / GROWTH_SHARE;
    growth_left = share > GROWTH_LEAST_SLABS ? share : GROWTH_LEAST_SLABS;
    return true;
}

void sweep_open(struct heap *heap) {
    heap->swept_ns = 0;
    heap->sparse_noted = 0;
    heap->claims_pace = CLAIMS_MOST_EMPTY;
    heap->claims_left = CLAIMS_MOST_EMPTY;
}

void sweep_note_empty(struct heap *heap) {
    if (heap->claims_left > CLAIMS_MOST_EMPTY)
        heap->claims_left = CLAIMS_MOST_EMPTY;
}

void sweep_go_on(struct heap *heap) {
    ASSERT(heap_is_real(heap));
    heap->claims_left -= CLAIMS_OF_A_SLAB;
}

/* So many claims that about the right time passes until the next look. */
static uint32_t next_pace(uint32_t pace, uint64_t passed_ns) {
    bool is_empty = __atomic_load_n(&region_counts.warm, __ATOMIC_RELAXED) >= EMPTY_SLABS;
    uint32_t most = is_empty ? CLAIMS_MOST_EMPTY : CLAIMS_MOST;
    uint32_t next = passed_ns < decay_ns / LOOKS_OF_A_DECAY ? 2 * pace : pace / 2;
    return next > most ? most : next < CLAIMS_LEAST ? CLAIMS_LEAST : next;
}

SLOW bool sweep_is_time(struct heap *heap) {
    ASSERT(heap_is_real(heap) && !lock_is_mine(&pool_lock));
    census_go_on();
    uint64_t now_ns = clock_coarse_ns();
    heap->claims_pace = next_pace(heap->claims_pace, now_ns - heap->looked_ns);
    heap->claims_left = (int32_t)heap->claims_pace;
    heap->looked_ns = now_ns;
    uint64_t last_look_ns = __atomic_exchange_n(&looked_ns, now_ns, __ATOMIC_RELAXED);
    heap->was_idle = is_over(last_look_ns, now_ns);
    if (heap->swept_ns == 0) /* the thread's first look says nothing */
        heap->swept_ns = now_ns;
    uint64_t start_ns = __atomic_load_n(&decayed_ns, __ATOMIC_RELAXED);
    if (start_ns == 0) /* nor does the first one of the process */
        __atomic_store_n(&decayed_ns, now_ns, __ATOMIC_RELAXED);
    return is_over(heap->swept_ns, now_ns) || (start_ns != 0 && is_over(start_ns, now_ns));
}

size_t sweep_list(const struct slab_list *list) {
    size_t bytes = 0;
    for (struct slab *slab = list->first; slab != NULL; slab = slab->next)
        bytes += purge(slab);
    return bytes;
}

size_t sweep_all(struct heap *heap) {
    size_t bytes = 0;
    for (unsigned i = SIZE_CLASS_FIRST; i < heap_table_classes(); i++)
        bytes += sweep_list(&heap->classes[i].available) + sweep_list(&heap->classes[i].sparse) +
                 sweep_list(&heap->classes[i].full);
    return bytes;
}
