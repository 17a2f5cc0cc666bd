#!/bin/sh
# If this failed, `tagpool run` would not be transparent: a script could not tell how its program
# ended, or
# the program would see something else than without it.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

compile ending <<'C'
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
int main(int count, char **arguments) {
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    free(malloc(100));
    if (count > 2 && strcmp(arguments[1], "signal") == 0)
        raise(atoi(arguments[2]));
    return count > 1 ? atoi(arguments[1]) : 0;
}
C

for flags in '' --stats; do
    name="run${flags:+ $flags}"
    for code in 0 1 2 125 126 127 255; do
        run run $flags -- "$work/ending" "$code"
        [ "$status" -eq "$code" ]
        check $? "$name passes exit status $code through"
    done
    for number in 6 9 11 15; do
        # A shell reports a death by signal n as status 128 + n.
        sh -c '"$@"; echo $?' sh "$tagpool" run $flags -- "$work/ending" signal "$number" \
            >"$work/out" 2>"$work/err"
        status=$(tail -n 1 "$work/out")
        [ "$status" = $((128 + number)) ]
        check $? "$name dies of signal $number as the program does"
    done
done

run run -- sh -c 'echo out; echo err >&2; cat' <"$work/ending.c"
[ "$(cat "$work/out")" = out ] && [ "$(cat "$work/err")" = err ]
check $? 'run adds nothing to the output of the program'
printf 'some\ninput\n' >"$work/input"
"$tagpool" run --stats -- cat <"$work/input" >"$work/out" 2>"$work/err"
status=$?
cmp -s "$work/input" "$work/out"
check $? 'the program reads the standard input'

# Waits until the program has said that it is ready, then sends it signal $1 through tagpool.
signal_program() {
    : >"$work/out"
    "$tagpool" run --stats -- sh -c 'trap "echo caught; exit 42" '"$1"'; echo ready
        i=0; while [ $i -lt 480 ]; do sleep 0.25; i=$((i + 1)); done' >"$work/out" 2>"$work/err" &
    child=$!
    await test -s "$work/out"
    kill -s "$1" "$child"
    wait "$child"
    status=$?
}
for name in TERM HUP USR1; do
    signal_program "$name"
    [ "$status" -eq 42 ] && [ "$(tail -n 1 "$work/out")" = caught ]
    check $? "run --stats hands SIG$name to the program, which may catch it"
done

run run -o strategy=direct -o node_max=64 -- sh -c 'echo "$TAGPOOL_OPTIONS $LD_PRELOAD"'
[ "$(cat "$work/out")" = "strategy=direct,node_max=64 $build/libtagpool.so" ]
check $? 'options and library reach the program in its environment'
TAGPOOL_OPTIONS=retain=0 run run -o node_max=64 -- sh -c 'echo "$TAGPOOL_OPTIONS"'
[ "$(cat "$work/out")" = "retain=0,node_max=64" ]
check $? 'options follow those that are set already'
LD_PRELOAD=libc.so.6 run run -- sh -c 'echo "$LD_PRELOAD"'
[ "$(cat "$work/out")" = "$build/libtagpool.so:libc.so.6" ]
check $? 'the library comes before what is preloaded already'

compile calls <<'C'
#include <stdlib.h>
int main(void) {
    static void *volatile blocks[1000];
    for (int i = 0; i < 1000; i++)
        blocks[i] = malloc(40);
    for (int i = 0; i < 50; i++)
        free(malloc(100000));
    for (int i = 0; i < 1000; i++)
        free(blocks[i]);
    return 0;
}
C
run run --stats -- "$work/calls"
[ "$status" -eq 0 ] && [ ! -s "$work/out" ] &&
    grep -qE "^calls \(process [0-9]+\): 1[0-9]{3} calls, 9[0-9]\.[0-9] % served by the pools; \
peak memory of the pools [0-9.]+ [KM]iB; threads 1\$" "$work/err"
check $? '--stats says on standard error what the pools served'
calls=$(awk '$1 == 48 { print $2 }' "$work/err")
[ "${calls:-0}" -ge 1000 ] && [ "${calls:-0}" -lt 1100 ]
check $? '--stats counts the calls of a class'
grep -qE '^ +5[0-9]  requests above node_max, served by the next allocator$' "$work/err"
check $? '--stats counts what was passed on'
run run --stats -o strategy=direct -- "$work/calls"
grep -qE ' 0\.0 % served by the pools' "$work/err" &&
    grep -qE '^ +1[0-9]{3}  node-sized requests passed on because strategy=direct$' "$work/err"
check $? '--stats shows that strategy=direct serves nothing from the pools'
run run --stats -- sh -c "\"$work/calls\"; \"$work/calls\"; true"
[ "$(grep -c '^calls (process ' "$work/err")" -eq 2 ]
check $? '--stats has a part for each process'
run run --stats -- env -u LD_PRELOAD -u TAGPOOL_STATS true
[ "$status" -eq 0 ]
check $? 'a program that drops the shim for its children still runs'
ls "$TMPDIR" >"$work/out"
[ ! -s "$work/out" ]
check $? 'no statistics file is left behind'

# The check: a program that is sound, one with faults, one with leaks, and what each ends with.
compile misused <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static void *volatile last;
int main(int count, char **arguments) {
    void *volatile block = malloc(40);
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "leak") == 0) { /* of a loop, compilers make one call or three */
            last = malloc(40);
            last = malloc(40);
            last = malloc(40);
        }
        last = NULL;
        free(block);
        block = malloc(40);
        if (strcmp(arguments[i], "twice") == 0) {
            void *volatile again = malloc(64);
            free(again);
            free(again);
        }
    }
    free(block);
    puts("done");
    return count > 1 ? atoi(arguments[count - 1]) : 0;
}
C
if "$tagpool" help options | grep -q "^  harden "; then
    run run --check -- "$work/misused" 0
    [ "$status" -eq 0 ] && [ "$(cat "$work/out")" = "done" ] &&
        [ "$(cat "$work/err")" = "tagpool run: check: 0 faults, 0 leaked blocks (0 bytes)" ]
    check $? "--check finds nothing in a sound program, and says so"
    run run --check -- "$work/misused" 5
    [ "$status" -eq 5 ]
    check $? "--check passes the exit status of a sound program through"
    run run --check -- "$work/misused" twice twice leak 5
    [ "$status" -eq 99 ] && [ "$(cat "$work/out")" = "done" ] &&
        [ "$(grep -c "^tagpool\[[0-9]*\]: double free of " "$work/err")" -eq 2 ] &&
        grep -q "^  first freed by thread [0-9]*:" "$work/err" &&
        [ "$(grep -c "^tagpool run: leaked 1 block, 40 bytes, allocated at:" \
            "$work/err")" -eq 3 ] &&
        [ "$(tail -n 1 "$work/err")" = \
            "tagpool run: check: 2 faults, 3 leaked blocks (120 bytes)" ]
    check $? "--check reports faults and leaks, sums them up, and ends with status 99"
    run run --check -o leaks=off -- "$work/misused" leak 5
    [ "$status" -eq 5 ]
    check $? "options behind --check win"
    run run --check --stats -- "$work/misused" twice 0
    [ "$status" -eq 99 ] && grep -q "^misused (process " "$work/err"
    check $? "--check and --stats go together"
    # More processes than the page has rows for: what is wrong in the last ones counts too.
    compile many <<'C'
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static void *volatile last;
/* What calls left behind on the stack would lead to the block. */
static void wipe_stack(void) {
    volatile char room[4096];
    for (unsigned i = 0; i < sizeof room; i++)
        room[i] = 0;
}
int main(int count, char **arguments) {
    int wrong = count > 1;
    for (int i = 0; i < 300; i++)
        if (fork() == 0) {
            void *volatile block = malloc(40);
            free(block);
            if (wrong && i >= 298)
                free(block);
            if (wrong && i == 297)
                last = malloc(400); /* not where "block" points */
            last = NULL;
            wipe_stack();
            if (wrong && i == 296)
                _exit(0);
            exit(0);
        } else {
            wait(NULL);
        }
    return arguments[0] == NULL;
}
C
    run run --check -- "$work/many" wrong
    [ "$status" -eq 99 ] && grep -qx "tagpool run: check: 2 faults, 1 leaked block (400 bytes)" \
        "$work/err" && grep -qx "tagpool run: note: 1 of 301 processes did not leave by exit(): \
their leaks are not counted" "$work/err"
    check $? "--check counts what is wrong in any number of processes"
    run run --check -- "$work/many"
    [ "$status" -eq 0 ] &&
        [ "$(cat "$work/err")" = "tagpool run: check: 0 faults, 0 leaked blocks (0 bytes)" ]
    check $? "and finds nothing in as many that are sound"
    run doctor -- "$work/many"
    [ "$status" -eq 0 ] && grep -q "^ok    the shim saw [0-9]* calls in 256 processes$" \
        "$work/out" && grep -qx "note  45 more processes found no room in the statistics: their \
calls are not counted" "$work/out"
    check $? "doctor says so where processes are left out of its counts"
    run compare -r 1 --no-headroom --export-json "$work/many.json" -- "$work/many"
    [ "$status" -eq 0 ] && grep -q "^Note: with tagpool 45 more processes found no room" \
        "$work/out" && ! grep -q '"few_calls"' "$work/many.json" &&
        cp "$work/out" "$work/table" && run report "$work/many.json" &&
        cmp -s "$work/out" "$work/table"
    check $? "and so does compare, and the report of its result"
else
    skip "run --check" "this library does not have harden"
fi

finish
