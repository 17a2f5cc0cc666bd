# Shared by the tests of the program: each runs `tagpool` and judges exit status and text.
#
#   run ARGUMENT...            runs the program; leaves $status, $work/out and $work/err
#   check STATUS SENTENCE      one line of TAP; shows what the last run said when it failed
#   refused STATUS TEXT SENTENCE ARGUMENT...
#                              runs the program and expects exactly that status and that one line
#   compile NAME [FLAG...]     builds $work/NAME from the C program on standard input
#   skip SENTENCE REASON
#   finish                     ends the test file
#
# shellcheck shell=sh

root=$(pwd)
build=$(cd "${BUILD:-build}" && pwd)
tagpool=$build/tagpool
count=0
failed=0
work=$(mktemp -d "${TMPDIR:-/tmp}/tagpool-cli.XXXXXX")
trap 'rm -rf "$work"' EXIT
# A folder of our own shows what tagpool leaves behind.
mkdir "$work/tmp"
export TMPDIR="$work/tmp"
trap 'exit 1' HUP INT TERM

# What is set on the machine must not change what is tested.
unset LD_PRELOAD TAGPOOL_OPTIONS TAGPOOL_LIBRARY TAGPOOL_STATS NO_COLOR
for variable in $(env | sed -n 's/^\(MALLOC_[A-Z0-9_]*\|GLIBC_TUNABLES\)=.*/\1/p'); do
    unset "$variable"
done

run() {
    "$tagpool" "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
}

check() {
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $count - $2"
        return
    fi
    echo "not ok $count - $2"
    failed=$((failed + 1))
    echo "# exit status ${status:-none}"
    sed 's/^/# out: /' "$work/out"
    sed 's/^/# err: /' "$work/err"
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

compile() {
    name=$1
    shift
    cat >"$work/$name.c"
    "${CC:-cc}" -O1 -fno-builtin -o "$work/$name" "$work/$name.c" "$@"
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
