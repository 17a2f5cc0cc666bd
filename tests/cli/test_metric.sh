#!/bin/sh
# If this failed, a number that the program prints would be lost, read from the wrong place, or be
# judged the wrong way round.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

# Prints a rate, which is higher with the library, and a time, which is the same.
compile rates <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv) {
    const char *preload = getenv("LD_PRELOAD");
    int shim = preload != NULL && strstr(preload, "libtagpool") != NULL;
    for (int i = 0; i < 2000; i++)
        free(malloc(50));
    puts("warming up: 5 requests/s");
    printf("rate: %d requests/s\n", shim ? 1500 : 1000);
    fprintf(stderr, "latency 2.5ms\n");
    if (argc > 1)
        puts(argv[1]);
    return 0;
}
C
rate='rate=^rate: ([0-9]+) requests:higher'
run compare -r 8 --no-headroom -i --metric 'x=y' -- true
[ "$status" -eq 2 ] && grep -q "put the number in brackets" "$work/err"
check $? 'an expression without a group is refused'
refused 2 "tagpool compare: --metric ends in ':hgher'; did you mean :higher? Write [:] for a colon \
that is looked for (see 'tagpool help compare')" 'a misspelt :higher is no part of the expression' \
    compare --metric 'rate=([0-9]+):hgher' -- true
refused 2 "tagpool compare: --metric wants NAME=REGEX[:higher|lower], not 'x' (see 'tagpool help \
compare')" 'a metric without an expression' compare --metric x -- true
refused 2 "tagpool compare: --metric wall: there is a metric of that name; choose another (see \
'tagpool help compare')" 'a name that is taken' compare --metric 'wall=(.)' -- true
refused 2 "tagpool compare: two metrics are called 'a' (see 'tagpool help compare')" \
    'two of one name' compare --metric 'a=(.)' --metric 'a=(.)' -- true
refused 2 "tagpool compare: --metric reads the output of every run; leave out --output inherit \
(see 'tagpool help compare')" 'an output that goes elsewhere' \
    compare --metric 'a=(.)' --output inherit -- true
run compare -r 1 --metric 'x=[' -- true
[ "$status" -eq 2 ] && grep -q "'\[' is no regular expression: " "$work/err"
check $? 'what is no expression is refused with the reason'

# The program prints another number with the library, so that its output cannot be the same: the
# process number makes it change by itself.
cat >"$work/changing" <<EOF
#!/bin/sh
exec "$work/rates" "process \$\$"
EOF
chmod +x "$work/changing"
run compare -r 8 --no-headroom --metric "$rate" --metric 'wait=latency ([0-9.a-z]+):lower' \
    --metric 'process=process ([0-9]+)' --export-json "$work/a.json" --export-csv "$work/a.csv" \
    --export-markdown "$work/a.md" --html "$work/a.html" -- "$work/changing"
[ "$status" -eq 0 ] && grep -qE '^  rate +system +1000$' "$work/out" &&
    grep -qE '^ +tagpool +1500 +\+50\.0 % exact +higher$' "$work/out"
check $? 'a number is a row of the table, with its difference and its verdict'
grep -qE '^  wait +system +0\.0025$' "$work/out" &&
    grep -qE '^ +tagpool +0\.0025 +same +no meaningful difference$' "$work/out"
check $? 'it is read from standard error, too, with its unit'
grep -qE '^tagpool against system: .*; rate higher, \+50\.0 % exact; wait no ' "$work/out" &&
    ! grep -q '; process' "$work/out"
check $? 'the sentence has those of which we know what is better'
grep -q '<b>rate, round by round</b>' "$work/a.html" && grep -q '<b>rate</b>' "$work/a.html" &&
    grep -q '<span class="verdict gain">higher</span>' "$work/a.html"
check $? 'the page has its charts'
head -n 1 "$work/a.csv" | grep -q ',exit_status,rate,wait,process$' &&
    grep -qE ',tagpool,.*,0,1500,0\.0025,[0-9]+$' "$work/a.csv" &&
    grep -q '^| rate | system | 1000 | | |$' "$work/a.md"
check $? 'CSV and Markdown have it'
cp "$work/out" "$work/table"
run report "$work/a.json" --export-json "$work/b.json" --export-csv "$work/b.csv" \
    --export-markdown "$work/b.md" --html "$work/b.html"
[ "$status" -eq 0 ] && cmp -s "$work/table" "$work/out" && cmp -s "$work/a.json" "$work/b.json" &&
    cmp -s "$work/a.csv" "$work/b.csv" && cmp -s "$work/a.md" "$work/b.md" &&
    cmp -s "$work/a.html" "$work/b.html"
check $? 'a saved result has it as the fresh one, in every form'
sed 's/"metrics": {"rate": [0-9]*, /"metrics": {"rate": null, /' "$work/a.json" >"$work/bad.json"
refused 2 "tagpool report: $work/bad.json: has a run without one of its metrics; give a file that \
'tagpool compare --export-json' wrote" 'a saved run without its number' report "$work/bad.json"

run report "$work/a.json" "$work/a.json"
grep -qE '^  rate +system +1000 +1000 ' "$work/out" &&
    grep -qE '^ +tagpool +\+50\.0 % +\+50\.0 % ' "$work/out"
check $? 'two results are compared in it, too'

# ---- what fails ----

for direction in higher:0 lower:1; do
    run compare -r 8 --no-headroom --style none --metric "rate=^rate: ([0-9]+):${direction%:*}" \
        --fail-if-worse 40 -- "$work/changing"
    is "$status" "${direction#*:}" "--fail-if-worse with ${direction%:*}"
done
run compare -r 8 --no-headroom --style none --metric 'rate=^rate: ([0-9]+):lower' \
    --fail-if-slower 900 -- "$work/changing"
is "$status" 0 '--fail-if-slower is about time alone'
run compare -r 1 --metric 'rate=speed ([0-9]+)' -- "$work/changing"
[ "$status" -eq 3 ] && [ "$(tail -n 1 "$work/err")" = "tagpool compare: no verdict: with system, \
--metric rate: no line of its output matches 'speed ([0-9]+)'" ] && [ ! -s "$work/out" ]
check $? 'a program that does not print it gets no verdict'
run compare -r 1 --metric 'rate=warming (..)' -- "$work/changing"
[ "$status" -eq 3 ] &&
    grep -q "with system, --metric rate: 'up' in its output is no number" "$work/err"
check $? 'nor does one that prints something else there'
run compare -r 1 --metric 'rate=(0)00' -- "$work/changing"
[ "$status" -eq 3 ] && grep -q 'it is 0, and only numbers above 0' "$work/err"
check $? 'a number without a ratio is named'
finish
