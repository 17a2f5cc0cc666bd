#!/bin/sh
# If this failed, a compiler that the README names would warn about the library, the program or the
# workloads, or its lines would drown what matters: each builds all from nothing, with warnings as
# errors, and the build prints a line for each file, or its commands if it is asked to.
#
# TAGPOOL_TEST_LONG=1 builds all; otherwise the tracing library, which has files of both halves.
set -u
# shellcheck source=tests/harness/tap.sh
. tests/harness/tap.sh

target=libtagpool-trace.so
[ -z "${TAGPOOL_TEST_LONG:-}" ] || target=all

# compiles CC CXX FLAGS
compiles() {
    if ! command -v "$1" >/dev/null; then
        skip "$1 builds it without a warning" "$1 is not installed"
        return
    fi
    made=all
    [ $target = all ] || made=$work/$1/$target
    make -j2 "$made" CI=1 CC="$1" CXX="$2" CFLAGS="$3" BUILD="$work/$1" >"$work/all" 2>&1
    status=$?
    grep -vE '^(CC|CXX|LD|AR|MAN|GEN) [^ ]+$' "$work/all" >"$work/output"
    check $status "$1 builds it without a warning"
    [ $status -eq 0 ] && [ -s "$work/all" ] && [ ! -s "$work/output" ]
    check $? "the build by $1 prints a line for each file"
}

# gcc warns of some things only as it optimises, clang of none.
compiles gcc g++ '-O2 -g'
compiles clang clang++ "$([ $target = all ] && echo -O2 -g || echo -O0)"

# object OPTION...: how make builds a single object.
object() {
    rm -rf "$work/one"
    run make "$@" BUILD="$work/one" "$work/one/src/text.o"
}
object V=1
grep -qE -- ' -c -o [^ ]*/src/text\.o src/text\.c$' "$work/output"
check $? 'with V=1 the build prints its commands'
object -s
[ ! -s "$work/output" ] && [ -e "$work/one/src/text.o" ]
check $? 'with -s the build prints nothing'
finish
