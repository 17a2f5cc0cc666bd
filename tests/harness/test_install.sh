#!/bin/sh
# If this failed, `make install` would leave something out, ignore PREFIX or DESTDIR, or install a
# program that does not find its library.
set -u

count=0
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset MAKEFLAGS MFLAGS MAKELEVEL

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

prefix=/opt/tagpool
place=$work/root$prefix
make -s install BUILD="${BUILD:-build}" DESTDIR="$work/root" PREFIX="$prefix" >"$work/output" 2>&1
say $? 'make install succeeds'

(cd "$work/root" && find . -type f | sort) >"$work/output"
[ "$(cat "$work/output")" = "./opt/tagpool/bin/tagpool
./opt/tagpool/lib/libtagpool-trace.so
./opt/tagpool/lib/libtagpool.so
./opt/tagpool/share/bash-completion/completions/tagpool
./opt/tagpool/share/fish/vendor_completions.d/tagpool.fish
./opt/tagpool/share/man/man1/tagpool.1
./opt/tagpool/share/man/man7/libtagpool.7
./opt/tagpool/share/zsh/site-functions/_tagpool" ]
say $? 'it installs the program, its libraries, manual and completions, and nothing else'

[ -x "$place/bin/tagpool" ] && "$place/bin/tagpool" --help >"$work/output" 2>&1
say $? 'the installed program runs'

(cd / && "$place/bin/tagpool" run --stats -- ls /) >"$work/output" 2>&1
say $? 'the installed program finds the installed library'

echo "1..$count"
[ $failed -eq 0 ]
