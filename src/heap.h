/* What a heap does for its thread: hand out slots, take back blocks, take in what other threads
 * freed.
 *
 * Taking a block is to take the lowest bit of a bin's mask (heap_table.h); when the mask is empty,
 * heap_fill() claims the next slots from the class's current slab, or from the next slab of the
 * class: one that is available, an orphan, a new one. A class that needs little has none: its bin
 * claims from a slab of its host (size_class_host()), or takes over what another bin has claimed.
 *
 * All is the owner's; heap_find_any(), and heap_give_untagged() and heap_give_any() with a block
 * that another thread owns, may be called by any thread.
 */
#ifndef HEAP_H
#define HEAP_H

#include "fault.h"
#include "heap_table.h"
#include "places.h"
#include "quarantine.h"

/* The block in a slot of a bin. */
static inline void *heap_bin_block(const struct bin *bin, unsigned slot) {
    uint32_t offset = slot * bin->stride; /* less than a slab */
    ASSERT(slot < WORD_BITS && offset < SLAB_BYTES && (uintptr_t)bin->first % SLOT_ALIGN == 0);
    return bin->first + offset;
}

/* Take the lowest slot of a bin that has one: the fast path of every allocation. */
static inline void *heap_take_bin(struct bin *bin) {
    uint64_t mask = bin->mask;
    ASSERT(mask != 0 && (mask & *bin->live) == 0);
    unsigned slot = (unsigned)lowest_bit(mask);
    uint64_t rest = mask & (mask - 1);
    bin->mask = rest;
    OWNER_STORE(bin->live, *bin->live | (mask ^ rest));
    return heap_bin_block(bin, slot);
}

/* The bin of a class, with a slot in it, claiming more first if there is none. NULL if the pool has
 * no room. */
struct bin *heap_fill(struct heap *heap, unsigned class_index);

/* A slot of the calling thread's own slabs. */
struct found {
    struct slab *slab; /* NULL if the pointer is anything else: outside the region, another thread's
                          block, or a fault */
    size_t slot;
    uint64_t live; /* the word that the slot's bit is in */
    size_t index;  /* the slab's; of checked_find_own() alone */
};

/* The slot that starts at a pointer, whether it is live or not. */
static inline struct found heap_find_slot(const struct heap *heap, const void *pointer) {
    struct found found = {.slab = NULL};
    uintptr_t offset = (uintptr_t)pointer - region.base;
    if (UNLIKELY(offset >= region.plain_bytes))
        return found;
    size_t index = offset >> SLAB_SHIFT;
    struct slab *slab = slab_at(index);
    /* A slab, intact, ours, nothing posted by other threads: one comparison. */
    if (UNLIKELY(PLAIN_LOAD(&slab->tag_plain) != (heap->tag ^ index)))
        return found;
    bool exact;
    size_t slot = slab_slot(slab, (uint32_t)(offset & (SLAB_BYTES - 1)), &exact);
    if (UNLIKELY(!exact))
        return found;
    found.slab = slab;
    found.slot = slot;
    found.live = slab->live[slot / WORD_BITS];
    return found;
}

/* The slab of a live block of the calling thread's own; NULL if the pointer is anything else. */
static inline struct slab *heap_find(const struct heap *heap, const void *pointer) {
    struct found found = heap_find_slot(heap, pointer);
    return found.slab != NULL && slab_is_live(found.live, found.slot) ? found.slab : NULL;
}

/* Free a block of the calling thread's own slabs: the fast path. False, and nothing done, if it is
 * anything else. */
static inline bool heap_give(void *pointer) {
    struct heap *heap = heap_current;
    struct found found = heap_find_slot(heap, pointer);
    if (UNLIKELY(found.slab == NULL) || UNLIKELY(!clear_bit(&found.live, found.slot)))
        return false;
    if (UNLIKELY(slab_give_rest(found.slab, found.slot, found.live)))
        places_wake(heap, found.slab);
    return true;
}

/* Return what was not needed for a time, if that is over. heap_fill() calls it now and then; who
 * has blocks that are in no slot does so too. */
void heap_look_at_clock(struct heap *heap);

/* The slab of a live block, whoever owns it, and its slot. NULL if the pointer is anything else,
 * after its fault was reported: `report` comes with the call and goes with the place. */
struct slab *heap_find_any(const void *pointer, uint32_t *slot, struct fault_report *report);

/* Free a block without a tag of an orphan; false, and nothing done, if it is anything else;
 * heap_find_any() knows. `heap` may be one of the const heaps. */
bool heap_give_orphan(struct heap *heap, void *pointer);

/* The rare ends of heap_paths.h: many blocks of slabs of our own that others free into were freed;
 * such a slab needs attention after one of them; another's is to be posted to it. */
void heap_take_in_posted(struct heap *heap);
void heap_wake_posted(struct heap *heap, struct slab *slab);
void heap_post(struct slab *slab);

/* Free a live block, whoever owns its slab. False if that could not be done: the block is freed
 * already, or its slab has just changed hands; heap_find_any() knows. `heap` may be one of the
 * const heaps. */
bool heap_give_any(struct heap *heap, struct slab *slab, uint32_t slot);

/* Free a slot of the heap's own slabs by way of the quarantine; without one the slot may be handed
 * out again at once. */
void heap_give_resting(struct heap *heap, struct slab *slab, uint32_t slot);

/* Before heap_empty_bin(): count the calls of a class. What was claimed and is left will not be
 * handed out; what a fork brought and is not left was. Who reads the statistics meanwhile sees a
 * sum that goes down: stats_hold_calls() comes first. */
void heap_settle_calls(struct heap *heap, unsigned class_index);

/* Undo the claim of what the bin of a class still has; uncounted. */
void heap_empty_bin(struct heap *heap, unsigned class_index);

/* Take in what other threads freed. A signal handler may fork in the middle of it; the child's
 * inbox is then made anew, with the slabs that are still to come, so it starts again. */
void heap_drain_inbox(struct heap *heap);

/* The same, and what was rescued of the heap. */
void heap_take_in(struct heap *heap);

/* Return all memory that the heap can spare: what others freed is taken in, no slot stays claimed,
 * and the pages without a block go back to the system. The bytes. */
size_t heap_trim(struct heap *heap);

#endif
