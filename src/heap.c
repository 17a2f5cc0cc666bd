#include "heap.h"

#include "audit.h"
#include "blame.h"
#include "block_tag.h"
#include "census.h"
#include "heap_paths.h"
#include "idle.h"
#include "orphans.h"
#include "os.h"
#include "rescue.h"
#include "stats.h"
#include "sweep.h"
#include "tuning.h"

#include <string.h>

/* ---- slabs that others free into ---- */

static void take_in(struct heap *heap, struct slab *slab) {
    if (slab_owner(slab) != (int)heap->owner) { /* meant for who had this heap before */
        if (!lock_acquire(&pool_lock)) {
            orphans_push_inbox_remote(heap, slab); /* later */
            return;
        }
        orphans_forward(slab);
        lock_release(&pool_lock);
        return;
    }
    /* After a fork in the middle of this, a slab may come a second time. */
    ASSERT(slab_is_posted(slab) || heap->forks != 0);
    slab_unpost(slab);
    if (heap_table_is_hardened && quarantine_is_there(heap))
        quarantine_fold(heap, slab);
    else
        blame_fold(slab);
    places_settle(heap, slab);
}

void heap_drain_inbox(struct heap *heap) {
    ASSERT(heap_is_real(heap) && !lock_is_mine(&pool_lock));
    unsigned forks;
    atomic_store_explicit(&heap->waiting, 0, memory_order_relaxed);
    atomic_store_explicit(&heap->rescue_from, RESCUE_SLABS, memory_order_relaxed);
    atomic_store_explicit(&heap->drains, true, memory_order_relaxed);
    do {
        forks = __atomic_load_n(&heap->forks, __ATOMIC_RELAXED);
        struct slab *slab = atomic_exchange_explicit(&heap->inbox, NULL, memory_order_seq_cst);
        while (slab != NULL && forks == __atomic_load_n(&heap->forks, __ATOMIC_RELAXED)) {
            struct slab *next = slab->inbox_next;
            take_in(heap, slab);
            slab = next;
        }
    } while (forks != __atomic_load_n(&heap->forks, __ATOMIC_RELAXED));
    /* Release, the partner of the load in rescue.c: what was folded has been counted. */
    atomic_store_explicit(&heap->drains, false, memory_order_release);
}

/* ---- claiming slots ---- */

static void tag_freed(const struct slab *slab, uint32_t slot) {
    void *block = slab_slot_start(slab, slot);
    block_tag_mark_freed(block, block_tag_mask(block), slab->class_index);
}

/* Mark slots that were claimed for the first time, from `first` on, as freed, and put a tag behind
 * the last: so there is one behind each that is in use. */
static void tag_fresh(const struct slab *slab, uint32_t first) {
    for (uint32_t slot = first == 0 ? 0 : first + 1; slot <= slab->fresh_slot; slot++)
        tag_freed(slab, slot);
}

/* Renew the tags that are gone with memory that was purged: those of slots that were claimed, and
 * behind them. */
static void tag_purged(const struct slab *slab, uint32_t first, uint64_t mask) {
    for (; mask != 0; mask &= mask - 1) {
        uint32_t slot = first + (uint32_t)__builtin_ctzll(mask);
        if (block_tag_load(slab_slot_start(slab, slot)) == 0)
            tag_freed(slab, slot);
        if (block_tag_load(slab_slot_start(slab, slot + 1)) == 0)
            tag_freed(slab, slot + 1);
    }
}

/* In the hardened mode: see to it that all slots that were claimed have tags. */
static void tag_claimed(const struct slab *slab, const struct slab_claim *claim) {
    uint32_t first = claim->word * WORD_BITS;
    if (claim->fresh)
        tag_fresh(slab, first + (uint32_t)__builtin_ctzll(claim->mask));
    if (slab_disturbed(slab) == SLAB_PURGED)
        tag_purged(slab, first, claim->mask);
}

/* Take the tags of slots from `first` to `last` away. */
static void untag(const struct slab *slab, uint32_t first, uint32_t last) {
    for (uint32_t slot = first; slot <= last; slot++)
        OWNER_STORE(block_tag_word(slab_slot_start(slab, slot)), 0);
}

void heap_settle_calls(struct heap *heap, unsigned class_index) {
    uint64_t left = count_bits(heap->claims[class_index].mask);
    OWNER_ADD(&heap->counters->pool_calls[class_index], heap->inherited[class_index] - left);
    heap->inherited[class_index] = 0;
}

void heap_empty_bin(struct heap *heap, unsigned class_index) {
    struct bin *bin = &heap->claims[class_index];
    if (bin->mask == 0)
        return;
    struct slab *slab = slab_of_live(bin->live);
    ASSERT(slab->class_index == class_index && slab_owner(slab) == (int)heap->owner);
    uint32_t fresh_slot = slab->fresh_slot;
    slab_unclaim(slab, (unsigned)(bin->live - slab->live), bin->mask, bin->fresh);
    if (heap_table_is_hardened && class_index != 0)
        untag(slab, slab->fresh_slot + 1, fresh_slot);
    bin->mask = 0;
}

/* Before a slab of the hardened mode serves another class: all its blocks were cleared as they were
 * freed, but their tags are left, and would lie within the new blocks. */
static void clear_remains(const struct slab *slab) {
    if (slab_disturbed(slab) == SLAB_DISTURBED)
        memset(slab_start(slab), 0, SLAB_BYTES);
    else if (slab->class_index != 0)
        untag(slab, 0, slab->fresh_slot);
}

/* A slab for the hardened mode: all zero but for the tags of its slots, and inaccessible if it is
 * for blocks of no bytes. If it served the same class before, its slots stay as they are. */
static void init_hardened(struct slab *slab, unsigned class_index, bool zeroed) {
    bool is_same =
        !zeroed && slab->class_index == class_index && slab_disturbed(slab) != SLAB_DISTURBED;
    uint32_t fresh_slot = is_same ? slab->fresh_slot : 0;
    enum slab_disturbed disturbed = is_same ? slab_disturbed(slab) : SLAB_AS_FREED;
    if (!zeroed && !is_same)
        clear_remains(slab);
    slab_init(slab, class_index, true);
    slab->fresh_slot = fresh_slot;
    slab_set_disturbed(slab, disturbed);
    if (class_index == 0)
        os_withdraw(slab_start(slab), SLAB_BYTES);
}

/* ---- slabs that nobody needs ---- */

/* Put a slab where it belongs by its blocks. Under pool_lock. */
static void put_away_slab(struct heap *heap, struct slab *slab) {
    places_unlist(heap, slab);
    slab->place = SLAB_NOWHERE;
    if (slab_used(slab) == 0)
        places_release(slab);
    else
        places_enlist(heap, slab);
}

/* Hand out from no slab of a class any more. The bin may hold slots of another slab than the
 * current one, if a lower one took that one's place. */
static void put_away(struct heap *heap, unsigned class_index) {
    const struct bin *bin = &heap->claims[class_index];
    struct slab *claimed = bin->mask != 0 ? slab_of_live(bin->live) : NULL;
    struct slab *current = heap->classes[class_index].current;
    heap->classes[class_index].current = NULL;
    heap_settle_calls(heap, class_index);
    heap_empty_bin(heap, class_index);
    if (current != NULL)
        put_away_slab(heap, current);
    if (claimed != NULL && claimed != current)
        put_away_slab(heap, claimed);
}

/* The slots of a slab that the bin of its class has claimed. */
static uint32_t claimed_of(const struct heap *heap, const struct slab *slab) {
    const struct bin *bin = &heap->claims[slab->class_index];
    return bin->mask != 0 && slab_of_live(bin->live) == slab ? count_bits(bin->mask) : 0;
}

/* Each class has a slab that it hands out from, of which a few blocks may be all that is in use:
 * let those go that were not needed since the last call, or `rested`. Under pool_lock. */
static void put_away_rested(struct heap *heap, bool rested) {
    stats_hold_calls();
    for (unsigned i = SIZE_CLASS_FIRST; i < heap->class_end; i++) {
        struct slab *slab = heap->classes[i].current;
        if (slab != NULL && sweep_is_rested(slab, claimed_of(heap, slab), rested))
            put_away(heap, i);
    }
}

/* ---- a slab for a class ---- */

/* The pool is about to grow. True if what the next allocator keeps is to go back. */
static bool give_back_before_growth(struct heap *heap) {
    rescue_before_growth();
    if (!sweep_is_worth_growth())
        return false;
    if (heap_table_end() == SLAB_OWNER_FIRST + 1) /* other threads may be what makes it grow */
        put_away_rested(heap, false);
    sweep_sparse(heap);
    orphans_sweep(false);
    return sweep_next_is_idle(false);
}

static struct slab *take_new_slab(struct heap *heap, unsigned class_index) {
    if (!lock_acquire(&pool_lock))
        return NULL;
    bool zeroed;
    bool is_next_idle = region_is_about_to_grow() && give_back_before_growth(heap);
    size_t index = region_take_slab(&zeroed);
    struct slab *slab = index != REGION_NO_SLAB ? slab_at(index) : NULL;
    if (slab != NULL) {
        ASSERT(slab->tag == 0 || slab_owner(slab) == SLAB_OWNER_NONE);
        if (heap_table_is_hardened)
            init_hardened(slab, class_index, zeroed);
        else
            slab_init(slab, class_index, zeroed);
        slab_set_owner(slab, heap->owner);
        places_note_class(heap, class_index);
        OWNER_ADD(&heap->counters->slabs_taken, 1);
        stats_note_slabs(region_counts.taken, region_counts.taken_peak, region_counts.warm);
        census_note();
    }
    lock_release(&pool_lock);
    if (is_next_idle)
        tuning_idle();
    return slab;
}

/* True if memory of a slab's free slots was returned: it comes back as they are handed out. */
static bool is_purged(const struct slab *slab) {
    return slab != NULL && slab->rest < SLAB_RESTS;
}

/* A slab that is purged is about to serve. */
SLOW static void note_growth(struct heap *heap) {
    if (!lock_acquire(&pool_lock))
        return;
    bool is_next_idle = give_back_before_growth(heap);
    lock_release(&pool_lock);
    if (is_next_idle)
        tuning_idle();
}

/* Take in what was rescued of this heap; false if nothing was. */
SLOW static bool take_rescued(struct heap *heap) {
    if (!lock_acquire(&pool_lock))
        return false;
    bool has_some = rescue_give_back(heap);
    lock_release(&pool_lock);
    if (has_some)
        heap_drain_inbox(heap);
    return has_some;
}

void heap_take_in(struct heap *heap) {
    heap_drain_inbox(heap);
    (void)take_rescued(heap);
}

/* The next slab of a class to hand out from; on no list. */
static struct slab *next_slab(struct heap *heap, unsigned class_index) {
    if (UNLIKELY(idle_door_is_closed()) && !idle_await())
        return NULL;
    if (heap->classes[class_index].available.first == NULL &&
        atomic_load_explicit(&heap->inbox, memory_order_relaxed) != NULL)
        heap_drain_inbox(heap);
    struct slab *slab = heap->classes[class_index].available.first;
    if (slab == NULL && is_purged(heap->classes[class_index].sparse.first))
        note_growth(heap);
    if (slab == NULL)
        slab = heap->classes[class_index].sparse.first;
    if (slab == NULL)
        slab = orphans_adopt(heap, class_index);
    if (slab == NULL && __atomic_load_n(&heap->rescued, __ATOMIC_RELAXED) != NULL &&
        take_rescued(heap))
        slab = heap->classes[class_index].available.first;
    if (slab == NULL)
        return take_new_slab(heap, class_index);
    places_unlist(heap, slab);
    atomic_signal_fence(memory_order_seq_cst); /* the processor's order: os_order_threads() */
    if (slab_is_posted(slab) && !rescue_await()) {
        places_enlist(heap, slab);
        return NULL;
    }
    return slab;
}

/* As slab_start(): the tag tells the index of a heap's own slab in fewer steps than its address. */
static inline char *own_slab_start(const struct heap *heap, const struct slab *slab) {
    uint64_t tag = atomic_load_explicit(&slab->tag, memory_order_relaxed);
    return (char *)(region.base + (((tag ^ heap->tag) & (REGION_SLABS - 1)) << SLAB_SHIFT));
}

/* Let the bin hand out what was claimed for it. */
FAST bool hand_out(struct heap *heap, struct bin *bin, const struct slab *slab,
                   struct slab_claim claim) {
    bin->fresh = claim.fresh;
    bin->zeroed = claim.fresh && slab->zeroed;
    if (UNLIKELY(heap_table_is_hardened) && slab->class_index != 0)
        tag_claimed(slab, &claim);
    bin->mask = claim.mask;
    OWNER_ADD(&heap->counters->pool_calls[slab->class_index], claim.count);
    audit_slab(heap, slab);
    return true;
}

/* The same when the door has been opened. False, and nothing claimed, if that cannot be waited
 * for. */
COLD static bool hand_out_later(struct heap *heap, struct bin *bin, struct slab *slab,
                                struct slab_claim claim) {
    if (idle_await())
        return hand_out(heap, bin, slab, claim);
    slab_unclaim(slab, claim.word, claim.mask, claim.fresh);
    return false;
}

/* Claim the next slots of a slab; false if it has none, or they must not be handed out. */
static bool fill_bin(struct heap *heap, struct bin *bin, unsigned class_index, struct slab *slab) {
    ASSERT(bin->mask == 0 && slab->place == SLAB_CURRENT && slab->class_index == class_index);
    struct slab_claim claim = slab_claim(slab);
    if (claim.mask == 0)
        return false;
    bin->first =
        own_slab_start(heap, slab) + slab_gap_bytes + (size_t)claim.word * WORD_BITS * slab->stride;
    ASSERT(bin->first == slab_slot_start(slab, claim.word * WORD_BITS));
    bin->stride = slab->stride;
    /* Release, the partner of idle_trim(): the live bits of what the bin had come before. */
    __atomic_store_n(&bin->live, &slab->live[claim.word], __ATOMIC_RELEASE);
    __atomic_store_n(&heap->classes[class_index].claimed, claim.mask, __ATOMIC_RELEASE);
    atomic_signal_fence(memory_order_seq_cst); /* the processor's order: os_order_threads() */
    if (UNLIKELY(idle_door_is_closed()))
        return hand_out_later(heap, bin, slab, claim);
    return hand_out(heap, bin, slab, claim);
}

SLOW void heap_look_at_clock(struct heap *heap) {
    if (!sweep_is_time(heap))
        return;
    if (!lock_acquire(&pool_lock))
        return;
    if (sweep_is_heaps_time(heap))
        put_away_rested(heap, heap->was_idle);
    bool is_all = sweep_rested(heap);
    if (is_all)
        orphans_sweep(true);
    bool is_next_idle = is_all && sweep_next_is_idle(true);
    lock_release(&pool_lock);
    if (is_all)
        tuning_decay();
    if (is_next_idle)
        tuning_idle();
}

SLOW struct bin *heap_fill(struct heap *heap, unsigned class_index) {
    ASSERT(heap_is_real(heap) && class_index < heap_table_classes());
    ASSERT(!lock_is_mine(&pool_lock));
    struct bin *bin = &heap->claims[class_index];
    if (bin->mask != 0) /* a request of 0 bytes, whose class the fast path does not find */
        return bin;
    if (UNLIKELY(--heap->claims_left < 0))
        heap_look_at_clock(heap);
    struct slab *slab = heap->classes[class_index].current;
    while (slab == NULL || !fill_bin(heap, bin, class_index, slab)) {
        heap->classes[class_index].current = NULL;
        if (slab != NULL)
            places_enlist(heap, slab);
        slab = next_slab(heap, class_index);
        if (slab == NULL)
            return NULL;
        places_make_current(heap, slab);
    }
    return bin;
}

/* ---- any pointer of the region ---- */

/* True if the slot was claimed from fresh memory and not handed out: slab_diagnose() cannot tell
 * that from freed. */
static bool waits_in_bin(const struct fault_report *report) {
    int owner = slab_owner(slab_at(report->slab_index));
    if (owner < SLAB_OWNER_FIRST || (unsigned)owner >= heap_table_end())
        return false;
    const struct bin *bin =
        &heap_table_of((unsigned)owner)->claims[slab_at(report->slab_index)->class_index];
    uint64_t bit = (uint64_t)1 << report->slot % WORD_BITS;
    return bin->fresh &&
           bin->live == &slab_at(report->slab_index)->live[report->slot / WORD_BITS] &&
           (bin->mask & bit) != 0;
}

struct slab *heap_find_any(const void *pointer, uint32_t *slot, struct fault_report *report) {
    for (;;) {
        struct slab *slab = slab_find(pointer, slot);
        if (LIKELY(slab != NULL))
            return slab;
        report->requested = FAULT_BYTES_UNKNOWN;
        report->fault = slab_diagnose(pointer, report);
        if (report->fault == FAULT_NONE)
            continue; /* another thread was at work on its slab a moment ago */
        if (report->fault == FAULT_DOUBLE_FREE && waits_in_bin(report))
            report->fault = FAULT_NEVER_ALLOCATED;
        blame_raise(report);
        return NULL;
    }
}

SLOW void heap_take_in_posted(struct heap *heap) {
    heap->posted_gives = 0;
    heap_drain_inbox(heap);
}

SLOW void heap_wake_posted(struct heap *heap, struct slab *slab) {
    places_wake(heap, slab);
    heap_note_posted_give(heap);
}

void heap_give_resting(struct heap *heap, struct slab *slab, uint32_t slot) {
    ASSERT(heap_table_is_hardened && slab_owner(slab) == (int)heap->owner);
    bool is_posted = slab_is_posted(slab);
    if (!quarantine_is_there(heap)) {
        if (slab_give(slab, slot, slab_live_of(slab, slot)))
            places_wake(heap, slab);
    } else {
        quarantine_set_aside(heap, slab_index(slab), slot);
        if (heap->aside_left == 0)
            quarantine_turn(heap);
    }
    if (is_posted) /* last, so that a slot that another thread frees too is found */
        heap_note_posted_give(heap);
}

SLOW void heap_post(struct slab *slab) {
    struct heap *owner = orphans_post_remote(slab);
    if (owner != NULL)
        rescue_heap(owner);
}

SLOW bool heap_give_orphan(struct heap *heap, void *pointer) {
    if ((uintptr_t)pointer - region.base >= region.plain_bytes)
        return false;
    size_t index = region_slab_index(pointer);
    struct slab *slab = slab_at(index);
    int owner = slab_tag_owner(atomic_load_explicit(&slab->tag, memory_order_acquire), index);
    bool exact;
    size_t slot = slab_slot(slab, (uint32_t)((uintptr_t)pointer & (SLAB_BYTES - 1)), &exact);
    return owner == SLAB_OWNER_ORPHAN && exact && orphans_give(heap, slab, (uint32_t)slot);
}

SLOW bool heap_give_any(struct heap *heap, struct slab *slab, uint32_t slot) {
    int owner = slab_owner(slab);
    if (owner == SLAB_OWNER_ORPHAN)
        return orphans_give(heap, slab, slot);
    if (owner != (int)heap->owner || !heap_is_real(heap))
        return heap_give_remote(heap, slab, slab_remote_word_of(slab, slot), slot);
    if (slab_is_posted(slab))
        heap_give_posted(heap, slab, slot, slab_live_of(slab, slot));
    else if (slab_give(slab, slot, slab_live_of(slab, slot)))
        places_wake(heap, slab);
    return true;
}

/* ---- giving memory back ---- */

COLD size_t heap_trim(struct heap *heap) {
    heap_take_in(heap);
    if (!lock_acquire(&pool_lock))
        return 0;
    stats_hold_calls();
    for (unsigned i = 0; i < heap->class_end; i++)
        put_away(heap, i);
    size_t bytes = sweep_all(heap);
    lock_release(&pool_lock);
    return bytes;
}
