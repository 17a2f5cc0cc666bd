#!/bin/sh
# If this failed, the doctor would call a program well that the shim cannot serve, or the reverse.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

compile work <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int count, char **arguments) {
    const char *what = count > 1 ? arguments[1] : "";
    const char *preload = getenv("LD_PRELOAD");
    size_t bytes = strcmp(what, "large") == 0 ? 5000 : 50;
    for (int i = 0; i < 1000; i++)
        free(malloc(bytes));
    if (strcmp(what, "differs") == 0)
        puts(preload != NULL ? "with" : "without");
    return strcmp(what, "fails") == 0 ? 7 : 0;
}
C
run doctor -- "$work/work"
[ "$status" -eq 0 ] && [ ! -s "$work/err" ] && [ "$(grep -c '^ok    ' "$work/out")" -eq 4 ] &&
    [ "$(grep -cv '^ok    ' "$work/out")" -eq 0 ] &&
    grep -qE '^ok    the shim saw 1[0-9]{3} calls in 1 process$' "$work/out"
check $? 'a program that the shim serves is well'
run doctor -- "$work/work" large
[ "$status" -eq 0 ] && grep -qE '^note  its pools served only [0-9.]+ % of them' "$work/out"
check $? 'a program of large blocks is told that there is little to gain'
TAGPOOL_OPTIONS=strategy=direct run doctor -- "$work/work"
[ "$status" -eq 0 ] && [ "$(grep '^note  ' "$work/out")" = "note  TAGPOOL_OPTIONS is set to \
strategy=direct, which every variant with the shim gets; unset it to measure the defaults
note  strategy=direct passes all of them on: there is nothing to gain; leave it out of \
TAGPOOL_OPTIONS" ]
check $? 'options that are set already are named, and what they do is not blamed on the program'
cp "$work/work" "$work/python3"
run doctor --no-run -- "$work/python3"
[ "$status" -eq 0 ] && [ "$(head -n 1 "$work/out")" = "note  Python has an arena of its own for \
objects of up to 512 bytes: the shim cannot reach these" ] &&
    grep -q '^note  the shim reaches larger blocks' "$work/out" &&
    grep -q '^note  PYTHONMALLOC=malloc switches the arena off' "$work/out"
check $? 'of a program with an arena of its own the doctor says what the shim can reach'
PYTHONMALLOC=malloc run doctor --no-run -- "$work/python3"
[ "$status" -eq 0 ] && grep -q '^note  PYTHONMALLOC=malloc switches the arena of Python off' \
    "$work/out" && ! grep -q 'cannot reach' "$work/out"
check $? 'and of one whose arena is switched off that nobody runs it so'
run doctor -- "$work/work" differs
[ "$status" -eq 1 ] &&
    grep -q "^fail  no verdict: the program's standard output differs" "$work/out"
check $? 'a program that does something else under the shim is not'
run doctor -- "$work/work" fails
[ "$status" -eq 1 ] && grep -q "^fail  .* ended with exit status 7" "$work/out"
check $? 'a program that fails is not'
run doctor -i -- "$work/work" fails
[ "$status" -eq 0 ]
check $? 'unless that is how it has to end'
run doctor -- date +%N
[ "$status" -eq 0 ] &&
    grep -q '^note  its output or exit status changes from run to run' "$work/out"
check $? 'a program whose output changes by itself is told so'
MALLOC_ARENA_MAX=1 run doctor --no-run -- "$work/work" fails
[ "$status" -eq 0 ] && grep -q '^note  MALLOC_ARENA_MAX is set' "$work/out" &&
    grep -q "^ok    $work/work can be given another allocator" "$work/out"
check $? '--no-run only looks'

if echo 'int main(void) { return 0; }' | compile static -static 2>/dev/null; then
    run doctor -- "$work/static"
    [ "$status" -eq 1 ] && [ "$(cat "$work/out")" = "fail  $work/static is statically linked: \
LD_PRELOAD cannot reach it; use a dynamically linked build" ]
    check $? 'a static program is out of reach'
else
    skip 'a static program is out of reach' 'no static C library'
fi
refused 127 "tagpool doctor: no-such-program: not found in PATH; check the spelling or give its \
path" 'a program that is not there' doctor -- no-such-program
refused 2 "tagpool doctor: no program is named: tagpool doctor -- PROGRAM (see 'tagpool help \
doctor')" 'no program at all' doctor
finish
