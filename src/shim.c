/* The exported family: which request goes to the pool and which to the next allocator, what the
 * standards say about sizes, alignments and errno, and nothing else.
 *
 * Each exported function is a fast path, inline from heap.h, that ends in a tail call of a COLD
 * function; so it needs no stack frame. The contracts are those of glibc 2.36 (malloc(3),
 * posix_memalign(3)), C23 and C++20.
 */
#include "base.h"
#include "checked_paths.h"
#include "config.h"
#include "cxx.h"
#include "heap.h"
#include "heap_life.h"
#include "libc.h"
#include "lifecycle.h"
#include "next.h"
#include "os.h"
#include "spans.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CALLER __builtin_return_address(0)

/* ---- taking ---- */

/* The next allocator has no memory. If the process has an address-space limit, what the region
 * reserved and never used may be in its way: give that back. True if it is worth asking once more.
 */
COLD static bool make_room(void) {
    if (os_address_space_limit() == SIZE_MAX)
        return false;
    lock_acquire(&pool_lock);
    bool released = region_release_unused(0);
    lock_release(&pool_lock);
    return released;
}

/* The class of a request, with room for what the strategy keeps in a slot; SIZE_CLASS_ALL if it
 * is not for the pool. Beside a tag, slots are aligned no further than the gap before the first
 * one. */
static unsigned class_of(size_t alignment, size_t bytes) {
    if (checked_is_hardened && bytes > config.slot_max && alignment <= SLOT_ALIGN)
        return LARGE_CLASS;
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

/* A block that the fast path did not find; NULL if the next allocator is to serve it. Counts. */
static void *take_class_slow(size_t alignment, size_t bytes, enum block_form form) {
    struct heap *heap = lifecycle_heap(); /* first: it reads the options */
    if (heap == NULL)
        return NULL;
    unsigned class_index = class_of(alignment, bytes);
    if (class_index == SIZE_CLASS_ALL) {
        heap->counters->large_calls++;
        return NULL;
    }
    if (config.strategy == TAGPOOL_STRATEGY_DIRECT) {
        heap->counters->direct_calls++;
        return NULL;
    }
    void *block = checked_take(heap, class_index, bytes, form);
    if (block == NULL)
        heap->counters->fallback_calls++;
    return block;
}

/* The result of a call of the next allocator, asked once more if room could be made. errno as the
 * last try leaves it. */
#define WITH_ROOM(call)                                                                            \
    ({                                                                                             \
        int saved_errno = errno;                                                                   \
        void *result = (call);                                                                     \
        if (UNLIKELY(result == NULL) && make_room()) {                                             \
            errno = saved_errno;                                                                   \
            result = (call);                                                                       \
        }                                                                                          \
        result;                                                                                    \
    })

/* A request that the next allocator serves. */
static void *take_next(size_t bytes) {
    return WITH_ROOM(next()->malloc(bytes));
}

/* With strategy=direct: as little as can be between the program and the next allocator. */
static inline void *take_direct(struct heap *heap, size_t bytes) {
    if (bytes <= config.slot_max)
        heap->counters->direct_calls++;
    else
        heap->counters->large_calls++;
    return next()->malloc(bytes);
}

/* A request that no claimed slot serves. Out of line: its callers need no stack frame. */
SLOW static void *take_any(size_t bytes, enum block_form form) {
    void *block = take_class_slow(SLOT_ALIGN, bytes, form);
    return block != NULL ? block : take_next(bytes);
}

/* With tags, every request comes here. */
SLOW static void *take_tagged(size_t bytes, enum block_form form) {
    void *block = checked_take_node(heap_current, bytes, form, CHECKED_TAGGED);
    return LIKELY(block != NULL) ? block : take_any(bytes, form);
}

SLOW static void *take_hardened_large(size_t bytes, enum block_form form) {
    void *block = checked_take_node(heap_current, bytes, form, CHECKED_HARDENED);
    return LIKELY(block != NULL) ? block : take_any(bytes, form);
}

SLOW static void *take_hardened(size_t bytes, enum block_form form) {
    void *block = checked_take_node(heap_current, bytes, form, CHECKED_SMALL);
    return LIKELY(block != NULL) ? block : take_hardened_large(bytes, form);
}

/* The same of malloc(), whose form the compiler knows. */
SLOW static void *take_hardened_malloc(size_t bytes) {
    void *block = checked_take_node(heap_current, bytes, BLOCK_MALLOC, CHECKED_SMALL);
    return LIKELY(block != NULL) ? block : take_hardened_large(bytes, BLOCK_MALLOC);
}

SLOW static void *take_slow(size_t bytes, enum block_form form) {
    if (checked_tag_bytes != 0) {
        if (checked_is_hardened)
            return form == BLOCK_MALLOC ? take_hardened_malloc(bytes) : take_hardened(bytes, form);
        return take_tagged(bytes, form);
    }
    struct heap *heap = heap_current;
    if (config.strategy == TAGPOOL_STRATEGY_DIRECT && heap_is_real(heap))
        return take_direct(heap, bytes);
    return take_any(bytes, form);
}

/* More than a node. */
SLOW static void *take_large(size_t bytes, enum block_form form) {
    struct heap *heap = heap_current;
    if (UNLIKELY(!heap_is_real(heap) || bytes <= config.slot_max || checked_is_hardened))
        return take_slow(bytes, form);
    heap->counters->large_calls++;
    return take_next(bytes);
}

static inline void *take(size_t bytes, enum block_form form) {
    struct bin *bins = heap_current->bins;
    if (LIKELY(bytes <= SIZE_CLASS_LINEAR_MAX)) {
        struct bin *bin = &bins[size_class_linear(bytes)];
        if (LIKELY(bin->mask != 0))
            return heap_take_bin(bin);
    } else if (LIKELY(bytes <= TAGPOOL_NODE_MAX)) {
        struct bin *bin = &bins[size_class_of(bytes)];
        if (LIKELY(bin->mask != 0))
            return heap_take_bin(bin);
    } else {
        return take_large(bytes, form);
    }
    return take_slow(bytes, form);
}

EXPORT void *malloc(size_t bytes) {
    return take(bytes, BLOCK_MALLOC);
}

/* All that the program may use of a new block is zero: the whole slot, less its tag. A bin's slots
 * may read as zero already. */
static void *clear_block(void *block, unsigned class_index, bool zeroed) {
    if (zeroed || checked_is_hardened)
        return block;
    return memset(block, 0, size_class_stride[class_index] - checked_tag_bytes);
}

SLOW static void *take_zeroed_slow(size_t bytes) {
    void *block = take_class_slow(SLOT_ALIGN, bytes, BLOCK_MALLOC);
    if (block != NULL) {
        unsigned class_index = class_of(SLOT_ALIGN, bytes);
        bool zeroed = class_index == LARGE_CLASS || heap_current->claims[class_index].zeroed;
        return clear_block(block, class_index, zeroed);
    }
    return WITH_ROOM(next()->calloc(1, bytes));
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
            return zeroed ? block : memset(block, 0, size_class_stride[class_index]);
        }
    }
    return take_zeroed_slow(total);
}

/* ---- giving ---- */

/* A program that frees fewer blocks of the next allocator than this has no use for next_retain().
 */
enum { FREES_BEFORE_RETAIN = 16 };

/* A block that is not ours. */
SLOW static void give_next(void *pointer) {
    struct heap *heap = heap_current;
    if (next_is_bootstrap(pointer))
        return;
    if (heap_is_real(heap) && ++heap->counters->foreign_frees == FREES_BEFORE_RETAIN &&
        config.strategy != TAGPOOL_STRATEGY_DIRECT)
        next_retain();
    int saved_errno = errno; /* not every allocator's free() keeps it */
    next()->free(pointer);
    errno = saved_errno;
}

/* A pointer of ours that no fast path frees, with the size that a sized delete gave or
 * CHECKED_BYTES_UNKNOWN. */
SLOW static void give_untagged(void *pointer, const struct call *call, size_t bytes,
                               const void *caller) {
    if (!heap_give_untagged(heap_current, pointer))
        checked_give(heap_current, pointer, call, bytes, caller);
}

/* The same with tags, and any other pointer. */
SLOW static void give_any(void *pointer, const struct call *call, size_t bytes,
                          const void *caller) {
    if (region_owns(pointer))
        checked_give(heap_current, pointer, call, bytes, caller);
    else
        give_next(pointer);
}

SLOW static void give_tagged(void *pointer, const struct call *call, size_t bytes,
                             const void *caller) {
    if (UNLIKELY(!checked_give_node(heap_current, pointer, call->form, bytes, CHECKED_TAGGED)))
        give_any(pointer, call, bytes, caller);
}

SLOW static void give_hardened_large(void *pointer, const struct call *call, size_t bytes,
                                     const void *caller) {
    if (UNLIKELY(!checked_give_node(heap_current, pointer, call->form, bytes, CHECKED_HARDENED)))
        give_any(pointer, call, bytes, caller);
}

SLOW static void give_hardened(void *pointer, const struct call *call, size_t bytes,
                               const void *caller) {
    if (UNLIKELY(!checked_give_node(heap_current, pointer, call->form, bytes, CHECKED_SMALL)))
        give_hardened_large(pointer, call, bytes, caller);
}

static const struct call call_free = {.function = "free", .form = BLOCK_MALLOC};

/* The same of free(), whose form and size the compiler knows. */
SLOW static void give_hardened_free(void *pointer, const void *caller) {
    if (UNLIKELY(!checked_give_node(heap_current, pointer, BLOCK_MALLOC, CHECKED_BYTES_UNKNOWN,
                                    CHECKED_SMALL)))
        give_hardened_large(pointer, &call_free, CHECKED_BYTES_UNKNOWN, caller);
}

/* With tags, every pointer comes here. */
FAST void give_slow_as(void *pointer, const struct call *call, size_t bytes, const void *caller,
                       bool is_free) {
    if (pointer == NULL)
        return;
    if (checked_is_hardened && is_free)
        give_hardened_free(pointer, caller);
    else if (checked_is_hardened)
        give_hardened(pointer, call, bytes, caller);
    else if (checked_tag_bytes != 0)
        give_tagged(pointer, call, bytes, caller);
    else if (region_owns(pointer))
        give_untagged(pointer, call, bytes, caller);
    else
        give_next(pointer);
}

SLOW static void give_slow(void *pointer, const struct call *call, size_t bytes,
                           const void *caller) {
    give_slow_as(pointer, call, bytes, caller, false);
}

SLOW static void give_slow_free(void *pointer, const void *caller) {
    give_slow_as(pointer, &call_free, CHECKED_BYTES_UNKNOWN, caller, true);
}

/* A macro, so that the fast path does not look for the caller. */
#define GIVE(pointer, call, bytes, caller)                                                         \
    do {                                                                                           \
        if (UNLIKELY(!heap_give(pointer)))                                                         \
            give_slow(pointer, call, bytes, caller);                                               \
    } while (0)

EXPORT void free(void *pointer) {
    if (UNLIKELY(!heap_give(pointer)))
        give_slow_free(pointer, CALLER);
}

/* Before glibc 2.26 a synonym of free(). */
EXPORT void cfree(void *pointer);
EXPORT void cfree(void *pointer) {
    static const struct call call = {.function = "cfree", .form = BLOCK_MALLOC};
    give_slow(pointer, &call, CHECKED_BYTES_UNKNOWN, CALLER);
}

/* C23. Without tags the sizes are hints that are not needed. */
EXPORT void free_sized(void *pointer, size_t bytes);
EXPORT void free_sized(void *pointer, size_t bytes) {
    static const struct call call = {.function = "free_sized", .form = BLOCK_MALLOC};
    GIVE(pointer, &call, bytes, CALLER);
}

EXPORT void free_aligned_sized(void *pointer, size_t alignment, size_t bytes);
EXPORT void free_aligned_sized(void *pointer, size_t alignment, size_t bytes) {
    static const struct call call = {.function = "free_aligned_sized", .form = BLOCK_MALLOC};
    (void)alignment;
    give_slow(pointer, &call, bytes, CALLER);
}

/* ---- aligned ---- */

static bool is_power_of_two(size_t number) {
    return number != 0 && (number & (number - 1)) == 0;
}

/* `alignment` is a power of two. NULL and ENOMEM if there is no memory. */
SLOW static void *take_aligned(size_t alignment, size_t bytes, enum block_form form) {
    if (alignment <= SLOT_ALIGN)
        return take(bytes, form);
    unsigned class_index = class_of(alignment, bytes);
    if (class_index < SIZE_CLASS_COUNT && heap_current->bins[class_index].mask != 0)
        return heap_take_bin(&heap_current->bins[class_index]);
    void *block = take_class_slow(alignment, bytes, form);
    if (block != NULL)
        return block;
    return WITH_ROOM(next()->memalign(alignment, bytes));
}

EXPORT int posix_memalign(void **result, size_t alignment, size_t bytes) {
    if (!is_power_of_two(alignment) || alignment % sizeof(void *) != 0)
        return EINVAL;
    int saved_errno = errno;
    void *block = take_aligned(alignment, bytes, BLOCK_MALLOC);
    errno = saved_errno;
    if (block == NULL)
        return ENOMEM;
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
    return take_aligned(alignment, bytes, BLOCK_MALLOC);
}

/* C17 leaves it open, C23 and glibc since 2.38 require it: another alignment than a power of two is
 * an error. */
EXPORT void *aligned_alloc(size_t alignment, size_t bytes) {
    if (!is_power_of_two(alignment)) {
        errno = EINVAL;
        return NULL;
    }
    return take_aligned(alignment, bytes, BLOCK_MALLOC);
}

/* Whole pages are nothing for a pool of nodes. */
EXPORT void *valloc(size_t bytes) {
    return take_aligned(os_page_bytes(), bytes, BLOCK_MALLOC);
}

/* Of whole pages, at least one. */
EXPORT void *pvalloc(size_t bytes) {
    size_t page_bytes = os_page_bytes();
    if (bytes > SIZE_MAX - page_bytes) {
        errno = ENOMEM;
        return NULL;
    }
    return take_aligned(page_bytes, bytes == 0 ? page_bytes : os_round_to_page(bytes),
                        BLOCK_MALLOC);
}

/* ---- resizing ---- */

/* Move a block of `old_bytes` to a new one of `bytes`. The old one stays when there is no memory.
 */
static void *move_block(void *pointer, size_t old_bytes, size_t bytes, const struct call *call,
                        const void *caller) {
    void *block = take(bytes, BLOCK_MALLOC);
    if (block == NULL)
        return NULL;
    memcpy(block, pointer, old_bytes < bytes ? old_bytes : bytes);
    GIVE(pointer, call, CHECKED_BYTES_UNKNOWN, caller);
    return block;
}

/* A block that grows may well grow again: do not take it through each of the classes that lie close
 * together. The bytes to ask for instead of `bytes`. */
static size_t room_to_grow(size_t bytes) {
    enum { LEAST_BYTES = 256, MOST_BYTES = 1024, STEP_BYTES = 64 };
    if (bytes <= LEAST_BYTES || bytes > MOST_BYTES)
        return bytes;
    size_t roomy = (bytes + STEP_BYTES - 1) & ~(size_t)(STEP_BYTES - 1);
    return roomy <= config.slot_max ? roomy : bytes;
}

/* A block stays where it is unless that leaves more than half of its slot empty. */
static void *resize_pool(void *pointer, size_t bytes, const struct call *call, const void *caller) {
    struct slab *slab = heap_find(heap_current, pointer);
    if (LIKELY(slab != NULL)) {
        if (bytes <= slab->stride && bytes > slab->stride / 2)
            return pointer;
        size_t wanted = bytes > slab->stride ? room_to_grow(bytes) : bytes;
        return move_block(pointer, slab->stride, wanted, call, caller);
    }
    size_t old_bytes = checked_bytes(heap_current, pointer, call, caller);
    if (old_bytes == CHECKED_FAULTY) {
        errno = EINVAL; /* a fault, and on_fault lets the program go on */
        return NULL;
    }
    return checked_resize(pointer, bytes) ? pointer
                                          : move_block(pointer, old_bytes, bytes, call, caller);
}

/* A block of the next allocator that becomes node-sized moves to the pool; any other change is that
 * allocator's. */
static void *resize_foreign(void *pointer, size_t bytes, const struct call *call,
                            const void *caller) {
    if (next_is_bootstrap(pointer))
        return move_block(pointer, next_bootstrap_bytes(pointer), bytes, call, caller);
    if ((bytes <= config.slot_max || checked_is_hardened) &&
        config.strategy != TAGPOOL_STRATEGY_DIRECT)
        return move_block(pointer, next()->malloc_usable_size(pointer), bytes, call, caller);
    return WITH_ROOM(next()->realloc(pointer, bytes));
}

static void *resize(void *pointer, size_t bytes, const struct call *call, const void *caller) {
    if (pointer == NULL)
        return take(bytes, BLOCK_MALLOC);
    if (bytes == 0) { /* glibc: frees the block and returns NULL */
        give_slow(pointer, call, CHECKED_BYTES_UNKNOWN, caller);
        return NULL;
    }
    return region_owns(pointer) ? resize_pool(pointer, bytes, call, caller)
                                : resize_foreign(pointer, bytes, call, caller);
}

EXPORT void *realloc(void *pointer, size_t bytes) {
    static const struct call call = {.function = "realloc", .form = BLOCK_MALLOC, .is_use = true};
    return resize(pointer, bytes, &call, CALLER);
}

EXPORT void *reallocarray(void *pointer, size_t count, size_t bytes) {
    static const struct call call = {
        .function = "reallocarray", .form = BLOCK_MALLOC, .is_use = true};
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total)) {
        errno = ENOMEM;
        return NULL;
    }
    return resize(pointer, total, &call, CALLER);
}

/* ---- asking ---- */

EXPORT size_t malloc_usable_size(void *pointer) {
    static const struct call call = {
        .function = "malloc_usable_size", .form = BLOCK_ANY, .is_use = true};
    if (pointer == NULL)
        return 0;
    if (region_owns(pointer)) {
        size_t bytes = checked_bytes(heap_current, pointer, &call, CALLER);
        return bytes == CHECKED_FAULTY ? 0 : bytes;
    }
    return next_is_bootstrap(pointer) ? next_bootstrap_bytes(pointer)
                                      : next()->malloc_usable_size(pointer);
}

/* The rarely called functions of the allocator behind us are looked up at each call; what it does
 * not have, does nothing. */

EXPORT int malloc_trim(size_t pad) {
    int (*next_trim)(size_t) = NEXT_FUNCTION(malloc_trim);
    lock_acquire(&pool_lock);
    bool trimmed = region_trim(0) + spans_trim() != 0;
    lock_release(&pool_lock);
    bool next_trimmed = next_trim != NULL && next_trim(pad) != 0;
    return next_trimmed || trimmed;
}

EXPORT struct mallinfo2 mallinfo2(void) {
    struct mallinfo2 (*next_mallinfo2)(void) = NEXT_FUNCTION(mallinfo2);
    struct mallinfo2 info = {.arena = 0};
    if (next_mallinfo2 != NULL)
        info = next_mallinfo2();
    struct heap_life_sums sums;
    heap_life_sum(&sums);
    info.arena += sums.live_bytes + sums.free_bytes;
    info.uordblks += sums.live_bytes;
    info.fordblks += sums.free_bytes;
    return info;
}

/* The old form counts in int and wraps, as glibc's does. */
EXPORT struct mallinfo mallinfo(void) {
    struct mallinfo2 info = mallinfo2();
    return (struct mallinfo){.arena = (int)info.arena,
                             .ordblks = (int)info.ordblks,
                             .smblks = (int)info.smblks,
                             .hblks = (int)info.hblks,
                             .hblkhd = (int)info.hblkhd,
                             .usmblks = (int)info.usmblks,
                             .fsmblks = (int)info.fsmblks,
                             .uordblks = (int)info.uordblks,
                             .fordblks = (int)info.fordblks,
                             .keepcost = (int)info.keepcost};
}

EXPORT int malloc_info(int options, FILE *stream) {
    int (*next_info)(int, FILE *) = NEXT_FUNCTION(malloc_info);
    if (next_info != NULL)
        return next_info(options, stream);
    errno = ENOSYS;
    return -1;
}

EXPORT void malloc_stats(void) {
    void (*next_stats)(void) = NEXT_FUNCTION(malloc_stats);
    if (next_stats != NULL)
        next_stats();
    struct heap_life_sums sums;
    heap_life_sum(&sums);
    struct text line = {.length = 0};
    text_add(&line, "pools hold ");
    text_add_number(&line, sums.live_bytes);
    text_add(&line, " bytes in use and ");
    text_add_number(&line, sums.free_bytes);
    text_add(&line, " bytes free");
    fault_line(&line);
}

EXPORT int mallopt(int parameter, int value) {
    int (*next_mallopt)(int, int) = NEXT_FUNCTION(mallopt);
    return next_mallopt != NULL ? next_mallopt(parameter, value) : 0;
}

/* ---- C++: operators new and delete ---- */

#define NEW_PLAIN(form)   take(bytes, form)
#define NEW_RARE(form)    take_aligned(SLOT_ALIGN, bytes, form)
#define NEW_ALIGNED(form) take_aligned(alignment, bytes, form)

/* As the standard asks for: the new handler, if there is one, may make room, throw, or set another.
 */
#define NEW_THROWS(name, arguments, taken)                                                         \
    for (cxx_handler * handler; (handler = cxx_new_handler()) != NULL;) {                          \
        handler();                                                                                 \
        void *block = taken;                                                                       \
        if (block != NULL)                                                                         \
            return block;                                                                          \
    }                                                                                              \
    cxx_throw_bad_alloc()

/* This is C: what can catch is the C++ library's operator of this form, which calls the one that
 * throws: ours. It rounds sizes up without looking for overflow. */
#define NEW_CATCHES(name, arguments, taken)                                                        \
    name##_function *function = AS_FUNCTION(name##_function, cxx_symbol(#name));                   \
    bytes = bytes > PTRDIFF_MAX ? (size_t)PTRDIFF_MAX : bytes;                                     \
    return function != NULL ? function arguments : NULL

#define DEFINE_NEW(name, parameters, arguments, form, how, without_memory)                         \
    typedef void *name##_function parameters;                                                      \
    COLD static void *name##_failed parameters {                                                   \
        NEW_##without_memory(name, arguments, NEW_##how(form));                                    \
    }                                                                                              \
    SLOW static void *name##_elsewhere parameters {                                                \
        name##_function *function = AS_FUNCTION(name##_function, cxx_replaced(CXX##name));         \
        if (function != NULL)                                                                      \
            return function arguments;                                                             \
        void *block = NEW_##how(form);                                                             \
        return LIKELY(block != NULL) ? block : name##_failed arguments;                            \
    }                                                                                              \
    EXPORT name##_function name;                                                                   \
    EXPORT void *name parameters {                                                                 \
        if (UNLIKELY(cxx_state != CXX_OURS))                                                       \
            return name##_elsewhere arguments;                                                     \
        void *block = NEW_##how(form);                                                             \
        return LIKELY(block != NULL) ? block : name##_failed arguments;                            \
    }
CXX_NEW(DEFINE_NEW)

#define DELETE_PLAIN   GIVE
#define DELETE_RARE    give_slow
#define DELETE_SIZED   bytes
#define DELETE_UNSIZED CHECKED_BYTES_UNKNOWN

#define DELETE_NAME_BLOCK_NEW       "operator delete"
#define DELETE_NAME_BLOCK_NEW_ARRAY "operator delete[]"

#define DEFINE_DELETE(name, parameters, arguments, form_, how, size)                               \
    typedef void name##_function parameters;                                                       \
    static const struct call name##_call = {.function = DELETE_NAME_##form_, .form = form_};       \
    SLOW static void name##_elsewhere parameters {                                                 \
        name##_function *function = AS_FUNCTION(name##_function, cxx_replaced(CXX##name));         \
        if (function != NULL)                                                                      \
            function arguments;                                                                    \
        else                                                                                       \
            DELETE_##how(pointer, &name##_call, DELETE_##size, CALLER);                            \
    }                                                                                              \
    EXPORT name##_function name;                                                                   \
    EXPORT void name parameters {                                                                  \
        if (UNLIKELY(cxx_state != CXX_OURS))                                                       \
            name##_elsewhere arguments;                                                            \
        else                                                                                       \
            DELETE_##how(pointer, &name##_call, DELETE_##size, CALLER);                            \
    }
CXX_DELETE(DEFINE_DELETE)
