#!/bin/sh
# If this failed, the library would not work with musl in the place of glibc.
# TAGPOOL_TEST_LONG=1, as `make soak` sets it: everything is built for it.
set -u
. tests/harness/tap.sh

[ -n "${TAGPOOL_TEST_LONG:-}" ] || skip_all "make soak builds all for musl"
command -v musl-gcc >/dev/null || skip_all "musl-gcc is not installed"

# musl-gcc does not look for the kernel's headers, which have no part of glibc.
mkdir "$work/kernel"
ln -s /usr/include/linux /usr/include/asm-generic "$work/kernel"
asm=$(echo "#include <asm/types.h>" | "$cc" -E - | sed -n 's:^# 1 "\(/.*/asm\)/types.h".*:\1:p')
ln -s "$asm" "$work/kernel/asm"
folder=$build/musl
make_there() {
    make -s -j2 CI=1 CC="musl-gcc -idirafter $work/kernel" CXX=none BUILD="$folder" "$@"
}

succeeds "it is built for musl without a warning" make_there "$folder/libtagpool.so" \
    "$folder/tagpool"
musl-gcc -fno-builtin -w -o "$work/parser" tests/misuse/fixtures/parser.c \
    "$folder/libtagpool.so" -Wl,-rpath,"$folder"
succeeds "a program for musl may be linked with it" "$work/parser" clean
musl-gcc -fno-builtin -w -o "$work/parser" tests/misuse/fixtures/parser.c
run env LD_PRELOAD="$folder/libtagpool.so" "$work/parser" double_free
grep -q 'tagpool.*: double free of 0x.* called from parser+0x' "$work/output"
check $? "a fault is found there"
for name in libtagpool.so libtagpool-trace.so; do
    run env LD_PRELOAD="$build/$name" "$work/parser" clean
    [ "$status" -eq 127 ] &&
        grep -q "$name: gnu_get_libc_version: symbol not found" "$work/output"
    check $? "its loader refuses $name of glibc by name"
done
run "$folder/tagpool" run --stats -- "$work/parser" clean
[ "$status" -eq 0 ] && grep -q 'served by the pools' "$work/output"
check $? "tagpool measures a program for musl"

# Those that start programs of this system, which are of glibc, or measure memory are left out.
programs=$folder/tests/fuzz/test_model
for name in alignment calloc false_alarms fork free limits malloc names own_family realloc reports \
    sandbox stats threads; do
    programs="$programs $folder/tests/preload/test_$name"
done
# shellcheck disable=SC2086 # words
{
    succeeds "tests are built for it without a warning" make_there "$folder/tests/harness/start" \
        "$folder/small/libtagpool.so" "$folder/debug/libtagpool.so" $programs
    succeeds "what programs may expect holds" env BUILD="$folder" tests/harness/run -t 300 $programs
}
finish
