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
RUNS=3 # of each, in turns with the others; the medians are judged
variants="strategy=metadata strategy=tagged retain=0"
RETAIN_KIB=16384 # what empty slabs keep by default
TABLES_KIB=1024  # of the library's own: descriptors, remote words, heaps

# serve NAME [TURNS]: appends what the server printed to $work/NAME.
serve() {
    if [ "$1" = system ]; then
        # shellcheck disable=SC2086 # no word is no argument
        run "$server" "$cycles" $2
    else
        # shellcheck disable=SC2086
        run env LD_PRELOAD="$library" TAGPOOL_OPTIONS="$1" "$server" "$cycles" $2
    fi
    check "$status" "every block of the server keeps its contents ($1)"
    cat "$work/output" >>"$work/$1"
}

# serve_all [TURNS]
serve_all() {
    rm -f "$work"/system "$work"/*=*
    run_number=0
    while [ $run_number -lt $RUNS ]; do
        for options in system $variants; do
            serve "$options" "$1"
        done
        run_number=$((run_number + 1))
    done
}

# median NAME COLUMN
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

# judge PERCENT WORKERS: what late may have beyond the system's.
judge() {
    medians system
    system_late=$late system_busy=$busy system_trimmed=$trimmed
    for options in $variants; do
        medians "$options"
        kept=$RETAIN_KIB
        [ "$options" != retain=0 ] || kept=0
        holds "$late" $((early + early / 8 + 2048)) "memory levels out with $options, $2"
        holds "$late" $((system_late + system_late * $1 / 100 + TABLES_KIB)) \
            "memory stays within $1 % of the system allocator's with $options, $2"
        # Each thread at work has slabs of its own in every class.
        holds "$busy" $((system_busy + system_busy / 4 + TABLES_KIB)) \
            "and within 25 % while threads are at work with $options, $2"
        holds "$idle" $((system_trimmed + kept + 8192)) \
            "memory goes back after the load with $options, $2"
        holds "$trimmed" $((system_trimmed + 6144)) \
            "malloc_trim returns the rest with $options, $2"
    done
}

serve_all turns
judge 10 "workers in turns"
# A worker that waits for a processor holds what it could hand out: how often, the machine decides.
serve_all ""
judge 15 "workers at once"

# A pool that is too small: the rest comes from the next allocator, and service goes on.
run "$build/tagpool" run --stats -o pool_limit=4M -- "$server" 1
check "$status" "a server goes on beyond its pool_limit"
peak=$(sed -n 's/.*peak memory of the pools \([0-9.]*\) MiB.*/\1/p' "$work/output")
awk -v peak="$peak" 'BEGIN { exit !(peak > 3 && peak <= 4) }'
check $? "the pools hold at most pool_limit (peak $peak MiB of 4)"
finish
