#!/bin/sh
# If this failed, a server that runs for long would grow under the library although what it holds
# does not, keep its memory when the load is over, or hold more in its pools than pool_limit says.
#
# TAGPOOL_SOAK_CYCLES=N: longer than the usual 4.
set -u
# shellcheck source=tests/harness/tap.sh
. tests/harness/tap.sh

cycles=${TAGPOOL_SOAK_CYCLES:-4}
server=$build/tests/soak/server
RUNS=5 # of each, in turns; the medians are judged
variants="strategy=metadata strategy=tagged retain=0"
RETAIN_KIB=16384 # what empty slabs keep by default
TABLES_KIB=1024  # of the library's own: descriptors, remote words, heaps

# serve NAME [OPTIONS]: appends what the server printed to $work/NAME.
serve() {
    if [ $# -gt 1 ]; then
        run env LD_PRELOAD="$library" TAGPOOL_OPTIONS="$2" "$server" "$cycles"
    else
        run "$server" "$cycles"
    fi
    check "$status" "every block of the server keeps its contents ($1)"
    cat "$work/output" >>"$work/$1"
}

# median NAME COLUMN: one process has more than another, as its threads happened to take turns.
median() {
    awk -v column="$2" '{ print $column }' "$work/$1" | sort -n | sed -n "$((RUNS / 2 + 1))p"
}

# medians NAME: leaves early, late, busy, idle and trimmed.
medians() {
    early=$(median "$1" 1) late=$(median "$1" 2) busy=$(median "$1" 3)
    idle=$(median "$1" 4) trimmed=$(median "$1" 5)
    echo "# $1: early $early KiB, late $late, busy $busy, idle $idle, trimmed $trimmed"
}

holds() {
    [ "$1" -le "$2" ]
    check $? "$3 ($1 KiB, at most $2)"
}

run_number=0
while [ $run_number -lt $RUNS ]; do
    serve system
    for options in $variants; do
        serve "$options" "$options"
    done
    run_number=$((run_number + 1))
done
medians system
system_late=$late system_busy=$busy system_trimmed=$trimmed
for options in $variants; do
    medians "$options"
    kept=$RETAIN_KIB
    [ $options != retain=0 ] || kept=0
    holds "$late" $((early + early / 8 + 2048)) "memory levels out with $options"
    holds "$late" $((system_late + system_late / 10 + TABLES_KIB)) \
        "memory stays within 10 % of the system allocator's with $options"
    # Each thread at work has slabs of its own in every class.
    holds "$busy" $((system_busy + system_busy / 4 + TABLES_KIB)) \
        "and within 25 % while threads are at work with $options"
    holds "$idle" $((system_trimmed + kept + 8192)) "memory goes back after the load with $options"
    holds "$trimmed" $((system_trimmed + 6144)) "malloc_trim returns the rest with $options"
done

# A pool that is too small: the rest comes from the next allocator, and service goes on.
run "$build/tagpool" run --stats -o pool_limit=4M -- "$server" 1
check "$status" "a server goes on beyond its pool_limit"
peak=$(sed -n 's/.*peak memory of the pools \([0-9.]*\) MiB.*/\1/p' "$work/output")
awk -v peak="$peak" 'BEGIN { exit !(peak > 3 && peak <= 4) }'
check $? "the pools hold at most pool_limit (peak $peak MiB of 4)"
finish
