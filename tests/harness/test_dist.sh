#!/bin/sh
# If this failed, the tarball of `make dist` would differ with who packs it and where, or what comes
# out of it could not be built without git.
#
# TAGPOOL_TEST_LONG=1 builds all; otherwise the tracing library, and the rest is known to be there:
# it is what the tree has, and make finds a source for each file of the build.
set -u
# shellcheck source=tests/harness/tap.sh
. tests/harness/tap.sh

version=$("$build/tagpool" --version | cut -d ' ' -f 2)

# pack NAME: by `make dist` in the folder at hand.
pack() {
    make -s dist BUILD="$work/$1" >"$work/output" 2>&1 &&
        mv "$work/$1/dist/tagpool-$version.tar.gz" "$work/$1.tar.gz"
}

pack first
check $? 'make dist packs the sources'
(umask 077 && TZ=Asia/Kathmandu pack second) && cmp "$work/first.tar.gz" "$work/second.tar.gz"
check $? 'packed again, by another user in another place, it has the same bytes'

mkdir "$work/out"
tar -C "$work/out" -xzf "$work/first.tar.gz"
is "tagpool-$version" "$(ls "$work/out")" 'all lies in one folder with the version in its name'
cd "$work/out/tagpool-$version" || exit 1
mkdir -p build/src old
touch build/libdir build/src/text.o old/libdir old/tagpool
pack third
check $? 'it packs itself without git'
cmp "$work/first.tar.gz" "$work/third.tar.gz" >"$work/output" 2>&1
check $? 'and that has the same bytes, with nothing of what was built'
rm -r build old
# Not for use, so not optimised.
target="$work/built/libtagpool-trace.so CFLAGS=-O0"
[ -z "${TAGPOOL_TEST_LONG:-}" ] || target=all
# shellcheck disable=SC2086 # words
succeeds 'it is built without git' make -s -j2 CI=1 BUILD="$work/built" $target
objects() {
    make -n "BUILD=$work/none" all | grep -o "$work/none/[^ ]*\.o" | sort -u
}
objects >"$work/objects"
(cd "$root" && objects) >"$work/wanted"
[ "$(wc -l <"$work/wanted")" -gt 100 ] && cmp "$work/wanted" "$work/objects" >"$work/output" 2>&1
check $? 'and as much is built of it as of the tree'
find . -type f -exec cmp {} "$root/{}" \; >"$work/output" 2>&1
[ ! -s "$work/output" ]
check $? 'from the same files'
finish
