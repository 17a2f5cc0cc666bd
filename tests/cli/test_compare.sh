#!/bin/sh
# If this failed, a comparison would be made of programs that do different things, or its result
# could not be used.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh
see="(see 'tagpool help compare')"

compile work <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* Allocates, then does what its argument says. */
int main(int count, char **arguments) {
    const char *what = count > 1 ? arguments[1] : "";
    const char *preload = getenv("LD_PRELOAD");
    int shim = preload != NULL && strstr(preload, "libtagpool") != NULL;
    for (int i = 0; i < 2000; i++)
        free(malloc(50));
    if (strcmp(what, "same") == 0)
        puts("same");
    if (strcmp(what, "out") == 0)
        puts(shim ? "with" : "without");
    if (strcmp(what, "err") == 0)
        fputs(shim ? "AB" : "ab", stderr);
    if (strcmp(what, "status") == 0 && shim)
        fputs("first line\nlast words\n", stderr);
    if (strcmp(what, "status") == 0)
        return shim ? 3 : 0;
    if (strcmp(what, "crash") == 0 && shim)
        abort();
    if (strcmp(what, "fail") == 0)
        return 5;
    return 0;
}
C
# shellcheck disable=SC3045 # dash and bash both have it
ulimit -c 0

refused 3 "tagpool compare: no verdict: the program's standard output differs: 5 bytes with \
tagpool, 8 \
with system; two runs with system agree" 'output that differs is found' compare -- "$work/work" out
refused 3 "tagpool compare: no verdict: the program's standard error differs: 2 bytes with \
tagpool, 2 \
others with system; two runs with system agree" 'standard error that differs is found' \
    compare -- "$work/work" err
refused 3 "tagpool compare: no verdict: with tagpool the program ended with exit status 3 (\"last \
words\"), with system with exit status 0" 'an exit status that differs is found' \
    compare -- "$work/work" status
refused 3 "tagpool compare: no verdict: with tagpool the program ended with signal 6 (Aborted), \
with \
system with exit status 0" 'a crash under the shim is found' compare -- "$work/work" crash
refused 3 "tagpool compare: $work/work ended with exit status 5; correct the command, or go on \
all the \
same with -i" 'a program that fails is refused' compare -- "$work/work" fail
refused 3 "tagpool compare: the command of --prepare ended with exit status 9" \
    'a preparation that fails is refused' compare -p 'exit 9' -- "$work/work"
stop_at "$work/begun" INT compare -p "echo >'$work/begun'; sleep 600" -- "$work/work"
[ "$status" -eq 130 ] && [ -z "$(ls "$TMPDIR")" ] && [ "$(cat "$work/err")" = \
    'tagpool compare: interrupted before a round was whole: there is no result' ]
check $? 'Ctrl-C in a preparation ends the comparison'
run compare -r 1 -p 'echo prepared' --style none --export-json - -- "$work/work"
[ "$status" -eq 0 ] && [ "$(head -n 1 "$work/out")" = '{' ] && ! grep -q '^prepared' "$work/out" &&
    grep -qx prepared "$work/err"
check $? 'what a preparation prints goes to standard error'
run compare -r 2 -i -- "$work/work" fail
[ "$status" -eq 0 ]
check $? 'a program that fails is measured with -i'

run compare -r 2 -- date +%N
[ "$status" -eq 0 ] &&
    grep -q '^Warning: standard output changes from run to run by itself' "$work/out"
check $? 'output that changes by itself is told apart'

# The counter is shared by all runs, so that an unrepeatable status needs no clock.
echo 0 >"$work/counter"
run compare -r 2 -- sh -c 'read n <"$0"; echo $((n + 1)) >"$0"; test "$n" -lt 4' "$work/counter"
[ "$status" -eq 3 ] && grep -qE "^tagpool compare: no verdict: with (system|tagpool) the \
program ended with exit status 1 in round 1, with exit status 0 in the warm-up\$" "$work/err"
check $? 'a program that fails in a timed round is found'

run compare -r 8 --seed 42 -- "$work/work" same
[ "$status" -eq 0 ] && [ ! -s "$work/err" ]
check $? 'a sound comparison succeeds in silence on standard error'
[ "$(head -n 1 "$work/out")" = "$work/work same" ] && grep -q ' 8 rounds in .* seed 42;' "$work/out"
check $? 'the report begins with the command, the rounds and the seed'
number='[-+][0-9.]+'
for metric in wall cpu; do
    grep -A 1 "^  $metric " "$work/out" |
        grep -qE "^ +tagpool +[0-9.]+ [mu]?s +$number % \[$number \.\.\. $number\] +(slightly \
)?(faster|slower|no meaningful|inconclusive)"
    check $? "$metric has an estimate, an interval and a verdict"
done
grep -qE '^  peak memory +system +[0-9.]+ [KM]iB$' "$work/out" &&
    grep -qE '^  page faults +system +[0-9]+$' "$work/out"
check $? 'peak memory and page faults are in the table'
grep -qE '^tagpool served (9[0-9]|100)\.[0-9] % of 2[0-9]{3} calls from its pools\.$' "$work/out"
check $? 'the proof that the shim was active is in the report'
! grep -q "$(printf '\033')" "$work/out"
check $? 'there is no colour where there is no terminal'
run compare -r 6 --style color -- "$work/work" same
grep -q "$(printf '\033')" "$work/out"
check $? '--style color colours all the same'
run compare -r 6 --style none -- "$work/work" same
[ "$status" -eq 0 ] && [ ! -s "$work/out" ]
check $? '--style none prints no table'
run compare -r 6 -n 'my title' -- "$work/work" same
[ "$(head -n 1 "$work/out")" = 'my title' ]
check $? '--name changes the title'

run compare -r 5 --no-headroom -- "$work/work" same
grep -q '^5 rounds: no 95 % interval exists below 6' "$work/out" && ! grep -q ' \.\.\. ' "$work/out"
check $? 'below six rounds there is no interval, and the report says so'
run compare --duration 0 -- "$work/work" same
[ "$status" -eq 0 ] && grep -q '^1 round: .* give more time with --duration\.$' "$work/out"
check $? 'the duration ends a measurement'
run compare -m 7 --duration 0 -- "$work/work" same
grep -q ' 7 rounds in' "$work/out"
check $? '--min-runs goes before the duration'
run compare -M 6 -- "$work/work" same
grep -q ' 6 rounds in' "$work/out"
check $? '--max-runs bounds the rounds'
run compare --strict -r 2 -- "$work/work" same
[ "$status" -eq 4 ]
check $? '--strict makes an inconclusive result exit status 4'

# A program that sleeps under the shim only is a proven regression, whatever is the reference.
cat >"$work/sleepy" <<'S'
#!/bin/sh
case $LD_PRELOAD in *libtagpool*) sleep $pause ;; esac
S
chmod +x "$work/sleepy"
# judged STATUS TEXT ARGUMENT...: is that the status of a comparison, with the text in the table?
judged() {
    wanted=$1
    text=$2
    shift 2
    run compare -r 8 "$@"
    [ "$status" -eq "$wanted" ] && grep -q "^$text" "$work/out"
}
calmly judged 1 'tagpool against system: wall time slower' --fail-if-slower 5 -- "$work/sleepy"
check $? '--fail-if-slower fails on a proven regression'
run compare -r 8 -- "$work/sleepy"
[ "$status" -eq 0 ]
check $? 'a regression is no failure unless it is asked for'
calmly judged 1 'system against tagpool: wall time faster' --fail-if-slower 5 \
    --reference tagpool -- "$work/sleepy"
check $? '--reference turns the comparison round, and the regression is still that of tagpool'
cat >"$work/gains" <<'S'
#!/bin/sh
case $LD_PRELOAD in *libtagpool*) ;; *) sleep $pause ;; esac
S
chmod +x "$work/gains"
calmly judged 0 'system against tagpool: wall time slower' --fail-if-slower 5 \
    --reference tagpool -- "$work/gains" && ! grep -q '^Reason: ' "$work/out"
check $? 'and a gain is one of tagpool'

# The strategies are those of the list that the library is built from.
strategies=$("$tagpool" help options | sed -n "/^  strategy /,/; default/p" |
    sed -n "s/; default.*//;t words;d;:words;s/[ ,]* / /gp")
run compare --strategies -r 6 -- "$work/work" same
[ "$status" -eq 0 ] && [ ! -s "$work/err" ] &&
    grep -qE "^  wall +direct +[0-9.]+ [mu]?s\$" "$work/out" &&
    ! grep -qE "^  wall +system|^ +tagpool " "$work/out"
check $? "--strategies has direct as the reference, and only strategies"
missed=
for strategy in $strategies; do
    [ "$strategy" = direct ] && expected="0\.0" || expected="(9[0-9]|100)\.[0-9]"
    grep -qE "^$strategy served $expected % of 2[0-9]{3} calls from its pools\.\$" "$work/out" ||
        missed="$missed $strategy"
done
[ -n "$strategies" ] && [ -z "$missed" ]
check $? "every strategy takes part and keeps to itself: direct serves nothing"
run compare --strategies --reference system -a "again=$build/libtagpool.so" -r 6 -- \
    "$work/work" same
[ "$status" -eq 0 ] && grep -qE "^  wall +system " "$work/out" &&
    grep -q "^direct against system: " "$work/out" && grep -q "^again against system: " "$work/out"
check $? "--strategies can be compared with the system and with other libraries"
refused 2 "tagpool compare: --strategies sets the strategy itself; leave out -o strategy=... $see" \
    "a strategy beside --strategies is refused" compare --strategies -o strategy=direct -- true

# A sleep is the calmest workload there is: even on a busy machine its spread is far below 50 %.
calm() {
    run compare --null -r 6 --noise-threshold 50 -- sleep "$((1 + ${pause%.*}))"
    [ "$status" -eq 0 ] &&
        grep -q '^system again against system: wall time no meaningful difference' "$work/out"
}
calmly calm
check $? '--null finds no meaningful difference on a calm workload'

# What python3 is called counts, not what it does.
cp "$work/work" "$work/python3" 2>/dev/null || compile python3 <<'C'
#include <stdlib.h>
int main(void) {
    for (int i = 0; i < 1000; i++)
        free(malloc(50));
    return 0;
}
C
PYTHONMALLOC=malloc run compare -r 6 --no-headroom --export-json "$work/plain.json" -- \
    "$work/python3"
[ "$status" -eq 0 ] && grep -q '^tagpool against plain: ' "$work/out" &&
    grep -q '^system against plain: ' "$work/out" &&
    grep -q "^Note: 'plain' runs without PYTHONMALLOC=malloc" "$work/out" &&
    grep -q '"without": "PYTHONMALLOC"' "$work/plain.json"
check $? 'where the environment switches an arena off, the program as it is is the reference'
cp "$work/out" "$work/fresh"
run report "$work/plain.json"
cmp -s "$work/fresh" "$work/out"
check $? 'and a saved result says so, too'
run compare -r 6 --no-headroom -- "$work/python3"
[ "$status" -eq 0 ] && ! grep -q plain "$work/out"
check $? 'where it does not, there is no other Python'
tail -n 1 "$work/out" | grep -qE '^tagpool: .*(fast|time|settled)'
check $? 'the last line says in a few words what came out'

# Three runs of the check, and two of each round. stopping N: of a program whose Nth run hangs.
stopping() {
    hangs=$1
    shift
    echo 1 >"$work/runs"
    stop_at "$work/hangs" INT compare --no-headroom "$@" -- sh -c 'read n <"$0"
        echo $((n + 1)) >"$0"; test "$n" -lt "$1" || { echo >"$2"; sleep 600; }' \
        "$work/runs" "$hangs" "$work/hangs"
}
stopping 8 --export-json "$work/interrupted.json"
[ "$status" -eq 130 ] && grep -q '; interrupted\.$' "$work/out" &&
    tail -n 1 "$work/out" | grep -q '^tagpool: ' && grep -q ' 2 rounds in ' "$work/out" &&
    grep -q '"interrupted": true' "$work/interrupted.json"
check $? 'Ctrl-C ends the round, and the rounds before it are judged and exported'
run report "$work/interrupted.json"
[ "$status" -eq 0 ] && grep -q '; interrupted\.$' "$work/out"
check $? 'and read back'
stopping 5
[ "$status" -eq 130 ] && [ ! -s "$work/out" ]
check $? 'before the first round is whole there is nothing to say'

finish
