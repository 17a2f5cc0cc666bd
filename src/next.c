#include "next.h"

#include "environment.h"
#include "libc.h"
#include "lock.h"
#include "objects.h"
#include "os.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

FIXED const struct next *next_found;

/* ---- the bootstrap arena ---- */

enum { BOOTSTRAP_HEAD_BYTES = SLOT_ALIGN };

SELDOM _Alignas(SLOT_ALIGN) char next_bootstrap[NEXT_BOOTSTRAP_BYTES];
static _Atomic(size_t) bootstrap_used;

/* A block of `bytes` at a multiple of `alignment`, in zeroes; its size is in the word before it. */
APART static void *bootstrap_take(size_t bytes, size_t alignment) {
    if (bytes > NEXT_BOOTSTRAP_BYTES || alignment > NEXT_BOOTSTRAP_BYTES) {
        errno = ENOMEM;
        return NULL;
    }
    size_t need = BOOTSTRAP_HEAD_BYTES + alignment + bytes;
    /* Relaxed: the sum hands each caller bytes of its own, and nothing else depends on it. */
    size_t start = atomic_fetch_add_explicit(&bootstrap_used, need, memory_order_relaxed);
    if (start + need > NEXT_BOOTSTRAP_BYTES) {
        atomic_fetch_sub_explicit(&bootstrap_used, need, memory_order_relaxed);
        errno = ENOMEM;
        return NULL;
    }
    uintptr_t block = (uintptr_t)next_bootstrap + start + BOOTSTRAP_HEAD_BYTES;
    block = (block + alignment - 1) & ~(uintptr_t)(alignment - 1);
    memcpy((char *)block - sizeof bytes, &bytes, sizeof bytes);
    return (void *)block;
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

APART static void *bootstrap_realloc(void *pointer, size_t bytes) {
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

AT_LOAD void *next_symbol(const char *name) {
    return objects_are_listed() ? objects_behind(name) : dlsym(RTLD_NEXT, name);
}

/* That of the C++ library comes first, as the C library is of no use after its own. */
static void (*runtime_function(unsigned number))(void) {
    static const char names[2][32] = {"_ZN9__gnu_cxx9__freeresEv", "__libc_freeres"};
    return AS_FUNCTION(void(void), next_symbol(names[number]));
}

/* Whoever looks for a name that is nowhere comes to libraries that another thread may be closing.
 * glibc stands before these, and has its own; the other name is looked for in the copy. */
APART bool next_has_runtime(void) {
    return runtime_function(1) != NULL || runtime_function(0) != NULL;
}

/* The C library would write first what its streams hold, and seek back over what was not read. It
 * calls functions of the program's for that, which are not to learn of it. */
APART static void empty_streams(void) {
    FILE *const *list = objects_variable("_IO_list_all");
    void (*empty)(FILE * stream) = AS_FUNCTION(void(FILE *), next_symbol("__fpurge"));
    if (list == NULL || empty == NULL)
        return;
    for (FILE *stream = *list; stream != NULL; stream = LIBC_NEXT_STREAM(stream))
        empty(stream);
}

APART void next_free_runtime(void) {
    empty_streams();
    for (unsigned i = 0; i < 2; i++)
        if (runtime_function(i) != NULL)
            runtime_function(i)();
}

/* musl has no memalign() that does not come back to the first aligned_alloc() in link order, ours.
 */
static const char *name_behind(const char *name) {
    return strcmp(name, "memalign") == 0 ? LIBC_MEMALIGN : name;
}

#define NEXT_COUNT(result, name, parameters) +1
enum {
    NEEDED_COUNT = NEXT_FUNCTIONS(NEXT_COUNT),
    ALL_COUNT = NEEDED_COUNT NEXT_OTHERS(NEXT_COUNT)
};
#undef NEXT_COUNT

static_assert(offsetof(struct next, realloc_before) == ALL_COUNT * sizeof(void *),
              "one pointer for each name");

/* Without the loader's help; what must be there and is not found so, is asked of it. ISO C has no
 * conversion from object to function pointers, POSIX does: through memcpy neither complains. */
static void find_all(struct next *functions) {
    /* One behind the other: a table of pointers would be relocated at each start. */
#define NEXT_NAME(result, name, parameters) #name "\0"
    static const char names[] = NEXT_FUNCTIONS(NEXT_NAME) NEXT_OTHERS(NEXT_NAME);
#undef NEXT_NAME
    bool listed = objects_are_listed();
    const char *name = names;
    for (size_t i = 0; i < ALL_COUNT; i++, name += strlen(name) + 1) {
        void *symbol = listed ? objects_behind(name_behind(name)) : NULL;
        if (symbol == NULL && (!listed || i < NEEDED_COUNT))
            symbol = dlsym(RTLD_NEXT, name_behind(name));
        memcpy((char *)functions + i * sizeof symbol, &symbol, sizeof symbol);
    }
}

/* An allocator behind us that is no C library may lack some names: then the C library's are found,
 * which know nothing of its blocks. */
static void keep_to_one_family(struct next *functions) {
    void *aligned = objects_beside("malloc", LIBC_MEMALIGN);
    if (aligned == NULL)
        aligned = objects_beside("malloc", "aligned_alloc");
    if (aligned != NULL)
        memcpy(&functions->memalign, &aligned, sizeof aligned);
    functions->tells_sizes = objects_beside("malloc", "malloc_usable_size") != NULL;
}

static void find_before(struct next *functions) {
    void *symbol = objects_before("realloc");
    memcpy(&functions->realloc_before, &symbol, sizeof symbol);
    symbol = objects_before("free");
    memcpy(&functions->free_before, &symbol, sizeof symbol);
}

static bool is_before(const char *name) {
    return objects_before(name) != NULL;
}

/* Most processes have nothing before us: these see no more than that. */
AT_LOAD bool next_is_partly_before(void) {
    if (!objects_has_before("free", "realloc") || !objects_are_listed())
        return false;
    bool takes = is_before("malloc") && is_before("calloc");
    bool aligns =
        is_before("posix_memalign") || is_before("aligned_alloc") || is_before("memalign");
    return !(takes && aligns && is_before("realloc") && is_before("free"));
}

/* With its first request an allocator sets itself up, which no cancellation of the thread may cut
 * short: glibc's calls getrandom(), which up to 2.36 could. The C library's own function, because a
 * sanitizer's may not be ready. */
static void set_up(const struct next *functions) {
    typedef int set_function(int state, int *before);
    set_function *set_state =
        AS_FUNCTION(set_function, objects_in("libc.so.6", "pthread_setcancelstate"));
    int state;
    if (set_state != NULL)
        set_state(PTHREAD_CANCEL_DISABLE, &state);
    functions->free(functions->malloc(1));
    if (set_state != NULL)
        set_state(state, NULL);
}

/* glibc's allocator sets itself up with the first call, and no lock keeps a second thread or a fork
 * off that: it counts on pthread_create() to allocate in the first thread, which our pools serve.
 * Threads may come to it past us: the program, and a library before or behind us, by
 * __libc_malloc(). mallopt() sets up and takes no memory; its parameter is one that does nothing.
 */
COLD void next_set_up_glibcs(void) {
    typedef int set_option(int parameter, int value);
    enum { WITHOUT_EFFECT = 4 /* M_KEEP */ };
    set_option *set = AS_FUNCTION(set_option, objects_in("libc.so.6", "mallopt"));
    int saved_errno = errno;
    if (set != NULL)
        set(WITHOUT_EFFECT, 0);
    errno = saved_errno;
}

bool next_is_glibcs(void) {
    return objects_are_listed() && objects_behind("malloc") == objects_in("libc.so.6", "malloc");
}

/* Another thread is at it. glibc's allocator must not be set up by two at a time, as it counts on
 * pthread_create() to allocate in the first thread, which our pools serve. That takes a moment and
 * no lock, so it is waited for; not for ever, as a fork may have left the other thread behind. Any
 * other allocator knows how to do it, and may need the loader's lock for it, which this thread may
 * hold: NULL, not waited for. */
COLD static const struct next *await(void) {
    enum { WAIT_MS = 1000 };
    const struct next *found = NULL;
    bool is_glibcs = next_is_glibcs();
    for (int i = 0; is_glibcs && found == NULL && i < WAIT_MS; i++) {
        os_nap_ms();
        found = __atomic_load_n(&next_found, __ATOMIC_ACQUIRE);
    }
    return found;
}

/* While a thread finds and sets up, its own requests are served by the bootstrap arena. */
COLD const struct next *next_find(void) {
    static FIXED struct next functions;
    static _Atomic(uintptr_t) finder;
    uintptr_t self = lock_this_thread();
    uintptr_t nobody = 0;
    if (atomic_load_explicit(&finder, memory_order_relaxed) == self)
        return &bootstrap_functions;
    const struct next *others = NULL;
    if (!atomic_compare_exchange_strong_explicit(&finder, &nobody, self, memory_order_relaxed,
                                                 memory_order_relaxed))
        others = await();
    if (others != NULL)
        return others;
    int saved_errno = errno;
    struct next found = {.tells_sizes = true};
    find_all(&found);
    if (objects_are_listed()) {
        keep_to_one_family(&found);
        find_before(&found);
    }
    set_up(&found);
    functions = found;
    errno = saved_errno;
    __atomic_store_n(&next_found, &functions, __ATOMIC_RELEASE);
    return &functions;
}

AT_LOAD void next_start(void) {
    if (!objects_are_listed())
        (void)next();
}
