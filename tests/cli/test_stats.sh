#!/bin/sh
# If this failed, nobody could see what a running process does with the allocator, or would see
# numbers of a process that has ended.
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

pages=$work/pages/
mkdir "$pages"

# Takes so many blocks of 200 bytes, says so, and waits for the end of its input.
compile holder <<'C' || skip_all "no C compiler"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv) {
    char byte;
    for (int i = 0; i < atoi(argv[1]); i++)
        *(volatile char *)malloc(200) = 1;
    free(malloc(100000));
    puts("ready");
    fflush(stdout);
    return argc > 2 ? pause() : (int)read(0, &byte, 1);
}
C

mkfifo "$work/hold"
# start NAME VARIABLE... -- ARGUMENT...: a holder with the library in the background, its number in
# $pid; it runs until `release`.
start() {
    : >"$work/said"
    "$@" >"$work/said" 2>"$work/err" <"$work/hold" &
    pid=$!
    exec 9>"$work/hold"
    await grep -q ready "$work/said"
}

release() {
    exec 9>&-
    wait "$pid" 2>/dev/null
}

# The value of a member of the only process in $work/out.
member() {
    sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}$/\1/p" "$work/out"
}

TAGPOOL_STATS=$pages start "$tagpool" run -o strategy=metadata -- "$work/holder" 20000
run stats "$pid"
[ "$status" -eq 0 ] && [ ! -s "$work/err" ] && grep -q '^process  program' "$work/out" &&
    grep -Eq "^ *$pid  holder " "$work/out" && [ "$(wc -l <"$work/out")" -eq 2 ]
check $? "a table shows a running process"

run stats --format json "$pid"
calls=$(member pool_calls) && [ "$status" -eq 0 ] && [ "$(member program)" = holder ] &&
    [ "$(member strategy)" = metadata ] && [ "$calls" -ge 20000 ] && [ "$calls" -lt 20300 ] &&
    [ "$(member large_calls)" -ge 1 ] && [ "$(member faults_found)" = 0 ] &&
    [ "$(member minor_faults)" -gt 0 ] && [ "$(member resident_bytes)" -gt 4000000 ]
check $? "JSON has the calls that the process made so far"

# The census at the first slabs saw little; pools and kernel agree on what is held.
[ "$(member pool_peak_bytes)" -ge 4000000 ] && [ "$(member pool_peak_bytes)" -lt 6000000 ]
check $? "and what the pools hold"

run stats --format openmetrics "$pid"
[ "$status" -eq 0 ] && [ "$(tail -n 1 "$work/out")" = "# EOF" ] &&
    labels="pid=\"$pid\",program=\"holder\",served_by=\"pools\"" &&
    grep -Eq "^tagpool_requests_total\{$labels\} 20[0-9]{3}\$" "$work/out" &&
    grep -q "^# UNIT tagpool_pool_live_bytes bytes$" "$work/out"
check $? "OpenMetrics has the same"

# By the specification: each family is declared once, its samples follow, counters end in _total.
awk '
    ended { exit bad = 1 }
    /^# EOF$/ { ended = 1; next }
    /^# TYPE / { if (seen[$3]++) bad = 1; family = $3; type = $4; next }
    /^# UNIT / { if ($3 != family || substr($3, length($3) - length($4)) != "_" $4) bad = 1; next }
    /^# HELP / { if ($3 != family) bad = 1; next }
    {
        name = $0
        sub(/\{.*/, "", name)
        if (name != family (type == "counter" ? "_total" : "")) bad = 1
        if ($0 !~ /^[a-z_]+\{([a-z_]+="[^"]*",?)+\} [0-9]+$/) bad = 1
        if (sample[$0 = substr($0, 1, index($0, "}"))]++) bad = 1
    }
    END { exit bad || !ended }
' "$work/out"
check $? "every line is as the specification wants it"

if /usr/bin/python3 -c 'import prometheus_client.openmetrics.parser' 2>/dev/null; then
    /usr/bin/python3 -c '
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as families
names = [family.name for family in families(open(sys.argv[1]).read())]
assert "tagpool_requests" in names and "tagpool_pool_live_bytes" in names, names
' "$work/out" 2>"$work/err"
    check $? "a parser of OpenMetrics reads it"
else
    skip "a parser of OpenMetrics reads it" "no python3-prometheus-client"
fi
if command -v promtool >/dev/null; then
    promtool check metrics <"$work/out" >"$work/output" 2>&1
    [ $? -ne 1 ]
    check $? "promtool can parse it"
else
    skip "promtool can parse it" "no promtool"
fi

run stats --all --format openmetrics --output "$work/tagpool.prom"
[ "$status" -eq 0 ] && [ ! -s "$work/out" ] && [ ! -s "$work/err" ] &&
    grep -q "pid=\"$pid\"" "$work/tagpool.prom" &&
    [ "$(find "$work" -name 'tagpool.prom*' | wc -l)" -eq 1 ]
check $? "--all --output makes the file for the node exporter in one piece"

run stats --all
[ "$status" -eq 0 ] && grep -Eq "^ *$pid  holder " "$work/out"
check $? "--all finds the process without being told a directory"

"$tagpool" stats --watch --interval 0.2 "$pid" >"$work/out" 2>"$work/err" 9>&- &
watcher=$!
shown_twice() {
    [ "$(grep -c holder "$work/out")" -ge 2 ]
}
await shown_twice
release
wait "$watcher"
status=$?
[ "$status" -eq 0 ] && shown_twice &&
    grep -qx "tagpool stats: note: the process has ended" "$work/err"
check $? "--watch shows it again and again, and ends with the process"

refused 3 "tagpool stats: no process $pid runs" "a process that has ended is said" stats "$pid"
[ -z "$(ls "$pages")" ]
check $? "and it leaves no file"

start "$tagpool" run -- "$work/holder" 10
refused 3 "tagpool stats: process $pid (holder) runs with libtagpool.so but keeps no statistics: \
start it with TAGPOOL_STATS=/DIRECTORY/ in its environment" "without a directory nothing is kept" \
    stats "$pid"
release

start "$work/holder" 10
refused 3 "tagpool stats: process $pid (holder) does not run with libtagpool.so: it was started \
without it, or dropped LD_PRELOAD" "a process without the library is told apart" stats "$pid"
release

# ---- what is left behind ----

TAGPOOL_STATS=$pages start "$tagpool" run -- "$work/holder" 10
left=$pid
kill -KILL "$left"
release
[ -e "$pages/tagpool-$left.stats" ]
check $? "a killed process leaves its file"
run stats --all --format json
! grep -q "\"pid\": $left," "$work/out"
check $? "which --all does not take for a living one"

TAGPOOL_STATS=$pages start "$tagpool" run -- "$work/holder" 10
# The number of a living process, used again: the file is another's.
mv "$pages/tagpool-$left.stats" "$pages/tagpool-$$.stats"
run stats $$
[ "$status" -eq 3 ] && grep -q "does not run with libtagpool.so" "$work/err"
check $? "a file with the number of another process is not believed"
echo rubbish >"$pages/tagpool-1.stats"
echo mine >"$pages/notes"
run stats --prune "$pages"
note="tagpool stats: note: 1 file of ended processes removed"
[ "$status" -eq 0 ] && grep -qx "$note" "$work/err" &&
    [ ! -e "$pages/tagpool-$$.stats" ] && [ -e "$pages/tagpool-$pid.stats" ] &&
    [ -e "$pages/notes" ] && [ -e "$pages/tagpool-1.stats" ]
check $? "--prune removes what ended processes left, and nothing else"

printf '\377\377\377\377\377\377\377\377' |
    dd of="$pages/tagpool-$pid.stats" bs=1 seek=8 conv=notrunc 2>/dev/null
run stats "$pid"
[ "$status" -eq 3 ] &&
    grep -q "process $pid (holder): the statistics file has another version" "$work/err"
check $? "rubbish in a page is refused with its reason"
rm "$pages/tagpool-$pid.stats"
run stats "$pid"
[ "$status" -eq 3 ] && grep -q "process $pid (holder): its statistics file was removed" "$work/err"
check $? "and so is a page that somebody removed"
release

# ---- command lines ----

usage="(see 'tagpool help stats')"
refused 2 "tagpool stats: give the number of a process, or --all $usage" \
    "nothing is asked for" stats
refused 2 "tagpool stats: either --all or the numbers of processes $usage" \
    "both are" stats --all 1
refused 2 "tagpool stats: 'x1' is not the number of a process $usage" \
    "a word is no process" stats x1
refused 3 "tagpool stats: no process 2147483647 runs" "an option may follow the numbers" \
    stats 2147483647 --format json
refused 2 "tagpool stats: unknown option --bogus $usage" "and is no number there" stats 1 --bogus
refused 2 "tagpool stats: --interval wants a number from 0.1 to 10000000, not '0' $usage" \
    "no pause between two looks" stats --watch --interval 0 $$
refused 2 "tagpool stats: cannot read --prune /nonexistent: No such file or directory" \
    "a directory that is not there" stats --prune /nonexistent

finish
