#!/bin/sh
# If this failed, `tagpool` would measure or print a number in another unit, from another counter or
# against another sign than it says.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

# ---- a fixed result, whose numbers were worked out by hand ----
# tests/cli/saved/result.json: 8 rounds, in which tagpool takes 0.80 times the time of the system
# when it runs second and 0.78 times when it runs first; one run of it died of signal 11.

saved=tests/cli/saved/result
run report --style none --export-csv "$work/csv" --export-markdown "$work/md" --export-json - \
    $saved.json
[ "$status" -eq 0 ] && cmp "$saved.csv" "$work/csv" >"$work/err"
check $? 'the CSV of a result is in seconds and bytes, and 128 + n is the status of signal n'
cmp "$saved.md" "$work/md" >"$work/err"
check $? 'the Markdown of it has the medians, the differences and the headroom'
grep -v '"tagpool_version"' "$saved.json" >"$work/expected"
grep -v '"tagpool_version"' "$work/out" | cmp - "$work/expected" >"$work/err"
check $? 'the JSON of it has the same intervals, order effects and resolution'
sed 's/"share": 0.25/"share": 0.1/; s/"low": 0.2,/"low": 0.05,/; s/"high": 0.3,/"high": 0.15,/' \
    "$saved.json" >"$work/small.json"
run report "$work/small.json"
grep -qF 'tagpool 1.27x: besides faster calls it saves page faults or cache misses.' "$work/out"
check $? 'a gain beyond the headroom is what is left of the time, turned over'

# ---- a program that does a known amount of everything ----

compile known <<'C'
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
enum { BYTES = 50 << 20, NODES = 40000, PAGE = 4096, WAITS = 200 };
extern char **environ;
int main(int count, char **arguments) {
    char *memory = mmap(0, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char line[32];
    unsigned environment = 0;
    madvise(memory, BYTES, MADV_NOHUGEPAGE);
    for (unsigned i = 0; i < BYTES; i += PAGE)
        memory[i] = 1;
    for (unsigned i = 0; i < NODES; i++)
        if (malloc(100) == NULL)
            return 1;
    for (unsigned i = 0; i < WAITS; i++)
        nanosleep(&(struct timespec){0, 50000}, NULL);
    for (char **variable = environ; *variable != NULL; variable++)
        environment += sizeof *variable + strlen(*variable) + 1;
    int file = open(arguments[1], O_WRONLY | O_APPEND | O_CREAT, 0666);
    return write(file, line, sprintf(line, "%u\n", environment)) <= 0;
}
C
# least KEY [VARIANT]: the least value of a member of the runs (of a variant) in $work/json.
least() {
    sed -n "s/.*\"variant\": \"${2:-.*}\".*\"$1\": \([0-9.e-]*\).*/\1/p" "$work/json" | sort -g |
        head -n 1
}
run compare -m 6 -M 6 --noise-threshold 50 --precision 2 --no-headroom --style none \
    --export-json "$work/json" -- "$work/known" "$work/sizes"
[ "$status" -eq 0 ] && [ "$(least peak_memory_bytes)" -ge $((50 << 20)) ] &&
    [ "$(least peak_memory_bytes system)" -lt $((70 << 20)) ]
check $? 'the peak of a program that holds 50 MiB is that'
[ "$(least minor_faults)" -ge 12800 ]
check $? 'so are its page faults, one for each 4 KiB'
[ "$(least voluntary_switches)" -ge 190 ]
check $? 'a program that waits 200 times gives the processor up 200 times'
peak=$(sed -n 's/.*"pool_bytes_peak": \([0-9]*\).*/\1/p' "$work/json")
[ "$peak" -ge $((40000 * 100)) ] && [ "$peak" -lt $((2 * 40000 * 100)) ]
check $? 'the pools held what it kept in nodes'
grep -q '"noise_threshold": 0\.5,' "$work/json" && grep -q '"precision": 0\.02,' "$work/json"
check $? '--noise-threshold and --precision are in percent'
# Three runs that compare outputs, then a pair for each round.
head -n 15 "$work/sizes" | awk 'NR > 3 && NR % 2 == 0 { size = $1 }
    NR > 3 && NR % 2 == 1 { pairs++; different += $1 != size }
    END { exit pairs != 6 || different }'
check $? 'in each round all variants have an environment of the same size'
run compare -r 5 --style none --export-json "$work/json" -- sh -c :
grep -q '"resolution": null,' "$work/json"
check $? 'where no interval exists there is no resolution'
finish
