#!/bin/sh
# If this failed, counters of the processor would miss a program's children, count what is not the
# program, or their absence would spoil a comparison.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

# Burns 100 ms of CPU time in the process that it is told to, counted by its own clock.
compile work <<'C'
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
static void burn(void) {
    for (int i = 0; i < 100; i++)
        free(malloc(50));
    while (clock() < CLOCKS_PER_SEC / 10) {
    }
}
int main(int count, char **arguments) {
    if (count > 1 && strcmp(arguments[1], "child") == 0) {
        if (fork() == 0) {
            burn();
            _exit(0);
        }
        wait(NULL);
        free(malloc(50));
        return 0;
    }
    burn();
    return 0;
}
C
run compare -r 6 --export-json "$work/plain.json" -- "$work/work"
[ "$status" -eq 0 ] && ! grep -q '^Counters' "$work/out"
check $? 'nothing is counted in the timed rounds'

# clock FILE: the task clock of the first variant in milliseconds, or nothing.
clock() {
    awk '/"task_clock_ns": / { on = 1 }
        on && /"median": / {
            sub(/.*"median": /, "")
            sub(/,.*/, "")
            printf "%d\n", $0 / 1e6
            exit
        }' "$1"
}
for what in itself child; do
    run compare -r 6 --counters --export-json "$work/$what.json" -- "$work/work" "$what"
    cp "$work/out" "$work/$what.out"
    [ "$status" -eq 0 ] && grep -q '^Counters: ' "$work/out" && [ ! -s "$work/err" ]
    check $? "$what: there is a line on the counters, and no error"
    if [ -z "$(clock "$work/$what.json")" ]; then
        skip "$what: its CPU time is counted" 'perf_event_open counts nothing here'
        continue
    fi
    clock=$(clock "$work/$what.json")
    [ "$clock" -ge 80 ] && [ "$clock" -le 250 ]
    check $? "$what: its CPU time is counted, and not much more"
done
for name in instructions cycles 'cache misses' 'branch misses' 'tlb misses' 'task clock'; do
    grep -q "^Counters: .*$name" "$work/itself.out" || echo "$name"
done >"$work/err"
[ ! -s "$work/err" ]
check $? 'each event is either counted or named as missing'
run report "$work/child.json"
cmp -s "$work/child.out" "$work/out"
check $? 'a saved result keeps them'
finish
