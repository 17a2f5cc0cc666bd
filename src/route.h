/* Which way a request or a pointer goes: to the pool, by the path of the strategy in force, or to
 * the next allocator.
 *
 * A request for a node, without tags, is served from a bin in a few instructions; those are laid
 * out in the caller, and end in a tail call of what is slower, so that the caller needs no stack
 * frame. With tags and hardened, every bin that the fast path sees is empty, and every pointer one
 * that it does not find.
 *
 * What is asked for is always what the standards allow: sizes do not overflow, alignments are
 * powers of two. Without memory the result is NULL, with errno as the next allocator left it.
 */
#ifndef ROUTE_H
#define ROUTE_H

#include "checked_paths.h"
#include "heap.h"

/* A request that the fast paths do not serve: of a node or less, if the bin is empty; of more. The
 * second is malloc()'s own, with the calling thread's heap. */
void *route_take_slow(size_t bytes, enum block_form form);
void *route_take_slow_malloc(size_t bytes, struct heap *heap);
void *route_take_large(size_t bytes, enum block_form form);

/* A block of at least so many bytes. */
FAST void *route_take(size_t bytes, enum block_form form) {
    struct heap *heap = heap_current;
    struct bin *bins = heap->bins;
    if (LIKELY(bytes <= SIZE_CLASS_LINEAR_MAX)) {
        struct bin *bin = &bins[size_class_linear(bytes)];
        if (LIKELY(bin->mask != 0))
            return heap_take_bin(bin);
    } else if (LIKELY(bytes <= TAGPOOL_NODE_MAX)) {
        struct bin *bin = &bins[size_class_of(bytes)];
        if (LIKELY(bin->mask != 0))
            return heap_take_bin(bin);
    } else {
        return route_take_large(bytes, form);
    }
    return form == BLOCK_MALLOC ? route_take_slow_malloc(bytes, heap)
                                : route_take_slow(bytes, form);
}

/* The same, aligned to a power of two. */
void *route_take_aligned(size_t alignment, size_t bytes, enum block_form form);

/* A block whose bytes are zero, all that the program may use, if the bin is empty or `bytes` more
 * than a node. */
void *route_take_zeroed(size_t bytes);

/* Free a block that the fast path does not find, NULL too: any pointer. With the size that a sized
 * delete gave or CHECKED_BYTES_UNKNOWN. The second is free()'s own, with the calling thread's
 * heap, and not for NULL. */
void route_give_slow(void *pointer, const struct call *call, size_t bytes, const void *caller);
void route_give_slow_free(void *pointer, const void *caller, struct heap *heap);

/* The same of a delete that gives an alignment, too. */
void route_give_aligned(void *pointer, size_t alignment, const struct call *call, size_t bytes,
                        const void *caller);

/* Free any pointer. A macro, so that the fast path does not look for the caller. */
#define ROUTE_GIVE(pointer, call, bytes, caller)                                                   \
    do {                                                                                           \
        if (UNLIKELY(!heap_give(pointer)))                                                         \
            route_give_slow(pointer, call, bytes, caller);                                         \
    } while (0)

/* What realloc() does, for any pointer and size. */
void *route_resize(void *pointer, size_t bytes, const struct call *call, const void *caller);

#endif
