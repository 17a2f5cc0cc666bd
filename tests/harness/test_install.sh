#!/bin/sh
# If this failed, `make install` would leave something out, ignore PREFIX, LIBDIR or DESTDIR,
# stumble over a space, build what its owner cannot remove, or install a program that does not find
# its library; or `make uninstall` would leave something behind.
set -u
# shellcheck source=tests/harness/tap.sh
. tests/harness/tap.sh

# installs SENTENCE ROOT VARIABLE...: what $built has.
built=$build
installs() {
    sentence=$1 destination=$2
    shift 2
    succeeds "$sentence" make -s install BUILD="$built" DESTDIR="$destination" "$@"
}

prefix="/opt/my tagpool"
place="$work/a root$prefix"
find "$build" -newer "$build/tagpool" | sort >"$work/before"
installs 'make install succeeds, in paths with spaces' "$work/a root" PREFIX="$prefix"
find "$build" -newer "$build/tagpool" | sort | diff "$work/before" - >"$work/output"
check $? 'what was built is installed, and nothing else is built on the way'

(cd "$work/a root" && find . ! -type d | sort) >"$work/output"
[ "$(cat "$work/output")" = "./opt/my tagpool/bin/tagpool
./opt/my tagpool/lib/libtagpool.so
./opt/my tagpool/lib/libtagpool.so.1
./opt/my tagpool/lib/tagpool/libtagpool-trace.so
./opt/my tagpool/share/bash-completion/completions/tagpool
./opt/my tagpool/share/fish/vendor_completions.d/tagpool.fish
./opt/my tagpool/share/man/man1/tagpool.1
./opt/my tagpool/share/man/man7/libtagpool.7
./opt/my tagpool/share/zsh/site-functions/_tagpool" ]
check $? 'it installs the program, its libraries, manual and completions, and nothing else'

[ -x "$place/bin/tagpool" ] && "$place/bin/tagpool" --help >"$work/output" 2>&1
check $? 'the installed program runs'

# What it preloads has no space in its path.
(cd / && TMPDIR=$work XDG_RUNTIME_DIR='' "$place/bin/tagpool" run --stats -- ls /) \
    >"$work/output" 2>&1 && grep -q 'served by the pools' "$work/output"
check $? 'the installed program finds the installed library'
(cd / && TMPDIR=$work XDG_RUNTIME_DIR='' "$place/bin/tagpool" profile -- ls /) >"$work/output" 2>&1
check $? 'it finds the installed tracing library'

soname=$(readelf -d "$build/libtagpool.so" 2>/dev/null | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
if [ -n "$soname" ]; then
    is libtagpool.so.1 "$soname" 'the soname has a number, and the file its name'
else
    skip 'the soname has a number, and the file its name' 'readelf is not installed'
fi

run make -s uninstall BUILD="$build" DESTDIR="$work/a root" PREFIX="$prefix"
[ "$status" -eq 0 ] && [ -z "$(find "$work/a root" ! -type d)" ]
check $? 'make uninstall removes all of it'

# The program is linked anew for that, and other tests run the one that is built.
built=$work/build
mkdir "$built"
for part in src tools man completions libdir tagpool; do
    cp -Rp "$build/$part" "$built"
done
cp -pP "$build"/*.so* "$built"
installs 'LIBDIR is where the libraries are installed' "$work/second" PREFIX=/usr LIBDIR=/usr/lib64
built=$build
[ -e "$work/second/usr/lib64/libtagpool.so.1" ] && [ ! -e "$work/second/usr/lib" ] &&
    (cd / && "$work/second/usr/bin/tagpool" run --stats -- ls /) >"$work/output" 2>&1
check $? 'the program finds them there'

multiarch=$("$cc" -print-multiarch 2>/dev/null)
installs 'make install succeeds below /usr/local' "$work/third"
[ -e "$work/third/usr/local/lib${multiarch:+/$multiarch}/libtagpool.so.1" ]
check $? 'where the loader looks in a folder of the architecture, the library is there'
(cd / && "$work/third/usr/local/bin/tagpool" run --stats -- ls /) >"$work/output" 2>&1
check $? 'the program finds it there'
finish
