#!/bin/sh
# If this failed, `make install` would leave something out, ignore PREFIX or DESTDIR, or install a
# program that does not find its library.
set -u
# shellcheck source=tests/harness/tap.sh
. tests/harness/tap.sh

prefix=/opt/tagpool
place=$work/root$prefix
succeeds 'make install succeeds' \
    make -s install BUILD="$build" DESTDIR="$work/root" PREFIX="$prefix"

(cd "$work/root" && find . -type f | sort) >"$work/output"
[ "$(cat "$work/output")" = "./opt/tagpool/bin/tagpool
./opt/tagpool/lib/libtagpool-trace.so
./opt/tagpool/lib/libtagpool.so
./opt/tagpool/share/bash-completion/completions/tagpool
./opt/tagpool/share/fish/vendor_completions.d/tagpool.fish
./opt/tagpool/share/man/man1/tagpool.1
./opt/tagpool/share/man/man7/libtagpool.7
./opt/tagpool/share/zsh/site-functions/_tagpool" ]
check $? 'it installs the program, its libraries, manual and completions, and nothing else'

[ -x "$place/bin/tagpool" ] && "$place/bin/tagpool" --help >"$work/output" 2>&1
check $? 'the installed program runs'

(cd / && "$place/bin/tagpool" run --stats -- ls /) >"$work/output" 2>&1
check $? 'the installed program finds the installed library'
finish
