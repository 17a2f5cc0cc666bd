/* The exported family of libtagpool-trace.so: every call goes to the next allocator, as it came,
 * and is told to trace. The operators new and delete are left to the C++ library, whose own call
 * malloc() and free().
 */
#include "fork.h"
#include "inflate.h"
#include "libc.h"
#include "next.h"
#include "os.h"
#include "trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Blocks of the bootstrap arena are our own business, not the program's. */
static void *told(enum request request, void *block, size_t alignment, size_t bytes) {
    if (!next_is_bootstrap(block))
        trace_taken(request, block, alignment, bytes);
    inflate(bytes);
    return block;
}

/* ---- taking ---- */

EXPORT void *malloc(size_t bytes) {
    return told(REQUEST_MALLOC, next()->malloc(bytes), 0, bytes);
}

EXPORT void *calloc(size_t count, size_t bytes) {
    size_t total;
    void *block = next()->calloc(count, bytes);
    if (__builtin_mul_overflow(count, bytes, &total))
        total = SIZE_MAX;
    return told(REQUEST_CALLOC, block, 0, total);
}

static bool is_power_of_two(size_t number) {
    return number != 0 && (number & (number - 1)) == 0;
}

/* As glibc does, an alignment is rounded up to a power of two. */
static void *take_aligned(size_t alignment, size_t bytes) {
    void *block = next()->memalign(alignment, bytes);
    if (!is_power_of_two(alignment) && block != NULL)
        alignment = alignment == 0 ? 1 : (size_t)1 << (64 - __builtin_clzll(alignment));
    return told(REQUEST_ALIGNED, block, alignment, bytes);
}

EXPORT int posix_memalign(void **result, size_t alignment, size_t bytes) {
    if (!is_power_of_two(alignment) || alignment % sizeof(void *) != 0)
        return EINVAL;
    int saved_errno = errno;
    void *block = take_aligned(alignment, bytes);
    errno = saved_errno;
    if (block == NULL)
        return ENOMEM;
    *result = block;
    return 0;
}

EXPORT void *memalign(size_t alignment, size_t bytes) {
    return take_aligned(alignment, bytes);
}

EXPORT void *aligned_alloc(size_t alignment, size_t bytes) {
    return take_aligned(alignment, bytes);
}

EXPORT void *valloc(size_t bytes) {
    return take_aligned(os_page_bytes(), bytes);
}

EXPORT void *pvalloc(size_t bytes) {
    size_t page_bytes = os_page_bytes();
    if (bytes > SIZE_MAX - page_bytes) {
        errno = ENOMEM;
        return NULL;
    }
    return take_aligned(page_bytes, bytes == 0 ? page_bytes : os_round_to_page(bytes));
}

/* ---- giving ---- */

static void give(void *block) {
    if (block == NULL || next_is_bootstrap(block))
        return;
    trace_giving(block);
    next()->free(block);
}

EXPORT void free(void *block) {
    give(block);
}

/* An allocator before us that lacks a name has made the blocks that come to ours of that name. */
static void give_before(void *block) {
    void (*free_before)(void *) = next()->free_before;
    if (free_before != NULL)
        free_before(block);
    else
        give(block);
}

/* Before glibc 2.26 a synonym of free(). */
EXPORT void cfree(void *block);
EXPORT void cfree(void *block) {
    give_before(block);
}

/* C23. */
EXPORT void free_sized(void *block, size_t bytes);
EXPORT void free_sized(void *block, size_t bytes) {
    (void)bytes;
    give_before(block);
}

EXPORT void free_aligned_sized(void *block, size_t alignment, size_t bytes);
EXPORT void free_aligned_sized(void *block, size_t alignment, size_t bytes) {
    (void)alignment;
    (void)bytes;
    give_before(block);
}

/* ---- resizing ---- */

static void *move_out_of_bootstrap(const void *block, size_t bytes) {
    size_t old_bytes = next_bootstrap_bytes(block);
    void *moved = malloc(bytes);
    return moved == NULL ? NULL : memcpy(moved, block, old_bytes < bytes ? old_bytes : bytes);
}

/* glibc frees the block, others keep one of size 0. */
static void *resize_to_nothing(void *block) {
    trace_giving(block);
    void *kept = next()->realloc(block, 0);
    return kept == NULL ? NULL : told(REQUEST_MALLOC, kept, 0, 0);
}

static void *resize(void *block, size_t bytes) {
    struct trace_resize resize;
    if (block == NULL)
        return told(REQUEST_MALLOC, next()->realloc(NULL, bytes), 0, bytes);
    if (next_is_bootstrap(block))
        return move_out_of_bootstrap(block, bytes);
    if (bytes == 0)
        return resize_to_nothing(block);
    trace_resizing(block, &resize);
    void *moved = next()->realloc(block, bytes);
    trace_resized(&resize, block, moved, bytes);
    inflate(bytes);
    return moved;
}

EXPORT void *realloc(void *block, size_t bytes) {
    return resize(block, bytes);
}

EXPORT void *reallocarray(void *block, size_t count, size_t bytes) {
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total)) {
        errno = ENOMEM;
        return NULL;
    }
    if (next()->realloc_before != NULL)
        return next()->realloc_before(block, total);
    return resize(block, total);
}

/* ---- asking ---- */

EXPORT size_t malloc_usable_size(void *block) {
    if (block == NULL)
        return 0;
    return next_is_bootstrap(block) ? next_bootstrap_bytes(block)
                                    : next()->malloc_usable_size(block);
}

/* ---- fork handlers of others ---- */

FORK_EXPORT(trace_forks())

/* As in shim_process.c: AddressSanitizer's runtime need not be the first library. */
EXPORT const char *__asan_default_options(void);
EXPORT const char *__asan_default_options(void) {
    return "verify_asan_link_order=0";
}
