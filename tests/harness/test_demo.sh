#!/bin/sh
# If this failed, `make demo` would compare something else than it shows, stop at a program that is
# not installed, or hide a comparison that failed. A stand-in for tagpool records how it is called.
set -u
# shellcheck source=tests/harness/tap.sh
. tests/harness/tap.sh
shown="output calls"

# stand_in STATUS: a tagpool that records its arguments and ends with STATUS.
stand_in() {
    printf '#!/bin/sh\necho "$*" >>"%s/calls"\nexit %d\n' "$work" "$1" >"$work/build/tagpool"
    chmod +x "$work/build/tagpool"
    : >"$work/calls"
}

# A PATH with what the demo needs and no parser; jq is added to it below.
mkdir -p "$work/build" "$work/path"
ln -s "$build/workloads" "$work/build/workloads"
for program in sh mkdir dirname; do
    ln -s "$(command -v "$program")" "$work/path/$program"
done

demo() {
    PATH="$work/path" BUILD="$work/build" DEMO_SECONDS=3 "$root/tools/dev/demo" >"$work/output" 2>&1
}

stand_in 0
demo
check $? 'the demo succeeds where no parser is installed'
[ "$(wc -l <"$work/calls")" -eq 2 ] && [ "$(grep -c json_parse "$work/calls")" -eq 2 ]
check $? 'the built-in parser is compared on a small and on a large document'
skips=$(grep -cE 'skipped: (jq|xmllint|python3) is not installed' "$work/output")
[ "$skips" -eq 3 ]
check $? 'a parser that is missing is skipped by name'
[ "$(wc -c <"$work/build/demo/10k.json")" -eq 10240 ] &&
    [ "$(wc -c <"$work/build/demo/5m.json")" -eq 5242880 ] &&
    [ "$(wc -c <"$work/build/demo/5m.xml")" -eq 5242880 ]
check $? 'the documents have the sizes that are promised'

printf '#!/bin/sh\n' >"$work/path/jq"
chmod +x "$work/path/jq"
stand_in 0
demo
grep -qF -- "compare --duration 3 -- jq length $work/build/demo/5m.json" "$work/calls"
check $? 'a parser that is installed is compared'
grep -qF -- "$ $work/build/tagpool compare --duration 3 -- jq length $work/build/demo/5m.json" \
    "$work/output"
check $? 'the command is shown as it was run'

stand_in 3
demo
[ $? -eq 1 ] && [ "$(wc -l <"$work/calls")" -eq 3 ]
check $? 'a comparison that fails makes the demo fail after the others have run'
finish
