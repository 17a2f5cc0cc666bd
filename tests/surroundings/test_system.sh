#!/bin/sh
# If this failed, a program would not run under the library where the system is short of something:
# memory that may be promised, memory of its control group, mappings, /tmp, /proc, a standard
# error to write to.
#
# What changes a setting of the whole machine for a moment runs only in `make soak`, where nothing
# runs beside it, and only with TAGPOOL_TEST_SYSTEM=1.
set -u
# shellcheck source=tests/harness/tap.sh
. tests/harness/tap.sh

MAPPINGS_MOST=24 # of the library's own, in a program with 100 MiB of nodes and 9 threads
# Hardened, two for each large block and each inaccessible slab: half of what the system allows.
MAPPINGS_MOST_HARDENED=$((MAPPINGS_MOST + 2 * 8192 + 2 * 8192))
OVERCOMMIT=/proc/sys/vm/overcommit_memory
MAP_COUNT=/proc/sys/vm/max_map_count

cat >"$work/nodes.c" <<'C'
/* nodes MIB THREADS: takes MIB of nodes in each of THREADS + 1 threads, checks and frees them;
 * prints the number of mappings. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static size_t bytes;
static void *work(void *argument) {
    struct node { struct node *next; size_t number; char rest[80]; } *first = NULL;
    for (size_t i = 0; i < bytes / sizeof *first; i++) {
        struct node *node = malloc(sizeof *node);
        if (node == NULL)
            return NULL;
        memset(node->rest, (int)i, sizeof node->rest);
        node->number = i;
        node->next = first;
        first = node;
    }
    for (struct node *next; first != NULL; first = next) {
        next = first->next;
        if (first->rest[79] != (char)first->number)
            return NULL;
        free(first);
    }
    return argument;
}
int main(int count, char **arguments) {
    pthread_t thread[64];
    int threads = atoi(arguments[2]), mappings = 0, letter;
    bytes = (size_t)atoi(arguments[1]) << 20;
    setvbuf(stdout, malloc(4096), _IOFBF, 4096);
    for (int i = 0; i < threads; i++)
        if (pthread_create(&thread[i], NULL, work, thread) != 0)
            return 4;
    int failed = work(thread) == NULL;
    for (int i = 0; i < threads; i++) {
        void *result;
        pthread_join(thread[i], &result);
        failed |= result == NULL;
    }
    FILE *file = fopen("/proc/self/maps", "r");
    while (file != NULL && (letter = getc(file)) != EOF)
        mappings += letter == '\n';
    printf("%d\n", mappings);
    return failed;
}
C
cat >"$work/blocks.c" <<'C'
/* blocks COUNT BYTES: takes them, starts a thread, frees them; prints the number of mappings. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
static void *rest(void *argument) { return argument; }
int main(int count, char **arguments) {
    size_t most = strtoul(arguments[1], NULL, 10), bytes = strtoul(arguments[2], NULL, 10);
    char **block = calloc(most, sizeof *block);
    int mappings = 0, letter;
    pthread_t thread;
    for (size_t i = 0; i < most; i++) {
        if ((block[i] = malloc(bytes)) == NULL)
            return 2;
        block[i][0] = 1;
    }
    FILE *file = fopen("/proc/self/maps", "r");
    while (file != NULL && (letter = getc(file)) != EOF)
        mappings += letter == '\n';
    if (pthread_create(&thread, NULL, rest, NULL) != 0)
        return 3;
    pthread_join(thread, NULL);
    for (size_t i = 0; i < most; i++)
        free(block[i]);
    printf("%d\n", mappings);
    return 0;
}
C
"$cc" -O1 -fno-builtin -w -o "$work/nodes" "$work/nodes.c" -lpthread
"$cc" -O1 -fno-builtin -w -o "$work/blocks" "$work/blocks.c" -lpthread
"$cc" -O0 -g -fno-builtin -w -o "$work/parser" tests/misuse/fixtures/parser.c

shimmed() {
    env LD_PRELOAD="$library" TAGPOOL_OPTIONS="$options" "$@"
}

mappings() {
    run "$@"
    [ "$status" -eq 0 ] && tail -n 1 "$work/output"
}

few_mappings() {
    without=$(mappings "$work/nodes" 10 9)
    with=$(mappings shimmed "$work/nodes" 10 9)
    most=$((without + MAPPINGS_MOST))
    [ -n "$with" ] && [ -n "$without" ] && [ "$with" -le $most ]
    check $? "a program has at most $MAPPINGS_MOST mappings more ($options: $with, not $without)"
}

# More of them than the system allows mappings, if each had its own.
not_too_many_mappings() {
    with=$(mappings shimmed "$work/blocks" "$1" "$2")
    [ -n "$with" ] && [ "$with" -gt "$3" ] && [ "$with" -le $MAPPINGS_MOST_HARDENED ]
    check $? "$1 blocks of $2 bytes have at most $MAPPINGS_MOST_HARDENED mappings ($options: $with)"
}

# with_setting FILE VALUE SENTENCE COMMAND...: runs it while the machine has the setting.
with_setting() {
    setting=$1 value=$2 sentence="$3 ($options)"
    shift 3
    if [ "${TAGPOOL_TEST_SYSTEM:-}" != 1 ]; then
        skip "$sentence" "it changes the machine for a moment; TAGPOOL_TEST_SYSTEM=1 make soak does"
        return
    fi
    before=$(cat "$setting")
    if ! echo "$value" 2>/dev/null >"$setting"; then
        skip "$sentence" "${setting##*/} may not be set"
        return
    fi
    trap 'echo $before >"$setting"; rm -rf "$work"' EXIT
    run shimmed "$@"
    result=$status
    echo "$before" >"$setting"
    trap 'rm -rf "$work"' EXIT
    check "$result" "$sentence"
}

refuses_promises() {
    with_setting $OVERCOMMIT 2 \
        "nodes are had where the system promises no more memory than it has" "$work/nodes" 20 2
}

# Fewer mappings than the blocks would take, if each had its own.
allows_few_mappings() {
    with_setting $MAP_COUNT 150 "nodes are had where a process may have few mappings" \
        "$work/nodes" 20 2
    with_setting $MAP_COUNT 150 "large blocks are had where a process may have few mappings" \
        "$work/blocks" 400 100000
}

# Version 1 of control groups has a tree for each resource, version 2 one for all.
control_group() {
    sentence="nodes are had within the memory of a control group ($options)"
    if [ -e /sys/fs/cgroup/memory/memory.limit_in_bytes ]; then
        group=/sys/fs/cgroup/memory/tagpool-test-$$
        limit=$group/memory.limit_in_bytes
    elif [ -e /sys/fs/cgroup/cgroup.subtree_control ]; then
        group=/sys/fs/cgroup/tagpool-test-$$
        limit=$group/memory.max
    else
        skip "$sentence" "there are no control groups of memory here"
        return
    fi
    if ! mkdir $group 2>/dev/null; then
        skip "$sentence" "no control group can be made"
        return
    fi
    if [ -e $limit ] && echo 64M 2>/dev/null >$limit; then
        # shellcheck disable=SC2016 # the inner shell expands it
        run shimmed sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' $group \
            "$work/nodes" 10 2
        check "$status" "$sentence"
    else
        skip "$sentence" "the memory of a control group cannot be limited"
    fi
    # The kernel takes its time to see that nobody is left in it.
    for _ in 1 2 3 4 5 6 7 8 9; do
        rmdir $group 2>/dev/null && break
        sleep 0.1
    done
}

# apart SCRIPT: runs it with mounts of its own.
apart() {
    run env TAGPOOL_OPTIONS="$options" unshare -m sh -c "$1" "$library" "$work" "$build"
}

no_proc_and_full_tmp() {
    if ! unshare -m true 2>/dev/null; then
        skip "a program runs without /proc and with a full /tmp ($options)" \
            "no mounts of our own can be made"
        return
    fi
    apart 'mount -t tmpfs none /proc && LD_PRELOAD="$0" "$1/nodes" 10 2'
    check "$status" "a program runs without /proc ($options)"
    apart 'mount -t tmpfs none /proc && LD_PRELOAD="$0" "$1/parser" double_free'
    grep -q 'tagpool.*: double free of 0x' "$work/output"
    check $? "a fault is found without /proc ($options)"
    apart 'mkdir -p "$1/full" && mount -t tmpfs -o size=16k none "$1/full" &&
        export TMPDIR="$1/full" &&
        { head -c 65536 /dev/zero >"$TMPDIR/filling" 2>/dev/null || true; } &&
        LD_PRELOAD="$0" TAGPOOL_STATS="$TMPDIR/filling" "$1/nodes" 10 2 &&
        "$2/tagpool" run --stats -- "$1/nodes" 5 1'
    check "$status" \
        "a program runs, and is counted, with a full folder for temporary files ($options)"
}

closed_streams() {
    run env TAGPOOL_OPTIONS="$options" sh -c 'LD_PRELOAD="$0" "$1" double_free 2>&-' "$library" \
        "$work/parser"
    [ "$status" -eq 134 ]
    check $? "a fault ends a program that has closed its standard error ($options)"
    run env LD_PRELOAD="$library" TAGPOOL_OPTIONS="$options,on_fault=report" \
        sh -c '"$0" double_free 2>&-' \
        "$work/parser"
    check "$status" \
        "a reported fault lets a program go on that has closed its standard error ($options)"
    run env LD_PRELOAD="$library" TAGPOOL_OPTIONS="$options,on_fault=report" \
        sh -c '"$0" double_free 2>/dev/full' \
        "$work/parser"
    check "$status" \
        "a reported fault lets a program go on whose standard error takes nothing ($options)"
}

for options in strategy=metadata strategy=tagged pool_limit=4M,retain=0; do
    few_mappings
done
options=harden=on
few_mappings
not_too_many_mappings 35000 40000 16000
if [ -n "${TAGPOOL_TEST_LONG:-}" ]; then
    options=harden=on,guard=1
    not_too_many_mappings 36000 30000 16000
fi
for options in strategy=metadata harden=on; do
    refuses_promises
    allows_few_mappings
    control_group
    no_proc_and_full_tmp
    closed_streams
done
finish
