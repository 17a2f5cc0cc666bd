#!/bin/sh
# If this failed, `tagpool profile` and `tagpool record` would hang or change a program that forks,
# or ends, where the program alone does not: what the library is tested for in tests/preload runs
# here under the tracing library.
set -u
# shellcheck source=tests/harness/tap.sh
. tests/harness/tap.sh

flags="-Iinclude -Isrc -Itests/harness -D_GNU_SOURCE -std=gnu17 -O1 -fno-builtin -w"
for name in test_fork test_fork_handlers test_ends test_processes; do
    # shellcheck disable=SC2086 # words
    "$cc" $flags -o "$work/$name" "tests/preload/$name.c" -lpthread || exit 1
    for command in 'profile --no-plain' "record -o $work/trace"; do
        # shellcheck disable=SC2086
        run timeout -s KILL 300 "$build/tagpool" $command -- "$work/$name"
        check "$status" "$name holds under tagpool ${command%% *}"
    done
done

cat >"$work/clones.c" <<'C'
/* Children that clone(2) makes, without handlers of forks, beside threads that allocate. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
static void use(void) {
    void *block[100];
    for (size_t i = 0; i < 100; i++)
        block[i] = malloc(i * 20);
    for (size_t i = 0; i < 100; i++)
        free(block[i]);
}
static void *go_on(void *none) {
    for (;;)
        use();
    return none;
}
int main(void) {
    pthread_t thread;
    int status = 0;
    for (int i = 0; i < 2; i++)
        pthread_create(&thread, NULL, go_on, NULL);
    for (int i = 0; i < 20 && status == 0; i++) {
        pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        for (int round = 0; round < 20; round++)
            use();
        if (pid == 0)
            i % 2 == 0 ? exit(0) : _exit(0);
        waitpid(pid, &status, 0);
    }
    return status != 0;
}
C
# shellcheck disable=SC2086
"$cc" $flags -o "$work/clones" "$work/clones.c" -lpthread || exit 1
for command in 'profile --no-plain' "record -o $work/trace"; do
    # shellcheck disable=SC2086
    run timeout -s KILL 100 "$build/tagpool" $command -- "$work/clones"
    check "$status" "a program that clones itself holds under tagpool ${command%% *}"
done
succeeds "and its trace is whole" "$build/tagpool" replay "$work/trace"
finish
