#!/bin/sh
# If this failed, `make bench` could show a ratio of nothing: a workload that failed, a program that
# is not installed, or an allocator that was not loaded.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh
see="(see 'tagpool-bench --help')"
tagpool=$build/tagpool-bench

refused 2 "tagpool-bench: unexpected argument 'jq'; the programs are those of the panel $see" \
    'a program of its own is refused' jq
refused 2 "tagpool-bench: --runs wants a whole number from 1 to 1000, not '0' $see" \
    'no rounds are refused' -r 0
refused 2 "tagpool-bench: libtagpool.so has no option 'speed'; \
'tagpool help options' lists them $see" \
    'an option that the library does not have is refused' -o speed=high
refused 2 "tagpool-bench: no workload is left to measure; \
'tagpool-bench --list' lists them, 'make bench' builds them" \
    'a word that no workload has is refused' -a none --only nonesuch

LD_PRELOAD=libc.so.6 run --only start
[ "$status" -eq 2 ] && grep -q 'LD_PRELOAD is set' "$work/err"
check $? 'an inherited LD_PRELOAD is refused'

run --list
[ "$status" -eq 0 ] && grep -q '^json_parse 10 KB  *parsers  *workloads/json_parse ' "$work/out" &&
    grep -q '^start  *start  *true$' "$work/out"
check $? 'the list names workload, group and command'
wc -l <"$work/out" >"$work/all"
run --list --quick --only threads
[ "$status" -eq 0 ] && [ "$(wc -l <"$work/out")" -lt "$(cat "$work/all")" ] &&
    ! grep -v '  threads  ' "$work/out"
check $? 'the list shows what the options select'

# A build folder of our own, whose workloads repeat their work a hundredth as often: what is judged
# here is the tables.
compile fewer <<C
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int count, char **words) {
    char path[4096], times[16];
    const char *slash = strrchr(words[0], '/');
    for (int i = 1; i + 1 < count; i++)
        if (strcmp(words[i], "-r") == 0) {
            snprintf(times, sizeof times, "%d", atoi(words[i + 1]) / 100 + 1);
            words[i + 1] = times;
        }
    snprintf(path, sizeof path, "$build/workloads%s", slash);
    return execv(path, words);
}
C
mkdir "$work/fast"
cp "$build/tagpool-bench" "$build/libtagpool.so" "$work/fast"
cp -rs "$build/workloads" "$work/fast"
ln -sf "$work/fewer" "$work/fast/workloads/json_parse"
ln -sf "$work/fewer" "$work/fast/workloads/json_replay"
tagpool=$work/fast/tagpool-bench

# What a busy machine makes of work of a moment may be any number: the time in allocation is the
# difference of two such times, and a ratio of two differences has no bounds.
time='[0-9.]+ [mu]?s'
ratio='[0-9]+\.[0-9]{2}'

# Tables: a column for the workload, the system and each strategy, with a ratio; targets; nothing on
# stderr.
run -a none -r 1 --quick --only 'json_parse 10' --only calls --only start \
    --export-json "$work/bench.json"
[ "$status" -eq 0 ] && [ ! -s "$work/err" ] &&
    grep -Eq "^\| json_parse 10 KB +\| +$time (\| +!?$ratio )+\|\$" "$work/out"
check $? 'a workload becomes a row with its time and its ratio'
grep -Eq "^\| time in allocation, built-in parser +\| +1\.00 (\| +-?$ratio )+\|\$" "$work/out" &&
    grep -E '^\| starting a process \(quartile of [0-9]+\) +\| +[0-9]+ us ' "$work/out" |
    grep -Eq ' us (\| +[-+][0-9]+ us )+\|$'
check $? 'time in allocation and the start of a process are shown'
grep -Eq '^\| CPU time, 10 KB JSON document +\| +0\.67 \| +[0-9.]+ \| +(yes|no) \|$' "$work/out" &&
    ! grep -q 'two threads exchanging' "$work/out"
check $? 'targets are shown as far as they were measured'
"$build/workloads/json_parse" "$work/bench.json" >/dev/null &&
    grep -q '"schema": "tagpool-bench"' "$work/bench.json"
check $? 'the export is JSON'

# The strategies, with direct in the first column and the system in the last.
run --strategies -r 1 --only 'json_parse' --only calls
[ "$status" -eq 0 ] && [ ! -s "$work/err" ] &&
    grep -Eq '^\| against direct +\| +direct \| +metadata \| +tagged \|.* system \|$' "$work/out" &&
    grep -Eq "^\| time in allocation, built-in parser +\| +-?$time \|( +[-+][0-9]+ % \|)+\$" \
        "$work/out" &&
    grep -Eq '^\| peak memory: json_parse 5 MB +\| +[0-9.]+ MiB \|( +[-+][0-9]+ % \|)+$' "$work/out"
check $? '--strategies shows what each costs against direct'
grep -Eq '^\| memory per JSON value +\|( +[0-9]+ B \|)+$' "$work/out" &&
    grep -Eq '^\| free a block twice +\| +yes \| +yes \| +yes \|$' "$work/out"
check $? '--strategies shows the memory of a value, and what each finds'
judged=$(grep -Ec \
    '^\| parse time, 10 KB JSON document +\| +-30 % \|( +[-+][0-9]+ %, (met|missed) \|)+$' \
    "$work/out")
[ "$judged" -eq 2 ] && grep -q '^| to reach against system ' "$work/out"
check $? '--strategies judges the targets, against direct and against the system'

# What the parts of the hardened mode cost: a row a part.
run --hardening -r 1 --only '5 MB'
[ "$status" -eq 0 ] && [ ! -s "$work/err" ] &&
    [ "$(grep -Ec '^\| [a-z, ]+ \(off: [a-z]+=(off|0)\) +\|.*[0-9] % \|' "$work/out")" -eq 5 ]
check $? '--hardening shows what each part of the hardened mode costs'

# Documents have no name: each language opens such a file in its own way.
if php -r 'new DOMDocument();' >"$work/php" 2>&1; then
    run -a none -r 1 --only php
    [ "$status" -eq 0 ] && grep -q '^| php DOM 5 MB' "$work/out"
    check $? 'PHP reads its document'
else
    skip 'PHP reads its document' 'PHP with its DOM is not installed'
fi

# A build folder in which things are missing.
mkdir "$work/bin" "$work/bin/workloads" "$work/bin/drivers"
cp "$tagpool" "$build/libtagpool.so" "$work/bin"
tagpool=$work/bin/tagpool-bench
ln -s "$build/workloads/json_generate" "$work/bin/workloads"
ln -s "$work/fewer" "$work/bin/workloads/json_parse"
run -a none -r 1 --only 'json_parse 10' --only 'cjson 10' --only 'jansson 10'
[ "$status" -eq 0 ] && [ "$(cat "$work/err")" = "tagpool-bench: note: skipped, not installed: \
cjson, jansson ('tools/dev/install-deps --bench' installs what they need)" ]
check $? 'what is not installed is skipped by name, on one line'

cat >"$work/bin/drivers/cjson" <<'SCRIPT'
#!/bin/sh
exit 5
SCRIPT
chmod +x "$work/bin/drivers/cjson"
run -a none -r 1 --only 'json_parse 10' --only 'cjson 10'
[ "$status" -eq 3 ] && grep -q '^tagpool-bench: cjson 10 KB: .*exit status 5' "$work/err" &&
    grep -q '^| json_parse 10 KB' "$work/out" && ! grep -q '^| cjson' "$work/out"
check $? 'a workload that fails is named and left out, the others are measured'

cat >"$work/bin/drivers/cjson" <<'SCRIPT'
#!/bin/sh
echo "${LD_PRELOAD:-nothing}"
SCRIPT
run -a none -r 1 --only 'cjson 10'
[ "$status" -eq 3 ] && grep -q '^tagpool-bench: cjson 10 KB: .*output differs' "$work/err"
check $? 'a workload whose output depends on the allocator gets no ratio'

# An allocator under which a workload does not run is left out there, and costs no other its row.
cat >"$work/bin/drivers/cjson" <<'SCRIPT'
#!/bin/sh
case ${LD_PRELOAD:-} in *broken*) exit 5 ;; esac
echo same
SCRIPT
echo 'int broken;' >"$work/broken.c"
"${CC:-cc}" -shared -fPIC "$work/broken.c" -o "$work/broken.so"
run -a broken="$work/broken.so" -r 1 --only 'cjson 10'
[ "$status" -eq 0 ] &&
    grep -q '^tagpool-bench: note: cjson 10 KB: left out with broken, under which it fails$' \
        "$work/err" &&
    grep -Eq '^\| cjson 10 KB +\| +[0-9.]+ [mu]s (\| +[+!]*[0-9.]+ ){3}\| +\|$' "$work/out"
check $? 'an allocator that cannot run a workload has no cell in its row'

finish
