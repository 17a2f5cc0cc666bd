/* What glibc's headers declare and musl's do not: the records of mallinfo(3); how a futex is
 * called, which stands in the kernel's headers; and what glibc exports and declares nowhere. All
 * are fixed by their binary interfaces. Floor 0.
 */
#ifndef LIBC_H
#define LIBC_H

#include <dlfcn.h>
#include <link.h>
#include <malloc.h>
#include <stddef.h>
#include <stdio.h>

/* linux/futex.h */
enum { LIBC_FUTEX_WAIT = 0, LIBC_FUTEX_WAKE = 1, LIBC_FUTEX_PRIVATE = 128 };

/* sys/single_threaded.h, since glibc 2.32: not 0 while there is but one thread. */
extern char __libc_single_threaded __attribute__((weak));

/* dlfcn.h, since glibc 2.35: which object an address lies in. Weak, for an older one at run time.
 */
#ifdef DLFO_STRUCT_HAS_EH_DBASE
#define LIBC_FIND_OBJECT
extern __typeof__(_dl_find_object) _dl_find_object __attribute__((weak));
#endif

/* dlopen(3): musl has no such mode. */
#ifndef RTLD_DEEPBIND
#define RTLD_DEEPBIND 0
#endif

/* The function of the C library that takes an alignment. */
#ifdef __GLIBC__
enum { LIBC_IS_GLIBC = 1 };
#define LIBC_MEMALIGN "memalign"

/* What setrlimit(2) takes; musl's names with 64 are macros for those without. */
#define LIBC_RESOURCE __rlimit_resource_t
#define LIBC_HAS_RLIMIT64
#define LIBC_RLIMIT64(list, X) list(X, setrlimit64, prlimit64, rlimit64)

/* The buffer of a stream, and the stream that was opened before; musl does not tell. */
#define LIBC_STREAM_BUFFER(stream) ((const char *)(stream)->_IO_buf_base)
#define LIBC_NEXT_STREAM(stream)   ((stream)->_chain)
#else
enum { LIBC_IS_GLIBC = 0 };
#define LIBC_MEMALIGN "aligned_alloc"
#define LIBC_RESOURCE int
#define LIBC_RLIMIT64(list, X)
#define LIBC_STREAM_BUFFER(stream) ((const char *)NULL)
#define LIBC_NEXT_STREAM(stream)   ((FILE *)NULL)

#define LIBC_MALLINFO(name, number)                                                                \
    struct name {                                                                                  \
        number arena;                                                                              \
        number ordblks;                                                                            \
        number smblks;                                                                             \
        number hblks;                                                                              \
        number hblkhd;                                                                             \
        number usmblks;                                                                            \
        number fsmblks;                                                                            \
        number uordblks;                                                                           \
        number fordblks;                                                                           \
        number keepcost;                                                                           \
    }
LIBC_MALLINFO(mallinfo, int);
LIBC_MALLINFO(mallinfo2, size_t);
#undef LIBC_MALLINFO

struct mallinfo mallinfo(void);
struct mallinfo2 mallinfo2(void);
int malloc_trim(size_t pad);
int malloc_info(int options, FILE *stream);
void malloc_stats(void);
int mallopt(int parameter, int value);
void *pvalloc(size_t bytes);

#endif
#endif
