#!/bin/sh
# If this failed, the times that tagpool shows would not be those that another tool measures of the
# same command, by more than the noise of both.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

if ! command -v hyperfine >/dev/null; then
    skip 'tagpool and hyperfine measure the same' 'hyperfine is not installed'
    finish
    exit
fi

# Waits, or works; the first argument says how long, in milliseconds.
compile waits <<'C'
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv) {
    free(malloc(50));
    usleep(argc > 1 ? (useconds_t)atoi(argv[1]) * 1000 : 0);
    return 0;
}
C
compile works <<'C'
#include <stdlib.h>
int main(int argc, char **argv) {
    for (long i = 0; i < (argc > 1 ? atol(argv[1]) : 0) * 20000; i++) {
        void *block = malloc(50);
        *(volatile char *)block = 1;
        free(block);
    }
    return 0;
}
C
hyperfine_takes_n=$(hyperfine --help 2>&1 | grep -c -- '-N')
if [ "$hyperfine_takes_n" -eq 0 ]; then
    skip 'tagpool and hyperfine measure the same' 'this hyperfine needs a shell for each run'
    finish
    exit
fi

# measured TOOL COMMAND: median, minimum and maximum of the wall time in seconds, into a file.
by_hyperfine() {
    hyperfine -N --style none -w 1 -r 10 --export-csv "$work/hyperfine.csv" "$1" \
        >"$work/out" 2>"$work/err" </dev/null
    awk -F, 'NR == 2 { print $4, $7, $8 }' "$work/hyperfine.csv" >"$work/theirs"
}
by_tagpool() {
    # shellcheck disable=SC2086 # a command line
    run compare -r 10 -w 1 --no-headroom --style none --export-csv "$work/ours.csv" -- $1
    awk -F, '$4 == "system" { print $5 }' "$work/ours.csv" | sort -n |
        awk '{ time[NR] = $1 }
            END { print (time[NR / 2] + time[NR / 2 + 1]) / 2, time[1], time[NR] }' >"$work/ours"
}
# Once in turn: each median is within what the other tool saw, or so close that no one cares.
agree() {
    by_tagpool "$1"
    by_hyperfine "$1"
    cat "$work/ours" "$work/theirs" | awk '
        NR == 1 { a = $1; a_low = $2; a_high = $3 }
        NR == 2 { b = $1; b_low = $2; b_high = $3 }
        END {
            print "tagpool " a " (" a_low " to " a_high ")"
            print "hyperfine " b " (" b_low " to " b_high ")"
            close_by = a / b > 0.97 && a / b < 1.03
            within = a >= b_low && a <= b_high && b >= a_low && b <= a_high
            exit !(NR == 2 && (close_by || within))
        }' >"$work/agreement"
}
for command in "$work/waits 30" "$work/works 40"; do
    # A busy machine may be calm for one tool and not for the other.
    tries=0
    until agree "$command" || [ "$tries" -ge 20 ]; do
        tries=$((tries + 1))
    done
    [ "$tries" -lt 20 ]
    status=$?
    cp "$work/agreement" "$work/out"
    [ "$status" -eq 0 ]
    name=${command##*/}
    check $? "tagpool and hyperfine measure the same of a program that ${name% *}"
done
finish
