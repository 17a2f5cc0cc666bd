/* The next allocator in link order: normally glibc's, or another preloaded one that follows us.
 * Requests that are not node-sized, and blocks that are not from the pool, go there.
 *
 * Its functions are all found together, without the loader: dlsym() waits for a thread that is
 * inside dlopen(), which may be waiting for a request of ours. What has to be asked of it is asked
 * at load. It may itself allocate; until it is done a small bootstrap arena serves: its blocks are
 * never reused, and every function here knows them.
 */
#ifndef NEXT_H
#define NEXT_H

#include "base.h"
#include "libc.h"

#include <string.h>
#include <sys/resource.h>
#include <sys/types.h>

/* X(RESULT, NAME, PARAMETERS): the functions that every allocator has. */
#define NEXT_FUNCTIONS(X)                                                                          \
    X(void *, malloc, (size_t))                                                                    \
    X(void *, calloc, (size_t, size_t))                                                            \
    X(void *, realloc, (void *, size_t))                                                           \
    X(void, free, (void *))                                                                        \
    X(void *, memalign, (size_t, size_t))                                                          \
    X(size_t, malloc_usable_size, (void *))

/* The other functions that we have a version of and pass on to: NULL where there is none. */
#define NEXT_OTHERS(X)                                                                             \
    X(int, malloc_trim, (size_t))                                                                  \
    X(struct mallinfo2, mallinfo2, (void))                                                         \
    X(int, malloc_info, (int, FILE *))                                                             \
    X(void, malloc_stats, (void))                                                                  \
    X(int, mallopt, (int, int))                                                                    \
    X(void *, dlopen, (const char *, int))                                                         \
    X(int, mlockall, (int))                                                                        \
    X(int, munlockall, (void))                                                                     \
    NEXT_LIMITS(X, setrlimit, prlimit, rlimit)                                                     \
    LIBC_RLIMIT64(NEXT_LIMITS, X)

#define NEXT_LIMITS(X, setrlimit, prlimit, rlimit)                                                 \
    X(int, setrlimit, (LIBC_RESOURCE, const struct rlimit *))                                      \
    X(int, prlimit, (pid_t, LIBC_RESOURCE, const struct rlimit *, struct rlimit *))

struct next {
#define NEXT_FIELD(result, name, parameters) result(*name) parameters;
    NEXT_FUNCTIONS(NEXT_FIELD)
    NEXT_OTHERS(NEXT_FIELD)
#undef NEXT_FIELD
    /* Of an allocator that stands before us, in the program or preloaded, which so serves what it
     * has a function for: a name that it lacks comes to us with its blocks. NULL: nobody does. */
    void *(*realloc_before)(void *, size_t);
    void (*free_before)(void *);
    bool tells_sizes; /* malloc_usable_size() and malloc() are of one allocator */
};

/* The functions in force: NULL until next_find() has run. */
extern HIDDEN const struct next *next_found;

/* Find the next allocator and have it set itself up, or, while that is going on, return the
 * bootstrap arena. */
const struct next *next_find(void);

static inline const struct next *next(void) {
    const struct next *found = __atomic_load_n(&next_found, __ATOMIC_ACQUIRE);
    return LIKELY(found != NULL) ? found : next_find();
}

/* Before there is a second thread: set up glibc's allocator, also if another is the next one. */
void next_set_up_glibcs(void);

/* True if it is glibc's, and this library was loaded at the start of the program. */
bool next_is_glibcs(void);

/* True if what stands before us frees or resizes blocks, but lacks other names of the family. It
 * may leave blocks that it did not make to the C library, by names that we do not have
 * (`__libc_free()`): then what comes to us has to end there, too. */
bool next_is_partly_before(void);

/* At load: find now what only the loader can tell. What needs no loader is found at the first need:
 * most processes of a shell script end without it. */
void next_start(void);

enum { NEXT_BOOTSTRAP_BYTES = 64 << 10 };
extern HIDDEN char next_bootstrap[];

/* True if the block is of the bootstrap arena. */
static inline bool next_is_bootstrap(const void *pointer) {
    return (uintptr_t)pointer - (uintptr_t)next_bootstrap < NEXT_BOOTSTRAP_BYTES;
}

/* The bytes of a block of the bootstrap arena. */
size_t next_bootstrap_bytes(const void *pointer);

/* Have the C and the C++ library free what they keep to the end of the process, and drop what is
 * unwritten in streams. They are of no use after that, and what the loader took for an auditor,
 * before it had a free() to give it to, ends the process. */
void next_free_runtime(void);

/* True if one of them can be asked to. */
bool next_has_runtime(void);

/* A function by its linker name, as the next library in link order defines it; NULL if none does.
 */
void *next_symbol(const char *name);

#endif
