#!/bin/sh
# If this failed, the library would not work on aarch64 (whose memory is ordered less strictly and
# whose pages have 4, 16 or 64 KiB), or with musl in the place of glibc.
set -u
. tests/harness/tap.sh

arm_cc=aarch64-linux-gnu-gcc
arm_root=/usr/aarch64-linux-gnu
# The emulator is slow, the more so to reserve address space: it has little, but with
# TAGPOOL_TEST_LONG=1, which also runs the model, with pages of each size and in each strategy.
page_sizes=
strategies=
space="-R 8G"
if [ -n "${TAGPOOL_TEST_LONG:-}" ]; then
    space=
    page_sizes="4096 16384 65536"
    strategies="strategy=metadata strategy=tagged harden=on"
fi
flags="-Iinclude -Isrc -Itools -Itests/harness -D_GNU_SOURCE -std=gnu17 -O1 -fno-builtin"

# makes COMPILER FOLDER TARGET...
makes() {
    compiler=$1
    folder=$2
    shift 2
    make -s -j2 CI=1 CC="$compiler" CXX=none BUILD="$folder" "$@"
}

on_aarch64() {
    if ! command -v $arm_cc >/dev/null || ! command -v qemu-aarch64 >/dev/null; then
        skip "the library works on aarch64" "$arm_cc or qemu-aarch64 is not installed"
        return
    fi
    folder=$build/aarch64
    succeeds "it is built for aarch64 without a warning" makes $arm_cc "$folder" \
        "$folder/libtagpool.so" ${page_sizes:+"$folder/tests/fuzz/test_model"} \
        "$folder/tests/preload/test_realloc"
    emulator="qemu-aarch64 $space -L $arm_root -E TAGPOOL_FUZZ_STEPS=8000"
    for page_bytes in $page_sizes; do
        for strategy in $strategies; do
            # shellcheck disable=SC2086 # words
            succeeds "the model holds there with pages of $page_bytes bytes and $strategy" \
                $emulator -p "$page_bytes" -E TAGPOOL_OPTIONS="$strategy" \
                -E LD_PRELOAD="$folder/libtagpool.so" "$folder/tests/fuzz/test_model"
        done
    done
    # shellcheck disable=SC2086
    succeeds "realloc keeps its contract there, with pages of 64 KiB" $emulator -p 65536 \
        -E LD_PRELOAD="$folder/libtagpool.so" -E TAGPOOL_TEST_SHIM=1 \
        "$folder/tests/preload/test_realloc"
    $arm_cc -O0 -g -fno-builtin -w -o "$work/parser" tests/misuse/fixtures/parser.c
    # shellcheck disable=SC2086
    run $emulator -E LD_PRELOAD="$folder/libtagpool.so" "$work/parser" double_free
    grep -q 'tagpool.*: double free of 0x.* called from parser+0x' "$work/output"
    check $? "a fault is found there"
    [ -n "${TAGPOOL_TEST_LONG:-}" ] || return
    succeeds "the small world is built for aarch64" makes $arm_cc "$folder" \
        "$folder/small/libtagpool.so" "$folder/tests/unit/lib/test_small_heap"
    # shellcheck disable=SC2086
    succeeds "the small world's heap works there" $emulator "$folder/tests/unit/lib/test_small_heap"
    # shellcheck disable=SC2086
    succeeds "pages larger than a slab leave all to the next allocator" \
        $emulator -p 65536 -E LD_PRELOAD="$folder/small/libtagpool.so" \
        "$folder/tests/fuzz/test_model"
}

with_musl() {
    if ! command -v musl-gcc >/dev/null; then
        skip "the library works with musl" "musl-gcc is not installed"
        return
    fi
    folder=$build/musl
    succeeds "it is built for musl without a warning" makes musl-gcc "$folder" \
        "$folder/libtagpool.so"
    # shellcheck disable=SC2086
    succeeds "a program for musl is linked with it" musl-gcc $flags -o "$work/model" \
        tests/fuzz/test_model.c "$folder/libtagpool.so" -Wl,-rpath,"$folder"
    succeeds "the model holds with musl" "$work/model"
    # shellcheck disable=SC2086
    musl-gcc $flags -w -o "$work/parser" tests/misuse/fixtures/parser.c
    succeeds "it can be preloaded into a program for musl" \
        env LD_PRELOAD="$folder/libtagpool.so" "$work/parser" clean
    run env LD_PRELOAD="$folder/libtagpool.so" "$work/parser" double_free
    grep -q 'tagpool.*: double free of 0x.* called from parser+0x' "$work/output"
    check $? "a fault is found there"
    for name in libtagpool.so libtagpool-trace.so; do
        run env LD_PRELOAD="$build/$name" "$work/parser" clean
        [ "$status" -eq 127 ] &&
            grep -q "$name: gnu_get_libc_version: symbol not found" "$work/output"
        check $? "its loader refuses $name of glibc by name"
    done
    [ -n "${TAGPOOL_TEST_LONG:-}" ] || return
    # musl-gcc does not look for the kernel's headers, which have no part of glibc.
    mkdir "$work/kernel"
    ln -s /usr/include/linux /usr/include/asm-generic "$work/kernel"
    asm=$(echo "#include <asm/types.h>" | "$cc" -E - | sed -n 's:^# 1 "\(/.*/asm\)/types.h".*:\1:p')
    ln -s "$asm" "$work/kernel/asm"
    succeeds "the program is built for musl without a warning" \
        makes "musl-gcc -idirafter $work/kernel" "$folder" "$folder/tagpool"
    run "$folder/tagpool" run --stats -- "$work/parser" clean
    [ "$status" -eq 0 ] && grep -q 'served by the pools' "$work/output"
    check $? "it measures a program for musl"
}

on_aarch64
with_musl
finish
