#include "sweep.h"

#include "census.h"
#include "clock.h"
#include "os.h"

enum {
    /* Claims of slots until a heap looks at the clock. A program may make ten calls a second after
     * it has made ten million, so there are to be few; */
    CLAIMS_MOST = 16,
    CLAIMS_MOST_EMPTY = 2, /* fewer while there is memory that may have to go back; */
    SLOW_CLOCK = 16,       /* and so many times as many where a look is a system call */
    GROWTH_SHARE = 32,     /* the pool may grow by this share of itself until sparse slabs are to
                              give memory back, */
    IDLE_GROWTH_SHARE = 4, /* and by this share, until what the next allocator keeps goes back */
#ifdef TAGPOOL_SMALL_WORLD
    SWEEP_FROM_SLABS = 4,
    GROWTH_LEAST_SLABS = 1,
#else
    SWEEP_FROM_SLABS = 64,  /* a smaller pool has little to give back */
    GROWTH_LEAST_SLABS = 8, /* or by so many slabs */
#endif
    SPARSE_MOST = 256, /* sparse slabs before they give back what they can: 16 MiB */
    NS_OF_MS = 1000000,
};

static FIXED uint64_t decay_ns;
static uint64_t looked_ns;  /* when a heap looked at the clock the last time */
static uint64_t decayed_ns; /* when empty slabs were returned the last time; any thread begins it */
static size_t growth_left;  /* slabs until sweep_is_worth_growth(); under pool_lock */

void sweep_start(uint64_t decay_ms) {
    (void)clock_is_slow(); /* a look finds the clock */
    decay_ns = decay_ms * NS_OF_MS;
#ifdef TAGPOOL_SMALL_WORLD
    decay_ns /= 1000;
#endif
}

static bool is_worthwhile(void) {
    return __atomic_load_n(&region_counts.used, __ATOMIC_RELAXED) >= SWEEP_FROM_SLABS;
}

/* The pages of a slab of the calling thread's in which bins have claimed slots: of one that is on a
 * list, if a lower one took its place, or bins of other classes did. Hardened, the slots have their
 * tags already. */
static uint64_t claimed_pages(const struct slab *slab) {
    int owner = slab_owner(slab);
    uint64_t pages = 0;
    if (owner < SLAB_OWNER_FIRST || owner >= SLAB_OWNER_NONE)
        return 0;
    const struct heap *heap = heap_table_of((unsigned)owner);
    for (unsigned i = heap_table_first_bin(slab->class_index); i <= slab->class_index; i++) {
        const struct bin *bin = &heap->claims[i];
        if (bin->mask != 0 && slab_of_live(bin->live) == slab)
            pages |= slab_pages_of(slab, (unsigned)(bin->live - slab->live), bin->mask);
    }
    return pages;
}

static size_t purge(struct slab *slab) {
    if (slab->filled) {
        slab->filled = false;
        __atomic_fetch_sub(&region_counts.filled, 1, __ATOMIC_RELAXED);
    }
    return slab_purge(slab, claimed_pages(slab));
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
    for (unsigned i = SIZE_CLASS_FIRST; i < heap->listed_end; i++)
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

void sweep_note_empty(struct heap *heap) {
    if (heap->claims_left > CLAIMS_MOST_EMPTY)
        heap->claims_left = CLAIMS_MOST_EMPTY;
}

void sweep_note_sparse(struct heap *heap) {
    sweep_note_empty(heap);
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

bool sweep_is_rested(struct slab *slab, uint32_t claimed, bool rested) {
    ASSERT(slab->place == SLAB_CURRENT && claimed <= slab_used(slab));
    if (!is_worthwhile() || slab_used(slab) - claimed > slab_few(slab, UINT32_MAX))
        return false;
    bool is_rested = rested || slab->rest != SLAB_BUSY;
    slab->rest = SLAB_RESTS;
    return is_rested;
}

/* Is the time over that began then? Another thread may have seen a later one. */
static bool is_over(uint64_t start_ns, uint64_t now_ns) {
    return now_ns >= start_ns && now_ns - start_ns >= decay_ns;
}

static void purge_rested(struct heap *heap) {
    for (unsigned i = SIZE_CLASS_FIRST; i < heap->listed_end; i++)
        for (struct slab *slab = heap->classes[i].sparse.first;
             slab != NULL && has_more(slab, slab_used(slab)); slab = slab->next)
            sweep_purge_rested(slab, slab_used(slab));
}

bool sweep_rested(struct heap *heap) {
    ASSERT(lock_is_mine(&pool_lock));
    uint64_t now_ns = heap->looked_ns;
    bool is_own = sweep_is_heaps_time(heap);
    bool is_all = is_over(__atomic_load_n(&decayed_ns, __ATOMIC_RELAXED), now_ns);
    /* What nobody needed since the last time goes back. If nobody looked at the clock meanwhile,
     * nobody needed anything: then that is what is there now. */
    for (int times = heap->was_idle ? 2 : 1; times > 0; times--) {
        if (is_own)
            purge_rested(heap);
        if (is_all)
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

/* Calls that were passed on by heaps that are there. */
static uint64_t passed_calls(void) {
    uint64_t calls = 0;
    for (unsigned owner = SLAB_OWNER_FIRST; owner < heap_table_end(); owner++) {
        const struct tagpool_stats_counters *counters = heap_table_of(owner)->counters;
        calls += __atomic_load_n(&counters->large_calls, __ATOMIC_RELAXED) +
                 __atomic_load_n(&counters->foreign_frees, __ATOMIC_RELAXED);
    }
    return calls;
}

bool sweep_next_is_idle(bool rested) {
    ASSERT(lock_is_mine(&pool_lock));
    static uint64_t calls, idle_calls;
    static size_t idle_taken; /* slabs when it was true the last time */
    uint64_t calls_before = calls;
    calls = passed_calls();
    bool has_grown = region_counts.taken >= idle_taken + idle_taken / IDLE_GROWTH_SHARE;
    if (calls != calls_before || calls == idle_calls || !(rested || has_grown))
        return false;
    idle_calls = calls;
    idle_taken = region_counts.taken;
    return true;
}

void sweep_open(struct heap *heap) {
    heap->swept_ns = 0;
    heap->sparse_noted = 0;
    heap->claims_left = CLAIMS_MOST;
}

/* Most looks find that the clock has not gone on, and are over soon. */
SLOW bool sweep_is_time(struct heap *heap) {
    ASSERT(heap_is_real(heap) && !lock_is_mine(&pool_lock));
    int32_t claims = sweep_has_some(heap) ? CLAIMS_MOST_EMPTY : CLAIMS_MOST;
    heap->claims_left = clock_is_slow() ? claims * SLOW_CLOCK : claims;
    uint64_t now_ns = clock_coarse_ns();
    if (now_ns == heap->looked_ns)
        return false;
    census_go_on();
    heap->looked_ns = now_ns;
    uint64_t last_look_ns = __atomic_exchange_n(&looked_ns, now_ns, __ATOMIC_RELAXED);
    heap->was_idle = is_over(last_look_ns, now_ns);
    if (heap->swept_ns == 0) /* the thread's first look says nothing */
        heap->swept_ns = now_ns;
    uint64_t start_ns = __atomic_load_n(&decayed_ns, __ATOMIC_RELAXED);
    if (start_ns == 0) /* nor does the first one of the process */
        __atomic_store_n(&decayed_ns, now_ns, __ATOMIC_RELAXED);
    return sweep_is_heaps_time(heap) || (start_ns != 0 && is_over(start_ns, now_ns));
}

bool sweep_is_heaps_time(const struct heap *heap) {
    return is_over(heap->swept_ns, heap->looked_ns);
}

size_t sweep_list(const struct slab_list *list) {
    size_t bytes = 0;
    for (struct slab *slab = list->first; slab != NULL; slab = slab->next)
        bytes += purge(slab);
    return bytes;
}

APART size_t sweep_all(struct heap *heap) {
    size_t bytes = 0;
    for (unsigned i = SIZE_CLASS_FIRST; i < heap->listed_end; i++)
        bytes += sweep_list(&heap->classes[i].available) + sweep_list(&heap->classes[i].sparse) +
                 sweep_list(&heap->classes[i].full);
    return bytes;
}
