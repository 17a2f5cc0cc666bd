#!/bin/sh
# If this failed, the library would hang or crash where it is not alone: beside a library that has
# its own version of a function of the C library and allocates in it; while a constructor inside
# dlopen() waits for a thread that allocates; in a program with a sanitizer that is counted or
# traced; with the packaged libraries of this kind.
set -u
# shellcheck source=tests/harness/tap.sh
. tests/harness/tap.sh

trace=$build/libtagpool-trace.so
tagpool=$build/tagpool
all_options='strategy=direct strategy=metadata strategy=tagged harden=on'

# under OPTIONS BEFORE BEHIND COMMAND...: with the library between two lists of others, or with the
# tracing library, told to profile, for the options `trace`.
under() {
    options=$1 before=$2 behind=$3
    shift 3
    if [ "$options" = trace ]; then
        run timeout -s KILL 200 "$tagpool" profile -r 1 -- \
            env LD_PRELOAD="$before $trace $behind" "$@"
    else
        run env LD_PRELOAD="$before $library $behind" TAGPOOL_OPTIONS="$options" \
            timeout -s KILL 200 "$@"
    fi
}

# --- a library that allocates in what it replaces ---

# HOOK(RESULT, NAME, PARAMETERS, ARGUMENTS): one function each, with a note of each call.
cat >"$work/hooks.c" <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
static __thread int depth;
static void *notes[64];
static void note(const void *what) {
    static unsigned at;
    if (depth++ == 0) {
        unsigned place = __atomic_fetch_add(&at, 1, __ATOMIC_RELAXED) % 64;
        void *fresh = malloc(40 + place * 100);
        free(__atomic_exchange_n(&notes[place], fresh, __ATOMIC_ACQ_REL));
        free(malloc(100000));
    }
    depth--;
}
/* In parentheses, as some of these are macros with parameters in newer C libraries. */
#define HOOK(result, name, parameters, arguments)                                                  \
    result(name) parameters {                                                                      \
        static result(*real) parameters;                                                           \
        if (real == NULL)                                                                          \
            real = (result(*) parameters)dlsym(RTLD_NEXT, #name);                                  \
        note(#name);                                                                               \
        return real arguments;                                                                     \
    }
HOOK(void *, mmap, (void *a, size_t n, int p, int f, int d, off_t o), (a, n, p, f, d, o))
HOOK(int, munmap, (void *a, size_t n), (a, n))
HOOK(int, mprotect, (void *a, size_t n, int p), (a, n, p))
HOOK(int, madvise, (void *a, size_t n, int p), (a, n, p))
HOOK(int, open, (const char *p, int f, int m), (p, f, m))
HOOK(int, openat, (int d, const char *p, int f, int m), (d, p, f, m))
HOOK(int, close, (int d), (d))
HOOK(ssize_t, read, (int d, void *b, size_t n), (d, b, n))
HOOK(ssize_t, write, (int d, const void *b, size_t n), (d, b, n))
HOOK(off_t, lseek, (int d, off_t o, int w), (d, o, w))
HOOK(int, stat, (const char *p, void *s), (p, s))
HOOK(int, fstat, (int d, void *s), (d, s))
HOOK(int, fstatat, (int d, const char *p, void *s, int f), (d, p, s, f))
HOOK(ssize_t, readlink, (const char *p, char *b, size_t n), (p, b, n))
HOOK(int, posix_fallocate, (int d, off_t o, off_t n), (d, o, n))
HOOK(int, ftruncate, (int d, off_t n), (d, n))
HOOK(ssize_t, getrandom, (void *b, size_t n, unsigned f), (b, n, f))
HOOK(int, getrlimit, (int r, void *l), (r, l))
HOOK(int, clock_gettime, (int c, void *t), (c, t))
HOOK(pid_t, getpid, (void), ())
HOOK(unsigned long, getauxval, (unsigned long t), (t))
HOOK(long, sysconf, (int n), (n))
HOOK(int, getpagesize, (void), ())
HOOK(int, sched_yield, (void), ())
HOOK(char *, getenv, (const char *n), (n))
HOOK(char *, strstr, (const char *a, const char *b), (a, b))
HOOK(char *, strrchr, (const char *a, int c), (a, c))
HOOK(size_t, strcspn, (const char *a, const char *b), (a, b))
HOOK(size_t, strnlen, (const char *a, size_t n), (a, n))
HOOK(int, pthread_setcancelstate, (int s, int *o), (s, o))
HOOK(int, pthread_setspecific, (unsigned k, const void *v), (k, v))
HOOK(int, dl_iterate_phdr, (void *f, void *d), (f, d))
HOOK(int, dladdr, (const void *a, Dl_info *i), (a, i))
C
cat >"$work/work.c" <<'C'
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
static void *run(void *none) {
    for (int i = 1; i < 3000; i++) {
        void *block = malloc((size_t)i * 7 % 9000), *other = calloc(3, (size_t)i % 500);
        block = realloc(block, (size_t)i * 11 % 20000 + 1);
        memset(block, 1, (size_t)i * 11 % 20000 + 1);
        free(other);
        free(block);
    }
    return none;
}
int main(void) {
    pthread_t thread[4];
    for (int i = 0; i < 4; i++)
        if (pthread_create(&thread[i], NULL, run, NULL) != 0)
            return 1;
    run(NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    return 0;
}
C
$cc -w -O1 -fno-builtin -shared -fPIC -o "$work/hooks.so" "$work/hooks.c" -ldl &&
    $cc -O1 -o "$work/work" "$work/work.c" -pthread || exit 1

for options in $all_options trace; do
    under "$options" "$work/hooks.so" '' "$work/work"
    check "$status" "$options: a library before ours may allocate in what it replaces"
    under "$options" '' "$work/hooks.so" "$work/work"
    check "$status" "$options: a library behind ours may allocate in what it replaces"
done

# --- a constructor that waits for a thread ---

cat >"$work/waits.c" <<'C'
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
void *_Znwm(size_t);
void _ZdlPv(void *);
static void *work(void *none) {
    struct rlimit limit;
    const char *first = getenv("FIRST");
    if (strcmp(first, "small") == 0)
        free(malloc(40));
    else if (strcmp(first, "large") == 0)
        free(malloc(100000));
    else if (strcmp(first, "new") == 0)
        _ZdlPv(_Znwm(40));
    else if (strcmp(first, "trim") == 0)
        malloc_trim(0);
    else if (strcmp(first, "mallinfo") == 0)
        (void)mallinfo2();
    else if (strcmp(first, "aligned") == 0)
        free(memalign(8192, 8192));
    else if (strcmp(first, "array") == 0)
        free(reallocarray(NULL, 100, 100));
    else if (getrlimit(RLIMIT_CORE, &limit) == 0)
        setrlimit(RLIMIT_CORE, &limit);
    return none;
}
__attribute__((constructor)) static void wait_for_it(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, NULL) == 0)
        pthread_join(thread, NULL);
}
C
cat >"$work/opens.c" <<'C'
#include <dlfcn.h>
#include <stddef.h>
int main(int count, char **arguments) {
    return count == 2 && dlopen(arguments[1], RTLD_NOW) != NULL ? 0 : 1;
}
C
$cc -O1 -o "$work/opens" "$work/opens.c" -ldl || exit 1
waits() {
    $cc -w -O1 -fno-builtin -shared -fPIC -o "$work/waits.so" "$work/waits.c" "$@" -pthread
}
calls='small large new trim mallinfo aligned array limit'
waits -lstdc++ 2>/dev/null || {
    skip "a constructor may wait for a thread's first call, new" "there is no C++ library here"
    calls='small large trim mallinfo aligned array limit'
    waits -D_Znwm=malloc -D_ZdlPv=free || exit 1
}

for options in $all_options trace; do
    for first in $calls; do
        FIRST=$first
        export FIRST
        under "$options" '' '' "$work/opens" "$work/waits.so"
        check "$status" "$options: a constructor may wait for a thread's first call, $first"
    done
done

# --- programs with a sanitizer ---

for sanitizer in address thread; do
    guest="a program with -fsanitize=$sanitizer runs"
    if ! $cc -O1 -fsanitize=$sanitizer -o "$work/$sanitizer" "$work/work.c" -pthread 2>/dev/null ||
        ! "$work/$sanitizer" >/dev/null 2>&1; then
        skip "$guest" "there is no library for it here"
        continue
    fi
    succeeds "$guest, counted" "$tagpool" run --stats -- "$work/$sanitizer"
    succeeds "$guest, profiled" "$tagpool" profile -r 1 -- "$work/$sanitizer"
    for options in $all_options; do
        under "$options" '' '' "$work/$sanitizer"
        check "$status" "$guest, with $options"
    done
    run "$tagpool" doctor -- "$work/$sanitizer"
    grep -qi 'segmentation\|signal' "$work/output"
    check $((! $?)) "$guest, under doctor"
done

# --- packaged libraries ---

# packaged NAME LIBRARY: preloaded before ours and behind it.
packaged() {
    found=$(find /usr/lib /usr/local/lib -name "$2" 2>/dev/null | head -n 1)
    for options in $all_options trace; do
        if [ -z "$found" ]; then
            skip "$options: $1 goes together with the library" "$2 is not installed"
            continue
        fi
        under "$options" "$found" '' "$work/work"
        check "$status" "$options: $1 may stand before the library"
        under "$options" '' "$found" "$work/work"
        check "$status" "$options: $1 may stand behind the library"
    done
}
COWDANCER_ILISTFILE=/dev/null
FAKETIME='@2020-01-01 00:00:00'
export COWDANCER_ILISTFILE FAKETIME
packaged libfaketime libfaketime.so.1
packaged libsocket_wrapper libsocket_wrapper.so
packaged libcowdancer libcowdancer.so
packaged libfakechroot libfakechroot.so

finish
