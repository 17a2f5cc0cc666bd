#!/bin/sh
# If this failed, the library would not work on aarch64, whose memory is ordered less strictly and
# whose pages have 4, 16 or 64 KiB.
# TAGPOOL_TEST_LONG=1, as `make soak` sets it: the library is built for it.
set -u
. tests/harness/tap.sh

[ -n "${TAGPOOL_TEST_LONG:-}" ] || skip_all "make soak builds the library for aarch64"
cross_cc=aarch64-linux-gnu-gcc
{ command -v $cross_cc && command -v qemu-aarch64; } >/dev/null ||
    skip_all "$cross_cc or qemu-aarch64 is not installed"

folder=$build/aarch64
make_there() {
    make -s -j2 CI=1 CC="$cross_cc" CXX=none BUILD="$folder" "$@"
}

succeeds "it is built for aarch64 without a warning" make_there "$folder/libtagpool.so" \
    "$folder/tests/fuzz/test_model" "$folder/tests/preload/test_realloc"
emulator="qemu-aarch64 -L /usr/aarch64-linux-gnu -E TAGPOOL_FUZZ_STEPS=8000"
for page_bytes in 4096 16384 65536; do
    for strategy in strategy=metadata strategy=tagged harden=on; do
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
$cross_cc -O0 -g -fno-builtin -w -o "$work/parser" tests/misuse/fixtures/parser.c
# shellcheck disable=SC2086
run $emulator -E LD_PRELOAD="$folder/libtagpool.so" "$work/parser" double_free
grep -q 'tagpool.*: double free of 0x.* called from parser+0x' "$work/output"
check $? "a fault is found there"
succeeds "the small world is built for aarch64" make_there "$folder/small/libtagpool.so" \
    "$folder/tests/unit/lib/test_small_heap"
# shellcheck disable=SC2086
succeeds "the small world's heap works there" $emulator "$folder/tests/unit/lib/test_small_heap"
# shellcheck disable=SC2086
succeeds "pages larger than a slab leave all to the next allocator" \
    $emulator -p 65536 -E LD_PRELOAD="$folder/small/libtagpool.so" \
    "$folder/tests/fuzz/test_model"
finish
