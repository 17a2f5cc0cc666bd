#!/bin/sh
# If this failed, several commands would not be measured together, would be compared with runs of
# another time as if these were pairs, or a scan would show a value beside the wrong result.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

# Allocates so many blocks, and says in the log that it ran.
compile blocks <<'C'
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) {
    FILE *log = fopen(argv[1], "a");
    for (int i = 0; i < atoi(argv[2]) * 1000; i++)
        *(volatile char *)malloc(50) = 1;
    if (log != NULL && argc > 2)
        fprintf(log, "%s\n", argv[2]);
    return 0;
}
C
log=$work/log
measured() {
    : >"$log"
    run compare --no-headroom "$@"
}

# ---- several commands ----

measured -r 8 -n one -n 'two "more"' --also "'$work/blocks' \"$log\" 40" \
    --export-json "$work/a.json" --export-csv "$work/a.csv" \
    --export-markdown "$work/a.md" --export-asciidoc "$work/a.adoc" \
    --export-orgmode "$work/a.org" --html "$work/a.html" -- "$work/blocks" "$log" 10
[ "$status" -eq 0 ] && [ "$(grep -cE '^(one|two "more")$' "$work/out")" -eq 2 ] &&
    [ "$(grep -c '^tagpool against system: ' "$work/out")" -eq 2 ]
check $? 'each command is compared under every allocator'
sed -n '/^Against each other/,$p' "$work/out" >"$work/against"
grep -qE '^  cpu   system   one +[0-9.]+ [mu]s$' "$work/against" &&
    [ "$(grep -cE '^ +two "more" +[0-9.]+ [mu]?s +\+[0-9.]+ % \[' "$work/against")" -eq 4 ]
check $? 'and the commands against each other, under the same allocator'
# A check of three runs for each, then rounds: two runs of one command, two of the other, in
# changing order.
sed '1,6d' "$log" | paste - - - - | sort | uniq -c >"$work/orders"
[ "$(wc -l <"$work/orders")" -eq 2 ] && ! grep -qE '10.*40.*10|40.*10.*40' "$work/orders"
check $? 'their rounds alternate, in changing order'
cp "$work/out" "$work/table"
run report "$work/a.json" --export-json "$work/b.json" --export-csv "$work/b.csv" \
    --export-markdown "$work/b.md" --export-asciidoc "$work/b.adoc" --export-orgmode "$work/b.org" \
    --html "$work/b.html"
[ "$status" -eq 0 ] && cmp -s "$work/table" "$work/out"
check $? 'a saved session is shown as the fresh one'
for form in json csv md adoc org html; do
    cmp -s "$work/a.$form" "$work/b.$form"
    check $? "and written again byte by byte as $form"
done
[ "$(wc -l <"$work/a.csv")" -eq 33 ] && [ "$(grep -c '^one,' "$work/a.csv")" -eq 16 ]
check $? 'CSV has the runs of both'
grep -q '^### Against each other$' "$work/a.md" &&
    grep -q '<h2>Against each other</h2>' "$work/a.html"
check $? 'the forms compare them, too'
refused 2 "tagpool report: $work/a.json: holds several comparisons, where one is wanted; give a \
file that 'tagpool compare --export-json' wrote" 'two files, one of which is a session' \
    report "$work/a.json" "$work/a.json"
sed '0,/"turn": 0/s//"turn": 7/' "$work/a.json" >"$work/bad.json"
run report "$work/bad.json"
[ "$status" -eq 2 ] && grep -q 'has comparisons that do not fit together' "$work/err"
check $? 'a session that does not fit together is refused'
run compare -r 1 --no-headroom --also false -- "$work/blocks" "$log" 1
[ "$status" -eq 3 ] && grep -q '^tagpool compare: false: false ended with exit status 1' "$work/err"
check $? 'a command that fails is named'
for line in "a 'b:a quote is not closed" \
    "a | b:'|' means something to a shell unless it is quoted" \
    "a \"\$b\":'\$' means something to a shell between \"quotes\""; do
    refused 2 "tagpool compare: --also '${line%%:*}': ${line#*:}; it is run without a shell, but \
may be sh -c '...', or all commands are run by one with -S (see 'tagpool help compare')" \
        "a line that a shell would read otherwise is refused: ${line%%:*}" \
        compare --also "${line%%:*}" -- true
done
for shell in '' -S; do
    # shellcheck disable=SC2086 # an option or nothing
    refused 2 "tagpool compare: --also ' ' names no command (see 'tagpool help compare')" \
        "an empty line is refused $shell" compare $shell --also ' ' -- true
done
measured -r 1 --style none -S --also "X=three && echo \$X | sed s/t/T/ >>'$log'" \
    -- "echo a | sed s/a/b/ >>'$log'"
[ "$status" -eq 0 ] && [ "$(LC_ALL=C sort -u "$log" | tr '\n' ' ')" = 'Three b ' ]
check $? 'with -S the lines of --also are of the shell, too'
echo 123 >"$work/input"
"$tagpool" compare -r 1 --no-headroom --style none -i --output "$work/copy" --also 'sort' -- cat \
    <"$work/input" >"$work/out" 2>"$work/err"
is "$(cat "$work/copy")" 123 'all commands read the same input'

# ---- a parameter ----

measured -r 2 -L blocks 5,20 -L unused.x=1 -- "$work/blocks" "$log" '{blocks}'
[ "$status" -eq 2 ] && grep -q -- '-L unused.x: there is no {unused.x} in ' "$work/err"
check $? 'a parameter that is not used is refused'
measured -r 2 -L blocks 5,20 --export-csv "$work/p.csv" --html "$work/p.html" --style none \
    --export-json "$work/p.json" -- "$work/blocks" "$log" '{blocks}'
[ "$status" -eq 0 ] && head -n 1 "$work/p.csv" | grep -q ',parameter_blocks$' &&
    [ "$(grep -c ',20$' "$work/p.csv")" -eq 4 ] && [ "$(grep -c ',5$' "$work/p.csv")" -eq 4 ]
check $? 'a value each makes a command'
grep -q '<b>cpu over blocks</b>' "$work/p.html" && grep -q 'tagpool, blocks=20: ' "$work/p.html"
check $? 'the page has lines over its values'
run report "$work/p.json"
grep -qE '^  wall  blocks=5 +system ' "$work/out" && grep -qE '^ +blocks=20 +system ' "$work/out"
check $? 'the table is by its values'
: >"$log"
run compare -r 1 --no-headroom --style none -L a=1,2 -L b=1,2 -- "$work/blocks" "$log" '{a}{b}'
is "$(sort -u "$log" | tr '\n' ' ')" '11 12 21 22 ' 'two parameters make all combinations'
refused 2 "tagpool compare: -L wants VAR a,b,c, not 'x ' (see 'tagpool help compare')" \
    'a parameter without values' compare -L x '' -- true
refused 2 "tagpool compare: at most 16 commands can be compared (see 'tagpool help compare')" \
    'too many commands' compare -L x 1,2,3,4,5 -L y 1,2,3,4 -- true '{x}{y}'

# ---- commands that are set up ----

measured -r 2 -L n 3,4 --setup "echo setup {n} >>'$log'; cp '$work/blocks' '$work/built'" \
    --cleanup "rm '$work/built'; echo cleanup {n} >>'$log'" -- "$work/built" "$log" '{n}'
[ "$status" -eq 0 ] && [ "$(uniq "$log" | tr '\n' ' ')" = \
    'setup 3 3 cleanup 3 setup 4 4 cleanup 4 ' ]
check $? 'with --setup the commands run one after another, each after its own'
grep -q '^Against each other: each command ran by itself after its --setup' "$work/out"
check $? 'and the report says that they are no pairs'

# ---- an option ----

measured -r 2 --scan retain=0,16M,64M --html "$work/s.html" --export-json "$work/s.json" -- \
    "$work/blocks" "$log" 10
[ "$status" -eq 0 ] && grep -qE '^  wall +system ' "$work/out" &&
    [ "$(grep -cE '^ +retain=(0|16M|64M) +[0-9]' "$work/out")" -eq 12 ]
check $? 'an option is scanned, a variant for each value'
grep -q '<h2>Over retain</h2>' "$work/s.html" && grep -q 'tagpool, retain=16M: ' "$work/s.html"
check $? 'with its lines on the page'
run report "$work/s.json" --html "$work/t.html"
cmp -s "$work/s.html" "$work/t.html"
check $? 'which a saved result has, too'
refused 2 "tagpool compare: --scan wants OPTION=a,b,c, two values or more, not 'retain=1' (see \
'tagpool help compare')" 'a scan of one value' compare --scan retain=1 -- true
run compare --scan retain=x,y -- true
[ "$status" -eq 2 ] && grep -q "retain" "$work/err"
check $? 'a value that the option does not have'
finish
