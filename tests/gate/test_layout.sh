#!/bin/sh
# If this failed, each process would map more of the library's file: what few programs run, and the
# tables for unwinding, lie apart from the rest, which stays small (src/layout.ld).
set -u
# shellcheck source=tests/harness/tap.sh
. tests/harness/tap.sh
most_kib=60

command -v readelf >/dev/null || skip_all "readelf is not installed"
run tests/gate/run malloc_fast
[ $status -ne 77 ] || skip_all "$(sed -n 's/^skipped: //p' "$work/output")"

# Offset, address and size of each segment that is loaded, in bytes; and what each section is in.
readelf -lW "$library" >"$work/output"
awk '$1 == "LOAD" { print $2, $3, $5, ($7 == "E") }' "$work/output" >"$work/loaded"
[ "$(wc -l <"$work/loaded")" -eq 3 ]
check $? "three segments are loaded"
! grep -q 'LOAD .* RWE ' "$work/output"
check $? "none can be written and run"
read -r _ _ bytes _ <"$work/loaded"
[ $((bytes)) -le $((most_kib << 10)) ]
check $? "the first has at most $most_kib KiB: $((bytes))"
grep -qE '^ +02 .*\.text_apart .*\.rodata_apart .*\.eh_frame_hdr .*\.eh_frame' "$work/output"
check $? "what few programs need is in the last one"

# Where our code begins and ends (halt.h, cxx.c).
start=$(sed -n '3s/^[^ ]* \([^ ]*\) .*/\1/p' "$work/loaded")
size=$(sed -n '3s/^[^ ]* [^ ]* \([^ ]*\) .*/\1/p' "$work/loaded")
end=$(nm "$library" | sed -n 's/ . _end$//p')
[ $((0x$end)) -ge $((start + size)) ]
check $? "_end is behind all of it"
finish
