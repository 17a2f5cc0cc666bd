#!/bin/sh
# If this failed, `tagpool run --check` would blame a fault or a leak on another line of the program
# than the one that made it, or on none.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

# Each place that a report may name has a comment that names it.
cat >"$work/wrong.c" <<'C'
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#define STAY __asm__ volatile("" ::: "memory")
__attribute__((noinline)) char *maker(size_t bytes) {
    char *block = (char *)malloc(bytes); /* allocated */
    STAY;
    return block;
}
__attribute__((noinline)) void releaser(void *block) {
    free(block); /* freed */
    STAY;
}
__attribute__((noinline)) void culprit(void *block) {
    free(block); /* here */
    STAY;
}
__attribute__((noinline)) void *user(void *block) {
    block = realloc(block, 70); /* used */
    STAY;
    return block;
}
static void *in_thread(void *block) {
    releaser(block);
    return NULL;
}
static char *volatile kept;
static void on_signal(int number) {
    (void)number;
    culprit(kept);
}
static void many(size_t bytes) {
    for (int i = 0; i < 2000; i++)
        free(malloc(bytes));
}
static void *never(char *block) {
    return block + (1 << 16) - 4096 - (size_t)block % (1 << 16);
}
int main(int count, char **arguments) {
    const char *mode = arguments[1];
    size_t bytes = count > 2 ? (size_t)atoi(arguments[2]) : 40;
    char *volatile block = maker(bytes);
    if (strcmp(mode, "twice") == 0) {
        releaser(block);
        culprit(block);
    } else if (strcmp(mode, "late") == 0) {
        releaser(block);
        releaser(maker(bytes));
        culprit(block);
    } else if (strcmp(mode, "interior") == 0) {
        culprit(block + 16);
    } else if (strcmp(mode, "misaligned") == 0) {
        culprit(block + 1);
    } else if (strcmp(mode, "never") == 0) {
        culprit(never(block));
    } else if (strcmp(mode, "use") == 0) {
        releaser(block);
        kept = (char *)user(block);
    } else if (strcmp(mode, "use interior") == 0) {
        kept = (char *)user(block + 16);
    } else if (strcmp(mode, "behind") == 0) {
        block[bytes] ^= 1;
        culprit(block);
    } else if (strcmp(mode, "before") == 0) {
        block[-1] ^= 1;
        culprit(block);
    } else if (strcmp(mode, "use before") == 0) {
        block[-1] ^= 1;
        kept = (char *)user(block);
    } else if (strcmp(mode, "written") == 0) {
        releaser(block);
        block[3] = 1;
        many(bytes);
    } else if (strcmp(mode, "thread") == 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, in_thread, block);
        pthread_join(thread, NULL);
        culprit(block);
    } else if (strcmp(mode, "fork") == 0) {
        releaser(block);
        if (fork() == 0) {
            culprit(block);
            exit(0);
        }
        wait(NULL);
    } else if (strcmp(mode, "signal") == 0) {
        kept = block;
        releaser(block);
        signal(SIGUSR1, on_signal);
        raise(SIGUSR1);
    } else if (strcmp(mode, "closed") == 0) {
        void *library = dlopen(arguments[3], RTLD_NOW);
        char *(*make)(size_t) = (char *(*)(size_t))dlsym(library, "library_make");
        void (*release)(void *) = (void (*)(void *))dlsym(library, "library_release");
        char *volatile other = make(bytes);
        release(other);
        dlclose(library);
        culprit(other);
    } else if (strcmp(mode, "abort") == 0) {
        releaser(block);
        culprit(block);
        abort();
    }
    return 0;
}
C
cat >"$work/closed.c" <<'C'
#include <stdlib.h>
char *library_make(size_t bytes);
void library_release(void *block);
char *library_make(size_t bytes) {
    char *block = malloc(bytes); /* allocated */
    __asm__ volatile("" ::: "memory");
    return block;
}
void library_release(void *block) {
    free(block); /* freed */
    __asm__ volatile("" ::: "memory");
}
C
$cc -g -O1 -fno-builtin -pthread -o "$work/wrong" "$work/wrong.c" -ldl
$cc -g -O1 -shared -fPIC -o "$work/closed.so" "$work/closed.c"

# place NAME FILE: the line that a comment names, as a report does: "wrong.c:12".
place() {
    echo "${2:-wrong.c}:$(grep -n "/\* $1 \*/" "$work/${2:-wrong.c}" | cut -d: -f1)"
}

# follows TITLE TEXT: the title's stack begins with a frame that has the text.
follows() {
    awk -v title="  $1" -v text="$2" '
        found { ok = index($0, text) != 0; exit }
        index($0, title) == 1 { found = 1 }
        END { exit !ok }' "$work/err"
}

# What stands behind names in C++.
of_block=
of_bytes=
here=$(place here)
used=$(place used)
freed=$(place freed)
allocated=$(place allocated)

# tells SENTENCE ROLES ARGUMENT...: a fault with these stacks, and the program goes on.
tells() {
    sentence=$1
    roles=$2
    shift 2
    # shellcheck disable=SC2086 # several words
    run run --check ${options:-} -- "$@"
    result=$((status != 99))
    for role in $roles; do
        case $role in
        here) follows "freed here by thread" "culprit$of_block ($here)" ;;
        used) follows "used here by thread" "user$of_block ($used)" ;;
        found) grep -q '^  found by thread' "$work/err" ;;
        first) follows "first freed by thread" "releaser$of_block ($freed)" ;;
        freed) follows "freed by thread" "releaser$of_block ($freed)" ;;
        allocated) follows "allocated by thread" "maker$of_bytes ($allocated)" ;;
        library) follows "allocated by thread" "library_make ($(place allocated closed.c))" &&
            follows "first freed by thread" "library_release ($(place freed closed.c))" ;;
        esac || result=1
    done
    check "$result" "$sentence"
}

if [ -z "$(command -v llvm-symbolizer)$(command -v addr2line)" ]; then
    skip 'stacks are told with their lines' 'neither llvm-symbolizer nor addr2line is installed'
    finish
    exit
fi

wrong=$work/wrong
tells 'a block freed twice: by whom, and who made it' 'here first allocated' "$wrong" twice
tells 'the same of a large block' 'here first allocated' "$wrong" twice 100000
tells 'the same where its slot could have come back' 'here first allocated' "$wrong" late
tells 'a pointer into a block: whose block' 'here allocated' "$wrong" interior 100
tells 'a misaligned pointer: whose block' 'here allocated' "$wrong" misaligned 100
tells 'a pointer that was never handed out: who frees it' 'here' "$wrong" never
tells 'a freed block used' 'used freed allocated' "$wrong" use
tells 'a pointer into a block used' 'used allocated' "$wrong" 'use interior' 100
tells 'a block written past its end' 'here allocated' "$wrong" behind
tells 'the same of a large block, too' 'here allocated' "$wrong" behind 100001
tells 'a block written in front of it' 'here allocated' "$wrong" before
tells 'the same, used' 'used allocated' "$wrong" 'use before'
tells 'a freed block written to, found later' 'found freed allocated' "$wrong" written
tells 'a block that another thread freed before' 'here first allocated' "$wrong" thread
tells 'a block that the parent of a fork freed before' 'here first allocated' "$wrong" fork
tells 'a block freed by a signal handler' 'here first allocated' "$wrong" signal
tells 'a block of a library that was closed since' 'here library' "$wrong" closed 40 \
    "$work/closed.so"
tells 'a program that aborts in the end' 'here first allocated' "$wrong" abort
for strategy in metadata tagged; do
    options="-o harden=off -o strategy=$strategy"
    tells "a block freed twice, with strategy=$strategy" 'here first allocated' "$wrong" twice
done
options=
$cc -g -O2 -fno-builtin -no-pie -fno-pie -pthread -o "$work/wrong" "$work/wrong.c" -ldl
tells 'the same in a program at a fixed address' 'here first allocated' "$wrong" twice
if command -v strip >/dev/null; then
    strip -o "$work/stripped" "$work/wrong"
    run run --check -- "$work/stripped" twice
    [ "$status" -eq 99 ] && follows 'first freed by thread' 'stripped+0x' &&
        follows 'allocated by thread' 'stripped+0x'
    check $? 'a stripped program has places alone'
fi
sentence='names of C++ are told as in the source'
if "${CXX:-c++}" -g -O1 -pthread -x c++ -o "$work/wrong" "$work/wrong.c" -ldl 2>"$work/err"; then
    of_block='(void*)' of_bytes='(unsigned long)'
    tells "$sentence" 'here first allocated' "$wrong" twice
else
    skip "$sentence" 'no C++ compiler'
fi

# A limit of address space that the program sets itself counts what is reserved for stacks, too.
cat >"$work/limited.c" <<'C'
#include <stdlib.h>
#include <sys/resource.h>
int main(void) {
    struct rlimit limit = {(rlim_t)4000 << 20, (rlim_t)4000 << 20};
    if (setrlimit(RLIMIT_AS, &limit) != 0)
        return 2;
    void *volatile node = malloc(100), *volatile buffer = malloc((size_t)64 << 20);
    int status = node == NULL || buffer == NULL;
    free(node);
    free(buffer);
    return status;
}
C
$cc -g -O1 -fno-builtin -o "$work/limited" "$work/limited.c"
for settings in harden=off harden=on; do
    run run --check -o $settings -- "$work/limited"
    check "$status" "a program lowers its limit of address space, with $settings"
done

# Where there is not enough for the stacks, the program has what there is.
cat >"$work/room.c" <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
int main(void) {
    size_t left = 0;
    free(malloc(100));
    for (size_t bytes = (size_t)1 << 30; bytes >= (size_t)1 << 20; bytes /= 2)
        while (mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) !=
               MAP_FAILED)
            left += bytes;
    printf("%zu\n", left >> 20);
    return 0;
}
C
$cc -O1 -fno-builtin -o "$work/room" "$work/room.c"
left() { # the MiB that a program has left under the limit, with these options
    (
        # shellcheck disable=SC3045 # every shell that runs this has it
        ulimit -v 61440
        TAGPOOL_OPTIONS=$1 LD_PRELOAD=$build/libtagpool.so exec "$work/room" 2>"$work/err"
    )
}
without=$(left origins=0) with=$(left origins=32)
test -n "$with" && test "$with" -ge "$without"
check $? "origins without room for them take none: $with MiB of $without are left"
finish
