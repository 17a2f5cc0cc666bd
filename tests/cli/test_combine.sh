#!/bin/sh
# If this failed, results of many machines would be combined to a number that none of them measured,
# times of different machines would be mixed, or a machine that differs would go unnamed.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

# 8 rounds, in which tagpool takes about 0.79 times the time of the system.
saved=tests/cli/saved/result.json

# result HOST TIMES FACTOR FILE: that result on another machine, where everything takes TIMES as
# long, and tagpool FACTOR times that.
result() {
    awk -v host="$1" -v times="$2" -v factor="$3" '
        /"host":/ { sub(/"example"/, "\"" host "\"") }
        /"wall_seconds": [0-9.]*, "user_seconds"/ {
            scale = times * (/"variant": "tagpool"/ ? factor : 1)
            for (i = 1; i <= NF; i++)
                if ($i ~ /_seconds":$/)
                    $(i + 1) = sprintf("%.9f,", scale * ($(i + 1) + 0))
        }
        { print }' "$saved" >"$4"
}
result node1 1 1 "$work/1.json"
result node2 7 1.02 "$work/2.json"
result node3 0.2 0.98 "$work/3.json"
result node4 3 1.01 "$work/4.json"

run report --combine "$work/1.json" "$work/2.json" "$work/3.json" "$work/4.json"
[ "$status" -eq 0 ] && grep -q '^  4 results of 4 machines; ratios to system are ' "$work/out" &&
    grep -qE '^  cpu +tagpool  -2[01]\.. % \[-2[2-5]\.. \.\.\. -1[6-9]\..\] +faster ' "$work/out"
check $? 'what machines found in their own pairs is combined, however fast they are'
grep -qE '^  node2 +8 rounds  -19\.[0-9] % \[' "$work/out" && ! grep -q 'differs from' "$work/out"
check $? 'each machine is shown'
awk '$1 == "cpu" && $2 == "tagpool" { gsub(/[][]/, ""); print $5, $7, $11, $13; exit }' \
    "$work/out" >"$work/ends"
read -r low high another_low another_high <"$work/ends"
awk -v a="$another_low" -v b="$low" -v c="$high" -v d="$another_high" \
    'BEGIN { exit !(a + 0 < b + 0 && b + 0 < c + 0 && c + 0 < d + 0) }'
check $? 'another machine is expected within a wider interval'

# ---- a machine that differs ----

result node5 1 1.6 "$work/5.json"
run report --combine "$work"/[1-5].json
grep -qE '^  node5 .* differs from the others$' "$work/out" &&
    grep -q '^Warning: node5 differs from the other machines in cpu of tagpool by' "$work/out" &&
    [ "$(grep -c '^Warning: node[1-4]' "$work/out")" -eq 0 ]
check $? 'a machine that differs is named'

# ---- several results of one machine ----

result node1 1.1 1.01 "$work/1b.json"
run report --combine "$work/1.json" "$work/1b.json" "$work/2.json"
grep -q '^  3 results of 2 machines;' "$work/out" && grep -qE '^  node1 +16 rounds .*  2 results' \
    "$work/out"
check $? 'a machine that measured twice counts once'
run report --combine "$work/1.json" "$work/1b.json"
[ "$status" -eq 0 ] && grep -q '^  2 results of 1 machine;' "$work/out" &&
    grep -q '^Note: all results are of one machine' "$work/out"
check $? 'runs of one machine say nothing about others, and the report says so'

# ---- for programs ----

run report --combine --export-json - "$work"/[1-5].json
if command -v jq >/dev/null; then
    jq -e '.schema == "tagpool-combined" and .results == 5 and
        (.combined[] | select(.metric == "cpu_seconds") |
            .difference > -0.25 and .interval[0] < .difference and .on_another_machine[1] > 0 and
            ([.machines[] | select(.outlying) | .machine] == ["node5"]))' \
        "$work/out" >/dev/null 2>"$work/jq"
    check $? 'JSON has what the text says'
else
    skip 'JSON has what the text says' 'jq is not installed'
fi
for limit in 1:0 0:1; do
    result node1 1 1.5 "$work/a.json"
    result node2 2 1.52 "$work/b.json"
    result node3 3 1.51 "$work/c.json"
    percent=$([ "${limit%:*}" -eq 1 ] && echo 5 || echo 40)
    run report --combine --style none --fail-if-slower "$percent" "$work"/[abc].json
    is "$status" "${limit%:*}" "--fail-if-slower $percent"
done

# ---- what is refused ----

refused 2 "tagpool report: --combine is about two files or more; name the others, too (see \
'tagpool help report')" 'one file' report --combine "$work/1.json"
refused 2 "tagpool report: two files can be compared, not more: '$work/3.json'; or combine all \
with --combine (see 'tagpool help report')" 'three files without --combine' \
    report "$work/1.json" "$work/2.json" "$work/3.json"
cp "$work/2.json" "$work/copy.json"
for same in "$work/2.json" "$work/./2.json" "$work/copy.json"; do
    refused 2 "tagpool report: $work/2.json and $same hold the same result, which would count \
twice; leave one of them out" 'a result does not count twice' \
        report --combine --force "$work/1.json" "$work/2.json" "$same"
done
sed 's/"name": "parser input.json"/"name": "other"/; s/"command": \["parser"/"command": ["other"/' \
    "$work/2.json" >"$work/other.json"
run report --combine "$work/1.json" "$work/other.json"
[ "$status" -eq 2 ] && grep -q 'are of different commands' "$work/err"
check $? 'different commands are refused'
run report --combine --force "$work/1.json" "$work/other.json"
is "$status" 0 'unless one says --force'
refused 2 "tagpool report: what is combined is written as JSON, with --export-json, and not to \
'$work/x' (see 'tagpool help report')" 'another form' \
    report --combine --html "$work/x" "$work/1.json" "$work/2.json"

# ---- as the manual shows it ----

# The commands of the manual are run as they stand there, with stand-ins for what a cluster has: the
# scheduler's variables, ssh, and a program to measure. Six rounds are enough.
mkdir "$work/bin" "$work/results"
compile bin/parse <<'C'
#include <stdlib.h>
int main(void) {
    for (int i = 0; i < 20000; i++)
        free(malloc(50));
    return 0;
}
C
cat >"$work/bin/tagpool" <<EOF
#!/bin/sh
[ "\$1" = report ] && exec "$PWD/$tagpool" "\$@"
shift
exec "$PWD/$tagpool" compare -r 6 --no-headroom "\$@"
EOF
cat >"$work/bin/ssh" <<'EOF'
#!/bin/sh
TAGPOOL_HOST=$1
export TAGPOOL_HOST
shift
exec sh -c "$*" </dev/null
EOF
chmod +x "$work/bin/tagpool" "$work/bin/ssh"
PATH="$work/bin:$PATH"
export PATH
case $tagpool in /*) sed -i "s|$PWD/||" "$work/bin/tagpool" ;; esac

# The line of the manual with this word in it.
shown() {
    sed 's/\\-/-/g; s/\\e/\\/g' tools/man/tagpool.1 | grep -F -- "$1" | sed 's/^ *//' | head -n 1
}
slurm=$(shown SLURM_ARRAY_TASK_ID)
kubernetes=$(shown JOB_COMPLETION_INDEX | sed 's|/results/||')
parallel=$(shown 'parallel "ssh')
combine=$(shown 'tagpool report --combine *')
# combined COUNT SENTENCE: what was written is of so many machines.
combined() {
    (cd "$work/results" && sh -c "$combine") >"$work/out" 2>"$work/err"
    status=$?
    [ "$status" -eq 0 ] && grep -q "^  $1 results of $1 machines" "$work/out"
    check $? "$2"
    rm -f "$work/results"/*
}
for task in 0 1 2; do
    (cd "$work/results" && SLURM_ARRAY_TASK_ID=$task TAGPOOL_HOST=slurm$task sh -c "$slurm") \
        >"$work/out" 2>"$work/err" </dev/null
done
combined 3 'an array job of Slurm'
for index in 0 1 2; do
    (cd "$work/results" && JOB_COMPLETION_INDEX=$index TAGPOOL_HOST=node$index \
        sh -c "$kubernetes") >"$work/out" 2>"$work/err" </dev/null
done
combined 3 'a Job of Kubernetes with an index'
if ! parallel --version 2>/dev/null </dev/null | grep -q GNU; then
    cat >"$work/bin/parallel" <<'EOF'
#!/bin/sh
command=$1
shift 2
for value; do
    sh -c "$(echo "$command" | sed "s/{}/$value/g")"
done
EOF
    chmod +x "$work/bin/parallel"
fi
(cd "$work/results" && sh -c "$parallel") >"$work/out" 2>"$work/err" </dev/null
combined 3 'GNU parallel over ssh'
finish
