/* The exported family of C: what the standards say about sizes, alignments and errno, and nothing
 * else; which way a request or a pointer goes is route.h's.
 *
 * Each exported function is a fast path, inline from heap.h, that ends in a tail call of a slower
 * function; so it needs no stack frame. The contracts are those of glibc 2.36 (malloc(3),
 * posix_memalign(3)) and C23.
 */
#include "base.h"
#include "libc.h"
#include "next.h"
#include "os.h"
#include "route.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CALLER __builtin_return_address(0)

/* ---- taking ---- */

EXPORT void *malloc(size_t bytes) {
    return route_take(bytes, BLOCK_MALLOC);
}

EXPORT void *calloc(size_t count, size_t bytes) {
    size_t total;
    if (UNLIKELY(__builtin_mul_overflow(count, bytes, &total))) {
        errno = ENOMEM;
        return NULL;
    }
    if (LIKELY(total <= TAGPOOL_NODE_MAX)) {
        unsigned class_index = size_class_of(total);
        struct bin *bin = &heap_current->bins[class_index];
        if (LIKELY(bin->mask != 0)) {
            bool zeroed = bin->zeroed;
            void *block = heap_take_bin(bin);
            return zeroed ? block : memset(block, 0, bin->stride);
        }
    }
    return route_take_zeroed(total);
}

/* ---- giving ---- */

EXPORT void free(void *pointer) {
    if (UNLIKELY(!heap_give(pointer)) && pointer != NULL)
        route_give_slow_free(pointer, CALLER, heap_current);
}

/* An allocator before us that lacks a name has made the blocks that come to ours of that name. True
 * if it took this one. */
SLOW static bool give_before(void *pointer) {
    void (*free_before)(void *) = next()->free_before;
    if (free_before == NULL || region_owns(pointer) || spans_own(pointer))
        return false;
    int saved_errno = errno;
    free_before(pointer);
    errno = saved_errno;
    return true;
}

/* Before glibc 2.26 a synonym of free(). */
EXPORT void cfree(void *pointer);
EXPORT void cfree(void *pointer) {
    static const struct call call = {.function = "cfree", .form = BLOCK_MALLOC};
    if (!give_before(pointer))
        route_give_slow(pointer, &call, CHECKED_BYTES_UNKNOWN, CALLER);
}

/* C23. Without tags the sizes are hints that are not needed. */
EXPORT void free_sized(void *pointer, size_t bytes);
EXPORT void free_sized(void *pointer, size_t bytes) {
    static const struct call call = {.function = "free_sized", .form = BLOCK_MALLOC};
    if (UNLIKELY(!heap_give(pointer)) && !give_before(pointer))
        route_give_slow(pointer, &call, bytes, CALLER);
}

EXPORT void free_aligned_sized(void *pointer, size_t alignment, size_t bytes);
EXPORT void free_aligned_sized(void *pointer, size_t alignment, size_t bytes) {
    static const struct call call = {.function = "free_aligned_sized", .form = BLOCK_MALLOC};
    (void)alignment;
    if (!give_before(pointer))
        route_give_aligned(pointer, alignment, &call, bytes, CALLER);
}

/* ---- aligned ---- */

static bool is_power_of_two(size_t number) {
    return number != 0 && (number & (number - 1)) == 0;
}

EXPORT int posix_memalign(void **result, size_t alignment, size_t bytes) {
    if (!is_power_of_two(alignment) || alignment % sizeof(void *) != 0)
        return EINVAL;
    int saved_errno = errno;
    void *block = route_take_aligned(alignment, bytes, BLOCK_MALLOC);
    if (block == NULL) /* and errno says so too, as in glibc */
        return ENOMEM;
    errno = saved_errno;
    *result = block;
    return 0;
}

/* glibc's memalign() rounds an alignment up to a power of two and refuses what cannot be rounded.
 */
EXPORT void *memalign(size_t alignment, size_t bytes) {
    if (alignment > SIZE_MAX / 2 + 1) {
        errno = EINVAL;
        return NULL;
    }
    if (!is_power_of_two(alignment))
        alignment = alignment == 0 ? 1 : (size_t)1 << (64 - __builtin_clzll(alignment));
    return route_take_aligned(alignment, bytes, BLOCK_MALLOC);
}

/* C17 leaves it open, C23 and glibc since 2.38 require it: another alignment than a power of two is
 * an error. */
EXPORT void *aligned_alloc(size_t alignment, size_t bytes) {
    if (!is_power_of_two(alignment)) {
        errno = EINVAL;
        return NULL;
    }
    return route_take_aligned(alignment, bytes, BLOCK_MALLOC);
}

/* Whole pages are nothing for a pool of nodes. */
EXPORT void *valloc(size_t bytes) {
    return route_take_aligned(os_page_bytes(), bytes, BLOCK_MALLOC);
}

/* Of whole pages, at least one. */
EXPORT void *pvalloc(size_t bytes) {
    size_t page_bytes = os_page_bytes();
    if (bytes > SIZE_MAX - page_bytes) {
        errno = ENOMEM;
        return NULL;
    }
    return route_take_aligned(page_bytes, bytes == 0 ? page_bytes : os_round_to_page(bytes),
                              BLOCK_MALLOC);
}

/* ---- resizing ---- */

EXPORT void *realloc(void *pointer, size_t bytes) {
    static const struct call call = {.function = "realloc", .form = BLOCK_MALLOC, .is_use = true};
    return route_resize(pointer, bytes, &call, CALLER);
}

EXPORT void *reallocarray(void *pointer, size_t count, size_t bytes) {
    static const struct call call = {
        .function = "reallocarray", .form = BLOCK_MALLOC, .is_use = true};
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total)) {
        errno = ENOMEM;
        return NULL;
    }
    if (UNLIKELY(next()->realloc_before != NULL))
        return next()->realloc_before(pointer, total);
    return route_resize(pointer, total, &call, CALLER);
}

/* ---- asking ---- */

EXPORT size_t malloc_usable_size(void *pointer) {
    static const struct call call = {
        .function = "malloc_usable_size", .form = BLOCK_ANY, .is_use = true};
    if (pointer == NULL)
        return 0;
    if (region_owns(pointer) || spans_own(pointer)) {
        size_t bytes = checked_bytes(heap_current, pointer, &call, CALLER);
        return bytes == CHECKED_FAULTY ? 0 : bytes;
    }
    return next_is_bootstrap(pointer) ? next_bootstrap_bytes(pointer)
                                      : next()->malloc_usable_size(pointer);
}
