#include "route.h"

#include "config.h"
#include "heap_paths.h"
#include "lifecycle.h"
#include "next.h"
#include "origins.h"
#include "os.h"
#include "perturb.h"
#include "room.h"
#include "sweep.h"
#include "tuning.h"

#include <errno.h>
#include <string.h>

/* True for a pointer to what the pools made. */
static bool owns(const void *pointer) {
    return region_owns(pointer) || spans_own(pointer);
}

/* ---- taking ---- */

/* The class of a request, with room for what the strategy keeps in a slot; SIZE_CLASS_ALL if it
 * has none. Beside a tag, slots are aligned no further than the gap before the first one. */
static unsigned class_of(size_t alignment, size_t bytes) {
    if (bytes > config.slot_max || (checked_tag_bytes != 0 && alignment > SLAB_GAP_BYTES))
        return SIZE_CLASS_ALL;
    if (checked_is_hardened && bytes == 0 && alignment <= SLOT_ALIGN)
        return 0;
    size_t slot_bytes = bytes + checked_tag_bytes;
    if (alignment > SLOT_ALIGN)
        return size_class_of_aligned(slot_bytes, alignment);
    return slot_bytes <= TAGPOOL_NODE_MAX ? size_class_of(slot_bytes)
                                          : size_class_of_large(slot_bytes);
}

/* Wait until nobody has pool_lock. False if this thread has it, or a fork does that may be waiting
 * for this thread. */
static bool await_pools(void) {
    enum { FORK_PATIENCE_MS = 10 };
    if (!lock_acquire_within(&pool_lock, LOCK_FOREVER, FORK_PATIENCE_MS))
        return false;
    lock_release(&pool_lock);
    return true;
}

static void *take_from_hardened(struct heap *heap, unsigned class_index, size_t alignment,
                                size_t bytes, enum block_form form) {
    if (class_index == SIZE_CLASS_ALL)
        heap_look_at_clock(heap);
    void *block = class_index == SIZE_CLASS_ALL ? large_take(alignment, bytes, form)
                                                : checked_take(heap, class_index, bytes, form);
    ASSERT(block == NULL || region_owns(block) || spans_own(block));
    return block;
}

/* The pools had nothing for a hardened request. That may be because another thread forks, or
 * because data is limited and empty slabs have it: then they are asked again. */
APART COLD static void *take_hardened_later(struct heap *heap, unsigned class_index,
                                            size_t alignment, size_t bytes, enum block_form form) {
    enum { TRIES = 3 };
    bool is_possible = room_sum(bytes, alignment) <= large_most_bytes() &&
                       (room_make_data() || !room_has_told_fallback());
    for (int tries = 0; is_possible && tries < TRIES; tries++) {
        if (!await_pools()) {
            OWNER_ADD(&heap->counters->fallback_calls, 1);
            return NULL;
        }
        void *block = take_from_hardened(heap, class_index, alignment, bytes, form);
        if (block != NULL)
            return block;
    }
    OWNER_ADD(&heap->counters->fallback_calls, 1);
    if (is_possible)
        room_tell_fallback(bytes);
    return NULL;
}

/* A block that the fast path did not find; NULL if the next allocator is to serve it. Counts. */
static void *take_class_slow(size_t alignment, size_t bytes, enum block_form form) {
    struct heap *heap = lifecycle_heap(); /* first: it reads the options */
    if (heap == NULL)
        return NULL;
    unsigned class_index = class_of(alignment, bytes);
    if (checked_is_hardened) {
        void *block = take_from_hardened(heap, class_index, alignment, bytes, form);
        return block != NULL ? block
                             : take_hardened_later(heap, class_index, alignment, bytes, form);
    }
    if (class_index == SIZE_CLASS_ALL) {
        OWNER_ADD(&heap->counters->large_calls, 1);
        return NULL;
    }
    if (config.strategy == TAGPOOL_STRATEGY_DIRECT) {
        OWNER_ADD(&heap->counters->direct_calls, 1);
        return NULL;
    }
    void *block = checked_take(heap, class_index, bytes, form);
    ASSERT(block == NULL || (region_owns(block) && (uintptr_t)block % SLOT_ALIGN == 0));
    if (block == NULL)
        OWNER_ADD(&heap->counters->fallback_calls, 1);
    return block;
}

/* A request that the next allocator serves. */
static void *take_next(size_t bytes) {
    return ROOM_WITH(bytes, bytes, next()->malloc(bytes));
}

/* With strategy=direct: as little as can be between the program and the next allocator. */
static inline void *take_direct(struct heap *heap, size_t bytes) {
    if (bytes <= config.slot_max)
        OWNER_ADD(&heap->counters->direct_calls, 1);
    else
        OWNER_ADD(&heap->counters->large_calls, 1);
    return next()->malloc(bytes);
}

/* A request that no claimed slot serves. Out of line: its callers need no stack frame. */
SLOW static void *take_any(size_t bytes, enum block_form form) {
    void *block = take_class_slow(SLOT_ALIGN, bytes, form);
    return block != NULL ? block : take_next(bytes);
}

/* A request that comes when its bin is empty, without tags: the usual one that is not on the fast
 * path, in as few steps as can be. */
static inline void *take_filled(struct heap *heap, size_t bytes, enum block_form form) {
    struct bin *bin = bytes <= config.slot_max ? heap_fill(heap, size_class_of(bytes)) : NULL;
    return LIKELY(bin != NULL) ? heap_take_bin(bin) : take_any(bytes, form);
}

/* What no claimed slot serves where blocks have tags or are traced. */
APART SLOW static void *take_checked(size_t bytes, enum block_form form) {
    void *block = take_any(bytes, form);
    origins_note_taken(block);
    if (UNLIKELY(perturb_is_on) && owns(block))
        perturb_taken(block, bytes);
    return block;
}

/* With tags, or traced, every request comes here. */
APART SLOW static void *take_tagged(size_t bytes, enum block_form form) {
    void *block = checked_take_node(heap_current, bytes, form, CHECKED_TAGGED);
    return LIKELY(block != NULL) ? block : take_checked(bytes, form);
}

/* A hardened request of a node that comes when its bin is empty, if none is traced. */
APART SLOW static void *take_hardened_filled(size_t bytes, enum block_form form) {
    struct heap *heap = heap_current;
    void *block = NULL;
    if (bytes - 1 < CHECKED_NODE_MAX && heap_is_real(heap) && heap->claims == heap->checked_bins)
        block = checked_take(heap, size_class_of(bytes + BLOCK_TAG_BYTES), bytes, form);
    return LIKELY(block != NULL) ? block : take_checked(bytes, form);
}

APART SLOW static void *take_hardened_large(size_t bytes, enum block_form form) {
    void *block = checked_take_node(heap_current, bytes, form, CHECKED_HARDENED);
    return LIKELY(block != NULL) ? block : take_hardened_filled(bytes, form);
}

APART SLOW static void *take_hardened(size_t bytes, enum block_form form) {
    void *block = checked_take_node(heap_current, bytes, form, CHECKED_SMALL);
    return LIKELY(block != NULL) ? block : take_hardened_large(bytes, form);
}

/* The same of malloc(), whose form the compiler knows, and whose heap is in a register. */
APART SLOW static void *take_hardened_malloc(size_t bytes, struct heap *heap) {
    void *block = checked_take_node(heap, bytes, BLOCK_MALLOC, CHECKED_SMALL);
    return LIKELY(block != NULL) ? block : take_hardened_large(bytes, BLOCK_MALLOC);
}

/* The same without some of the parts. */
APART SLOW static void *take_partly_malloc(size_t bytes) {
    void *block = checked_take_node(heap_current, bytes, BLOCK_MALLOC, CHECKED_PARTLY);
    return LIKELY(block != NULL) ? block : take_hardened_large(bytes, BLOCK_MALLOC);
}

/* Where blocks have no tags and none is traced, once the region serves. */
SLOW static void *take_plain(size_t bytes, struct heap *heap, enum block_form form) {
    return LIKELY(heap_is_real(heap)) ? take_filled(heap, bytes, form) : take_any(bytes, form);
}

/* Before that, and without pools. */
SLOW static void *take_elsewhere(size_t bytes, enum block_form form) {
    struct heap *heap = heap_current;
    if (LIKELY(heap_is_real(heap)) && config.strategy == TAGPOOL_STRATEGY_DIRECT)
        return take_direct(heap, bytes);
    return take_any(bytes, form);
}

/* All that is done here are tail calls: it needs no stack frame. */
FAST void *take_slow_as(size_t bytes, struct heap *heap, enum block_form form, bool is_malloc) {
    if (region.plain_bytes != 0)
        return take_plain(bytes, heap, form);
    if (checked_is_whole)
        return is_malloc ? take_hardened_malloc(bytes, heap) : take_hardened(bytes, form);
    if (!heap_table_is_checked)
        return take_elsewhere(bytes, form);
    if (checked_is_hardened)
        return is_malloc ? take_partly_malloc(bytes) : take_hardened_large(bytes, form);
    return take_tagged(bytes, form);
}

SLOW void *route_take_slow(size_t bytes, enum block_form form) {
    return take_slow_as(bytes, heap_current, form, false);
}

SLOW void *route_take_slow_malloc(size_t bytes, struct heap *heap) {
    return take_slow_as(bytes, heap, BLOCK_MALLOC, true);
}

/* More than a node. */
SLOW void *route_take_large(size_t bytes, enum block_form form) {
    struct heap *heap = heap_current;
    if (UNLIKELY(!heap_is_real(heap) || bytes <= config.slot_max || checked_is_hardened))
        return route_take_slow(bytes, form);
    OWNER_ADD(&heap->counters->large_calls, 1);
    return take_next(bytes);
}

/* All that the program may use of a new block of `bytes` is zero: the whole slot, less its tag;
 * hardened, what comes before the canary, and free slots read as zero, unless an option is against
 * it. A bin's slots may read as zero already. */
static void *clear_block(void *block, size_t bytes, unsigned class_index, bool zeroed) {
    if (checked_is_hardened)
        return config.clear != 0 || class_index == SIZE_CLASS_ALL ? block : memset(block, 0, bytes);
    if (zeroed)
        return block;
    return memset(block, 0, heap_current->claims[class_index].stride - checked_tag_bytes);
}

/* Hardened: what is free in the pools reads as zero. */
APART SLOW static void *take_hardened_zeroed(size_t bytes) {
    void *block = take_hardened_malloc(bytes, heap_current);
    if (LIKELY(block == NULL || owns(block)))
        return block;
    return memset(block, 0, next()->tells_sizes ? next()->malloc_usable_size(block) : bytes);
}

SLOW static void *take_zeroed(size_t bytes) {
    if (checked_is_whole && bytes - 1 < CHECKED_NODE_MAX && !perturb_is_on)
        return take_hardened_zeroed(bytes);
    void *block = take_class_slow(SLOT_ALIGN, bytes, BLOCK_MALLOC);
    if (block != NULL) {
        unsigned class_index = class_of(SLOT_ALIGN, bytes);
        bool zeroed = class_index == SIZE_CLASS_ALL || heap_current->claims[class_index].zeroed;
        origins_note_taken(block);
        return clear_block(block, bytes, class_index, zeroed);
    }
    return ROOM_WITH(bytes, bytes, next()->calloc(1, bytes));
}

SLOW void *route_take_zeroed(size_t bytes) {
    struct heap *heap = heap_current;
    bool is_plain = !heap_table_is_checked && heap_is_real(heap) &&
                    config.strategy != TAGPOOL_STRATEGY_DIRECT && bytes <= config.slot_max;
    if (UNLIKELY(!is_plain))
        return take_zeroed(bytes);
    unsigned class_index = size_class_of(bytes);
    struct bin *bin = heap_fill(heap, class_index);
    if (UNLIKELY(bin == NULL))
        return take_zeroed(bytes);
    bool zeroed = bin->zeroed;
    void *block = heap_take_bin(bin);
    return zeroed ? block : memset(block, 0, bin->stride);
}

/* `alignment` is a power of two. NULL and ENOMEM if there is no memory. */
SLOW void *route_take_aligned(size_t alignment, size_t bytes, enum block_form form) {
    ASSERT(alignment != 0 && (alignment & (alignment - 1)) == 0);
    if (alignment <= SLOT_ALIGN)
        return route_take(bytes, form);
    unsigned class_index = class_of(alignment, bytes);
    if (class_index < SIZE_CLASS_COUNT && heap_current->bins[class_index].mask != 0)
        return heap_take_bin(&heap_current->bins[class_index]);
    void *block = take_class_slow(alignment, bytes, form);
    ASSERT((uintptr_t)block % alignment == 0);
    if (block != NULL) {
        origins_note_taken(block);
        perturb_taken(block, bytes);
        return block;
    }
    size_t asked = bytes != 0 ? bytes : 1; /* of nothing, some allocators give none */
    block = ROOM_WITH(asked, room_sum(asked, alignment), next()->memalign(alignment, asked));
    if (UNLIKELY(block == NULL)) /* jemalloc's does not say why */
        errno = ENOMEM;
    return block;
}

/* ---- giving ---- */

static void note_foreign_free(struct heap *heap, void *pointer) {
    heap->foreign_left = tuning_note(pointer);
    if (sweep_has_some(heap) || tuning_keeps_more())
        heap_look_at_clock(heap);
}

/* A block that is not ours. */
SLOW static void give_next(void *pointer) {
    ASSERT(pointer != NULL && !owns(pointer));
    struct heap *heap = heap_current;
    if (next_is_bootstrap(pointer))
        return;
    HEAP_COUNT_FREE(heap, foreign_frees);
    if (heap_is_real(heap) && --heap->foreign_left < 0)
        note_foreign_free(heap, pointer);
    int saved_errno = errno; /* not every allocator's free() keeps it */
    next()->free(pointer);
    errno = saved_errno;
}

static const struct call call_free = {.function = "free", .form = BLOCK_MALLOC};

/* A pointer of ours that no fast path frees, with the size that a sized delete gave or
 * CHECKED_BYTES_UNKNOWN. */
SLOW static void give_untagged(void *pointer, const struct call *call, size_t bytes,
                               const void *caller) {
    if (!heap_give_untagged(heap_current, pointer) && !heap_give_orphan(heap_current, pointer))
        checked_give(heap_current, pointer, call, bytes, caller);
}

/* The same of free(), whose form and size the compiler knows: one that is no other thread's. */
SLOW static void give_unusual_free(void *pointer, const void *caller) {
    if (!heap_give_orphan(heap_current, pointer))
        checked_give(heap_current, pointer, &call_free, CHECKED_BYTES_UNKNOWN, caller);
}

SLOW static void give_untagged_free(void *pointer, const void *caller) {
    if (UNLIKELY(!heap_give_untagged(heap_current, pointer)))
        give_unusual_free(pointer, caller);
}

/* The same with tags, and any other pointer. */
APART SLOW static void give_any(void *pointer, const struct call *call, size_t bytes,
                                const void *caller) {
    if (owns(pointer))
        checked_give(heap_current, pointer, call, bytes, caller);
    else
        give_next(pointer);
}

/* Of a slab of our own that others free into. */
APART SLOW static void give_posted(void *pointer, const struct call *call, size_t bytes,
                                   const void *caller) {
    struct heap *heap = heap_current;
    if (UNLIKELY(!(checked_is_hardened ? checked_give_posted(heap, pointer, call, bytes, true)
                                       : checked_give_posted(heap, pointer, call, bytes, false))))
        give_any(pointer, call, bytes, caller);
}

APART SLOW static void give_shared_tagged(void *pointer, const struct call *call, size_t bytes,
                                          const void *caller) {
    if (checked_is_posted(heap_current, pointer))
        give_posted(pointer, call, bytes, caller);
    else if (UNLIKELY(!checked_give_remote(heap_current, pointer, call, bytes, caller, false)))
        give_any(pointer, call, bytes, caller);
}

APART SLOW static void give_tagged(void *pointer, const struct call *call, size_t bytes,
                                   const void *caller) {
    if (UNLIKELY(!checked_give_node(heap_current, pointer, call->form, bytes, CHECKED_TAGGED)))
        give_shared_tagged(pointer, call, bytes, caller);
}

APART SLOW static void give_shared_hardened(void *pointer, const struct call *call, size_t bytes,
                                            const void *caller) {
    if (checked_is_posted(heap_current, pointer))
        give_posted(pointer, call, bytes, caller);
    else if (UNLIKELY(!checked_give_remote(heap_current, pointer, call, bytes, caller, true)))
        give_any(pointer, call, bytes, caller);
}

APART SLOW static void give_hardened_large(void *pointer, const struct call *call, size_t bytes,
                                           const void *caller) {
    if (UNLIKELY(!checked_give_node(heap_current, pointer, call->form, bytes, CHECKED_HARDENED)))
        give_shared_hardened(pointer, call, bytes, caller);
}

APART SLOW static void give_hardened(void *pointer, const struct call *call, size_t bytes,
                                     const void *caller) {
    if (UNLIKELY(!checked_give_node(heap_current, pointer, call->form, bytes, CHECKED_SMALL)))
        give_hardened_large(pointer, call, bytes, caller);
}

/* The same of free(), whose form and size the compiler knows, and whose heap is in a register. */
APART SLOW static void give_hardened_free(void *pointer, const void *caller, struct heap *heap) {
    if (UNLIKELY(
            !checked_give_node(heap, pointer, BLOCK_MALLOC, CHECKED_BYTES_UNKNOWN, CHECKED_SMALL)))
        give_hardened_large(pointer, &call_free, CHECKED_BYTES_UNKNOWN, caller);
}

/* The same without some of the parts of the hardened mode. */
APART SLOW static void give_partly_free(void *pointer, const void *caller) {
    if (UNLIKELY(!checked_give_node(heap_current, pointer, BLOCK_MALLOC, CHECKED_BYTES_UNKNOWN,
                                    CHECKED_PARTLY)))
        give_hardened_large(pointer, &call_free, CHECKED_BYTES_UNKNOWN, caller);
}

/* With tags, and not with all parts of the hardened mode. */
FAST void give_with_tag(void *pointer, const struct call *call, size_t bytes, const void *caller,
                        bool is_free) {
    if (!checked_is_hardened)
        give_tagged(pointer, call, bytes, caller);
    else if (is_free)
        give_partly_free(pointer, caller);
    else
        give_hardened_large(pointer, call, bytes, caller);
}

/* With tags, every pointer comes here. */
FAST void give_slow_as(void *pointer, struct heap *heap, const struct call *call, size_t bytes,
                       const void *caller, bool is_free) {
    if (!is_free && pointer == NULL)
        return;
    if (checked_is_whole && is_free)
        give_hardened_free(pointer, caller, heap);
    else if (checked_is_whole)
        give_hardened(pointer, call, bytes, caller);
    else if (checked_tag_bytes != 0)
        give_with_tag(pointer, call, bytes, caller, is_free);
    else if (region_owns(pointer)) /* without tags there are no spans */
        is_free ? give_untagged_free(pointer, caller) : give_untagged(pointer, call, bytes, caller);
    else
        give_next(pointer);
}

SLOW void route_give_slow(void *pointer, const struct call *call, size_t bytes,
                          const void *caller) {
    give_slow_as(pointer, heap_current, call, bytes, caller, false);
}

SLOW void route_give_slow_free(void *pointer, const void *caller, struct heap *heap) {
    give_slow_as(pointer, heap, &call_free, CHECKED_BYTES_UNKNOWN, caller, true);
}

SLOW void route_give_aligned(void *pointer, size_t alignment, const struct call *call, size_t bytes,
                             const void *caller) {
    bool is_alignment = alignment != 0 && (alignment & (alignment - 1)) == 0;
    if (is_alignment && owns(pointer) && !checked_is_aligned(pointer, call, alignment, caller))
        return;
    route_give_slow(pointer, call, bytes, caller);
}

/* ---- resizing ---- */

/* Move a block of `old_bytes` to a new one of `bytes`. The old one stays when there is no memory.
 */
static void *move_block(void *pointer, size_t old_bytes, size_t bytes, const struct call *call,
                        const void *caller) {
    void *block = route_take(bytes, BLOCK_MALLOC);
    if (block == NULL)
        return NULL;
    memcpy(block, pointer, old_bytes < bytes ? old_bytes : bytes);
    ROUTE_GIVE(pointer, call, CHECKED_BYTES_UNKNOWN, caller);
    return block;
}

/* A block stays where it is unless that leaves more than half of its slot empty. */
static void *resize_pool(void *pointer, size_t bytes, const struct call *call, const void *caller) {
    struct slab *slab = heap_find(heap_current, pointer);
    if (LIKELY(slab != NULL)) {
        if (bytes <= slab->stride && bytes > slab->stride / 2)
            return pointer;
        size_t wanted = bytes > slab->stride ? size_class_to_grow(bytes, config.slot_max) : bytes;
        return move_block(pointer, slab->stride, wanted, call, caller);
    }
    struct checked_resized resized = checked_resize_any(heap_current, pointer, bytes, call, caller);
    if (resized.bytes == CHECKED_FAULTY) {
        errno = EINVAL; /* a fault, and on_fault lets the program go on */
        return NULL;
    }
    return resized.block != NULL ? resized.block
                                 : move_block(pointer, resized.bytes, bytes, call, caller);
}

/* A block of the next allocator that becomes node-sized moves to the pool; any other change is that
 * allocator's. */
static void *resize_foreign(void *pointer, size_t bytes, const struct call *call,
                            const void *caller) {
    if (next_is_bootstrap(pointer))
        return move_block(pointer, next_bootstrap_bytes(pointer), bytes, call, caller);
    if ((bytes <= config.slot_max || checked_is_hardened) &&
        config.strategy != TAGPOOL_STRATEGY_DIRECT && next()->tells_sizes)
        return move_block(pointer, next()->malloc_usable_size(pointer), bytes, call, caller);
    return ROOM_WITH(next()->tells_sizes ? room_excess(bytes, next()->malloc_usable_size(pointer))
                                         : 0,
                     bytes, next()->realloc(pointer, bytes));
}

void *route_resize(void *pointer, size_t bytes, const struct call *call, const void *caller) {
    if (pointer == NULL)
        return route_take(bytes, BLOCK_MALLOC);
    if (bytes == 0) { /* glibc: frees the block and returns NULL */
        route_give_slow(pointer, call, CHECKED_BYTES_UNKNOWN, caller);
        return NULL;
    }
    return owns(pointer) ? resize_pool(pointer, bytes, call, caller)
                         : resize_foreign(pointer, bytes, call, caller);
}
