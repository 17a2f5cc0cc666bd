#!/bin/sh
# If this failed, preloading the library would blind valgrind or a sanitizer (its pools would hide a
# block's size and its end from them), stop a sanitized program from starting, or leave gdb without
# a stack at a fault's abort.
set -u
# shellcheck source=tests/harness/tap.sh
. tests/harness/tap.sh

# says NAME PATTERN: what the last run wrote has it. Without a pattern: it wrote nothing.
says() {
    if [ $# -gt 1 ]; then
        grep -q -- "$2" "$work/output"
    else
        [ ! -s "$work/output" ]
    fi
    check $? "$1"
}

builds() {
    "$cc" -g -O0 -fno-builtin -w "$@" tests/misuse/fixtures/parser.c -o "$work/parser" \
        >"$work/output" 2>&1
}

memcheck() {
    if ! command -v valgrind >/dev/null; then
        skip "memcheck sees the blocks of a preloaded program" "valgrind is not installed"
        return
    fi
    builds || check 1 "the program compiles"
    for options in strategy=metadata harden=on; do
        checked="env LD_PRELOAD=$library TAGPOOL_OPTIONS=$options valgrind -q --leak-check=full"
        checked="$checked $work/parser"
        run $checked clean
        says "memcheck finds nothing in a clean program with $options"
        run $checked overflow
        says "memcheck finds an overflow with $options" \
            "is 0 bytes after a block of size 40 alloc'd"
        run $checked use_after_free
        says "memcheck finds a use after free with $options" \
            "is 8 bytes inside a block of size 40 free'd"
        run $checked leak
        says "memcheck finds a leak with $options" "40 bytes in 1 blocks are definitely lost"
        run $checked double_free
        says "memcheck finds a double free with $options" "Invalid free()"
    done
}

address_sanitizer() {
    if ! builds -fsanitize=address || ! "$work/parser" clean >/dev/null 2>&1; then
        skip "AddressSanitizer sees the blocks" "$cc has no AddressSanitizer that runs here"
        return
    fi
    checked="env LD_PRELOAD=$library $work/parser"
    run $checked clean
    says "AddressSanitizer finds nothing in a clean program"
    run $checked overflow
    says "AddressSanitizer finds an overflow" "located 0 bytes [a-z ]* 40-byte"
    run $checked use_after_free
    says "AddressSanitizer finds a use after free" "located 8 bytes inside of 40-byte"
    run $checked double_free
    says "AddressSanitizer finds a double free" "attempting double-free"
    run env LD_PRELOAD="$("$cc" -print-file-name=libasan.so) $library" "$work/parser" clean
    says "AddressSanitizer may come first in LD_PRELOAD"
}

thread_sanitizer() {
    # Address-space layouts of newer kernels are more random than older runtimes can take.
    still="setarch -R"
    $still true 2>/dev/null || still=
    if ! builds -fsanitize=thread || ! $still "$work/parser" clean >/dev/null 2>&1; then
        skip "ThreadSanitizer sees the blocks" "$cc has no ThreadSanitizer that runs here"
        return
    fi
    run $still env LD_PRELOAD="$library" "$work/parser" clean
    says "ThreadSanitizer finds nothing in a clean program"
    run $still env LD_PRELOAD="$library" "$work/parser" use_after_free
    says "ThreadSanitizer finds a use after free" "ThreadSanitizer: heap-use-after-free"
}

# Other tools of valgrind leave malloc alone: the pools stay on.
other_tools() {
    if ! command -v valgrind >/dev/null; then
        skip "the pools serve a program under callgrind" "valgrind is not installed"
        return
    fi
    builds
    run env LD_PRELOAD="$library" valgrind -q --tool=none "$work/parser" double_free
    says "the pools serve under tools that leave malloc alone" "tagpool.*: double free of 0x"
}

# They see the program's own use of its blocks, and nothing of the library, whose atomic operations
# they would not understand: they replace malloc, so the pools stand aside.
race_detectors() {
    cat >"$work/threads.c" <<'C'
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char *shared[50];
static void *work(void *argument) {
    for (int i = 0; i < 400; i++) {
        char *block = memset(malloc(1 + i * 7 % 900), 1, 1);
        pthread_mutex_lock(&mutex);
        char *other = shared[i % 50];
        shared[i % 50] = block;
        pthread_mutex_unlock(&mutex);
        free(other);
    }
    return argument;
}
int main(void) {
    pthread_t thread[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&thread[i], NULL, work, NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(thread[i], NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    waitpid(pid, NULL, 0);
    for (int i = 0; i < 50; i++)
        free(shared[i]);
    return 0;
}
C
    for tool in helgrind drd; do
        if ! command -v valgrind >/dev/null; then
            skip "$tool finds no race in a preloaded program without any" \
                "valgrind is not installed"
            continue
        fi
        run "$cc" -g -O1 -fno-builtin -w -o "$work/threads" "$work/threads.c" -lpthread
        run env LD_PRELOAD="$library" valgrind -q --tool=$tool "$work/threads"
        says "$tool finds no race in a preloaded program without any"
    done
}

debugger() {
    if ! command -v gdb >/dev/null; then
        skip "gdb shows who freed twice" "gdb is not installed"
        return
    fi
    builds
    run gdb -batch -nx -iex 'set debuginfod enabled off' -ex "set environment LD_PRELOAD=$library" \
        -ex 'set startup-with-shell off' -ex run -ex bt --args "$work/parser" double_free
    says "gdb stops at the abort of a fault" "SIGABRT"
    says "gdb's stack goes from the fault to the program's own function" " free_node .*parser.c:"
}

memcheck
address_sanitizer
thread_sanitizer
other_tools
race_detectors
debugger
finish
