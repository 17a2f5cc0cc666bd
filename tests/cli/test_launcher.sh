#!/bin/sh
# If this failed, peak memory would be that of tagpool instead of the program's, or runs would go
# on after tagpool ended.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

compile hog <<'C'
#include <stdlib.h>
#include <string.h>
int main(int count, char **arguments) {
    size_t bytes = (size_t)atoi(count > 1 ? arguments[1] : "0") << 20;
    char *volatile block = malloc(bytes + 1);
    memset(block, 1, bytes + 1);
    free(malloc(10));
    return block[bytes] != 1;
}
C

# The peak of the system variant in KiB, as a whole number.
peak() {
    awk '/^  peak memory/ { value = $4; if ($5 == "MiB") value *= 1024; printf "%d\n", value }' \
    "$work/out"
}

# 48 MiB of input lie in tagpool's memory while a small program runs.
head -c 50331648 /dev/zero | "$tagpool" compare -r 1 -- "$work/hog" 0 >"$work/out" 2>"$work/err"
status=$?
[ "$(peak)" -gt 500 ] && [ "$(peak)" -lt 8192 ]
check $? 'the peak memory of a small program is its own'
run compare -r 1 -- "$work/hog" 40
[ "$(peak)" -gt 40960 ] && [ "$(peak)" -lt 49152 ]
check $? 'the peak memory of a large program is seen'

"$tagpool" compare --input null -- sh -c 'echo $$ >"$0"; exec sleep 600' "$work/pid" \
    >"$work/out" 2>"$work/err" &
child=$!
await test -s "$work/pid"
target=$(cat "$work/pid")
kill -s TERM "$child"
wait "$child"
status=$?
target_is_gone() {
    ! kill -0 "$target" 2>/dev/null
}
[ "$status" -eq 143 ] && await target_is_gone
check $? 'the program that runs ends with tagpool'
ls "$TMPDIR" >"$work/out"
[ ! -s "$work/out" ]
check $? 'a tagpool that is ended leaves no file behind'

# The file shared with the program becomes one that cannot be emptied for the next run.
run compare -- sh -c 'for file in "$TMPDIR"/tagpool-stats-*; do rm "$file"; mkfifo "$file"; done'
[ "$status" -eq 125 ] && grep -q '^tagpool compare: cannot reset ' "$work/err" &&
    [ -z "$(ls "$TMPDIR")" ]
check $? 'nor does one that fails'

# A parent that does not want to hear of its children leaves that to us.
if command -v perl >/dev/null; then
    deaf() {
        timeout 60 perl -e '$SIG{CHLD} = "IGNORE"; exec @ARGV' "$tagpool" "$@" >"$work/out" \
            2>"$work/err" </dev/null
        status=$?
    }
    deaf compare -r 1 -- "$work/hog" 40
    [ "$status" -eq 0 ] && [ "$(peak)" -gt 40960 ] && [ "$(peak)" -lt 49152 ]
    check $? 'runs are measured where SIGCHLD was ignored'
    deaf run --check -o leaks=off -- "$work/hog" 1
    [ "$status" -eq 0 ] && grep -q ' check: 0 faults, ' "$work/err"
    check $? 'and a check comes to its end'
else
    skip 'runs are measured where SIGCHLD was ignored' 'perl is not installed'
fi

run compare -r 1 --style none --output inherit -- sh -c 'ls -l /proc/$$/fd'
! grep -vE ' [012] -> ' "$work/out" | grep -qE '(socket|memfd|tagpool)'
check $? 'the program inherits no descriptor of ours'
finish
