/* Freeing a block without a tag that the fast path does not free: of a slab that another thread
 * owns, or frees into. It is laid out in the caller, and what is rare of it are tail calls, so that
 * it needs no stack frame. */
#ifndef HEAP_PATHS_H
#define HEAP_PATHS_H

#include "heap.h"

/* Free a block of another running thread. False if it is freed already. */
FAST bool heap_give_remote(struct heap *heap, struct slab *slab, _Atomic(uint64_t) *remote_word,
                           uint32_t slot) {
    HEAP_COUNT_FREE(heap, remote_frees);
    enum slab_remote_result result = slab_give_remote(slab, remote_word, slot);
    if (LIKELY(result == SLAB_REMOTE_GIVEN))
        return true;
    if (result == SLAB_REMOTE_DOUBLE)
        return false;
    heap_post(slab);
    return true;
}

/* A block of a slab of our own that others free into was freed. What they have freed is taken in
 * when the heap needs slots, or after so many of these: to take it in one by one would pass the
 * same cache lines back and forth. */
FAST void heap_note_posted_give(struct heap *heap) {
    enum { MOST = 64 };
    if (UNLIKELY(++heap->posted_gives >= MOST))
        heap_take_in_posted(heap);
}

/* Free a live block of a posted slab of our own. */
FAST void heap_give_posted(struct heap *heap, struct slab *slab, uint32_t slot, uint64_t live) {
    ASSERT(slab_owner(slab) == (int)heap->owner && !slab_is_aside(slab_index(slab), slot));
    if (UNLIKELY(slab_give(slab, slot, live)))
        heap_wake_posted(heap, slab);
    else
        heap_note_posted_give(heap);
}

/* Free a block without a tag of a slab that another running thread owns, or frees into. False, and
 * nothing done, if it is anything else. `heap` may be one of the const heaps. */
FAST bool heap_give_untagged(struct heap *heap, void *pointer) {
    uintptr_t offset = (uintptr_t)pointer - region.base;
    if (UNLIKELY(offset >= region.plain_bytes))
        return false;
    size_t index = offset >> SLAB_SHIFT;
    struct slab *slab = slab_at(index);
    int owner = slab_tag_owner(atomic_load_explicit(&slab->tag, memory_order_acquire), index);
    bool exact;
    uint32_t slot = (uint32_t)slab_slot(slab, (uint32_t)(offset & (SLAB_BYTES - 1)), &exact);
    if (UNLIKELY(!exact))
        return false;
    if (UNLIKELY(owner < SLAB_OWNER_FIRST || owner >= SLAB_OWNER_NONE))
        return false;
    _Atomic(uint64_t) *remote_word = slab_remote_word(slab, slab_remote(index), slot / WORD_BITS);
    if (owner != (int)heap->owner) {
        /* It comes while we wait for the line of the live bit. */
        prefetch_to_write(remote_word);
        return LIKELY(slab_is_live(slab_live_of(slab, slot), slot)) &&
               heap_give_remote(heap, slab, remote_word, slot);
    }
    uint64_t live = slab_live_of(slab, slot);
    if (UNLIKELY(!slab_is_live(live, slot)) ||
        UNLIKELY(slab_is_live(atomic_load_explicit(remote_word, memory_order_relaxed), slot)))
        return false;
    heap_give_posted(heap, slab, slot, live);
    return true;
}

#endif
