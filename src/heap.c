#include "heap.h"

#include "audit.h"
#include "blame.h"
#include "census.h"
#include "heap_paths.h"
#include "idle.h"
#include "orphans.h"
#include "os.h"
#include "rescue.h"
#include "slot_tags.h"
#include "stats.h"
#include "sweep.h"
#include "tuning.h"

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

void heap_settle_calls(struct heap *heap, unsigned class_index) {
    uint64_t left = count_bits(heap->claims[class_index].mask);
    uint64_t inherited = heap_table_inherited(heap, class_index);
    OWNER_ADD(&heap->counters->pool_calls[class_index], inherited - left);
    if (inherited != 0)
        heap->inherited[class_index] = 0;
}

void heap_empty_bin(struct heap *heap, unsigned class_index) {
    struct bin *bin = &heap->claims[class_index];
    if (bin->mask == 0)
        return;
    struct slab *slab = slab_of_live(bin->live);
    ASSERT(slab_owner(slab) == (int)heap->owner);
    uint32_t fresh_slot = slab->fresh_slot;
    slab_unclaim(slab, (unsigned)(bin->live - slab->live), bin->mask, bin->fresh);
    if (heap_table_is_hardened && class_index != 0)
        slot_tags_take_away(slab, slab->fresh_slot + 1, fresh_slot);
    bin->mask = 0;
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

/* Hand out from no slab of a class any more. A bin may hold slots of another slab than the current
 * one, if a lower one took that one's place. */
static void put_away(struct heap *heap, unsigned class_index) {
    struct slab *current = heap->current[class_index];
    heap->current[class_index] = NULL;
    for (unsigned i = heap_table_first_bin(class_index); i <= class_index; i++) {
        const struct bin *bin = &heap->claims[i];
        struct slab *claimed = bin->mask != 0 ? slab_of_live(bin->live) : NULL;
        if (claimed == NULL || claimed->class_index != class_index)
            continue;
        heap_settle_calls(heap, i);
        heap_empty_bin(heap, i);
        if (claimed != current)
            put_away_slab(heap, claimed);
    }
    if (current != NULL)
        put_away_slab(heap, current);
}

/* The slots of a slab that bins have claimed. */
static uint32_t claimed_of(const struct heap *heap, const struct slab *slab) {
    uint32_t count = 0;
    for (unsigned i = heap_table_first_bin(slab->class_index); i <= slab->class_index; i++) {
        const struct bin *bin = &heap->claims[i];
        if (bin->mask != 0 && slab_of_live(bin->live) == slab)
            count += count_bits(bin->mask);
    }
    return count;
}

/* Each class has a slab that it hands out from, of which a few blocks may be all that is in use:
 * let those go that were not needed since the last call, or `rested`. Under pool_lock. */
static void put_away_rested(struct heap *heap, bool rested) {
    stats_hold_calls();
    for (unsigned i = SIZE_CLASS_FIRST; i < heap->class_end; i++) {
        struct slab *slab = heap->current[i];
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
    size_t index = region_take_slab(class_index, &zeroed);
    struct slab *slab = index != REGION_NO_SLAB ? slab_at(index) : NULL;
    if (slab != NULL) {
        ASSERT(slab->tag == 0 || slab_owner(slab) == SLAB_OWNER_NONE);
        if (heap_table_is_hardened)
            slot_tags_init(slab, class_index, zeroed);
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
    if (atomic_load_explicit(&heap->inbox, memory_order_relaxed) != NULL &&
        heap_table_slabs(heap, class_index)->available.first == NULL)
        heap_drain_inbox(heap);
    const struct class_slabs *lists = heap_table_slabs(heap, class_index);
    struct slab *slab = lists->available.first;
    if (slab == NULL && is_purged(lists->sparse.first))
        note_growth(heap);
    if (slab == NULL)
        slab = lists->sparse.first;
    if (slab == NULL)
        slab = orphans_adopt(heap, class_index);
    if (slab == NULL && __atomic_load_n(&heap->rescued, __ATOMIC_RELAXED) != NULL &&
        take_rescued(heap))
        slab = heap_table_slabs(heap, class_index)->available.first;
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
FAST bool hand_out(struct heap *heap, struct bin *bin, unsigned class_index,
                   const struct slab *slab, struct slab_claim claim) {
    bin->fresh = claim.fresh;
    bin->zeroed = claim.fresh && slab->zeroed;
    if (UNLIKELY(heap_table_is_hardened) && slab->class_index != 0)
        slot_tags_claimed(slab, &claim);
    bin->mask = claim.mask;
    OWNER_ADD(&heap->counters->pool_calls[class_index], claim.count);
    audit_slab(heap, slab);
    return true;
}

/* The same when the door has been opened. False, and nothing claimed, if that cannot be waited
 * for. */
APART COLD static bool hand_out_later(struct heap *heap, struct bin *bin, unsigned class_index,
                                      struct slab *slab, struct slab_claim claim) {
    if (idle_await())
        return hand_out(heap, bin, class_index, slab, claim);
    slab_unclaim(slab, claim.word, claim.mask, claim.fresh);
    return false;
}

/* Note what was claimed for the bin of a class, and let it hand that out; false, and nothing
 * claimed, if it must not. */
FAST bool note_claim(struct heap *heap, struct bin *bin, unsigned class_index, struct slab *slab,
                     struct slab_claim claim) {
    bin->first =
        own_slab_start(heap, slab) + slab_gap_bytes + (size_t)claim.word * WORD_BITS * slab->stride;
    ASSERT(bin->first == slab_slot_start(slab, claim.word * WORD_BITS));
    bin->stride = slab->stride;
    /* Release, the partner of idle_trim(): the live bits of what the bin had come before. */
    __atomic_store_n(&bin->live, &slab->live[claim.word], __ATOMIC_RELEASE);
    __atomic_store_n(&heap->claimed[class_index], claim.mask, __ATOMIC_RELEASE);
    atomic_signal_fence(memory_order_seq_cst); /* the processor's order: os_order_threads() */
    if (UNLIKELY(idle_door_is_closed()))
        return hand_out_later(heap, bin, class_index, slab, claim);
    return hand_out(heap, bin, class_index, slab, claim);
}

/* Let a bin go on with slots that another one has claimed of a slab, or, where that is NULL, of any
 * of the class `host`; false if none has any. */
SLOW static bool take_claim(struct heap *heap, struct bin *bin, unsigned class_index, unsigned host,
                            const struct slab *of) {
    for (unsigned i = heap_table_first_bin(host); i <= host; i++) {
        struct bin *other = &heap->claims[i];
        struct slab *slab = other->mask != 0 ? slab_of_live(other->live) : NULL;
        if (slab == NULL || slab->class_index != host || (of != NULL && slab != of))
            continue;
        struct slab_claim claim = {.mask = other->mask,
                                   .word = (uint16_t)(other->live - slab->live),
                                   .count = (uint16_t)count_bits(other->mask),
                                   .fresh = other->fresh};
        heap_settle_calls(heap, i);
        other->mask = 0;
        slab_lend(slab);
        return note_claim(heap, bin, class_index, slab, claim);
    }
    return false;
}

/* The bins of several classes claim from a slab: one at a time, so that none claims what another
 * has not handed out. */
SLOW static bool fill_of_lent(struct heap *heap, struct bin *bin, unsigned class_index,
                              struct slab *slab) {
    if (take_claim(heap, bin, class_index, slab->class_index, slab))
        return true;
    slab_end_lending(slab);
    struct slab_claim claim = slab_claim(slab);
    if (class_index != slab->class_index)
        slab_lend(slab);
    return claim.mask != 0 && note_claim(heap, bin, class_index, slab, claim);
}

/* Claim the next slots of a slab; false if it has none, or they must not be handed out. */
FAST bool fill_bin(struct heap *heap, struct bin *bin, unsigned class_index, struct slab *slab) {
    ASSERT(bin->mask == 0 && slab->place == SLAB_CURRENT);
    struct slab_claim claim = slab_claim(slab);
    if (UNLIKELY(claim.mask == 0))
        return slab->is_lent && fill_of_lent(heap, bin, class_index, slab);
    return note_claim(heap, bin, class_index, slab, claim);
}

/* True if a slab has free slots for guests: such that served before, or little of it is in use for
 * the number of classes that share it. */
static bool has_room(const struct heap *heap, const struct slab *slab) {
    enum { SHARE_BYTES = 4096 };
    if (slab_used(slab) < slab->fresh_slot)
        return true;
    size_t sharers = 1;
    for (unsigned i = heap_table_first_bin(slab->class_index); i <= slab->class_index; i++)
        sharers += heap->claims[i].stride == slab->stride ? 1 : 0;
    return (size_t)slab->fresh_slot * slab->stride < smaller(SHARE_BYTES * sharers, SLAB_BYTES / 2);
}

static bool fill_of_next(struct heap *heap, struct bin *bin, unsigned class_index,
                         struct slab *slab, unsigned slab_class);

/* A class that has no slab is a guest of another one as long as both need little, and blocks of it
 * are taken seldom: who has claimed the slots last changes with the class. */
SLOW static bool fill_as_guest(struct heap *heap, struct bin *bin, unsigned class_index) {
    enum { FILLS_MOST = 1024 };
    bool is_bounded = region_bounds.memory_slabs != SIZE_MAX; /* who leaves may find no slab */
    unsigned host = is_bounded ? class_index : size_class_host(class_index);
    const struct class_slabs *lists = heap_table_slabs(heap, class_index);
    if (host == class_index || lists->available.first != NULL || lists->sparse.first != NULL ||
        lists->full.first != NULL || bin->guest_fills >= FILLS_MOST)
        return false;
    bin->guest_fills++;
    if (take_claim(heap, bin, class_index, host, NULL))
        return true;
    struct slab *slab = heap->current[host];
    if (slab != NULL)
        return has_room(heap, slab) && fill_of_lent(heap, bin, class_index, slab);
    return heap_table_slabs(heap, host)->full.first == NULL &&
           fill_of_next(heap, bin, class_index, NULL, host);
}

/* Claim slots for the bin of a class of the next slab of `slab_class`: of that after `slab`, which
 * has none, if that is not NULL. */
SLOW static bool fill_of_next(struct heap *heap, struct bin *bin, unsigned class_index,
                              struct slab *slab, unsigned slab_class) {
    if (slab == NULL && !heap_table_is_checked && slab_class == class_index &&
        fill_as_guest(heap, bin, class_index))
        return true;
    do {
        heap->current[slab_class] = NULL;
        if (slab != NULL)
            places_enlist(heap, slab);
        slab = next_slab(heap, slab_class);
        if (slab == NULL)
            return false;
        places_make_current(heap, slab);
        if (slab_class != class_index)
            slab_lend(slab);
    } while (!fill_bin(heap, bin, class_index, slab));
    return true;
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
    struct slab *slab = heap->current[class_index];
    if (LIKELY(slab != NULL) && LIKELY(fill_bin(heap, bin, class_index, slab)))
        return bin;
    return fill_of_next(heap, bin, class_index, slab, class_index) ? bin : NULL;
}

/* ---- any pointer of the region ---- */

APART struct slab *heap_find_any(const void *pointer, uint32_t *slot, struct fault_report *report) {
    for (;;) {
        struct slab *slab = slab_find(pointer, slot);
        if (LIKELY(slab != NULL))
            return slab;
        report->requested = FAULT_BYTES_UNKNOWN;
        report->fault = slab_diagnose(pointer, report);
        if (report->fault == FAULT_NONE)
            continue; /* another thread was at work on its slab a moment ago */
        if (report->fault == FAULT_DOUBLE_FREE &&
            heap_table_has_fresh(slab_at(report->slab_index), report->slot))
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

APART void heap_give_resting(struct heap *heap, struct slab *slab, uint32_t slot) {
    ASSERT(heap_table_is_hardened && slab_owner(slab) == (int)heap->owner);
    bool is_posted = slab_is_posted(slab);
    if (!quarantine_is_there(heap)) {
        if (slab_give(slab, slot, slab_live_of(slab, slot)))
            places_wake(heap, slab);
    } else {
        quarantine_set_aside(heap, slab, slab_index(slab), slot);
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

APART SLOW bool heap_give_any(struct heap *heap, struct slab *slab, uint32_t slot) {
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

APART COLD size_t heap_trim(struct heap *heap) {
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
