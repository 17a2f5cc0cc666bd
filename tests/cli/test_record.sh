#!/bin/sh
# If this failed, a recording would not be what the program did, a replay would not do it again, or
# a damaged block or a damaged trace would go unnoticed.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

trace=$work/trace

# recorded CALLS THREADS END: what the last recording said.
recorded() {
    grep -qE "^tagpool record: $trace: $1 calls of [^ ]+ in [0-9.]+ [KM]?i?B, $2, at most [0-9.]+ \
[KM]?i?B live; $3\$" "$work/err"
}

# trace_is_sound CALLS: the trace can be replayed, and every block is intact.
trace_is_sound() {
    run replay --verify "$trace"
    [ "$status" -eq 0 ] && [ "$(cat "$work/out")" = "$trace: $1 calls replayed under 2 allocators, \
every block intact" ]
}

compile known -lpthread <<'C'
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
static void *blocks[1000];
static void *churn(void *ignored) {
    for (int i = 0; i < 5000; i++)
        free(realloc(malloc(1 + i % 300), 700));
    return ignored;
}
int main(int count, char **arguments) {
    const char *wish = count > 1 ? arguments[1] : "";
    pthread_t threads[3];
    void *aligned = NULL;
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    for (int i = 0; i < 1000; i++)
        blocks[i] = malloc((size_t)i);
    void *cleared = calloc(10, 30);
    cleared = realloc(cleared, 4000);
    cleared = realloc(cleared, 20);
    if (posix_memalign(&aligned, 256, 5000) != 0)
        return 1;
    for (int i = 999; i >= 0; i -= 2)
        free(blocks[i]);
    free(NULL);
    free(aligned);
    cleared = realloc(cleared, 0);
    for (int i = 0; strcmp(wish, "threads") == 0 && i < 3; i++)
        pthread_create(&threads[i], NULL, churn, NULL);
    for (int i = 0; strcmp(wish, "threads") == 0 && i < 3; i++)
        pthread_join(threads[i], NULL);
    if (strcmp(wish, "_exit") == 0)
        _exit(9);
    if (strcmp(wish, "exec") == 0)
        execl(arguments[0], arguments[0], (char *)NULL);
    if (strcmp(wish, "fork") == 0 && fork() == 0) {
        for (int i = 0; i < 1000; i += 2)
            free(blocks[i]);
        exit(0);
    }
    wait(NULL);
    if (strcmp(wish, "signal") == 0)
        raise(atoi(arguments[2]));
    return strcmp(wish, "") == 0 ? 0 : 7;
}
C
# 1000 malloc, calloc, 2 realloc, posix_memalign, 500 + 2 free
calls=1506

run record -o "$trace" -- "$work/known"
[ "$status" -eq 0 ] && [ ! -s "$work/out" ] && recorded $calls '1 thread' 'the program ended'
check $? 'every call is recorded'
trace_is_sound $calls
check $? 'and can be replayed'
run record -q -o "$trace" -- "$work/known" _exit
[ "$status" -eq 9 ] && [ ! -s "$work/err" ]
check $? '-q says nothing, and the exit status is the program'"'"'s'
trace_is_sound $calls
check $? 'a recording survives _exit'
for number in 9 15; do
    sh -c '"$@"; echo $? >&2' sh "$tagpool" record -q -o "$trace" -- "$work/known" signal \
        "$number" 2>"$work/err"
    status=$(tail -n 1 "$work/err")
    [ "$status" = $((128 + number)) ] && trace_is_sound $calls &&
        grep -q 'holds only the beginning of the run' "$work/err"
    check $? "a recording survives signal $number, and a replay says that it is not the whole run"
done
run record -o "$trace" -- "$work/known" exec
[ "$status" -eq 0 ] && recorded $calls '1 thread' 'the program ended' && trace_is_sound $calls
check $? 'what a program executes in its place is recorded in its place'
run record -o "$trace" -- "$work/known" fork
[ "$status" -eq 7 ] && recorded $calls '1 thread' 'the program ended' &&
    grep -q 'one process was recorded and 1 left out; --process NAME chooses' "$work/err" &&
    trace_is_sound $calls
check $? 'the child of a fork is left out, and it is said'
run record -o "$trace" --process known -- sh -c "\"$work/known\"; true"
[ "$status" -eq 0 ] && recorded $calls '1 thread' 'the program ended'
check $? '--process chooses the program that is recorded'
run record -o "$work/new" --process missing -- "$work/known"
[ "$status" -eq 3 ] && [ "$(cat "$work/err")" = 'tagpool record: no trace: no process was called '\
'missing' ] && [ ! -e "$work/new" ] && [ ! -e "$work/new.part" ]
check $? 'a program that never came is named, and no trace is left'
cp "$trace" "$work/good"
run record -o "$trace" --process missing -- "$work/known"
[ "$status" -eq 3 ] && cmp -s "$work/good" "$trace" && [ ! -e "$trace.part" ]
check $? 'nor is one lost that was there before'
chmod 640 "$trace"
ln -s trace "$work/link"
run record -o "$work/link" -- "$work/known"
[ "$status" -eq 0 ] && [ -L "$work/link" ] && [ "$(stat -c %a "$trace")" = 640 ] &&
    ! cmp -s "$work/good" "$trace" && [ ! -e "$trace.sealed" ] && trace_is_sound $calls
check $? 'a new trace takes its place, behind a link too, with its mode'
run record -o "$trace" -- "$work/known" threads
[ "$status" -eq 7 ] && recorded '46[0-9]{3}' '4 threads' 'the program ended'
check $? 'all threads are recorded'
all=$(sed -n 's/.*: \([0-9]*\) calls of.*/\1/p' "$work/err")
trace_is_sound "$all"
check $? 'in an order in which a replay can perform them, in as many threads'
"${CC:-cc}" -shared -fPIC -fno-builtin -O1 -o "$work/lonely.so" -x c - -ldl <<'C'
/* malloc serves the thread that loaded it, and no other. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
static pthread_t owner;
__attribute__((constructor)) static void load(void) { owner = pthread_self(); }
void *malloc(size_t bytes) {
    static void *(*next)(size_t);
    if (next == NULL)
        next = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
    return owner == 0 || pthread_equal(owner, pthread_self()) ? next(bytes) : NULL;
}
C
"$tagpool" replay --verify - <"$trace" >"$work/out" 2>"$work/err"
grep -q 'calls replayed under 2 allocators, every block intact$' "$work/out"
check $? 'a trace can come from standard input'
# shellcheck disable=SC2002 # a pipe is what is tested
cat "$trace" | "$tagpool" replay --verify - >"$work/out" 2>"$work/err"
grep -q 'calls replayed under 2 allocators, every block intact$' "$work/out"
check $? 'and from a pipe'
run replay --verify -a "lonely=$work/lonely.so" "$trace"
[ "$status" -eq 3 ] && grep -q 'with lonely .*the allocator has no memory' "$work/err"
check $? 'the calls of each thread come from a thread'
run replay --verify --single-thread -a "lonely=$work/lonely.so" "$trace"
[ "$status" -eq 0 ]
check $? 'or from one for all, with --single-thread'
run record --limit 1 -o "$trace" -- "$build/workloads/replace" -n 2000000
[ "$status" -eq 0 ] && recorded '[0-9]+' '1 thread' \
    'the limit of the file was reached; the rest of the run is left out' &&
    [ "$(wc -c <"$trace")" -le $((1048576 + 1024)) ]
check $? 'a recording ends at its limit, and says so'
all=$(sed -n 's/.*: \([0-9]*\) calls of.*/\1/p' "$work/err")
trace_is_sound "$all"
check $? 'and is sound up to there'
(ulimit -f 2 && run record -o "$trace" -- "$work/known" && [ "$status" -eq 0 ] &&
    grep -q 'there was no room for more, on the disk or in memory' "$work/err")
check $? 'a file that may not grow ends the recording and not the program'

compile interrupted <tests/cli/programs/interrupted.c
run record -o "$trace" -- "$work/interrupted"
all=$(sed -n 's/.*: \([0-9]*\) calls of.*/\1/p' "$work/err")
[ "$status" -eq 0 ] && trace_is_sound "$all" && [ "$all" -gt 10000 ]
check $? 'children that a signal handler forks inside a call leave the recording alone'

compile outlives <<'C'
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
int main(int count, char **arguments) {
    for (int i = 0; i < 50000; i++)
        free(malloc(100));
    close(creat(arguments[1], 0666)); /* go on */
    while (access(arguments[2], F_OK) != 0)
        usleep(10000);
    for (int i = 0; i < 3000000; i++)
        free(malloc(100));
    return count - 3;
}
C
run record -q -o "$trace" --process outlives -- sh -c '
    ("$0" "$1/begun" "$1/over"; echo $? >"$1/ended") >/dev/null 2>&1 &
    while [ ! -e "$1/begun" ]; do sleep 0.05; done' "$work/outlives" "$work"
trace_is_sound 100000
check $? 'a process that outlives the run is recorded up to its end'
: >"$work/over"
await test -s "$work/ended"
[ "$(cat "$work/ended")" = 0 ] && [ ! -e "$trace.part" ] && trace_is_sound 100000
check $? 'and goes on unharmed afterwards'

# ---- what is wrong with traces ----

run record -q -o "$trace" -- "$work/known"
refuse_trace() {
    run replay "$work/bad"
    [ "$status" -eq 3 ] && [ ! -s "$work/out" ] && [ "$(wc -l <"$work/err")" -eq 1 ] &&
        grep -qF "tagpool replay: $work/bad: $1" "$work/err"
    check $? "$2"
}
head -c 1000 "$trace" >"$work/bad"
refuse_trace 'the trace is cut short; record it again' 'a truncated trace is refused in one line'
head -c 100 "$trace" >"$work/bad"
refuse_trace 'it is not a trace: it is shorter' 'so is one cut in its head'
cat "$trace" "$trace" >"$work/bad"
refuse_trace 'there is something behind the end' 'so is one that was appended to'
{
    head -c 900 "$trace"
    printf '\377\377'
    tail -c +903 "$trace"
} >"$work/bad"
refuse_trace 'the trace is damaged' 'so is one with changed bytes'
head -c 5000 /dev/urandom >"$work/bad"
refuse_trace 'it is not a trace: make one with' 'so is any other file'
"$tagpool" record -q -o "$work/killed" -- sh -c 'kill -9 $PPID; sleep 0.2' 2>"$work/err"
mv "$work/killed.part" "$work/bad"
refuse_trace 'the recording was not finished' 'so is what a killed tagpool record left'
# ---- what is wrong with allocators ----

"${CC:-cc}" -shared -fPIC -fno-builtin -O1 -o "$work/overlap.so" -x c - <<'C'
/* Blocks are 16 bytes shorter than they were asked for. */
#include <stddef.h>
#include <string.h>
static _Alignas(4096) char arena[64 << 20];
static size_t used;
void *malloc(size_t bytes) {
    size_t need = bytes > 40 ? (bytes - 16 + 15) / 16 * 16 : (bytes + 31) / 16 * 16;
    used += need;
    return arena + used - need;
}
void *calloc(size_t count, size_t bytes) { return memset(malloc(count * bytes), 0, count * bytes); }
void *memalign(size_t alignment, size_t bytes) {
    used = (used + alignment - 1) / alignment * alignment;
    return malloc(bytes);
}
void *realloc(void *old, size_t bytes) {
    void *block = malloc(bytes);
    return old != NULL && block != NULL ? memmove(block, old, bytes) : block;
}
void free(void *block) { (void)block; }
C
run replay --verify -a "overlap=$work/overlap.so" "$trace"
[ "$status" -eq 3 ] && grep -q 'with overlap the program ended with exit status 3' "$work/err" &&
    grep -qE 'call [0-9]+: a block was damaged before it was (freed|resized)' "$work/err"
check $? '--verify finds an allocator whose blocks overlap'
"${CC:-cc}" -shared -fPIC -fno-builtin -O1 -o "$work/forget.so" -x c - -ldl <<'C'
/* realloc forgets what was in the block. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
void *realloc(void *old, size_t bytes) {
    if (old != NULL && bytes == 4000)
        return calloc(1, bytes);
    void *(*next)(void *, size_t) = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
    return next(old, bytes);
}
C
run replay --verify -a "forget=$work/forget.so" "$trace"
[ "$status" -eq 3 ] && grep -q 'realloc did not keep what was in a block' "$work/err"
check $? '--verify finds a realloc that does not keep the contents'

# ---- measuring ----

run record -q -o "$trace" -- "$build/workloads/replace" -n 50000
run replay -r 6 --strategy direct "$trace"
[ "$status" -eq 0 ] && [ ! -s "$work/err" ] &&
    [ "$(grep -cE '^  (system|tagpool|tagpool direct) +[0-9.]+ ns ' "$work/out")" -eq 3 ] &&
    [ "$(grep -cE '%  ? ?\[[-+0-9.]+ \.\.\. [-+0-9.]+\]' "$work/out")" -eq 2 ]
check $? 'a replay says what a call costs under each allocator and strategy'
run replay -r 2 --export-json - "$trace"
[ "$status" -eq 0 ] && [ "$(grep -c '"real_ns": [1-9]' "$work/out")" -eq 4 ] &&
    grep -q '"schema": "tagpool-replay"' "$work/out" && [ -s "$work/err" ]
check $? '--export-json holds every round'
refused 2 "tagpool replay: cannot write --export-json $work/no/such: No such file or directory" \
    'a report that cannot be written is refused before anything is replayed' \
    replay --export-json "$work/no/such" "$trace"
refused 2 "tagpool replay: --verify measures nothing; leave out --export-json (see 'tagpool help \
replay')" 'what is not measured is not exported' replay --verify --export-json - "$trace"
run replay -r 1 "$trace" --style none
[ "$status" -eq 0 ] && [ ! -s "$work/out" ]
check $? 'options may follow the file'

refused 2 "tagpool record: no file is named for the trace: tagpool record -o FILE -- PROGRAM (see \
'tagpool help record')" 'a recording needs a file' record -- true
refused 2 "tagpool record: no program is named: tagpool record -o FILE -- PROGRAM (see 'tagpool \
help record')" 'and a program' record -o "$trace"
refused 2 "tagpool record: cannot write --output $work/no/such: No such file or directory" \
    'a file that cannot be made is named' record -o "$work/no/such" -- true
refused 2 "tagpool record: cannot write --output /dev/null: a trace has to be a file" \
    'a trace has to be a file' record -o /dev/null -- true
refused 2 "tagpool replay: no trace is named: tagpool replay FILE (see 'tagpool help replay')" \
    'a replay needs a trace' replay
refused 2 "tagpool replay: cannot read $work/gone: No such file or directory" \
    'a trace that is not there is named' replay "$work/gone"
refused 2 "tagpool replay: one file at a time, not 'two' too (see 'tagpool help replay')" \
    'one trace at a time' replay one two
run replay --strategy none "$trace"
[ "$status" -eq 2 ] && grep -q "^tagpool replay: strategy is .* or .*, not 'none'" "$work/err"
check $? 'an unknown strategy is refused'
run help
grep -q '^  record ' "$work/out" && grep -q '^  replay ' "$work/out" &&
    ! grep -q 'replay-child' "$work/out"
check $? 'help lists the commands, and not the one that is for tagpool alone'
ls "$TMPDIR" >"$work/out"
[ ! -s "$work/out" ]
check $? 'no file is left behind'

# ---- Ctrl-C ----

run record -q -o "$trace" -- "$work/known"
# Background programs of a shell ignore Ctrl-C. Each run leaves its times in a file.
setsid env --default-signal=INT "$tagpool" replay --duration 60 --export-json "$work/json" \
    "$trace" >"$work/out" 2>"$work/err" </dev/null &
rounds_are_done() {
    [ "$(cat "$TMPDIR"/tagpool-replay-* 2>/dev/null | wc -c)" -gt 2000 ]
}
await rounds_are_done
kill -s INT -- -$!
wait $!
status=$?
[ "$status" -eq 130 ] && [ ! -s "$work/err" ] && grep -qE '^ +tagpool .* ns ' "$work/out" &&
    grep -q '"schema": "tagpool-replay"' "$work/json"
check $? 'Ctrl-C ends a replay, and the rounds so far are reported and exported'
finish
