#include "next.h"

#include "libc.h"
#include "os.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

FIXED const struct next *next_found;

/* ---- the bootstrap arena ---- */

enum { BOOTSTRAP_BYTES = 64 << 10, BOOTSTRAP_HEAD_BYTES = SLOT_ALIGN };

static SELDOM _Alignas(SLOT_ALIGN) char bootstrap[BOOTSTRAP_BYTES];
static _Atomic(size_t) bootstrap_used;

/* A block of `bytes` at a multiple of `alignment`, in zeroes; its size is in the word before it. */
static void *bootstrap_take(size_t bytes, size_t alignment) {
    if (bytes > BOOTSTRAP_BYTES || alignment > BOOTSTRAP_BYTES) {
        errno = ENOMEM;
        return NULL;
    }
    size_t need = BOOTSTRAP_HEAD_BYTES + alignment + bytes;
    /* Relaxed: the sum hands each caller bytes of its own, and nothing else depends on it. */
    size_t start = atomic_fetch_add_explicit(&bootstrap_used, need, memory_order_relaxed);
    if (start + need > BOOTSTRAP_BYTES) {
        atomic_fetch_sub_explicit(&bootstrap_used, need, memory_order_relaxed);
        errno = ENOMEM;
        return NULL;
    }
    uintptr_t block = (uintptr_t)bootstrap + start + BOOTSTRAP_HEAD_BYTES;
    block = (block + alignment - 1) & ~(uintptr_t)(alignment - 1);
    memcpy((char *)block - sizeof bytes, &bytes, sizeof bytes);
    return (void *)block;
}

bool next_is_bootstrap(const void *pointer) {
    return (uintptr_t)pointer - (uintptr_t)bootstrap < BOOTSTRAP_BYTES;
}

size_t next_bootstrap_bytes(const void *pointer) {
    size_t bytes;
    memcpy(&bytes, (const char *)pointer - sizeof bytes, sizeof bytes);
    return bytes;
}

static void *bootstrap_malloc(size_t bytes) {
    return bootstrap_take(bytes, SLOT_ALIGN);
}

static void *bootstrap_calloc(size_t count, size_t bytes) {
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total))
        total = SIZE_MAX;
    return bootstrap_take(total, SLOT_ALIGN);
}

static void *bootstrap_memalign(size_t alignment, size_t bytes) {
    return bootstrap_take(bytes, alignment < SLOT_ALIGN ? SLOT_ALIGN : alignment);
}

static void *bootstrap_realloc(void *pointer, size_t bytes) {
    void *block = bootstrap_take(bytes, SLOT_ALIGN);
    if (block == NULL || pointer == NULL)
        return block;
    size_t old_bytes = next_bootstrap_bytes(pointer);
    return memcpy(block, pointer, old_bytes < bytes ? old_bytes : bytes);
}

static void bootstrap_free(void *pointer) {
    (void)pointer;
}

static size_t bootstrap_malloc_usable_size(void *pointer) {
    return next_bootstrap_bytes(pointer);
}

static const struct next bootstrap_functions = {
#define NEXT_BOOTSTRAP(result, name, parameters) .name = bootstrap_##name,
    NEXT_FUNCTIONS(NEXT_BOOTSTRAP)
#undef NEXT_BOOTSTRAP
};

/* ---- the real one ---- */

void *next_symbol(const char *name) {
    return dlsym(RTLD_NEXT, name);
}

/* More than the 128 KiB from which glibc maps a block alone. Afterwards it does so from this size,
 * and keeps up to twice as much at the end of its heap. */
enum { RETAIN_BLOCK_BYTES = 256 << 10 };

void next_retain(void) {
    int saved_errno = errno;
    next()->free(next()->malloc(RETAIN_BLOCK_BYTES));
    errno = saved_errno;
}

static void call_if_there(const char *name) {
    void (*function)(void) = AS_FUNCTION(void(void), next_symbol(name));
    if (function != NULL)
        function();
}

bool next_free_runtime(void) {
    if (os_thread_count() != 1)
        return false;
    call_if_there("_ZN9__gnu_cxx9__freeresEv");
    call_if_there("__libc_freeres");
    return true;
}

/* musl has no memalign() that does not come back to the first aligned_alloc() in link order, ours.
 */
static const char *name_behind(const char *name) {
    return strcmp(name, "memalign") == 0 ? LIBC_MEMALIGN : name;
}

/* Found at the first need, not at start: most processes of a shell script end without it. While a
 * thread looks, its own requests are served by the bootstrap arena. Another thread that comes
 * meanwhile looks for itself, and finds the same: it must not wait, because it may hold a lock of
 * the loader that the first one needs. */
COLD const struct next *next_find(void) {
    static FIXED struct next functions;
    static _Atomic(uintptr_t) finder;
    uintptr_t self = (uintptr_t)pthread_self();
    uintptr_t nobody = 0;
    if (atomic_load_explicit(&finder, memory_order_relaxed) == self)
        return &bootstrap_functions;
    atomic_compare_exchange_strong_explicit(&finder, &nobody, self, memory_order_relaxed,
                                            memory_order_relaxed);
    int saved_errno = errno;
    /* ISO C has no conversion from object to function pointers, POSIX does: through memcpy neither
     * complains. */
#define NEXT_FIND(result, name, parameters)                                                        \
    {                                                                                              \
        void *symbol = next_symbol(name_behind(#name));                                            \
        memcpy(&functions.name, &symbol, sizeof symbol);                                           \
    }
    NEXT_FUNCTIONS(NEXT_FIND)
#undef NEXT_FIND
    errno = saved_errno;
    __atomic_store_n(&next_found, &functions, __ATOMIC_RELEASE);
    return &functions;
}
