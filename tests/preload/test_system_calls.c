/* If this failed, a system call that is refused once, or from some moment on, would crash the
 * program, lose what is in its blocks, or leave it without memory although the next allocator has
 * some: the nth call of each kind that the library makes fails, n = 0, 1, 2 ... until a scenario
 * passes without meeting it.
 *
 * This program defines the functions, and so stands before libc for the library's calls of them;
 * glibc's own allocator has internal ones that are not replaced. Only calls from the library fail.
 */
#include "../harness/tap.h"
#include "behaviour.h"
#include "stats_reader.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define FAIL_VARIABLE "TAGPOOL_TEST_FAIL" /* "mmap:3": the 3rd; "mmap:3+": and all after it */

enum { NOT_MET = 3, MOST_CALLS = 400 };

static const char *program;

/* ---- the functions ---- */

static _Atomic(long) calls_seen;
static _Atomic(long) calls_failed;

static bool is_from_library(const void *caller) {
    Dl_info about;
    return dladdr(caller, &about) != 0 && about.dli_fname != NULL &&
           strstr(about.dli_fname, "libtagpool") != NULL;
}

static bool fails(const char *name, const void *caller) {
    const char *wanted = NULL;
    for (char **entry = environ; entry != NULL && *entry != NULL; entry++)
        if (strncmp(*entry, FAIL_VARIABLE "=", sizeof FAIL_VARIABLE) == 0)
            wanted = *entry + sizeof FAIL_VARIABLE;
    size_t length = strlen(name);
    if (wanted == NULL || strncmp(wanted, name, length) != 0 || wanted[length] != ':' ||
        !is_from_library(caller))
        return false;
    long seen = atomic_fetch_add(&calls_seen, 1);
    char *rest;
    long at = strtol(wanted + length + 1, &rest, 10);
    bool is_hit = seen == at || (*rest == '+' && seen > at);
    if (is_hit)
        atomic_fetch_add(&calls_failed, 1);
    return is_hit;
}

#define FAILS(name) fails(name, __builtin_return_address(0))

// The parameter names of libc are its own.
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)
void *mmap(void *start, size_t bytes, int protection, int flags, int file, off_t offset) {
    if (FAILS("mmap")) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return (void *)syscall(SYS_mmap, start, bytes, protection, flags, file, offset);
}

int munmap(void *start, size_t bytes) {
    if (FAILS("munmap")) {
        errno = ENOMEM;
        return -1;
    }
    return (int)syscall(SYS_munmap, start, bytes);
}

int mprotect(void *start, size_t bytes, int protection) {
    if (FAILS("mprotect")) {
        errno = ENOMEM;
        return -1;
    }
    return (int)syscall(SYS_mprotect, start, bytes, protection);
}

int madvise(void *start, size_t bytes, int advice) {
    if (FAILS("madvise")) {
        errno = EINVAL;
        return -1;
    }
    return (int)syscall(SYS_madvise, start, bytes, advice);
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    int mode = (flags & O_CREAT) != 0 ? va_arg(rest, int) : 0;
    va_end(rest);
    if (FAILS("open")) {
        errno = EMFILE;
        return -1;
    }
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int fstat(int file, struct stat *about) {
    if (FAILS("fstat")) {
        errno = EIO;
        return -1;
    }
    return fstatat(file, "", about, AT_EMPTY_PATH);
}

ssize_t readlink(const char *path, char *text, size_t bytes) {
    if (FAILS("readlink")) {
        errno = EACCES;
        return -1;
    }
    return readlinkat(AT_FDCWD, path, text, bytes);
}

ssize_t getrandom(void *bits, size_t bytes, unsigned flags) {
    if (FAILS("getrandom")) {
        errno = EAGAIN;
        return -1;
    }
    return syscall(SYS_getrandom, bits, bytes, flags);
}

int getrlimit(__rlimit_resource_t resource, struct rlimit *limit) {
    if (FAILS("getrlimit")) {
        errno = EPERM;
        return -1;
    }
    return prlimit(0, resource, NULL, limit);
}

// NOLINTEND(readability-inconsistent-declaration-parameter-name)

/* ---- the scenario ---- */

enum { NODES = 40000, THREADS = 3, LARGE_BYTES = 6 << 20 };

static size_t node_bytes(size_t i) {
    return i % 50 == 0 ? 900 : 24 + i % 60;
}

/* Builds and checks many blocks, and frees them: all of them were had and kept what they held. */
static bool nodes_hold(size_t count, unsigned seed) {
    unsigned char **nodes = calloc(count, sizeof *nodes);
    bool held = nodes != NULL;
    for (size_t i = 0; held && i < count; i++) {
        size_t bytes = node_bytes(i);
        bool cleared = i % 3 == 0;
        nodes[i] = cleared ? calloc(1, bytes) : malloc(bytes);
        held = nodes[i] != NULL && (!cleared || is_zero(nodes[i], bytes));
        if (held)
            pattern_fill(nodes[i], bytes, seed + (unsigned)i);
    }
    for (size_t i = 0; held && i < count; i++) {
        held = pattern_holds(nodes[i], node_bytes(i), seed + (unsigned)i);
        if (i % 7 == 0) {
            nodes[i] = realloc(nodes[i], 2000);
            held &= nodes[i] != NULL && pattern_holds(nodes[i], node_bytes(i), seed + (unsigned)i);
        }
        free(nodes[i]);
    }
    free(nodes);
    return held;
}

static void *thread_main(void *argument) {
    bool held = nodes_hold(NODES / 20, (unsigned)(uintptr_t)argument);
    return held ? argument : NULL;
}

static bool threads_hold(void) {
    pthread_t thread[THREADS];
    bool held = true;
    for (size_t i = 0; i < THREADS; i++)
        held &= pthread_create(&thread[i], NULL, thread_main, (void *)(uintptr_t)(i + 1)) == 0;
    for (size_t i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(thread[i], &result);
        held &= result != NULL;
    }
    return held;
}

static bool child_holds(void) {
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(nodes_hold(NODES / 20, 9) ? 0 : 1);
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static int scenario(void) {
    unsigned char *large = malloc(LARGE_BYTES);
    if (large == NULL)
        return 10;
    pattern_fill(large, LARGE_BYTES, 5);
    if (!nodes_hold(NODES, 1))
        return 11;
    malloc_trim(0);
    if (!threads_hold())
        return 12;
    if (!child_holds())
        return 13;
    if (!nodes_hold(NODES, 2))
        return 14;
    if (!pattern_holds(large, LARGE_BYTES, 5))
        return 15;
    free(large);
    return atomic_load(&calls_failed) == 0 ? NOT_MET : 0;
}

/* ---- the tests ---- */

/* Runs the scenario with the nth call failing; false when that is one call too far. */
static bool passes(const char *name, long n, bool persistent) {
    static struct child child;
    static struct stats_file stats;
    char variable[64];
    CHECK(stats_open(&stats));
    snprintf(variable, sizeof variable, FAIL_VARIABLE "=%s:%ld%s", name, n, persistent ? "+" : "");
    const char *const changes[] = {variable, stats.variable, NULL};
    const char *const argv[] = {program, "scenario", NULL};
    child_run(&child, changes, argv);
    bool is_met = !(WIFEXITED(child.status) && WEXITSTATUS(child.status) == NOT_MET);
    CHECK_SAY(!is_met || child_succeeded(&child), "%s: status %#x: %.300s", variable,
              (unsigned)child.status, child.err);
    CHECK_SAY(child.err[0] == '\0', "%s: it wrote: %.300s", variable, child.err);
    stats_close(&stats);
    return is_met && tap.faults == 0;
}

static void fail_each(const char *name, long least_calls) {
    long n = 0;
    if (!pools_are_on())
        least_calls = 0;
    while (n < MOST_CALLS && passes(name, n, false))
        n++;
    CHECK_SAY(n >= least_calls, "only %ld calls of %s were met", n, name);
    CHECK_SAY(n < MOST_CALLS, "the scenario still met %s after %ld calls", name, n);
    for (long from = 0; from < n; from++)
        passes(name, from, true);
}

static void each_refused_mmap_is_survived(void) {
    fail_each("mmap", 2);
}

static void each_refused_mprotect_is_survived(void) {
    fail_each("mprotect", 3);
}

static void each_refused_munmap_is_survived(void) {
    fail_each("munmap", 0);
}

static void each_refused_madvise_is_survived(void) {
    fail_each("madvise", 1);
}

static void each_refused_open_is_survived(void) {
    fail_each("open", 1);
}

static void each_refused_fstat_is_survived(void) {
    fail_each("fstat", 1);
}

static void each_refused_readlink_is_survived(void) {
    fail_each("readlink", 1);
}

static void each_refused_getrandom_is_survived(void) {
    fail_each("getrandom", 1);
}

static void each_refused_getrlimit_is_survived(void) {
    fail_each("getrlimit", 0);
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc == 2)
        return scenario();
    TAP_RUN(each_refused_mmap_is_survived);
    TAP_RUN(each_refused_mprotect_is_survived);
    TAP_RUN(each_refused_munmap_is_survived);
    TAP_RUN(each_refused_madvise_is_survived);
    TAP_RUN(each_refused_open_is_survived);
    TAP_RUN(each_refused_fstat_is_survived);
    TAP_RUN(each_refused_readlink_is_survived);
    TAP_RUN(each_refused_getrandom_is_survived);
    TAP_RUN(each_refused_getrlimit_is_survived);
    return tap_done();
}
