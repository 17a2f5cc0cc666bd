/* Names exported beside the family: because of libraries that are bound to the C library's own
 * malloc, because of AddressSanitizer, and because what the region reserves counts against limits.
 */
#include "base.h"
#include "config.h"
#include "fork.h"
#include "libc.h"
#include "lifecycle.h"
#include "next.h"
#include "os.h"
#include "region.h"
#include "room.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>

/* RTLD_DEEPBIND makes a library prefer the C library's malloc and free() to those of the program.
 * One that frees what the program allocated, as PHP's extensions do, then hands the pool's blocks
 * to glibc, which aborts. So the flag is left out. A tail call: dlopen() looks at who called it. */
EXPORT void *dlopen(const char *file, int mode) {
    if (config.strategy != TAGPOOL_STRATEGY_DIRECT)
        mode &= ~RTLD_DEEPBIND;
    return next()->dlopen(file, mode);
}

FORK_EXPORT(lifecycle_forks())

/* Asked by AddressSanitizer's runtime, which otherwise ends a program when it is not the first
 * library loaded. It need not be here: in its company we pass every call on to it. */
EXPORT const char *__asan_default_options(void);
EXPORT const char *__asan_default_options(void) {
    return "verify_asan_link_order=0";
}

/* ---- limits that a process sets itself ----
 *
 * The region was reserved without them. Most of it was never used, and goes back before a limit
 * counts it: without that, no thread could be started and nothing be mapped any more. */

APART static void prepare_for_limit(int resource, rlim_t limit) {
    if (resource == RLIMIT_AS && limit != RLIM_INFINITY)
        (void)room_release_unused((size_t)limit / REGION_LIMIT_SHARE);
    if (resource == RLIMIT_DATA && limit != RLIM_INFINITY)
        room_limit_data();
    if (resource == RLIMIT_FSIZE && limit != RLIM_INFINITY)
        os_files_are_limited();
}

/* True if there is a limit. The C library's header promises the compiler that there is; what breaks
 * the promise gets the system's error. */
#define IS_GIVEN(pointer)                                                                          \
    ({                                                                                             \
        __typeof__(pointer) any = (pointer);                                                       \
        __asm__("" : "+r"(any));                                                                   \
        any != NULL;                                                                               \
    })

#define DEFINE_LIMITS(setrlimit, prlimit, rlimit)                                                  \
    EXPORT APART int setrlimit(LIBC_RESOURCE resource, const struct rlimit *limit) {               \
        if (IS_GIVEN(limit))                                                                       \
            prepare_for_limit((int)resource, limit->rlim_cur);                                     \
        return next()->setrlimit(resource, limit);                                                 \
    }                                                                                              \
    EXPORT APART int prlimit(pid_t pid, LIBC_RESOURCE resource, const struct rlimit *limit,        \
                             struct rlimit *before) {                                              \
        if (limit != NULL && (pid == 0 || (uint64_t)pid == os_process_id()))                       \
            prepare_for_limit((int)resource, limit->rlim_cur);                                     \
        return next()->prlimit(pid, resource, limit, before);                                      \
    }
DEFINE_LIMITS(setrlimit, prlimit, rlimit)
#ifdef LIBC_HAS_RLIMIT64
DEFINE_LIMITS(setrlimit64, prlimit64, rlimit64)
#endif

/* RLIMIT_MEMLOCK counts the whole address space here. */
EXPORT APART int mlockall(int flags) {
    int saved_errno = errno;
    int result = next()->mlockall(flags);
    if (result != 0 && errno == ENOMEM && room_release_unused(0)) {
        errno = saved_errno;
        result = next()->mlockall(flags);
    }
    if (result == 0)
        room_lock((flags & MCL_FUTURE) != 0 ? (unsigned)flags : 0);
    return result;
}

EXPORT APART int munlockall(void) {
    int result = next()->munlockall();
    if (result == 0)
        os_lock_commits(0);
    return result;
}
