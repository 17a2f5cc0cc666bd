#include "region.h"

#include "advice.h"
#include "fixed.h"
#include "os.h"
#include "slab_set.h"

#include <stdatomic.h>
#include <string.h>

FIXED _Alignas(64) struct region region;
FIXED struct region_bounds region_bounds;
struct region_counts region_counts;
struct lock pool_lock;

enum {
    REGION_HUGE_SLABS = ADVICE_HUGE_SLABS, /* slabs become accessible by whole huge pages */
    REGION_HUGE_FROM = 64,                 /* a pool of 4 MiB and more grows by huge pages, */
    REGION_HUGE_FILLED = 48,               /* if so many of its slabs have been full */
    REGION_STEP_MOST = 1024,               /* slabs that become accessible at a time */
    REGION_TABLE_STEP = 1024,              /* descriptors that do, */
    REGION_TABLE_STEP_LIMITED = 64,        /* and where accessible memory counts against a limit */
    /* Warm slabs beyond the limit before any is returned: so many, or a share. */
    REGION_BATCH_SLABS = 16,
    REGION_TRIM_SHARE = 8,
    /* Inaccessible slabs, and spans at one time, each of which takes two mappings, take half of
     * what a process may have. */
    REGION_MAPPINGS_SHARE = 8,
    REGION_SPANS_SHARE = 2, /* the slabs that are set apart for spans, */
    /* and the first of them, which are never used. */
    REGION_SPANS_GAP =
        REGION_SLABS / 16 < REGION_HUGE_SLABS ? REGION_SLABS / 16 : REGION_HUGE_SLABS,
};

/* Their words lie in the reservation, before the remote words. */
static struct slab_set warm_slabs, cold_slabs;
static struct slab_kinds kinds;
static FIXED size_t sets_apart; /* their bytes; a third one is of advice.h */

static FIXED enum region_blocks blocks_are;
static FIXED size_t slab_limit; /* slabs in the region */
static bool is_data_limited;    /* what is accessible counts, used or not: take little ahead */
static size_t hidden_runs_most; /* of cold slabs, then */
static bool some_are_hidden;    /* cold slabs may be inaccessible */
static size_t slabs_committed;  /* slabs from the start that are accessible */
static size_t slabs_reserved;   /* slabs for which there is room in the tables */
static size_t tables_committed; /* slabs whose descriptor and remote words are accessible */
static FIXED bool is_hardened;
static uint64_t process;  /* whose the region is: a child of vfork() has only borrowed it */
static size_t warm_least; /* the fewest warm slabs since the last region_decay() */
static size_t trims_from; /* so many warm slabs lead to a trim */

/* The warm slabs are as many as were counted, and none of them is cold too: all words, where
 * assertions run. */
static void check_sets(void) {
    size_t warm = 0;
    for (size_t i = 0; ASSERTION_RUNS && i * WORD_BITS < region_counts.used; i++) {
        ASSERT((warm_slabs.words[i] & cold_slabs.words[i]) == 0);
        warm += count_bits(warm_slabs.words[i]);
    }
    ASSERT(!ASSERTION_RUNS || warm == region_counts.warm);
}

static void note_data_limit(void) {
    is_data_limited = some_are_hidden = true;
    hidden_runs_most = os_mapping_limit() / REGION_MAPPINGS_SHARE;
}

bool region_start(uint64_t pool_limit, uint64_t retain) {
    size_t slabs;
    ASSERT(region.bytes == 0 && region_counts.used == 0);
    process = os_process_id();
    if (os_page_bytes() > SLAB_BYTES) /* a slab could not be returned without its neighbours */
        return false;
    char *start = reservation_make(&slabs);
    if (start == NULL)
        return false;
    os_leave_out_of_dumps(start - reservation_gap_bytes(slabs), reservation_bytes(slabs));
    slab_limit = slabs;
    slabs_reserved = slabs;
    if (os_is_data_limited())
        note_data_limit();
    region_bounds.memory_slabs = pool_limit != 0 ? pool_limit >> SLAB_SHIFT : SIZE_MAX;
    region_bounds.warm_slabs = retain >> SLAB_SHIFT;
    trims_from = region_bounds.warm_slabs + REGION_BATCH_SLABS;
    region.base = (uintptr_t)start;
    region.owned_bytes = (slabs << SLAB_SHIFT) + reservation_areas_bytes(slabs);
    region.descriptors = start + (slabs << SLAB_SHIFT);
    char *sets = region.descriptors + reservation_table_bytes(slabs, REGION_DESCRIPTOR_BYTES);
    sets_apart = reservation_set_bytes(slabs);
    warm_slabs.words = (uint64_t *)(void *)sets;
    cold_slabs.words = (uint64_t *)(void *)(sets + sets_apart);
    advice_start(region.base, (unsigned char *)sets + 2 * sets_apart);
    region.remotes = sets + SLAB_SETS * sets_apart;
    region.asides = region.remotes + reservation_table_bytes(slabs, REGION_REMOTE_BYTES);
    return true;
}

void region_after_fork(void) {
    process = os_process_id();
    os_lock_commits(0); /* a child's memory is not locked */
}

void region_choose_blocks(enum region_blocks blocks) {
    ASSERT(region_counts.used == 0);
    blocks_are = blocks;
}

static bool set_served_bytes(size_t bytes) {
    size_t *found = blocks_are == REGION_PLAIN ? &region.plain_bytes : &region.checked_bytes;
    return fixed_set(&region.bytes, bytes) &&
           (blocks_are == REGION_TRACED || fixed_set(found, bytes));
}

/* Make the sets accessible for slabs below `slabs`, one by one. They are neighbours. */
static bool commit_sets(size_t slabs) {
    for (char *set = (char *)warm_slabs.words; set < region.remotes; set += sets_apart)
        if (!os_commit(set, reservation_set_bytes(slabs)))
            return false;
    return true;
}

/* Make sets and remote words accessible: the sets in full, which takes one system call, unless
 * accessible memory counts against a limit. */
static bool commit_sets_and_remotes(size_t slabs) {
    size_t remote_bytes = reservation_table_bytes(slabs, REGION_REMOTE_BYTES);
    if (is_data_limited || os_locks_commits())
        return commit_sets(slabs) && os_commit(region.remotes, remote_bytes);
    char *sets = (char *)warm_slabs.words;
    return os_commit(sets, (size_t)(region.remotes - sets) + remote_bytes);
}

/* Make the tables accessible for slabs below `slabs`. */
static bool commit_tables(size_t slabs) {
    /* There may be more, since the region gave address space back. */
    ASSERT(region.bytes == smaller(tables_committed, slab_limit) << SLAB_SHIFT);
    if (slabs <= tables_committed)
        return true;
    bool is_little = is_data_limited || os_locks_commits();
    size_t target = tables_committed + (is_little ? REGION_TABLE_STEP_LIMITED : REGION_TABLE_STEP);
    target = smaller(larger(target, slabs), slab_limit);
    /* From the start: an area's end may fall into a page that is accessible already. */
    size_t aside_bytes = is_hardened ? reservation_table_bytes(target, REGION_ASIDE_BYTES) : 0;
    if (!os_commit(region.descriptors, reservation_table_bytes(target, REGION_DESCRIPTOR_BYTES)) ||
        (aside_bytes != 0 && !os_commit(region.asides, aside_bytes)) ||
        !commit_sets_and_remotes(target) || !set_served_bytes(target << SLAB_SHIFT))
        return false;
    tables_committed = target;
    return slabs <= target;
}

/* True if the pool is so large that the kernel is let use a huge page, all of which is to be used,
 * where it comes to the first slab of one. */
static bool fills_huge_pages(void) {
    return region_counts.used >= REGION_HUGE_FROM &&
           __atomic_load_n(&region_counts.filled, __ATOMIC_RELAXED) >= REGION_HUGE_FILLED;
}

/* What is accessible and not used lets an overflow pass, or counts against a limit: one slab, until
 * the pool is so large that huge pages make up for it. */
static size_t careful_step(void) {
    return fills_huge_pages() && !is_data_limited ? REGION_HUGE_SLABS : 1;
}

/* Make more slabs accessible: half of what there is, within bounds; under a limit, one. */
static bool commit_slabs(void) {
    size_t step = slabs_committed / 2 & ~(size_t)(REGION_HUGE_SLABS - 1);
    step = smaller(larger(step, REGION_HUGE_SLABS), REGION_STEP_MOST);
    if (is_hardened || is_data_limited || os_locks_commits())
        step = careful_step();
    if (step > 1)
        step -= (slabs_committed + step) % REGION_HUGE_SLABS; /* what a guard has left uneven */
    step = smaller(step, slab_limit - slabs_committed);
    if (step == 0)
        return false;
    if (!os_commit(region_slab_start(slabs_committed), step << SLAB_SHIFT)) {
        step = 1; /* near a limit of the system, take what still goes */
        if (!os_commit(region_slab_start(slabs_committed), step << SLAB_SHIFT))
            return false;
    }
    slabs_committed += step;
    ASSERT(slabs_committed <= slab_limit);
    check_sets();
    return true;
}

/* The next slab that never served. */
static size_t take_next_unused(void) {
    size_t slab_index = region_counts.used;
    ASSERT(slab_index <= slab_limit && slab_index <= slabs_committed);
    if (slab_index == slab_limit || !commit_tables(slab_index + 1))
        return REGION_NO_SLAB;
    if (slab_index == slabs_committed && !commit_slabs())
        return REGION_NO_SLAB;
    advice_put_into_dumps(slab_index, slabs_committed, REGION_HUGE_FROM);
    if (fills_huge_pages() && slab_index % REGION_HUGE_SLABS == 0 &&
        slab_index + REGION_HUGE_SLABS <= slabs_committed)
        advice_allow_huge_page(slab_index);
    __atomic_store_n(&region_counts.used, slab_index + 1, __ATOMIC_RELAXED);
    return slab_index;
}

static_assert(REGION_HUGE_SLABS == 32, "a huge page has 32 bits of a set");

/* The lowest slab whose memory was returned. */
static size_t take_cold(void) {
    size_t slab_index = slab_set_take_lowest(&cold_slabs, region_counts.used);
    if (slab_index == REGION_NO_SLAB)
        return REGION_NO_SLAB;
    if (some_are_hidden && !os_commit(region_slab_start(slab_index), SLAB_BYTES)) {
        slab_set_add(&cold_slabs, slab_index);
        return REGION_NO_SLAB;
    }
    if (fills_huge_pages() && slab_index % REGION_HUGE_SLABS == 0 &&
        slab_set_half_word(&cold_slabs, slab_index / REGION_HUGE_SLABS) == (UINT32_MAX & ~1u))
        advice_allow_huge_page(slab_index);
    return slab_index;
}

APART void region_harden(size_t resting, size_t spacing) {
    ASSERT(region_counts.taken == 0);
    region_bounds.warm_resting = resting;
    region_bounds.guard_spacing = spacing;
    region_bounds.apart_most = os_mapping_limit() / REGION_MAPPINGS_SHARE;
    /* A guard as large as a huge page splits none, and takes no memory either. */
    region_bounds.guard_slabs =
        slab_limit == REGION_SLABS && spacing % REGION_HUGE_SLABS == 0 ? REGION_HUGE_SLABS : 1;
    is_hardened = true;
}

APART void region_set_spans_apart(void) {
    ASSERT(region_counts.used == 0 && region_bounds.span_slabs == 0);
    region_bounds.span_slabs = slab_limit / REGION_SPANS_SHARE;
    region_bounds.span_gap = slab_limit < REGION_SLABS ? 1 : REGION_SPANS_GAP;
    region_counts.span_used = region_bounds.span_gap;
    slab_limit -= region_bounds.span_slabs;
    region_bounds.span_base = region.base + (slab_limit << SLAB_SHIFT);
}

/* Make slabs that never served inaccessible for good, from region_counts.used on. They count as
 * used, and have no descriptor and no memory. False if there are not so many. */
static bool skip_unused(size_t slabs) {
    ASSERT(lock_is_mine(&pool_lock) && slabs > 0);
    size_t first = region_counts.used;
    size_t end = first + slabs;
    if (slabs > slab_limit || end > slab_limit || !commit_tables(end))
        return false;
    size_t open_end = smaller(end, slabs_committed);
    if (first < open_end)
        os_withdraw(region_slab_start(first), (open_end - first) << SLAB_SHIFT);
    slabs_committed = larger(slabs_committed, end);
    __atomic_store_n(&region_counts.used, end, __ATOMIC_RELAXED);
    return true;
}

/* The next slab that is not to be a guard. */
static size_t take_unused(void) {
    size_t first = region_counts.used;
    size_t may_make = region_counts.guards < region_bounds.apart_most ? 1 : 0;
    size_t end = region_behind_guard(first, region_counts.guards + may_make);
    if (end != first && !skip_unused(end - first))
        return REGION_NO_SLAB;
    region_counts.guards += end != first;
    return take_next_unused();
}

static size_t take_warm(unsigned kind) {
    size_t slab_index = slab_set_take_kind(&warm_slabs, region_counts.used, &kinds, kind);
    if (slab_index != REGION_NO_SLAB)
        region_set_warm(region_counts.warm - 1);
    if (region_counts.warm < warm_least)
        warm_least = region_counts.warm;
    return slab_index;
}

/* A slab whose memory reads as zero. */
static size_t take_zeroed(void) {
    if (region_counts.taken + region_counts.warm >= region_bounds.memory_slabs)
        return REGION_NO_SLAB;
    size_t slab_index = take_cold();
    return slab_index != REGION_NO_SLAB ? slab_index : take_unused();
}

void region_count_taken(size_t slabs) {
    ASSERT(lock_is_mine(&pool_lock));
    region_counts.taken += slabs;
    if (region_counts.taken > region_counts.taken_peak)
        region_counts.taken_peak = region_counts.taken;
    ASSERT(region_counts.taken <= region_bounds.memory_slabs);
    ASSERT(region_counts.taken - region_counts.span_taken + region_counts.warm <=
           region_counts.used);
}

void region_count_spans(size_t before, size_t after) {
    ASSERT(region_counts.span_taken >= before && region_counts.taken >= region_counts.span_taken);
    region_counts.span_taken += after - before;
    region_counts.taken -= before;
    region_count_taken(after);
}

size_t region_take_slab(unsigned kind, bool *zeroed) {
    ASSERT(lock_is_mine(&pool_lock));
    size_t slab_index = region_is_about_to_grow() ? REGION_NO_SLAB : take_warm(kind);
    *zeroed = slab_index == REGION_NO_SLAB;
    if (slab_index == REGION_NO_SLAB)
        slab_index = take_zeroed();
    if (slab_index == REGION_NO_SLAB) {
        slab_index = take_warm(kind);
        *zeroed = false;
    }
    if (slab_index == REGION_NO_SLAB)
        return REGION_NO_SLAB;
    ASSERT(slab_index < region_counts.used);
    ASSERT(!slab_set_has(&warm_slabs, slab_index) && !slab_set_has(&cold_slabs, slab_index));
    region_count_taken(1);
    slab_kinds_note(&kinds, slab_index, kind);
    return slab_index;
}

void region_return_slab(size_t slab_index) {
    ASSERT(lock_is_mine(&pool_lock) && region_counts.taken > 0);
    ASSERT(slab_index < region_counts.used && !slab_set_has(&cold_slabs, slab_index));
    slab_set_add(&warm_slabs, slab_index);
    region_counts.taken--;
    region_set_warm(region_counts.warm + 1);
    if (region_counts.warm < trims_from)
        return;
    region_trim(region_bounds.warm_slabs);
    /* A trim goes through all slabs: after it, wait for a share of them. Where the system takes no
     * memory back, because it is locked, that many more each time. */
    size_t share = region_counts.warm / REGION_TRIM_SHARE;
    trims_from = region_counts.warm + larger(share, REGION_BATCH_SLABS);
}

void region_return_hidden(size_t slab_index) {
    ASSERT(lock_is_mine(&pool_lock) && region_counts.taken > 0);
    slab_set_add(&cold_slabs, slab_index);
    region_counts.taken--;
    some_are_hidden = true;
}

/* Where data is limited, make cold slabs inaccessible, from `first` to below `end`. A run of them
 * takes two mappings, and there are no more runs than slabs between: where many, only long ones. */
static void hide_cold(size_t first, size_t end) {
    size_t between = region_counts.taken - region_counts.span_taken + region_counts.warm;
    if (is_data_limited && (end - first >= REGION_HUGE_SLABS || between < hidden_runs_most))
        (void)os_hide(region_slab_start(first), (end - first) << SLAB_SHIFT);
}

/* Turn the warm slabs from `first` to below `end`, neighbours all, cold. The number that became
 * cold. */
static size_t make_cold(size_t first, size_t end) {
    ASSERT(first < end && end <= region_counts.used && end - first <= region_counts.warm);
    advice_forbid_huge_pages(first, end - first);
    if (!os_purge(region_slab_start(first), (end - first) << SLAB_SHIFT))
        return 0;
    for (size_t slab_index = first; slab_index < end; slab_index++) {
        slab_set_remove(&warm_slabs, slab_index);
        slab_set_add(&cold_slabs, slab_index);
    }
    region_set_warm(region_counts.warm - (end - first));
    hide_cold(first, end);
    return end - first;
}

/* Return whole huge pages of warm slabs, even if half of the last one were to be kept. A part of
 * one takes the kernel longer to return, splits it, and its memory is not free before the rest is.
 */
static size_t trim_huge_pages(size_t keep) {
    size_t slabs_returned = 0;
    for (size_t number = region_counts.used / REGION_HUGE_SLABS;
         number > 0 && region_counts.warm >= keep + REGION_BATCH_SLABS; number--) {
        size_t first = (number - 1) * REGION_HUGE_SLABS;
        if (slab_set_half_word(&warm_slabs, number - 1) == UINT32_MAX)
            slabs_returned += make_cold(first, first + REGION_HUGE_SLABS);
    }
    return slabs_returned;
}

/* What is accessible and never served. It has memory where all is locked. */
static void trim_unused(bool hides) {
    void *start = region_slab_start(region_counts.used);
    size_t bytes = (slabs_committed - region_counts.used) << SLAB_SHIFT;
    if (bytes != 0 && os_purge(start, bytes) && hides && os_hide(start, bytes))
        slabs_committed = region_counts.used;
}

size_t region_trim(size_t keep) {
    ASSERT(lock_is_mine(&pool_lock));
    check_sets();
    size_t slabs_returned = trim_huge_pages(keep);
    size_t end = region_counts.used;
    while (region_counts.warm > keep && end > 0) {
        if (!slab_set_has(&warm_slabs, end - 1)) {
            end--;
            continue;
        }
        size_t first = end - 1;
        while (first > 0 && end - first < region_counts.warm - keep &&
               slab_set_has(&warm_slabs, first - 1))
            first--;
        slabs_returned += make_cold(first, end);
        end = first;
    }
    if (keep == 0)
        trim_unused(is_data_limited);
    return slabs_returned << SLAB_SHIFT;
}

APART bool region_yield_data(bool is_limited) {
    ASSERT(lock_is_mine(&pool_lock));
    bool is_news = is_limited && !is_data_limited && process == os_process_id();
    if (is_news)
        note_data_limit();
    for (size_t first = 0, end; is_news && first < region_counts.used; first = end + 1) {
        end = slab_set_behind(&cold_slabs, first, region_counts.used);
        if (first < end)
            hide_cold(first, end);
    }
    if (!is_data_limited)
        return false;
    size_t before = region_counts.warm + slabs_committed;
    region_trim(0);
    return is_news || region_counts.warm + slabs_committed < before;
}

void region_decay(void) {
    ASSERT(lock_is_mine(&pool_lock));
    if (warm_least > region_bounds.warm_resting)
        region_trim(region_counts.warm - warm_least + region_bounds.warm_resting);
    warm_least = region_counts.warm;
}

/* Give what the tables have for more slabs than these, and the gap beyond a slab. */
APART static void give_areas(reservation_give *give, size_t slabs_kept) {
    size_t slabs = slabs_reserved;
    reservation_give_entries(give, region.descriptors, REGION_DESCRIPTOR_BYTES, slabs, slabs_kept);
    reservation_give_entries(give, region.remotes, REGION_REMOTE_BYTES, slabs, slabs_kept);
    reservation_give_entries(give, region.asides, REGION_ASIDE_BYTES, slabs, slabs_kept);
    char *sets = (char *)warm_slabs.words;
    if (give == os_unlock || slabs_kept == tables_committed) /* else the sets stay whole */
        for (char *set = sets; set < region.remotes; set += sets_apart)
            reservation_give_end(give, set, reservation_set_bytes(slabs),
                                 reservation_set_bytes(slabs_kept));
    give((char *)region.base - reservation_gap_bytes(slabs),
         reservation_gap_bytes(slabs) - reservation_gap_bytes(slabs_kept));
}

/* Give back what spans have not used. */
static void release_spans(size_t kept) {
    size_t before = region_bounds.span_slabs;
    if (kept < before && fixed_set(&region_bounds.span_slabs, kept))
        os_unreserve((void *)(region_bounds.span_base + (kept << SLAB_SHIFT)), (before - kept)
                                                                                   << SLAB_SHIFT);
}

APART bool region_release_unused(size_t keep_bytes) {
    ASSERT(lock_is_mine(&pool_lock));
    size_t kept = larger(keep_bytes >> SLAB_SHIFT, slabs_committed);
    size_t spans_kept = larger(keep_bytes >> SLAB_SHIFT, region_counts.span_used);
    bool has_spans = spans_kept < region_bounds.span_slabs;
    if ((kept >= slab_limit && !has_spans) || process != os_process_id())
        return false;
    kept = smaller(kept, slab_limit);
    size_t limit_before = slab_limit;
    size_t kept_bytes = kept << SLAB_SHIFT;
    if (!fixed_set(&region.owned_bytes, kept_bytes) || !fixed_set(&slab_limit, kept))
        return false;
    if (region.bytes > kept_bytes && !set_served_bytes(kept_bytes))
        return false;
    os_unreserve(region_slab_start(kept), (limit_before - kept) << SLAB_SHIFT);
    give_areas(os_unreserve, larger(kept, tables_committed));
    slabs_reserved = larger(kept, tables_committed);
    release_spans(spans_kept);
    return true;
}

APART void region_unlock_unused(void) {
    ASSERT(lock_is_mine(&pool_lock));
    trim_unused(true);
    os_unlock(region_slab_start(slabs_committed), (slab_limit - slabs_committed) << SLAB_SHIFT);
    reservation_give_end(os_unlock, (void *)region_bounds.span_base,
                         region_bounds.span_slabs << SLAB_SHIFT,
                         region_counts.span_used << SLAB_SHIFT);
    give_areas(os_unlock, region_counts.used);
}

APART bool region_make_room(size_t least_bytes, size_t bytes) {
    ASSERT(lock_is_mine(&pool_lock) && least_bytes <= bytes);
    size_t unused_bytes = (slab_limit - slabs_committed) << SLAB_SHIFT;
    size_t unused_spans = region_bounds.span_slabs - region_counts.span_used;
    size_t tables_kept = larger(slabs_committed, tables_committed);
    size_t unused_tables =
        reservation_areas_bytes(slabs_reserved) - reservation_areas_bytes(tables_kept);
    if (least_bytes > unused_bytes + unused_tables + (unused_spans << SLAB_SHIFT))
        return false;
    size_t kept_bytes = bytes < unused_bytes ? (slab_limit << SLAB_SHIFT) - bytes : 0;
    return region_release_unused(kept_bytes);
}
