# Shared by the tests of the program: each runs `tagpool` and judges exit status and text.
#
#   run ARGUMENT...            runs the program; leaves $status, $work/out and $work/err
#   refused STATUS TEXT SENTENCE ARGUMENT...
#                              runs the program and expects exactly that status and that one line
#   stop_at FILE SIGNAL ARGUMENT...
#                              runs the program, and as soon as FILE has text sends the signal to
#                              it and all that it started, as a terminal does; leaves the same
#   calmly COMMAND...          for what a program that sleeps for $pause seconds shows on a machine
#                              that is calm for so long: tries longer pauses until the command
#                              succeeds
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

stop_at() {
    stop_file=$1
    stop_signal=$2
    shift 2
    : >"$stop_file"
    # Background programs of a shell ignore Ctrl-C.
    setsid env --default-signal="$stop_signal" "$tagpool" "$@" >"$work/out" 2>"$work/err" \
        </dev/null &
    await test -s "$stop_file"
    kill -s "$stop_signal" -- -$!
    wait $!
    status=$?
}

calmly() {
    for pause in 0.05 0.5 4; do
        export pause
        "$@" && return
    done
    return 1
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
