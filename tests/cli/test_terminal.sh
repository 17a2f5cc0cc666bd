#!/bin/sh
# If this failed, text would run over the end of a terminal's line, and be broken there within words
# and numbers.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

compile within -lutil <tests/cli/programs/within.c || skip_all "no pseudo terminals"
compile work <tests/cli/programs/churn.c
saved=$PWD/tests/cli/saved/result.json
sed 's/"host": "[^"]*"/"host": "another machine"/; s/"seed": [0-9]*/"seed": 8/' "$saved" \
    >"$work/other.json"
cd "$work" || exit 1
TERM=xterm
LC_ALL=C.UTF-8
export TERM LC_ALL
unset NO_COLOR
# fits COLUMNS LEAST ARGUMENT...: at such a terminal it prints so many lines or more, and none that
# could be broken at a blank reaches the end. Of a character in UTF-8 the first byte is counted.
fits() {
    columns=$1 least=$2
    shift 2
    ./within "$columns" "$tagpool" "$@" >shown 2>err
    LC_ALL=C tr -d '\200-\277' <shown | awk -v columns="$columns" -v least="$least" '
        length($0) >= columns && $0 ~ /[^ ] +[^ ]/ { print "too long: " $0 }
        END { if (NR < least) print "only " NR " lines" }' >out
    [ ! -s out ]
    check $? "at $columns columns 'tagpool $1${2:+ $2}' fits"
}
"$tagpool" record -q -o trace -- ./work
for columns in 60 80; do
    fits "$columns" 20 compare -r 6 --no-headroom --moments -n 'some work' -- ./work
    fits "$columns" 20 report "$saved"
    fits "$columns" 20 report --force "$saved" other.json
    fits "$columns" 20 report --combine "$saved" other.json --force
    fits "$columns" 30 profile -r 6 --sites -- ./work
    fits "$columns" 4 doctor -- ./work
    fits "$columns" 8 replay -r 2 trace
    fits "$columns" 4 run --stats -- ./work
    fits "$columns" 1 record -o another -- ./work
    for topic in '' options compare profile run; do
        fits "$columns" 15 help $topic
    done
done
for columns in 50 80 100; do
    ./within --all "$columns" "$tagpool" compare -r 12 --no-headroom -- ./work |
        grep 'round [0-9]' >shown
    # What loading takes is measured after the rounds.
    grep -q '^loading: .*round 2 of 80' shown && ! grep -q '^loading: .*cpu' shown
    check $? "at $columns columns it tells rounds of the program from others"
    sed -i '/^loading: /d' shown
    LC_ALL=C awk -v columns="$columns" 'length($0) >= columns || ! / s left/ { wrong++ }
        { bars += /^\[[#.]+\] / }
        END { exit NR < 11 || wrong > 1 || (columns > 50 && bars < NR) }' shown
    check $? "at $columns columns the progress tells the time that is left"
done
grep -Eq '^\[#+\.+\] round 11 of 12, about [0-9]+ s left, cpu [-+]' shown
check $? 'behind a bar, before the estimate so far'
# What is beside its column is no table any more.
./within 200 "$tagpool" report "$saved" >shown
grep -qE '^  wall +system +[0-9.]+ m?s$' shown &&
    grep -qE '^ +tagpool +[0-9.]+ m?s   .* [a-z]+$' shown
check $? 'a wide terminal has each row of the table on one line'
finish
