#!/bin/sh
# If this failed, a saved result could not be shown again, would be judged by other rules than a
# fresh one, or results of different machines would be taken for a change of the program.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

compile work <<'C'
#include <stdlib.h>
int main(void) {
    for (int i = 0; i < 20000; i++)
        free(malloc(50));
    return 0;
}
C
run compare -r 8 --seed 3 --headroom --profile -n 'my "title", <b>' --export-json "$work/a.json" \
    --export-csv "$work/a.csv" --export-markdown "$work/a.md" --html "$work/a.html" \
    -- "$work/work"
[ "$status" -eq 0 ] && [ -s "$work/a.json" ] && [ -s "$work/a.csv" ] && [ -s "$work/a.md" ] &&
    [ -s "$work/a.html" ]
check $? 'a comparison is written in all forms at once'
cp "$work/out" "$work/table"
numbers='([0-9]+ % \[[0-9]+ \.\.\. [0-9]+\]|at most [0-9]+ %)'
most='at most [0-9.]+x( \[[0-9.]+ \.\.\. [0-9.]+\])?'
grep -qE "^Headroom: allocation is $numbers of the CPU time, so $most by faster calls; \
tagpool [0-9.]+x" "$work/table"
check $? 'the headroom is in the table'

run report "$work/a.json"
[ "$status" -eq 0 ] && cmp -s "$work/table" "$work/out"
check $? 'a saved result is shown as it was when it was measured'
run report "$work/a.json" --style none --export-json "$work/again.json" \
    --export-csv "$work/again.csv" --export-markdown "$work/again.md" --html "$work/again.html"
[ "$status" -eq 0 ] && [ ! -s "$work/out" ] && cmp -s "$work/a.json" "$work/again.json" &&
    cmp -s "$work/a.csv" "$work/again.csv" && cmp -s "$work/a.md" "$work/again.md" &&
    cmp -s "$work/a.html" "$work/again.html"
check $? 'it is written again byte by byte, in every form'
run report --export-json - "$work/a.json"
cmp -s "$work/a.json" "$work/out" && cmp -s "$work/table" "$work/err"
check $? 'with - the data is alone on standard output'

# Of the CSV: the head, 8 rounds of 2 runs, the same number of fields everywhere.
[ "$(wc -l <"$work/a.csv")" -eq 17 ] && head -n 1 "$work/a.csv" | grep -q '^command,round,place,' &&
    [ "$(sed '1d;s/"my ""title"", <b>"/title/' "$work/a.csv" |
        awk -F, 'NF != 13' | wc -l)" -eq 0 ] && grep -q '^"my ""title"", <b>",8,2,' "$work/a.csv"
check $? 'the CSV has a line for each run, and quotes what needs it'
grep -q '^### my "title", \\<b\\>$' "$work/a.md" && grep -q '^| wall | system | ' "$work/a.md" &&
    grep -q '^\* tagpool against system: wall time ' "$work/a.md" &&
    grep -q '^\* Machine: ' "$work/a.md"
check $? 'the Markdown has the table, the verdicts and the machine'

# ---- where it is written to ----

printf 'older' >"$work/named"
ln "$work/named" "$work/other name"
printf 'older' >"$work/kept"
chmod 640 "$work/kept"
ln -s "$work/kept" "$work/link to kept"
for name in named 'link to kept'; do
    run report --style none --export-json "$work/$name" "$work/a.json"
    [ "$status" -eq 0 ] && cmp -s "$work/a.json" "$work/$name"
    check $? "what is there is replaced: $name"
done
cmp -s "$work/named" "$work/other name" && [ -L "$work/link to kept" ] &&
    [ "$(stat -c %a "$work/kept")" = 640 ]
check $? 'its other names, links to it and its mode stay'
run report --style none --export-json /dev/null --export-csv /dev/null "$work/a.json"
[ "$status" -eq 0 ] && [ ! -s "$work/err" ]
check $? 'a device takes a result'
"$tagpool" report --style none --export-json /dev/stdout "$work/a.json" 2>"$work/err" |
    cat >"$work/out"
cmp -s "$work/a.json" "$work/out"
check $? 'and so does a pipe'
mkfifo "$work/fifo"
cat "$work/fifo" >"$work/read" &
run report --style none --export-json "$work/fifo" "$work/a.json"
wait $!
[ "$status" -eq 0 ] && cmp -s "$work/a.json" "$work/read"
check $? 'and one that has a name'
"$tagpool" report --export-json /dev/stdout "$work/a.json" >"$work/out" 2>"$work/err"
cat "$work/table" "$work/a.json" | cmp -s - "$work/out"
check $? 'a file that is standard output keeps the table'
run report --style none --export-json /dev/full --export-csv "$work/beside.csv" "$work/a.json"
[ "$status" -eq 125 ] && [ "$(cat "$work/err")" = 'tagpool report: cannot write --export-json '\
'/dev/full: No space left on device' ] && cmp -s "$work/a.csv" "$work/beside.csv"
check $? 'what cannot be written is named, and the rest is written'
printf 'older' >"$work/older"
mkdir "$work/full"
# shellcheck disable=SC3045 # dash and bash both have it
(
    trap '' XFSZ
    ulimit -f 8
    run report --style none --export-json "$work/older" --html "$work/full/new" \
        --export-csv "$work/beside.csv" "$work/a.json"
    [ "$status" -eq 125 ] && [ "$(grep -c 'File too large$' "$work/err")" -eq 2 ] &&
        [ "$(cat "$work/older")" = older ] && cmp -s "$work/a.csv" "$work/beside.csv" &&
        [ -z "$(ls "$work/full")" ]
)
check $? 'without room for a result, what was there before stays'
refused 2 "tagpool report: --export-json and --export-csv both go to $work/./x; give one of them \
another file" 'two exports to one file' \
    report --export-json "$work/x" --export-csv "$work/./x" "$work/a.json"
refused 2 "tagpool report: cannot write --html $work: Is a directory" 'a folder' \
    report --html "$work" "$work/a.json"
refused 2 "tagpool report: cannot write --html : No such file or directory" 'no name' \
    report --html '' "$work/a.json"
run compare -r 1 --export-json "$work/full/new" -- false
[ "$status" -eq 3 ] && [ -z "$(ls -A "$work/full")" ]
check $? 'a comparison that fails leaves no file'
stop_at "$work/runs" TERM compare --export-json "$work/full/new" \
    -- sh -c 'echo >"$0"; sleep 600' "$work/runs"
[ "$status" -eq 143 ] && [ -z "$(ls -A "$work/full")" ]
check $? 'nor does one that is stopped'
run compare -r 1 --style none --output inherit --export-json "$work/full/new" \
    -p 'ls -l /proc/$$/fd >&2' -- sh -c 'ls -l /proc/$$/fd >&2'
[ "$status" -eq 0 ] && ! grep -q full/new "$work/err"
check $? 'neither the program nor its preparation inherits it'

"$tagpool" report - <"$work/a.json" >"$work/out" 2>"$work/err"
cmp -s "$work/table" "$work/out"
check $? 'a result can come from standard input'

# ---- two results ----

run report "$work/a.json" "$work/a.json"
[ "$status" -eq 0 ] &&
    grep -qE '^  cpu +system .* [-+]0\.0 % +not comparable$' "$work/out" &&
    grep -qE '^ +tagpool .* [-+]0\.0 % \[-[0-9.]+ \.\.\. \+[0-9.]+\]' "$work/out" &&
    grep -q '^No change of the ratios of time is proven\.$' "$work/out"
check $? 'a result has not changed against itself'
# The same rounds with every run of tagpool 100 times as long: more than any noise.
awk '/"variant": "tagpool"/ {
    line = $0
    while (match(line, /"(wall|user|system)_seconds": [0-9.e-]+/)) {
        split(substr(line, RSTART, RLENGTH), part, ": ")
        printf "%s%s: %.9f", substr(line, 1, RSTART - 1), part[1], 100 * part[2]
        line = substr(line, RSTART + RLENGTH)
    }
    print line
    next
} { print }' "$work/a.json" >"$work/slow.json"
run report "$work/a.json" "$work/slow.json"
[ "$status" -eq 0 ] && grep -qE '^  wall +system .* [-+]0\.0 % ' "$work/out" &&
    grep -qE '^ +tagpool .* \+9[0-9]{3}\.[0-9] % \[.*\] +slower$' "$work/out" &&
    grep -q '^tagpool against its reference: wall time slower in B, ' "$work/out"
check $? 'what became slower is named, with its interval'
run report --fail-if-slower 5 "$work/a.json" "$work/slow.json"
[ "$status" -eq 1 ]
check $? '--fail-if-slower fails on what became slower'
run report --fail-if-slower 5 "$work/slow.json" "$work/a.json"
[ "$status" -eq 0 ]
check $? 'and not on what became faster'
sed 's/"variant": "tagpool"/"variant": "other"/; s/"name": "tagpool"/"name": "other"/' \
    "$work/a.json" >"$work/renamed.json"
run report "$work/a.json" "$work/renamed.json"
[ "$status" -eq 0 ] && grep -q "^Note: tagpool is in $work/a.json only\.$" "$work/out"
check $? 'results without a common variant show the reference'
refused 2 "tagpool report: the results have no variant but system in common, so that \
--fail-if-slower has nothing to judge; measure the same variants" \
    'but --fail-if-slower does not pass for want of something to judge' \
    report --fail-if-slower 5 "$work/a.json" "$work/renamed.json"

# All runs twice as long: a busier machine.
awk '/"variant": / {
    line = $0
    while (match(line, /"(wall|user|system)_seconds": [0-9.e-]+/)) {
        split(substr(line, RSTART, RLENGTH), part, ": ")
        printf "%s%s: %.9f", substr(line, 1, RSTART - 1), part[1], 2 * part[2]
        line = substr(line, RSTART + RLENGTH)
    }
    print line
    next
} /"reasons": \[/ && !seen++ {
    print "    \"reasons\": [{\"kind\": \"machine\", \"key\": \"load\", \"matters\": true, " \
        "\"text\": \"the load was 9\"}"
    if ($0 !~ /\]/) print ","
    else print "    ]" ($0 ~ /,$/ ? "," : "")
    next
} { print }' "$work/a.json" >"$work/busy.json"
run report --fail-if-slower 0 "$work/a.json" "$work/busy.json"
[ "$status" -eq 0 ] && grep -q '^No change of the ratios of time is proven\.$' "$work/out" &&
    grep -q '^Note: the sessions differ: system took +100\.0 % wall time in B' "$work/out" &&
    grep -q '^Warning: in B the load was 9\.$' "$work/out" && ! grep -q slower "$work/out"
check $? 'a busier session is no slower program, and says what it warned of'

sed 's/"processors": [0-9]*/"processors": 4711/' "$work/a.json" >"$work/other.json"
processors=$(sed -n 's/.*"processors": \([0-9]*\).*/\1/p' "$work/a.json" | head -n 1)
refused 2 "tagpool report: the results are of different machines (processors: $processors, 4711) \
and say nothing about each other; measure both on one, or go on all the same with --force" \
    'results of different machines are refused' report "$work/a.json" "$work/other.json"
run report --force "$work/a.json" "$work/other.json"
[ "$status" -eq 0 ] && grep -q "^Warning: the results are of different machines" "$work/out"
check $? '--force compares them with a warning'

sed 's/"name": "my .*,$/"name": "another title",/' "$work/a.json" >"$work/other.json"
run report "$work/a.json" "$work/other.json"
[ "$status" -eq 0 ] && ! grep -q '^Note: ' "$work/out" && grep -q 'another title' "$work/out"
check $? 'another title is no other command'
sed 's|"command": \["|&other |' "$work/a.json" >"$work/other.json"
run report "$work/a.json" "$work/other.json"
[ "$status" -eq 0 ] && grep -q '^Note: the two are of different commands\.$' "$work/out"
check $? 'another command is noted under the same title'
awk '/"environment"/ { environment = 1 }
    environment && /"preload"/ { sub(/null/, "\"libodd.so\""); environment = 0 }
    /"name": "tagpool"/ { variant = 1 }
    variant && /"options"/ { sub(/null/, "\"node_max=64\""); variant = 0 }
    { print }' "$work/a.json" >"$work/other.json"
run report "$work/a.json" "$work/other.json"
[ "$status" -eq 0 ] && [ "$(grep '^Note: ' "$work/out")" = "Note: every variant has other \
libraries in LD_PRELOAD: none in A, libodd.so in B.
Note: tagpool has other options: none in A, node_max=64 in B." ]
check $? 'other options and other libraries are noted'
awk '/"reference": true/ { sub(/true/, "false") ; print; next }
    /"reference": false/ { sub(/false/, "true") } { print }' "$work/a.json" >"$work/other.json"
refused 2 "tagpool report: the references differ (system, tagpool), so that the variants cannot be \
compared; measure both against one, with --reference" 'results against other references' \
    report "$work/a.json" "$work/other.json"

# ---- mistakes ----

see="(see 'tagpool help report')"
give="give a file that 'tagpool compare --export-json' wrote"
refused 2 "tagpool report: no file is named: tagpool report FILE $see" 'no file' report
refused 2 "tagpool report: two files can be compared, not more: 'c'; or combine all \
with --combine $see" 'three files' report a b c
refused 2 "tagpool report: cannot read $work/none: No such file or directory" 'a missing file' \
    report "$work/none"
echo '{"schema": "other"}' >"$work/odd.json"
refused 2 "tagpool report: $work/odd.json: is no saved comparison; $give" 'another schema' \
    report "$work/odd.json"
head -n 40 "$work/a.json" >"$work/cut.json"
run report "$work/cut.json"
[ "$status" -eq 2 ] &&
    grep -q "^tagpool report: cannot read $work/cut.json: line 4[01]: " "$work/err"
check $? 'a file that was cut short is named, with the line'
sed '0,/"variant": "tagpool"/s//"variant": "system"/' "$work/a.json" >"$work/odd.json"
refused 2 "tagpool report: $work/odd.json: has a round that is not whole; $give" \
    'a round that lacks a run' report "$work/odd.json"
sed 's/"schema_version": 1/"schema_version": 99/' "$work/a.json" >"$work/odd.json"
refused 2 "tagpool report: $work/odd.json: is of another version of tagpool; $give" \
    'another version of the schema' report "$work/odd.json"
refused 2 "tagpool report: an export is of one result, not of two; leave out '$work/a.json' $see" \
    'an export of two results' report --html "$work/x.html" "$work/a.json" "$work/a.json"
refused 2 "tagpool report: a profile is of one result, not of two; leave out '$work/a.json' $see" \
    'a profile of two results' report --profile "$work/x" "$work/a.json" "$work/a.json"
refused 2 "tagpool report: --fail-if-slower is about two files; name the other one, too $see" \
    'a regression of one result' report --fail-if-slower 0 "$work/a.json"
refused 2 "tagpool report: --force is about two files; name the other one, too $see" \
    'force for one result' report --force "$work/a.json"
refused 2 "tagpool report: --export-csv and --html both go to standard output; give one of them a \
file" 'two exports to standard output' report --export-csv - --html - "$work/a.json"
refused 2 "tagpool report: $work/a.json: is no saved profile; give a file that 'tagpool profile \
--export-json' wrote" 'a profile that is none' report --profile "$work/a.json" "$work/a.json"

sed 's/"verdict": "\(not tried\|too few calls\)"/"verdict": "much"/' "$work/a.json" \
    >"$work/damaged.json"
refused 2 "tagpool report: $work/damaged.json: has a profile that has advice without a verdict; \
give a file that 'tagpool compare --export-json' wrote" 'a damaged profile in it' \
    report "$work/damaged.json"

# ---- a profile beside it ----

run compare -r 6 --no-headroom --style none --export-json "$work/plain.json" -- "$work/work"
! grep -q '"profile"' "$work/plain.json" && grep -q '"headroom": null' "$work/plain.json"
check $? 'without --profile and --headroom neither is in the result'
run profile --style none --no-try --export-json "$work/profile.json" -- "$work/work"
run report "$work/plain.json" --style none --profile "$work/profile.json" --html "$work/page.html"
[ "$status" -eq 0 ] && grep -q 'class="sizes"' "$work/page.html" &&
    grep -q 'class="live"' "$work/page.html"
check $? 'a profile of its own gives the charts of what is allocated'

finish
