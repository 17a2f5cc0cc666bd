#!/bin/sh
# If this failed, saved results could not be read by other programs, or would lack what was
# measured.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

# Reads the JSON file $1 with whatever is there; the check of a value is only made with jq.
parses() {
    if command -v jq >/dev/null; then
        jq -e . "$1" >/dev/null
    else
        "$build/workloads/json_parse" "$1" >/dev/null
    fi
}

odd=$(printf 'gr"ü\n\t\\ß')
run compare -r 6 --seed 7 --export-json "$work/result.json" -- \
    sh -c 'echo "$1" >/dev/null' sh "$odd"
[ "$status" -eq 0 ] && parses "$work/result.json" && grep -q '^tagpool against system: ' "$work/out"
check $? 'a report in JSON is written besides the table'
printf 'old contents that are longer than any report\n%9999s\n' '' >"$work/again.json"
run compare -r 1 --export-json "$work/again.json" -- sh -c :
parses "$work/again.json" && ! grep -q 'old contents' "$work/again.json"
check $? 'a file that exists is replaced'
run compare -r 6 --export-json - -- sh -c :
parses "$work/out" && grep -q '^tagpool against system: ' "$work/err"
check $? 'with - the data is alone on standard output'
bytes=$(printf 'raw \377\376 bytes')
run compare -r 1 -n "$bytes" --export-json - -- sh -c :
parses "$work/out"
check $? 'text that is not UTF-8 does not break the report'
cp "$work/again.json" "$work/kept.json"
run compare -r 1 --export-json "$work/kept.json" -- false
[ "$status" -eq 3 ] && cmp -s "$work/again.json" "$work/kept.json"
check $? 'a comparison that fails leaves an older report alone'

if ! command -v jq >/dev/null; then
    skip 'the report holds every round and its results' 'jq is not installed'
    finish
fi

# expect FILTER SENTENCE: the filter has to be true of the report.
expect() {
    jq -e "$1" "$work/result.json" >"$work/out" 2>"$work/err"
    status=$?
    check "$status" "$2"
}
expect '.schema == "tagpool-compare" and .schema_version == 1' 'the schema has a name and a version'
expect '.command == ["sh", "-c", "echo \"$1\" >/dev/null", "sh", "gr\"ü\n\t\\ß"]' \
    'the command is kept word by word'
expect '.plan.seed == 7 and .plan.runs == 6' 'the plan is kept'
expect '[.variants[].name] == ["system", "tagpool"] and .variants[0].reference' \
    'the variants and the reference are named'
expect '.variants[1].calls >= .variants[1].pool_calls and .variants[1].pool_calls > 0' \
    'the proof of the shim is kept'
expect '.variants[1].differences | keys == ["cpu_seconds", "page_faults",
    "peak_memory_bytes", "wall_seconds"]' \
    'every metric has its difference'
expect '.variants[1].differences.wall_seconds | .low <= .difference and .difference <= .high' \
    'the estimate lies within its interval'
expect '(.rounds | length) == 6 and
    all(.rounds[].runs; (map(.variant) | sort) == ["system", "tagpool"])' \
    'every round holds every variant once'
expect 'all(.rounds[].runs[]; .wall_seconds > 0 and .peak_memory_bytes > 0 and .exit_status == 0)' \
    'every run has its measurements'
expect '[.rounds[].runs[0].variant] | (map(select(. == "system")) | length) as $first |
    $first >= 2 and $first <= 4' \
    'the order of the variants changes'
expect '([.rounds[].padding_bytes] | unique | length) > 1' \
    'the size of the environment changes from round to round'
finish
