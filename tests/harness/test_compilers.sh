#!/bin/sh
# If this failed, a compiler that the README names would warn about the library, the program or the
# workloads, or its lines would drown what matters: each builds all from nothing, with warnings as
# errors, and the build prints a line for each file, or its commands if it is asked to.
set -u

count=0
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset MAKEFLAGS MFLAGS MAKELEVEL V

say() {
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $count - $2"
    else
        echo "not ok $count - $2"
        failed=$((failed + 1))
        sed 's/^/# /' "$work/output"
    fi
}

# compiles CC CXX
compiles() {
    if ! command -v "$1" >/dev/null; then
        count=$((count + 1))
        echo "ok $count - $1 builds it without a warning # SKIP $1 is not installed"
        return
    fi
    make -j2 all CI=1 CC="$1" CXX="$2" BUILD="$work/$1" >"$work/all" 2>&1
    status=$?
    grep -vE '^(CC|CXX|LD|AR) [^ ]+$' "$work/all" >"$work/output"
    [ $status -eq 0 ]
    say $? "$1 builds it without a warning"
    [ $status -eq 0 ] && [ -s "$work/all" ] && [ ! -s "$work/output" ]
    say $? "the build by $1 prints a line for each file"
}

compiles gcc g++
compiles clang clang++

# object OPTION...: how make builds a single object.
object() {
    rm -rf "$work/one"
    make "$@" BUILD="$work/one" "$work/one/src/text.o" >"$work/output" 2>&1
}
object V=1
grep -qE -- ' -c -o [^ ]*/src/text\.o src/text\.c$' "$work/output"
say $? 'with V=1 the build prints its commands'
object -s
[ ! -s "$work/output" ] && [ -e "$work/one/src/text.o" ]
say $? 'with -s the build prints nothing'

echo "1..$count"
[ $failed -eq 0 ]
