# Test Anything Protocol (testanything.org, version 12) for tests in shell, and what they all need.
# A test file reads this at its start, in the folder above tests/, and ends with `finish`.
#
#   run COMMAND...             leaves $status and what it wrote in $work/output
#   check STATUS SENTENCE      one line of TAP: ok if STATUS is 0; else what the last run left
#                              in $work is shown
#   succeeds SENTENCE COMMAND...
#                              runs the command and checks that its status is 0
#   is WANTED FOUND SENTENCE   ok if the two texts are the same
#   compile NAME [FLAG...]     builds $work/NAME from the C program on standard input
#   await COMMAND...           waits until the command succeeds, two minutes at most; its status
#   skip SENTENCE REASON
#   finish                     ends the test file
#   skip_all REASON            ends it before its first test
#   has_loopback               is 127.0.0.1 there? Not where a builder has no network at all
#
#   $root, $build, $library    the tree, the build folder, libtagpool.so; absolute
#   $work                      a folder of its own, removed at the end
#   $shown                     the files of $work that `check` shows after a failure
#
# shellcheck shell=sh

root=$(pwd)
build=$(cd "${BUILD:-build}" && pwd)
# shellcheck disable=SC2034 # for who reads this file
library=$build/libtagpool.so
cc=${CC:-cc}
shown="output out err"
count=0
failed=0
work=$(mktemp -d "${TMPDIR:-/tmp}/tagpool-test.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

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
    for shown_file in $shown; do
        [ ! -e "$work/$shown_file" ] || tail -n 40 "$work/$shown_file" | sed "s/^/# $shown_file: /"
    done
}

succeeds() {
    sentence=$1
    shift
    run "$@"
    check "$status" "$sentence"
}

is() {
    printf 'wanted: %s\nfound: %s\n' "$1" "$2" >"$work/output"
    [ "$1" = "$2" ]
    check $? "$3"
}

compile() {
    name=$1
    shift
    cat >"$work/$name.c"
    "$cc" -O1 -fno-builtin -o "$work/$name" "$work/$name.c" "$@"
}

await() {
    waits=0
    until "$@"; do
        [ $waits -lt 1200 ] || return 1
        waits=$((waits + 1))
        sleep 0.1
    done
}

skip() {
    count=$((count + 1))
    echo "ok $count - $1 # SKIP $2"
}

has_loopback() {
    [ ! -r /proc/net/fib_trie ] || grep -q '127\.0\.0\.1$' /proc/net/fib_trie
}

finish() {
    echo "1..$count"
    [ "$failed" -eq 0 ]
    exit $?
}

skip_all() {
    echo "1..0 # SKIP $1"
    exit 0
}
