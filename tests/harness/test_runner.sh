#!/bin/sh
# If this failed, broken tests could go unseen: each fixture is a test program that ends in its own
# way, and the runner's last line and exit status must say so.
set -u
# shellcheck source=tests/harness/tap.sh
. tests/harness/tap.sh

here=tests/harness
limit=100

# runs STATUS LAST_LINE NAME FIXTURE...: the runner on these fixtures ends with that status and
# line.
runs() {
    wanted_status=$1 line=$2 name=$3
    shift 3
    for fixture in "$@"; do
        shift
        set -- "$@" "$here/fixtures/$fixture"
    done
    run "$here/run" -t "$limit" "$@"
    [ $status -eq "$wanted_status" ] && [ "$(tail -n 1 "$work/output")" = "$line" ]
    check $? "$name"
}

# shows TEXT NAME: the output of the last run has that text.
shows() {
    grep -qF -- "$1" "$work/output"
    check $? "$2"
}

runs 0 '2 passed, 0 failed' 'passing tests are counted' pass
runs 1 '1 passed, 1 failed' 'a failing test is counted' fail
shows '  not ok: harness/fixtures/fail: second' 'a failing test is named'
shows '    # expected 1, got 2' 'the diagnostics of a failing test are shown'
runs 0 '1 passed, 0 failed, 1 skipped' 'a skipped test is counted' skip
shows 'second: no such tool' 'the reason of a skip is shown'
runs 0 '0 passed, 0 failed, 1 skipped' 'a program that skips itself is counted once' skip_all
shows 'nothing to test here' 'the reason of a skipped program is shown'
runs 1 '1 passed, 1 failed' 'a crash is a failure' crash
shows 'killed by signal 11' 'a crash is named with its signal'
limit=5
runs 1 '1 passed, 1 failed' 'a program that takes too long is a failure' hang
limit=100
shows 'took longer than 5 s' 'a program that takes too long is told from a crash'
runs 1 '1 passed, 1 failed' 'a program without a plan is a failure' no_plan
runs 1 '1 passed, 1 failed' 'a plan that does not match is a failure' bad_plan
runs 1 '1 passed, 1 failed' 'an exit status without a failed test is a failure' bad_status
runs 1 '0 passed, 2 failed' \
    'exit status 0 after a failed test is a failure' false_status
runs 1 '0 passed, 1 failed' 'a program that says nothing is a failure' silent
runs 1 '0 passed, 1 failed' 'a program that is not there is a failure' no_such_program
runs 1 '0 passed, 0 failed' 'a run without any test is a failure'
runs 1 '5 passed, 2 failed, 1 skipped' \
    'the counts of several programs are added up' pass fail skip crash
# What the shell around has open, ignores or has set.
(
    trap '' PIPE HUP USR1
    umask 077
    # shellcheck disable=SC3045 # dash and bash both have it
    ulimit -c 1000 2>/dev/null
    export LC_ALL=de_DE.UTF-8 LANG=tr_TR TZ=Asia/Kathmandu MALLOC_PERTURB_=5
    mkdir "$work/a folder" && export TMPDIR="$work/a folder"
    exec tests/harness/run tests/harness/fixtures/clean 3</dev/null 4>"$work/open" 9<.
) >"$work/output" 2>&1
check $? 'nothing of the shell around reaches a test'
if [ -e "$library" ]; then
    configurations=$(grep -c '^[a-z].* preload' "$here/configurations")
    runs 0 "0 passed, 0 failed, $configurations skipped" \
        'a preload test runs once per configuration' preload/shows_environment
    shows '[direct]: shim=1 options=strategy=direct' 'a preload test gets its configuration'
fi
finish
