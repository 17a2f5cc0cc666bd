/* The fast paths of blocks with tags, inlined in their callers: take and free a block of the
 * calling thread's own slabs, and free one of a slab that another thread owns, or frees into, if
 * every check passes. checked.h serves the rest.
 *
 * Each path exists once for each kind of block: with a tag alone; hardened, of any size; hardened
 * and small, whose class is its size in steps and whose payload needs no loop. The last two serve
 * the same blocks: what is too large for the small path is left to the other. The first two of the
 * hardened ones ask which parts of the mode options have switched off; a small path that does not,
 * CHECKED_SMALL, serves where all are on.
 */
#ifndef CHECKED_PATHS_H
#define CHECKED_PATHS_H

#include "checked.h"
#include "config.h"
#include "heap_paths.h"
#include "payload.h"

/* The largest request whose class the fast paths look for: a node, with a tag; and the largest of
 * those that take the fewest steps in the hardened mode. */
enum {
    CHECKED_NODE_MAX = TAGPOOL_NODE_MAX - BLOCK_TAG_BYTES,
    CHECKED_SMALL_MAX = PAYLOAD_SMALL,
};
static_assert((int)CHECKED_SMALL_MAX + (int)BLOCK_TAG_BYTES == (int)SIZE_CLASS_SMALL_MAX &&
                  (int)SIZE_CLASS_SMALL_MAX <= (int)SIZE_CLASS_LINEAR_MAX,
              "the classes of small slots need no table");

enum checked_kind {
    CHECKED_TAGGED,
    CHECKED_HARDENED, /* any size */
    CHECKED_PARTLY,   /* small, whatever parts of the mode are on */
    CHECKED_SMALL,    /* small, and all are */
};

FAST bool checked_is_small(enum checked_kind kind) {
    return kind == CHECKED_PARTLY || kind == CHECKED_SMALL;
}

/* True if a part of the mode, by its option, is on for blocks of a kind. */
FAST bool checked_has(enum checked_kind kind, const uint64_t *option) {
    return kind == CHECKED_SMALL || (kind != CHECKED_TAGGED && *option != 0);
}

/* A slot of a mask: the first from a random place on, between its lowest and its highest. A
 * multiplicative congruential generator (L'Ecuyer, "Tables of linear congruential generators",
 * 1999) whose state is odd: cheap, and not easy to predict for those who do not know the state.
 * With random=off it is 0 and stays so, and the slot is the lowest.
 */
static inline size_t checked_random_slot(struct heap *heap, uint64_t mask) {
    ASSERT(mask != 0 && (heap->random_state & 1) == config.random);
    heap->random_state = heap->random_state * 1181783497276652981u;
    unsigned lowest = (unsigned)lowest_bit(mask);
    unsigned highest = (WORD_BITS - 1) ^ (unsigned)__builtin_clzll(mask);
    unsigned width = highest + 1 - lowest;
    unsigned place = lowest + (unsigned)((heap->random_state >> 32) * width >> 32);
    return place + lowest_bit(mask >> place);
}

/* Take a slot of a bin whose block, which has its new tag already, is not as free() left it: its
 * tag, which was `was`, or if that is 0, its bytes. Report that, and clear it. */
COLD void *checked_take_written(struct bin *bin, unsigned slot, uint64_t was);

/* A slot of a bin goes to the program. Its block has a tag before: whenever a signal handler or a
 * forked child looks, a live block has one. */
FAST void *checked_hand_out(struct bin *bin, size_t slot, void *block) {
    atomic_signal_fence(memory_order_release);
    uint64_t bit = (uint64_t)1 << slot;
    ASSERT((bin->mask & bit) != 0 && (*bin->live & bit) == 0);
    ASSERT((uintptr_t)block % SLOT_ALIGN == 0);
    bin->mask ^= bit;
    OWNER_STORE(bin->live, *bin->live | bit);
    return block;
}

/* A class: its slots in a heap's hands, and what is worked out of it without looking there. */
struct checked_class {
    struct bin *bin;
    size_t stride;
    uint64_t tag; /* in its blocks' tags: block_tag_class() */
};

/* Take a slot of a bin. Not for class 0. `tag` without the class. */
FAST void *checked_take_slot(struct checked_class class, size_t slot, struct block_tag tag,
                             enum checked_kind kind) {
    struct bin *bin = class.bin;
    void *block = bin->first + slot * class.stride;
    ASSERT(class.stride == bin->stride && tag.requested <= class.stride - BLOCK_TAG_BYTES);
    size_t usable = class.stride - BLOCK_TAG_BYTES;
    uint64_t mask = block_tag_mask(block) ^ class.tag;
    uint64_t was = kind != CHECKED_TAGGED ? block_tag_load(block) : 0;
    bool is_as_freed = kind == CHECKED_TAGGED || was == block_tag_freed(mask);
    block_tag_write(block, mask, tag);
    if (UNLIKELY(!is_as_freed))
        return checked_take_written(bin, (unsigned)slot, was);
    if (checked_has(kind, &config.clear) &&
        UNLIKELY(checked_is_small(kind) ? !payload_small_is_zero(block, usable)
                                        : !payload_is_zero(block, usable)))
        return checked_take_written(bin, (unsigned)slot, 0);
    if (checked_has(kind, &config.canary)) {
        if (checked_is_small(kind))
            payload_write_last(block, usable, usable - tag.requested);
        else
            payload_write_canary(block, tag.requested, usable);
    }
    return checked_hand_out(bin, slot, block);
}

/* Take a slot of a bin that has one: a random one in the hardened mode, else the lowest. */
FAST void *checked_take_bin(struct heap *heap, struct checked_class class, struct block_tag tag,
                            enum checked_kind kind) {
    size_t slot = kind != CHECKED_TAGGED ? checked_random_slot(heap, class.bin->mask)
                                         : lowest_bit(class.bin->mask);
    return checked_take_slot(class, slot, tag, kind);
}

/* The largest request that a kind's path serves. */
FAST size_t checked_most(enum checked_kind kind) {
    return checked_is_small(kind) ? CHECKED_SMALL_MAX : CHECKED_NODE_MAX;
}

/* The class of such a request. Of a small one all is worked out of the stride. */
FAST struct checked_class checked_class_of(struct heap *heap, size_t bytes,
                                           enum checked_kind kind) {
    size_t slot_bytes = bytes + BLOCK_TAG_BYTES;
    if (checked_is_small(kind)) {
        size_t stride = (slot_bytes + SLOT_ALIGN - 1) & ~(size_t)(SLOT_ALIGN - 1);
        char *bin = (char *)heap->checked_bins + stride * (sizeof(struct bin) / SLOT_ALIGN);
        return (struct checked_class){
            .bin = kept(bin), .stride = stride, .tag = block_tag_class(1) / SLOT_ALIGN * stride};
    }
    unsigned class_index = size_class_of(slot_bytes);
    struct bin *bin = &heap->checked_bins[class_index];
    return (struct checked_class){.bin = kind != CHECKED_TAGGED ? kept(bin) : bin,
                                  .stride = bin->stride,
                                  .tag = block_tag_class(class_index)};
}

/* Take a block of a size that this kind's path serves, if its class has a slot claimed; NULL if
 * not. */
FAST void *checked_take_node(struct heap *heap, size_t bytes, enum block_form form,
                             enum checked_kind kind) {
    if (UNLIKELY(bytes - 1 >= checked_most(kind) || !heap_is_real(heap)))
        return NULL;
    struct checked_class class = checked_class_of(heap, bytes, kind);
    if (UNLIKELY(class.bin->mask == 0))
        return NULL;
    struct block_tag tag = {.requested = (uint32_t)bytes, .form = form};
    return checked_take_bin(heap, class, tag, kind);
}

/* How far a pointer lies behind the first slot of slab 0. By this number the gap of a slab follows
 * the one before: a slot that would lie there is never live. */
FAST uintptr_t checked_offset(const void *pointer) {
    return (uintptr_t)pointer - SLAB_GAP_BYTES - region.base;
}

/* The slab of the calling thread's own in which a pointer lies, and that nobody else frees into. */
FAST struct slab *checked_own_slab(const struct heap *heap, uintptr_t offset) {
    if (UNLIKELY(offset >= region.bytes))
        return NULL;
    size_t index = offset >> SLAB_SHIFT;
    struct slab *slab = slab_at(index);
    return LIKELY(PLAIN_LOAD(&slab->tag_plain) == (heap->tag ^ index)) ? slab : NULL;
}

/* The live block that starts there; the slab is NULL if none does. */
FAST struct found checked_find_slot(struct slab *slab, uintptr_t offset) {
    struct found found = {.index = offset >> SLAB_SHIFT};
    bool exact;
    found.slot = slab_slot(slab, (uint32_t)(offset & (SLAB_BYTES - 1)), &exact);
    if (UNLIKELY(!exact))
        return found;
    found.live = slab->live[found.slot / WORD_BITS];
    if (LIKELY(slab_is_live(found.live, found.slot)))
        found.slab = slab;
    return found;
}

/* A live block of the calling thread's own slabs, as heap_find() finds it where there are no tags.
 * Not for class 0, whose blocks are inaccessible. */
FAST struct found checked_find_own(const struct heap *heap, const void *pointer, bool is_hardened) {
    uintptr_t offset = checked_offset(pointer);
    struct slab *slab = checked_own_slab(heap, offset);
    if (UNLIKELY(slab == NULL) || (is_hardened && UNLIKELY(slab->class_index == 0)))
        return (struct found){.slab = NULL};
    return checked_find_slot(slab, offset);
}

/* True if the slot is in the program's hands or waits in the quarantine. */
static inline bool checked_has_tag(const struct slab *slab, uint32_t slot) {
    return slot < slab->slot_count && slab_is_live(slab_live_of(slab, slot), slot);
}

/* What the tag of a block of a slab is xored with: the class is part of it. */
FAST uint64_t checked_mask(const struct slab *slab, const void *block) {
    return block_tag_mask(block) ^ slab->class_tag;
}

/* True if the tag after a block in this slot is intact. Without harden=on a slot that is
 * not in use has none. */
FAST bool checked_is_next_sound(const struct slab *slab, size_t slot, const void *next,
                                bool is_hardened) {
    return LIKELY(block_tag_is_intact(next, checked_mask(slab, next), 0)) ||
           (!is_hardened && !checked_has_tag(slab, (uint32_t)slot + 1));
}

/* Mark a block as freed: before it is cleared, so that another thread that frees it at this moment
 * finds the canary gone, and then why. */
FAST void checked_mark_freed(void *block, uint64_t mask) {
    block_tag_mark_freed(block, mask, 0);
    atomic_signal_fence(memory_order_release);
}

/* Free a block of the calling thread's own slabs if all is as it should be: its tag, its canary,
 * and the tag after it, which an overflow would have damaged. `bytes` as a sized delete gave them.
 * False, and nothing done, if anything is not, or the block is for another kind's path: then
 * checked_give() finds out what. */
FAST bool checked_give_node(struct heap *heap, void *block, enum block_form form, size_t bytes,
                            enum checked_kind kind) {
    uintptr_t offset = checked_offset(block);
    struct slab *slab = checked_own_slab(heap, offset);
    if (UNLIKELY(slab == NULL))
        return false;
    /* 0 of slabs that are not small, and of class 0, whose blocks are inaccessible. */
    size_t stride = checked_is_small(kind) ? slab->small_stride : slab->stride;
    if (checked_is_small(kind) ? UNLIKELY(stride == 0)
                               : kind == CHECKED_HARDENED && UNLIKELY(slab->class_index == 0))
        return false;
    struct found found = checked_find_slot(slab, offset);
    if (UNLIKELY(found.slab == NULL))
        return false;
    /* The slow path turns the quarantine, and makes it first. */
    if (checked_has(kind, &config.quarantine) && UNLIKELY(heap->aside_left <= 1))
        return false;
    size_t usable = stride - BLOCK_TAG_BYTES;
    if (kind == CHECKED_HARDENED)
        payload_fetch(block);
    uint64_t mask = checked_mask(slab, block);
    uint64_t requested = block_tag_size_if_intact(block, mask, 0, form);
    if (bytes != CHECKED_BYTES_UNKNOWN && UNLIKELY(bytes != requested))
        return false;
    /* That of freed blocks is more; a small canary is not longer than a step. */
    if (UNLIKELY(checked_is_small(kind) ? usable - requested > PAYLOAD_STEP_BYTES
                                        : requested > usable))
        return false;
    if (UNLIKELY(!checked_is_next_sound(slab, found.slot, (char *)block + stride,
                                        kind != CHECKED_TAGGED)))
        return false;
    if (checked_has(kind, &config.canary) &&
        UNLIKELY(checked_is_small(kind) ? !payload_has_last(block, usable, usable - requested)
                                        : !payload_has_canary(block, requested, usable)))
        return false;
    if (kind != CHECKED_TAGGED)
        checked_mark_freed(block, mask);
    if (checked_has(kind, &config.quarantine))
        quarantine_set_aside(heap, slab, found.index, found.slot);
    if (checked_has(kind, &config.clear)) {
        if (checked_is_small(kind))
            payload_small_clear(block, anew(stride) - BLOCK_TAG_BYTES);
        else
            payload_clear(block, usable);
    }
    if (!checked_has(kind, &config.quarantine) && UNLIKELY(slab_give(slab, found.slot, found.live)))
        places_wake(heap, slab);
    return true;
}

/* True if a block is as it must be: its tag, and what the call tells of it, and the canary. */
FAST bool checked_is_sound(const struct slab *slab, void *block, uint64_t mask,
                           const struct call *call, size_t bytes, bool is_hardened) {
    size_t usable = slab->stride - BLOCK_TAG_BYTES;
    uint64_t requested = block_tag_size_if_intact(block, mask, 0, call->form);
    if (UNLIKELY(requested > usable) ||
        (bytes != CHECKED_BYTES_UNKNOWN && UNLIKELY(bytes != requested)))
        return false;
    return !is_hardened || config.canary == 0 ||
           LIKELY(payload_has_canary(block, requested, usable));
}

/* What checked_resize_any() does with a block of the calling thread's own slabs, if all is as it
 * should be. CHECKED_FAULTY, and nothing done, if anything is not. */
FAST struct checked_resized checked_resize_own(struct heap *heap, void *block, size_t bytes,
                                               const struct call *call, bool is_hardened) {
    const struct checked_resized others = {.bytes = CHECKED_FAULTY};
    struct found found = checked_find_own(heap, block, is_hardened);
    const struct slab *slab = found.slab;
    if (UNLIKELY(slab == NULL))
        return others;
    size_t usable = slab->stride - BLOCK_TAG_BYTES;
    uint64_t mask = checked_mask(slab, block);
    if (UNLIKELY(!checked_is_sound(slab, block, mask, call, CHECKED_BYTES_UNKNOWN, is_hardened)) ||
        UNLIKELY(
            !checked_is_next_sound(slab, found.slot, (char *)block + slab->stride, is_hardened)))
        return others;
    uint32_t requested = block_tag_requested(block);
    if (bytes > usable || bytes <= usable / 2)
        return (struct checked_resized){.bytes = is_hardened ? requested : usable};
    block_tag_write(block, mask,
                    (struct block_tag){.requested = (uint32_t)bytes, .form = call->form});
    if (is_hardened && config.canary != 0 && bytes < requested)
        payload_extend_canary(block, bytes, requested);
    return (struct checked_resized){.bytes = bytes, .block = block};
}

/* ---- blocks of other threads, and of slabs that these free into ---- */

/* True if the slot is in the quarantine, or another thread has freed it. */
FAST bool checked_is_given(const struct slab *slab, size_t index, uint32_t slot, bool is_hardened) {
    return (is_hardened && UNLIKELY(slab_is_aside(index, slot))) ||
           UNLIKELY(slab_is_freed_remotely(slab, slab_remote(index), slot));
}

/* Mark and clear a hardened block. */
FAST void checked_wipe(const struct slab *slab, void *block, uint64_t mask) {
    checked_mark_freed(block, mask);
    if (config.clear != 0)
        payload_clear(block, slab->stride - BLOCK_TAG_BYTES);
}

/* Free a block of a slab of the calling thread's own that others free into, as
 * checked_give_node() does where none do. Not for class 0. */
FAST bool checked_give_posted(struct heap *heap, void *block, const struct call *call, size_t bytes,
                              bool is_hardened) {
    uintptr_t offset = checked_offset(block);
    size_t index = offset >> SLAB_SHIFT;
    struct slab *slab = slab_at(index);
    struct found found = checked_find_slot(slab, offset);
    if (UNLIKELY(found.slab == NULL) || (is_hardened && UNLIKELY(slab->class_index == 0)))
        return false;
    size_t slot = found.slot;
    uint64_t mask = checked_mask(slab, block);
    if (UNLIKELY(checked_is_given(slab, index, (uint32_t)slot, is_hardened)) ||
        UNLIKELY(!checked_is_sound(slab, block, mask, call, bytes, is_hardened)) ||
        UNLIKELY(!checked_is_next_sound(slab, slot, (char *)block + slab->stride, is_hardened)))
        return false;
    if (is_hardened) {
        checked_wipe(slab, block, mask);
        heap_give_resting(heap, slab, (uint32_t)slot);
    } else {
        heap_give_posted(heap, slab, (uint32_t)slot, found.live);
    }
    return true;
}

/* True if a pointer is into a slab of the calling thread's own that others free into. */
FAST bool checked_is_posted(const struct heap *heap, const void *pointer) {
    uintptr_t offset = checked_offset(pointer);
    if (offset >= region.checked_bytes)
        return false;
    size_t index = offset >> SLAB_SHIFT;
    return (PLAIN_LOAD(&slab_at(index)->tag_plain) ^ index ^ heap->tag) == SLAB_TAG_POSTED;
}

/* Free a block of another running thread, if all is as it should be; `bytes` as a sized delete gave
 * them. False, and nothing done, if anything is not: then checked_give() finds out what. Nobody but
 * the owner knows whether the slot after it is in use: its tag is looked at where all slots have
 * one. Whose free comes first is decided as the remote bit is set: if two threads free a hardened
 * block at one moment, both may have marked and cleared it. Not for class 0; `heap` may be one of
 * the const heaps. */
FAST bool checked_give_remote(struct heap *heap, void *block, const struct call *call, size_t bytes,
                              const void *caller, bool is_hardened) {
    uintptr_t offset = checked_offset(block);
    if (UNLIKELY(offset >= region.checked_bytes))
        return false;
    size_t index = offset >> SLAB_SHIFT;
    struct slab *slab = slab_at(index);
    int owner = slab_tag_owner(atomic_load_explicit(&slab->tag, memory_order_acquire), index);
    bool exact;
    uint32_t slot = (uint32_t)slab_slot(slab, (uint32_t)(offset & (SLAB_BYTES - 1)), &exact);
    if (UNLIKELY(!exact) || UNLIKELY(owner < SLAB_OWNER_FIRST || owner >= SLAB_OWNER_NONE) ||
        UNLIKELY(owner == (int)heap->owner) || (is_hardened && UNLIKELY(slab->class_index == 0)))
        return false;
    struct slab_remote *remote = slab_remote(index);
    /* It comes while we wait for the line of the live bit. */
    _Atomic(uint64_t) *remote_word = slab_remote_word(slab, remote, slot / WORD_BITS);
    prefetch_to_write(remote_word);
    if (UNLIKELY(!slab_is_live(slab_live_of(slab, slot), slot)))
        return false;
    uint64_t mask = checked_mask(slab, block);
    if (UNLIKELY(!checked_is_sound(slab, block, mask, call, bytes, is_hardened)))
        return false;
    if (!is_hardened)
        return heap_give_remote(heap, slab, remote_word, slot);
    uint64_t freed = atomic_load_explicit(remote_word, memory_order_relaxed);
    if (UNLIKELY(slab_is_aside(index, slot)) || UNLIKELY(slab_is_live(freed, slot)) ||
        UNLIKELY(!checked_is_next_sound(slab, slot, (char *)block + slab->stride, true)))
        return false;
    checked_wipe(slab, block, mask);
    if (UNLIKELY(!heap_give_remote(heap, slab, remote_word, slot)))
        checked_give_marked(heap, block, call, caller);
    return true;
}

#endif
