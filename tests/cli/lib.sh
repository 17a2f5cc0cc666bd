# Shared by the tests of the program: each runs `tagpool` and judges exit status and text.
#
#   run ARGUMENT...            runs the program; leaves $status, $work/out and $work/err
#   refused STATUS TEXT SENTENCE ARGUMENT...
#                              runs the program and expects exactly that status and that one line
#
# The rest is in tests/harness/tap.sh.
#
# shellcheck shell=sh
# shellcheck source=tests/harness/tap.sh
. tests/harness/tap.sh

tagpool=$build/tagpool
shown="out err"
# A folder of our own shows what tagpool leaves behind.
mkdir "$work/tmp"
export TMPDIR="$work/tmp"

run() {
    "$tagpool" "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
}

refused() {
    expected_status=$1
    expected_text=$2
    sentence=$3
    shift 3
    run "$@"
    [ "$status" -eq "$expected_status" ] && [ "$(cat "$work/err")" = "$expected_text" ] &&
        [ ! -s "$work/out" ]
    check $? "$sentence"
}
