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
finish
