#!/bin/sh
# If this failed, `tagpool profile` would count what a program did not do, miss what it did, or
# change how it ends.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

# number KEY [TEXT]: a member of the JSON in $work/out, the first behind TEXT (default: "total").
number() {
    awk -v key="\"$1\":" -v section="${2:-\"total\":}" '
        index($0, section) { inside = 1 }
        inside && index($0, key) {
            sub(".*" key " *", "")
            sub(/[,}].*/, "")
            print
            exit
        }' "$work/out"
}

# expect KEY NUMBER SENTENCE
expect() {
    [ "$(number "$1")" = "$2" ]
    check $? "$3"
}

profile() {
    run profile --no-plain --style none --export-json - "$@"
}

# Nothing but these calls: no stdio.
compile known <<'C'
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int count, char **arguments) {
    static void *blocks[1000];
    void *aligned = NULL;
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    for (int i = 0; i < 1000; i++)
        blocks[i] = malloc(40);
    void *cleared = calloc(10, 30);
    for (int i = 0; i < 3; i++)
        cleared = realloc(cleared, 400 + 100 * i);
    cleared = realloc(cleared, 20);
    if (posix_memalign(&aligned, 256, 5000) != 0)
        return 1;
    malloc(70000);
    for (int i = 0; i < 900; i++)
        free(blocks[i]);
    free(NULL);
    free(aligned);
    cleared = realloc(cleared, 0);
    if (malloc((size_t)-1 / 2) != NULL)
        return 1;
    if (count == 1)
        return 0;
    if (strcmp(arguments[1], "_exit") == 0)
        _exit(9);
    if (strcmp(arguments[1], "exec") == 0)
        execl(arguments[0], arguments[0], (char *)NULL);
    if (strcmp(arguments[1], "fork") == 0 && fork() == 0) {
        for (int i = 900; i < 1000; i++)
            free(blocks[i]);
        free(malloc(10));
        _exit(0);
    }
    wait(NULL);
    if (strcmp(arguments[1], "signal") == 0)
        raise(atoi(arguments[2]));
    return 7;
}
C

profile -- "$work/known"
[ "$status" -eq 0 ] && [ ! -s "$work/err" ]
check $? 'a profile leaves the program its exit status and says nothing with --style none'
expect malloc_calls 1001 'calls of malloc are counted exactly'
expect calloc_calls 1 'calls of calloc'
expect realloc_calls 4 'calls of realloc'
expect aligned_calls 1 'calls of posix_memalign'
expect free_calls 902 'frees, realloc to 0 among them, free(NULL) not'
expect failed_calls 1 'a request that got no memory'
expect foreign_frees 0 'no free is without its allocation'
expect grown 3 'reallocs that grow'
expect shrunk 1 'reallocs that shrink'
expect calls 1909 'all calls'
peak=$(number peak_bytes '"processes":')
[ "$peak" -ge $((40000 + 5000 + 70000)) ] && [ "$peak" -le $((40000 + 5000 + 70000 + 600)) ]
check $? 'the peak of live memory is what was asked for'
live=$((100 * 40 + 70000))
[ "$(number blocks '"live": {')" = 101 ] && [ "$(number bytes '"live": {')" = "$live" ]
check $? 'what is live at the end is what was not freed'
grep -qF '{"bytes_max": 48, "calls": 1000, "bytes": 40000, "live": 100, "live_peak": 1000}' \
    "$work/out"
check $? 'sizes are counted in steps of 16 bytes'
grep -qF '{"bytes_max": 131072, "calls": 1, "bytes": 70000, "live": 1, "live_peak": 1}' "$work/out"
check $? 'and above 1024 bytes in powers of two'
grep -qF '{"reallocs_max": 7, "blocks": 1}' "$work/out"
check $? 'a block that was resized four times is one chain of four to seven'
lives=$(awk '/"requests": \{/ { inside = 1 } inside && /^ *\[/ {
    gsub(/[^0-9 ]/, ""); for (i = 1; i <= NF; i++) sum += $i }
    /"seconds": \{/ { print sum + 0; exit }' "$work/out")
[ "$lives" = 902 ]
check $? 'each freed block has one lifetime'
[ "$(number ended '"processes":')" = true ]
check $? 'a program that returns from main has ended'

for number in 6 9 15; do
    sh -c '"$@"; echo $? >&2' sh "$tagpool" profile --no-plain --style none --export-json - -- \
        "$work/known" signal "$number" >"$work/out" 2>"$work/err"
    status=$(tail -n 1 "$work/err")
    [ "$status" = $((128 + number)) ] && [ "$(number malloc_calls)" = 1001 ] &&
        [ "$(number ended '"processes":')" = false ]
    check $? "counts survive signal $number, and tagpool dies of it too"
done
profile -- "$work/known" _exit
[ "$status" -eq 9 ] && [ "$(number malloc_calls)" = 1001 ]
check $? 'counts survive _exit'
profile -- "$work/known" exec
processes=$(grep -c '"pid":' "$work/out")
[ "$status" -eq 0 ] && [ "$(number malloc_calls)" = 2002 ] && [ "$processes" = 2 ]
check $? 'counts survive exec, and what it executes is counted too'
profile -- "$work/known" fork
[ "$status" -eq 7 ] && [ "$(number malloc_calls)" = 1002 ] && [ "$(number free_calls)" = 1003 ] &&
    [ "$(number foreign_frees)" = 0 ] && [ "$(grep -c '"forked": true' "$work/out")" = 1 ]
check $? 'the child of a fork is counted, and its frees of blocks of its parent are known'
[ "$(number inherited_blocks '"forked": true')" = 101 ]
check $? 'the child begins with the blocks that lived'

# In the child: one block that it resized once itself, and one of its parent that it resized again.
compile resized <<'C'
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
    void *volatile block = realloc(malloc(100), 200);
    if (fork() == 0) {
        void *volatile own = realloc(malloc(10), 1000);
        block = realloc(block, 400);
        _exit(own == NULL || block == NULL);
    }
    wait(NULL);
    return 0;
}
C
profile -- "$work/resized"
sed -n '/"total"/,/"processes"/ s/.*\({"reallocs_max": .*}\).*/\1/p' "$work/out" >"$work/chains"
printf '{"reallocs_max": %s, "blocks": %s}\n' 1 2 3 1 | cmp -s - "$work/chains"
check $? 'a block is counted by its reallocs in each process that resized it, and once in each'

# The peak comes after 0.03 s, 0.06 s before the end, and for a moment; then so many calls that its
# sample is merged with the next one, which is lower.
compile shape <<'C'
#include <stdlib.h>
#include <unistd.h>
int main(void) {
    usleep(30000);
    free(malloc(1000000));
    void *volatile moves = malloc(100);
    void *volatile barrier = malloc(100);
    moves = realloc(moves, 50000);
    moves = realloc(moves, 50000);
    usleep(60000);
    for (int i = 0; i < 10000; i++)
        free(malloc(50));
    return moves == NULL || barrier == NULL;
}
C
profile -- "$work/shape"
expect moved 1 'a realloc that moves the block is counted'
expect moved_bytes 100 'it copies what the block held before'
[ "$(number grown)" = 1 ] && [ "$(number shrunk)" = 0 ]
check $? 'a realloc to the same size neither grows nor shrinks the block'
awk -v peak="$(number peak_seconds)" -v wall="$(number wall_seconds '"profiled"')" \
    'BEGIN { exit !(peak >= 0.03 && peak <= wall - 0.06) }'
check $? 'the time of the peak is known'
[ "$(sed -n 's/^ *{"seconds": .* "peak_bytes": \([0-9]*\)}.*/\1/p' "$work/out" | sort -n |
    tail -n 1)" = 1000000 ]
check $? 'the peak of a moment is not lost among the samples'

compile interrupted <tests/cli/programs/interrupted.c
profile -- "$work/interrupted"
[ "$status" -eq 0 ] && [ "$(number processes_missed '"schema"')" -ge 37 ]
check $? 'a signal handler may fork inside a call, more often than there is room for processes'

compile threads -lpthread <<'C'
#include <pthread.h>
#include <stdlib.h>
static void *blocks[5000];
static void *give(void *ignored) {
    for (int i = 0; i < 5000; i++)
        free(blocks[i]);
    return ignored;
}
static void *churn(void *ignored) {
    for (int i = 0; i < 20000; i++)
        free(malloc(1 + i % 500));
    return ignored;
}
int main(void) {
    pthread_t threads[4];
    for (int i = 0; i < 5000; i++)
        blocks[i] = malloc(24);
    pthread_create(&threads[0], NULL, give, NULL);
    pthread_join(threads[0], NULL);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, churn, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
C
profile -- "$work/threads"
expect malloc_calls 85000 'calls of threads that run at one time are counted exactly'
remote=$(number remote_frees)
[ "$remote" -ge 5000 ] && [ "$remote" -le 5010 ]
check $? 'a free from another thread than the allocation is told apart'
expect threads 6 'threads are counted'
expect untracked_calls 0 'and no block is lost'

run profile --no-try -- "$work/known"
[ "$status" -eq 0 ] && [ ! -s "$work/out" ] && grep -q ' times the .* of a plain run$' "$work/err"
check $? 'the report goes to standard error and says what counting cost'
[ "$(sed -n 3,4p "$work/err")" = "Advice
  whether tagpool helps was not tried: --no-try leaves that out." ]
check $? 'the advice comes first, and claims nothing that was not tried'

# tried PROGRAM: a trial of few rounds. What sleeps in one variant is slower or faster for certain:
# by its CPU time alone if the machine is busy and it sleeps for little.
tried() {
    run profile -r 6 --export-json "$work/tried.json" -- "$1"
    grep -o '"verdict": "[a-z ]*"' "$work/tried.json"
}
printf '#!/bin/sh\ncase $LD_PRELOAD in *libtagpool.so*) ;; *) sleep $pause ;; esac\n' >"$work/gains"
printf '#!/bin/sh\ncase $LD_PRELOAD in *libtagpool.so*) sleep $pause ;; esac\n' >"$work/loses"
chmod +x "$work/gains" "$work/loses"
tried_to_gain() {
    [ "$(tried "$work/gains")" = '"verdict": "faster"' ] &&
        grep -q '^  tagpool makes it faster, by a trial of 6 rounds: wall time faster, -' \
            "$work/err"
}
tried_to_lose() {
    [ "$(tried "$work/loses")" = '"verdict": "slower"' ]
}
calmly tried_to_gain && grep -qxF "    tagpool run -- $work/gains" "$work/err"
check $? 'a program that a trial shows to gain is advised to use tagpool'
calmly tried_to_lose &&
    grep -q '^  tagpool makes it slower, by a trial' "$work/err" &&
    ! grep -q '^    tagpool' "$work/err" && ! grep -qE 'node_max=|PYTHONMALLOC' "$work/err"
check $? 'one that a trial shows to lose is not, and nothing else is advised that was not tried'
run profile -- true
[ "$status" -eq 0 ] && grep -q '^  [0-9]* requests are too few for an allocator' "$work/err"
check $? 'a program of few requests needs no trial'
run profile -- sh -c 'echo out; echo err >&2; exit 3'
[ "$status" -eq 3 ] && [ "$(cat "$work/out")" = out ] && [ "$(grep -c '^err$' "$work/err")" = 1 ]
check $? 'the output of the plain run is thrown away, that of the profiled one is shown'
run profile --style none --export-json - -- sh -c 'echo words'
[ "$status" -eq 0 ] && [ "$(head -n 1 "$work/out")" = '{' ] && ! grep -q '^words' "$work/out" &&
    [ "$(cat "$work/err")" = words ]
check $? 'where the JSON goes to standard output, the program'"'"'s goes to standard error'
run profile --no-try --style none --output "$work/kept" -- sh -c 'echo words; echo err >&2'
[ "$status" -eq 0 ] && [ ! -s "$work/out" ] && [ "$(cat "$work/kept")" = words ] &&
    [ "$(cat "$work/err")" = err ]
check $? '--output takes the output of the counted run'
cat >"$work/runs" <<EOF
#!/bin/sh
echo >>"$work/run"
EOF
chmod +x "$work/runs"
refused 2 "tagpool profile: cannot write --output $work/no/such: No such file or directory" \
    'an output that cannot be written is refused' profile --output "$work/no/such" -- "$work/runs"
[ ! -e "$work/run" ]
check $? 'before the program has run at all'
refused 2 "tagpool profile: --output is inherit, null or a file; a file of that name is ./pipe \
(see 'tagpool help profile')" 'what compare alone does is refused' profile --output pipe -- ls
printf 'some\ninput\n' >"$work/input"
"$tagpool" profile --no-try --style none -- cat <"$work/input" >"$work/out" 2>"$work/err"
cmp -s "$work/input" "$work/out"
check $? 'both runs read the whole standard input'
printf 'piped' | "$tagpool" profile --no-plain --style none -- cat >"$work/out" 2>"$work/err"
[ "$(cat "$work/out")" = piped ]
check $? 'with --no-plain the program reads standard input itself'
run profile --try -r 2 -- "$work/known"
[ "$status" -eq 0 ] && grep -q '^tagpool against system' "$work/err"
check $? '--try prints the table of the comparison, too'

# stopped SIGNAL STATUS: sends the signal in the run without counting, to a program that makes a
# clean end.
stopped() {
    # shellcheck disable=SC2016 # the program expands it
    stop_at "$work/begun" "$1" profile --style none -- sh -c '
        trap "exit 0" INT TERM HUP; echo >>"$0"; sleep 600' "$work/begun"
    [ "$status" -eq "$2" ] && [ "$(wc -l <"$work/begun")" -eq 1 ] &&
        [ "$(cat "$work/err")" = 'tagpool profile: no profile: stopped in the run without '\
'counting, which --no-plain leaves out' ]
    check $? "SIG$1 ends the profile and not only the run without counting"
}
stopped INT 130
stopped TERM 143
stopped HUP 129
(
    trap '' HUP
    exec "$tagpool" profile --style none --export-json "$work/profile.json" \
        -- sh -c 'echo >"$0"; sleep 0.5' "$work/ignores"
) >"$work/out" 2>"$work/err" &
await test -s "$work/ignores"
kill -s HUP $!
wait $!
status=$?
[ "$status" -eq 0 ] && [ -s "$work/profile.json" ]
check $? 'a signal that is ignored, as under nohup, ends nothing'

# processes N: a profile of a shell that runs N children.
processes() {
    profile -- sh -c "i=0; while [ \$i -lt $1 ]; do /bin/true; i=\$((i + 1)); done"
}
processes 5
[ "$status" -eq 0 ] && [ "$(number processes_missed '"schema"')" = 0 ]
check $? 'a few processes find room'
processes 70
[ "$status" -eq 0 ] && [ "$(number processes_missed '"schema"')" -ge 7 ]
check $? 'processes beyond the room are counted'
profile -- sh -c "i=0; while [ \$i -lt 70 ]; do /bin/true; i=\$((i + 1)); done; '$work/threads'"
largest=$(sed -n 's/^ *"name": "\(.*\)",$/\1/p' "$work/out" | sed -n 2p)
[ "$status" -eq 0 ] && [ "$largest" = threads ]
check $? 'the largest process is kept where the small ones before it took all the room'
# shellcheck disable=SC3045 # dash and bash both have it
(ulimit -v 200000 && profile -- "$work/threads" && [ "$status" -eq 0 ] &&
    [ "$(number malloc_calls)" = 85000 ])
check $? 'a program runs under a limit of its address space'

refused 2 "tagpool profile: no program is named: tagpool profile -- PROGRAM (see 'tagpool help \
profile')" 'a profile needs a program' profile
refused 127 "tagpool profile: $work/gone: no such file; check the path" \
    'a program that is not there is 127' profile -- "$work/gone"
run profile --try --no-plain -- true
[ "$status" -eq 2 ]
check $? '--try without an input that can be read again is refused'
run profile --export-json "$work/no/such" -- true
[ "$status" -eq 2 ] && grep -q 'cannot write --export-json' "$work/err"
check $? 'an export that cannot be written is refused before the program runs'
run profile -- env -u LD_PRELOAD "$work/known"
[ "$status" -eq 0 ]
check $? 'a program that drops the library for what it executes still runs'
run profile --no-plain -- sh -c 'kill -9 $PPID; sleep 0.2'
[ "$status" -eq 137 ]
check $? 'tagpool itself can be killed'
rm -f "$TMPDIR"/tagpool-profile-*
run profile -- true
ls "$TMPDIR" >"$work/out"
[ ! -s "$work/out" ]
check $? 'no file is left behind'

finish
