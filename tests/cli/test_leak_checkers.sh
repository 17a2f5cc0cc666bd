#!/bin/sh
# If this failed, `tagpool run --check` would call something a leak that memcheck and LeakSanitizer
# do not, or would overlook one that they find.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

cat >"$work/keeper.c" <<'C'
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
struct node {
    struct node *next;
    char text[40];
};
static struct node *volatile variable;
static char *volatile into;
static _Thread_local struct node *volatile of_thread;
static pthread_key_t key;
/* Made in a function of their own, so that no copy of a pointer stays where main() goes on. */
__attribute__((noinline)) static struct node *make(struct node *next) {
    struct node *node = malloc(sizeof *node);
    memset(node, 0, sizeof *node);
    node->next = next;
    return node;
}
__attribute__((noinline)) static void lose(int blocks) {
    for (int i = 0; i < blocks; i++)
        variable = make(NULL);
    variable = NULL;
}
__attribute__((noinline)) static void lose_a_chain(void) {
    variable = make(make(make(NULL)));
    variable = NULL;
}
__attribute__((noinline)) static void lose_a_circle(void) {
    struct node *last = make(NULL);
    last->next = make(last);
    variable = last;
    variable = NULL;
}
__attribute__((noinline)) static void overwrite(void) {
    volatile char room[8192];
    memset((char *)room, 0, sizeof room);
}
static void *keep_in_a_thread(void *argument) {
    struct node *volatile on_the_stack = make(NULL);
    of_thread = make(NULL);
    pthread_setspecific(key, make(NULL));
    *(int *)argument = 1;
    for (;;)
        pause();
    return on_the_stack;
}
int main(int count, char **arguments) {
    static volatile int waits;
    const char *mode = count > 1 ? arguments[1] : "";
    struct node *volatile on_the_stack = NULL;
    pthread_key_create(&key, NULL);
    if (strcmp(mode, "lost") == 0) {
        lose(4);
        lose_a_chain();
        lose_a_circle();
    } else if (strcmp(mode, "kept") == 0) {
        variable = make(make(make(NULL)));
        on_the_stack = make(NULL);
        of_thread = make(NULL);
        pthread_setspecific(key, make(NULL));
    } else if (strcmp(mode, "into") == 0) {
        into = make(NULL)->text + 10;
    } else if (strcmp(mode, "thread") == 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, keep_in_a_thread, (void *)&waits);
        while (!waits)
            usleep(1000);
        lose(2);
    }
    overwrite();
    exit(on_the_stack != NULL && on_the_stack->next != NULL);
}
C
# shellcheck disable=SC2154 # of tap.sh
"$cc" -g -O1 -fno-builtin -pthread -o "$work/keeper" "$work/keeper.c"
export ASAN_OPTIONS='' LSAN_OPTIONS=''

# What each counts as lost, in blocks.
by_us() {
    run run --check -- "$work/keeper" "$1"
    sed -n 's/^tagpool run: check: 0 faults, \([0-9]*\) leaked block.*/\1/p' "$work/err"
}
by_memcheck() {
    valgrind --leak-check=full --show-possibly-lost=no "$work/keeper" "$1" 2>&1 |
        awk '/(definitely|indirectly) lost:/ { gsub(",", ""); sum += $(NF - 1) }
            END { print sum + 0 }'
}
by_sanitizer() {
    "$work/sanitized" "$1" 2>&1 |
        awk '/^SUMMARY:/ { for (i = 1; i < NF; i++) if ($(i + 1) ~ /^allocation/) sum += $i }
            END { print sum + 0 }'
}

for expected in 9:lost 0:kept 0:into 2:thread; do
    mode=${expected#*:}
    is "${expected%%:*}" "$(by_us "$mode")" "what is lost is counted: $mode"
done

sentence='LeakSanitizer finds the same blocks lost'
if "$cc" -g -O1 -fno-builtin -fsanitize=leak -pthread -o "$work/sanitized" "$work/keeper.c" \
    2>"$work/err" && "$work/sanitized" into >/dev/null 2>&1; then
    for expected in 9:lost 0:kept 0:into 2:thread; do
        mode=${expected#*:}
        is "${expected%%:*}" "$(by_sanitizer "$mode")" "$sentence: $mode"
    done
else
    skip "$sentence" 'it does not work here'
fi

sentence='memcheck finds the same blocks lost'
if ! command -v valgrind >/dev/null; then
    skip "$sentence" 'valgrind is not installed'
elif [ -n "${TAGPOOL_TEST_SYSTEM:-}" ]; then
    skip "$sentence" 'TAGPOOL_TEST_SYSTEM is set'
else
    is 9 "$(by_memcheck lost)" "$sentence: lost"
    is 0 "$(by_memcheck kept)" "$sentence: kept"
fi

# Many places.
compile places <<'C'
#include <stdlib.h>
#define LEAK1(n) \
    __attribute__((noinline)) static void leak_##n(void) { free(NULL); kept = malloc(100 + n); }
static void *volatile kept;
LEAK1(1) LEAK1(2) LEAK1(3) LEAK1(4) LEAK1(5) LEAK1(6) LEAK1(7) LEAK1(8) LEAK1(9) LEAK1(10)
LEAK1(11) LEAK1(12)
int main(void) {
    leak_1(); leak_2(); leak_3(); leak_4(); leak_5(); leak_6(); leak_7(); leak_8(); leak_9();
    leak_10(); leak_11(); leak_12();
    kept = NULL;
    return 0;
}
C
places() {
    grep -c '^tagpool run: leaked 1 block, .* allocated at:$' "$work/err"
}
run run --check -- "$work/places"
[ "$status" -eq 99 ] && [ "$(places)" -eq 10 ] &&
    head -n 2 "$work/err" | tail -n 1 | grep -q '^    leak_12 (' &&
    grep -q '^tagpool run: leaked 2 blocks, 203 bytes, allocated at 2 other places: --all-leaks' \
        "$work/err"
check $? 'ten places are told, those with most bytes first, and the rest in a sum'
run run --check --all-leaks -- "$work/places"
[ "$status" -eq 99 ] && [ "$(places)" -eq 12 ]
check $? '--all-leaks tells all'
printf '# known\n\nleak:leak_1\nleak_1[0-2]\nfault:leak_2\n  leak:nobody  \n' >"$work/known"
run run --check --suppress "$work/known" -- "$work/places"
[ "$status" -eq 99 ] && [ "$(places)" -eq 8 ] && ! grep -q 'leak_1[0-2]* (' "$work/err" &&
    grep -qx 'tagpool run: suppressed: 0 faults, 4 leaked blocks (434 bytes)' "$work/err" &&
    [ "$(tail -n 1 "$work/err")" = 'tagpool run: check: 0 faults, 8 leaked blocks (844 bytes)' ]
check $? '--suppress leaves out what a pattern names'
echo 'places' >"$work/known"
run run --check --suppress "$work/known" -- "$work/places"
[ "$status" -eq 0 ]
check $? 'a program of which all is suppressed ends with its own status'
refused 2 "tagpool run: --suppress: cannot read $work/none: No such file or directory" \
    'a file of patterns that is not there is refused' \
    run --check --suppress "$work/none" -- "$work/places"
run run --check --export-json "$work/json" -- "$work/places"
"$tagpool" run --check --export-json - -- "$work/places" 2>/dev/null | cmp -s - "$work/json" &&
    [ "$(grep -c '"function": "leak_[0-9]*"' "$work/json")" -eq 12 ] &&
    grep -q '"schema": "tagpool-check"' "$work/json"
check $? '--export-json writes all of it'
finish
