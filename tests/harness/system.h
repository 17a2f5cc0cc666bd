/* What tests take from the C library and not every one has: its own blocks, as if from before the
 * library was loaded, and functions that are glibc's. With musl the library alone defines those.
 */
#ifndef SYSTEM_H
#define SYSTEM_H

#include <dlfcn.h>
#include <link.h>
#include <malloc.h>
#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif
#include "libc.h"

#ifdef __GLIBC__
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);

#define libc_malloc   __libc_malloc
#define libc_calloc   __libc_calloc
#define libc_memalign __libc_memalign
#else
#pragma weak mallinfo
#pragma weak mallinfo2
#pragma weak malloc_trim
#pragma weak malloc_info
#pragma weak malloc_stats
#pragma weak mallopt
#pragma weak pvalloc

/* musl has no names of its own for these. */
static inline void *libc_function(const char *name) {
    return dlsym(dlopen("libc.so", RTLD_LAZY), name);
}

static inline void *libc_malloc(size_t bytes) {
    return ((void *(*)(size_t))libc_function("malloc"))(bytes);
}

static inline void *libc_calloc(size_t count, size_t bytes) {
    return ((void *(*)(size_t, size_t))libc_function("calloc"))(count, bytes);
}

static inline void *libc_memalign(size_t alignment, size_t bytes) {
    return ((void *(*)(size_t, size_t))libc_function(LIBC_MEMALIGN))(alignment, bytes);
}

/* What mallopt(3) takes. */
enum { M_TRIM_THRESHOLD = -1, M_MMAP_THRESHOLD = -3, M_ARENA_MAX = -8 };
#endif

#ifdef __cplusplus
}
#endif

#endif
