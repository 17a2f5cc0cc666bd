/* The next allocator in link order: normally glibc's, or another preloaded one that follows us.
 * Requests that are not node-sized, and blocks that are not from the pool, go there.
 *
 * It is found with dlsym(RTLD_NEXT), which may itself allocate. Until that is done, and before the
 * loader has set up libc at all, a small bootstrap arena serves: its blocks are never reused, and
 * every function here knows them.
 */
#ifndef NEXT_H
#define NEXT_H

#include "base.h"

#include <string.h>

/* X(RESULT, NAME, PARAMETERS): the functions that every allocator has, looked up together. */
#define NEXT_FUNCTIONS(X)                                                                          \
    X(void *, malloc, (size_t))                                                                    \
    X(void *, calloc, (size_t, size_t))                                                            \
    X(void *, realloc, (void *, size_t))                                                           \
    X(void, free, (void *))                                                                        \
    X(void *, memalign, (size_t, size_t))                                                          \
    X(size_t, malloc_usable_size, (void *))

struct next {
#define NEXT_FIELD(result, name, parameters) result(*name) parameters;
    NEXT_FUNCTIONS(NEXT_FIELD)
#undef NEXT_FIELD
};

/* The functions in force: NULL until next_find() has run. */
extern HIDDEN const struct next *next_found;

/* Look the next allocator up, or, while that is going on or is too early, return the bootstrap
 * arena. */
const struct next *next_find(void);

static inline const struct next *next(void) {
    const struct next *found = __atomic_load_n(&next_found, __ATOMIC_ACQUIRE);
    return LIKELY(found != NULL) ? found : next_find();
}

/* True if the block is of the bootstrap arena. */
bool next_is_bootstrap(const void *pointer);

/* The bytes of a block of the bootstrap arena. */
size_t next_bootstrap_bytes(const void *pointer);

/* Let the next allocator keep more of what is freed, for a program that frees large blocks again
 * and again. glibc returns what is free at the end of its heap beyond 128 KiB; without us the
 * program's nodes lie there and prevent that. They are in the pool now, so the buffers of each
 * parse would be taken from the system and returned. Freeing a block that was mapped alone makes
 * glibc adapt (mallopt(3), M_MMAP_THRESHOLD), unless the program has set its limits itself. */
void next_retain(void);

/* At the very end of the process: have the C and the C++ library free what they keep until then
 * (memory of ended threads, tables), so that it is no leak of the
 * program's. False, and all of it left alone, while other threads may be using it. */
bool next_free_runtime(void);

/* A function by its linker name, as the next library in link order defines it; NULL if none does.
 */
void *next_symbol(const char *name);

/* A pointer to a function of this type, from what dlsym() returned. */
#define AS_FUNCTION(type, symbol)                                                                  \
    ({                                                                                             \
        __typeof__(type) *as_function;                                                             \
        void *found_symbol = (symbol);                                                             \
        memcpy(&as_function, &found_symbol, sizeof found_symbol);                                  \
        as_function;                                                                               \
    })

/* The same by the name of its declaration, with its type. */
#define NEXT_FUNCTION(name) AS_FUNCTION(name, next_symbol(#name))

#endif
