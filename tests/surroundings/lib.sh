# Shared by the tests of what surrounds a program. shellcheck shell=sh
#
#   run COMMAND...             leaves $status and $work/output (both streams)
#   check STATUS SENTENCE      one line of TAP: ok if STATUS is 0; else the last output is shown
#   succeeds SENTENCE COMMAND...
#   skip SENTENCE REASON
#   finish                     ends the test file
#
# shellcheck shell=sh

build=$(cd "${BUILD:-build}" && pwd)
library=$build/libtagpool.so
cc=${CC:-cc}
count=0
failed=0
work=$(mktemp -d "${TMPDIR:-/tmp}/tagpool-surroundings.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
unset MAKEFLAGS MFLAGS MAKELEVEL LD_PRELOAD TAGPOOL_OPTIONS TAGPOOL_STATS

run() {
    "$@" >"$work/output" 2>&1 </dev/null
    status=$?
}

check() {
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $count - $2"
        return
    fi
    failed=$((failed + 1))
    echo "not ok $count - $2"
    echo "# exit status ${status:-none}"
    tail -n 20 "$work/output" | sed 's/^/# /'
}

succeeds() {
    sentence=$1
    shift
    run "$@"
    check "$status" "$sentence"
}

skip() {
    count=$((count + 1))
    echo "ok $count - $1 # SKIP $2"
}

finish() {
    echo "1..$count"
    [ "$failed" -eq 0 ]
    exit $?
}
