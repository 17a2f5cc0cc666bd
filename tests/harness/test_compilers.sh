#!/bin/sh
# If this failed, a compiler that the README names would warn about the library, the program or the
# workloads: each is built from nothing by gcc and by clang, with warnings as errors.
set -u

count=0
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset MAKEFLAGS MFLAGS MAKELEVEL

# compiles CC CXX
compiles() {
    count=$((count + 1))
    if ! command -v "$1" >/dev/null; then
        echo "ok $count - $1 builds it without a warning # SKIP $1 is not installed"
    elif make -s all CI=1 CC="$1" CXX="$2" BUILD="$work/$1" >"$work/output" 2>&1; then
        echo "ok $count - $1 builds it without a warning"
    else
        failed=$((failed + 1))
        echo "not ok $count - $1 builds it without a warning"
        grep -E 'error:|Error' "$work/output" | sed 's/^/# /'
    fi
}

compiles gcc g++
compiles clang clang++

echo "1..$count"
[ $failed -eq 0 ]
