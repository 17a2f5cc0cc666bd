#!/bin/sh
# If this failed, a release would break what tagpool.1 promises to keep: a name of an option, an
# exit status, a member of the exported JSON, or the form of a fault's line. The layouts of the
# shared pages are held by tests/unit/cli/pages/test_layouts.c.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

# Every command and option that there was: a line is "tagpool COMMAND OPTION", or an option of the
# library. What is new is added to the file with the release.
commands=$("$tagpool" help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z]*\) .*/\1/p' | grep -vx help)
for command in $commands; do
    echo "tagpool $command"
    "$tagpool" help "$command" | sed -n '/^Options:/,/^$/p' | grep -oE '^ {2,6}-[^ ].*' |
        grep -oE '(^| )--?[a-zA-Z][a-z-]*' | sed "s/^ */tagpool $command /"
done >"$work/out"
"$tagpool" help options | sed -n 's/^  \([a-z][a-z_]*\) .*/TAGPOOL_OPTIONS \1/p' >>"$work/out"
grep -vxF -f "$work/out" tests/cli/saved/interface >"$work/gone"
[ ! -s "$work/gone" ] && [ -s "$work/out" ]
check $? 'every command and option of the last release is still there'
sed 's/^/# is gone: /' "$work/gone"

# ends STATUS COMMAND...
ends() {
    wanted=$1
    shift
    "$@" >"$work/out" 2>"$work/err"
    status=$?
    [ "$status" -eq "$wanted" ]
    check $? "exit status $wanted: tagpool $sentence"
}
sentence='is done' ends 0 "$tagpool" doctor -- ls
sentence='is called in the wrong way' ends 2 "$tagpool" compare --nonesuch
sentence='measures a program that fails' ends 3 "$tagpool" compare -r 1 -- false
sentence='cannot decide, with --strict' ends 4 "$tagpool" compare --strict -r 1 --style none -- ls
cat >"$work/twice.c" <<'PROGRAM'
#include <stdlib.h>
int main(void) {
    void *volatile block = malloc(40);
    free(block);
    free(block);
    return 0;
}
PROGRAM
"$cc" -O0 -w -o "$work/twice" "$work/twice.c"
sentence='finds a fault by run --check' ends 99 "$tagpool" run --check -- "$work/twice"
line='^tagpool\[[0-9]+\]: double free of 0x[0-9a-f]+ \(48-byte class, slot [0-9]+ of slab [0-9]+,'
grep -qE "$line"'.*freed block.*\) in free\(\) called from twice\+0x[0-9a-f]+$' "$work/err"
check $? "the line of a fault has its form"
sentence='cannot write its output' ends 125 sh -c "'$tagpool' --version >/dev/full"
: >"$work/text"
sentence='cannot run the program' ends 126 "$tagpool" run -- "$work/text"
sentence='does not find the program' ends 127 "$tagpool" run -- "$work/none"

if ! command -v python3 >/dev/null; then
    skip 'the JSON of each command is what its schema says' 'python3 is not installed'
    finish
fi

# fits SCHEMA SENTENCE: $work/json
fits() {
    tests/cli/schemas/check "tests/cli/schemas/$1.json" "$work/json" >"$work/out" 2>"$work/err"
    check $? "$2"
}
json=$work/json
"$build/workloads/json_generate" 100K >"$work/100k.json"
"$tagpool" compare -r 6 --profile --headroom --style none --export-json "$json" -- \
    "$build/workloads/json_parse" "$work/100k.json" >"$work/all" 2>&1
fits compare 'the JSON of compare is what its schema says'
"$tagpool" compare -r 1 --null --style none --export-json "$json" -- ls >"$work/all" 2>&1
fits compare 'so it is with one variant and one round'
"$tagpool" compare -r 1 --no-headroom --style none --export-json "$json" -L what a,b \
    -- sh -c 'echo {what}' >"$work/all" 2>&1
fits session 'the JSON of several commands is what its schema says'
for round in 6 7; do
    "$tagpool" compare -r $round --no-headroom --style none --export-json "$work/$round.json" \
        -- ls >"$work/all" 2>&1
done
"$tagpool" report --combine --export-json "$json" "$work/6.json" "$work/7.json" >>"$work/all" 2>&1
fits combined 'the JSON of combined results is what its schema says'
"$tagpool" profile -r 6 --export-json "$json" -- "$build/workloads/json_parse" "$work/100k.json" \
    >"$work/all" 2>&1
fits profile 'the JSON of profile is what its schema says'
"$tagpool" record -o "$work/trace" -- "$build/workloads/json_parse" "$work/100k.json" \
    >"$work/all" 2>&1
"$tagpool" replay -r 2 --export-json "$json" "$work/trace" >>"$work/all" 2>&1
fits replay 'the JSON of replay is what its schema says'
"$tagpool" run --check --export-json "$json" -- "$work/twice" >"$work/all" 2>&1
fits check 'the JSON of run --check is what its schema says'
mkdir "$work/pages"
export TAGPOOL_STATS="$work/pages/"
"$tagpool" run -- sh -c "'$tagpool' stats --all --format json >'$json'; true"
fits stats 'the JSON of stats is what its schema says'
echo '{"schema": "tagpool-stats", "schema_version": "1"}' >"$json"
! tests/cli/schemas/check tests/cli/schemas/stats.json "$json" >"$work/out"
check $? 'a document that is not what the schema says is found out'
finish
