#!/bin/sh
# If this failed, `tagpool profile --sites` would name the wrong place for an allocation, lose some,
# or guess wrongly from a sample.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

# sites OPTION... -- PROGRAM: a profile of one run, whose JSON is left in $work/sites.json. No
# symbolizer is found: names come from the symbol tables, which is quicker.
mkdir "$work/bin"
sites() {
    PATH="$work/bin" "$tagpool" profile --no-plain --style none --export-json "$work/sites.json" \
        "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
}

# count NAME: that count of all sites.
count() {
    sed -n "/\"sites\": {/,/\"frames\"/ s/.*\"total\": {.*\"$1\": \([0-9]*\).*/\1/p" \
        "$work/sites.json"
}

# Sums of a count over all stacks of the sites, of sizes, of a number of all processes; a counter.
stacks() {
    sed -n "/\"stacks\": \[/,/^    \]/ s/.*\"$1\": \([0-9]*\).*/\1/p" "$work/sites.json" |
        awk '{ sum += $1 } END { printf "%.0f\n", sum }'
}
total() {
    sed -n "/\"total\": {\$/,/\"processes\"/ s/.*\"$1\": \([0-9]*\).*/\1/p" "$work/sites.json" |
        head -n 1
}
sizes() {
    sed -n "/\"total\": {\$/,/\"processes\"/ s/.*\"bytes_max\".*\"$1\": \([0-9]*\).*/\1/p" \
        "$work/sites.json" | awk '{ sum += $1 } END { printf "%.0f\n", sum }'
}
processes() {
    sed -n "/\"processes\": \[/,\$ s/^ *\"$1\": \([0-9]*\).*/\1/p" "$work/sites.json" |
        awk '{ sum += $1 } END { printf "%.0f\n", sum }'
}

# agree SENTENCE: the sums of the sites are the profile's.
agree() {
    printf '%s %s %s %s\n' "$(stacks calls)" "$(stacks bytes)" "$(stacks live_bytes)" \
        "$(stacks peak_bytes)" >"$work/out"
    printf '%s %s %s %s\n' "$(sizes calls)" "$(sizes bytes)" "$(processes bytes)" \
        "$(processes peak_bytes)" >"$work/err"
    [ "$status" -eq 0 ] && cmp -s "$work/out" "$work/err" && [ "$(stacks calls)" -gt 0 ]
    check $? "$1"
}

compile known -g <<'C'
#include <stdlib.h>
struct node { struct node *next; char text[40]; };
static struct node *list;
__attribute__((noinline)) static void keep(void) {
    struct node *node = malloc(sizeof *node); /* line 5 */
    node->next = list;
    list = node;
}
__attribute__((noinline)) static void churn(void) {
    free(malloc(100)); /* line 10 */
}
__attribute__((noinline)) static void *grow(void *block, size_t bytes) {
    return realloc(block, bytes); /* line 13 */
}
__attribute__((noinline)) static void deep(int depth) {
    if (depth > 0)
        deep(depth - 1);
    else
        churn();
}
int main(void) {
    for (int i = 0; i < 5000; i++)
        keep();
    while (list != NULL) {
        struct node *next = list->next;
        free(list);
        list = next;
    }
    for (int i = 0; i < 40; i++)
        deep(i);
    void *block = NULL;
    for (size_t i = 1; i <= 100; i++)
        block = grow(block, 1000 * i);
    free(block);
    return 0;
}
C
run profile --no-plain --sites=2 --export-json "$work/sites.json" --export-folded "$work/folded" \
    -- "$work/known"
cp "$work/err" "$work/table"
agree 'the sums of the sites are those of the profile: calls, bytes, live, at the peak'
[ "$(count frees)" = "$(total free_calls)" ] && [ "$(count calls)" = "$(stacks calls)" ]
check $? 'so are the frees, and the total is the sum of the stacks'

# ranked TITLE: the first site below that title.
ranked() {
    sed -n "/^  $1/ { n; p; }" "$work/table"
}
ranked 'by calls' | grep -qE '^ +5000 .* keep \(known\.c:5\) < main$|^ +5000 .* keep \(in known\)'
check $? 'the site with the most calls is named, with its line where a tool is installed'
ranked 'by bytes$' | grep -qE ' 4\.8. MiB .* grow \('
check $? 'the site with the most bytes is that of the reallocs'
ranked 'by bytes live at the peak' | grep -qE ' 234 KiB +100\.0 %.* keep \('
check $? 'the site with the most bytes at the peak is that of what was live then'
ranked 'by short life' | grep -qE '^ +39 .* churn \('
check $? 'the site of short-lived blocks is named, whatever the depth of the recursion'
grep -q '"module": ".*/known"' "$work/sites.json" && grep -q '"function": "keep"' "$work/sites.json"
check $? 'the JSON has modules and functions'

# ---- folded ----

! grep -vqE '^[^;]+(;[^;]+)* [0-9]+$' "$work/folded" && [ -s "$work/folded" ]
check $? 'each line of the folded form is frames, semicolons between, and a number'
[ "$(awk '{ sum += $NF } END { print sum }' "$work/folded")" = "$(count calls)" ]
check $? 'its numbers add up to the calls'
grep -qE '(^|;)main;keep 5000$' "$work/folded"
check $? 'the outermost frame comes first, the allocator is left out'
[ -z "$(sed 's/ [0-9]*$//' "$work/folded" | sort | uniq -d)" ]
check $? 'each stack stands once'
run profile --no-plain --style none --export-folded - --folded-by peak -- "$work/known"
[ "$status" -eq 0 ] && [ "$(awk '{ sum += $NF } END { print sum }' "$work/out")" = 240000 ]
check $? 'it can have the bytes live at the peak, on standard output'

# ---- tools ----

# Nothing but the symbol table, then nothing at all.
PATH="$work/bin" "$tagpool" profile --no-plain --sites=1 -- "$work/known" 2>"$work/err"
status=$?
[ "$status" -eq 0 ] && grep -q 'neither llvm-symbolizer nor addr2line' "$work/err" &&
    grep -q '  keep (in known) < main$' "$work/err"
check $? 'without a tool names come from the symbol table, and that is said'
if command -v strip >"$work/output"; then
    strip -o "$work/bare" "$work/known"
    run profile --no-plain --sites=1 -- "$work/bare"
    [ "$status" -eq 0 ] && grep -qE ' bare\+0x[0-9a-f]+ \(stripped\)' "$work/err"
    check $? 'in a stripped program places are offsets, and why is said'
else
    skip 'in a stripped program places are offsets' 'strip is not installed'
fi

# ---- processes and threads ----

compile forks -g <<'C'
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static void *kept[300];
__attribute__((noinline)) static void parent(int i) { kept[i] = malloc(50); }
__attribute__((noinline)) static void child(int i) { kept[i] = malloc(70); }
int main(void) {
    for (int i = 0; i < 100; i++)
        parent(i);
    for (int process = 0; process < 3; process++)
        if (fork() == 0) {
            for (int i = 0; i < 50; i++)
                free(kept[i]);
            for (int i = 100; i < 300; i++)
                child(i);
            _exit(0);
        }
    while (wait(NULL) > 0)
        ;
    return 0;
}
C
sites --sites -- "$work/forks"
agree 'children of a fork have sites of their own, and what they inherited'
sites --export-folded "$work/folded" -- "$work/forks"
grep -q ';child 600$' "$work/folded" && grep -q ';parent 100$' "$work/folded"
check $? 'a stack stands once for all processes'

# The parent frees and allocates on while its children begin.
compile interrupted <tests/cli/programs/interrupted.c
sites --sites -- "$work/interrupted"
agree 'a child has what lived when it was forked, in the profile too'

# shellcheck disable=SC2016 # the program expands it
sites --sites -- /bin/sh -c 'i=0; while [ $i -lt 66 ]; do /bin/true; i=$((i + 1)); done'
agree 'where there are more processes than the profile has room for, both keep the same'

compile threads -g -lpthread <<'C'
#include <pthread.h>
#include <stdlib.h>
static void *work(void *ignored) {
    void *kept[64] = {NULL};
    for (int i = 0; i < 20000; i++) {
        free(kept[i % 64]);
        kept[i % 64] = malloc(1 + i % 500);
    }
    for (int i = 0; i < 64; i++)
        free(kept[i]);
    return ignored;
}
int main(void) {
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
C
sites --sites -- "$work/threads"
agree 'threads that allocate at one time lose no call'

compile killed -g <<'C'
#include <signal.h>
#include <stdlib.h>
int main(void) {
    for (int i = 0; i < 1000; i++)
        if (malloc(10) == NULL)
            return 1;
    return raise(SIGKILL);
}
C
sites --sites -- "$work/killed"
[ "$status" -eq 137 ] && [ "$(stacks calls)" -ge 1000 ] && status=0
agree 'a program that is killed leaves its sites'

# The library is closed before the report, and another, whose code is not at the same places, lies
# where it lay.
for name in first second; do
    printf '#include <stdlib.h>\nint %s(int a, int b) { return a %% b; }
        void *%s_makes(void) { return malloc(77); }\n' "$name" "$name" >"$work/$name.c"
    [ $name = first ] || printf 'int more(int a) { return a / 7; }\n%s\n' "$(cat "$work/$name.c")" \
        >"$work/$name.c"
    "$cc" -g -O1 -fno-builtin -fno-optimize-sibling-calls -shared -fPIC -o "$work/lib$name.so" \
        "$work/$name.c"
done
compile closes -ldl <<'C'
#include <dlfcn.h>
#include <stdlib.h>
static void use(const char *path, const char *name) {
    void *library = dlopen(path, RTLD_NOW);
    void *(*make)(void) = library == NULL ? NULL : (void *(*)(void))dlsym(library, name);
    if (make == NULL)
        exit(1);
    for (int i = 0; i < 50; i++)
        free(make());
    dlclose(library);
}
int main(int count, char **words) {
    use(words[1], "first_makes");
    use(words[2], "second_makes");
    return count != 3;
}
C
sites --export-folded "$work/folded" -- "$work/closes" \
    "$work/libfirst.so" "$work/libsecond.so"
[ "$status" -eq 0 ] && grep -q ';first_makes 50$' "$work/folded" &&
    grep -q ';second_makes 50$' "$work/folded"
check $? 'code of libraries that were closed since is named'

# ---- bounds ----

# 131072 stacks and more, each another way through the recursion.
compile many -g <<'C'
#include <stdlib.h>
__attribute__((noinline)) static void both(int depth, unsigned way) {
    free(malloc(16));
    if (depth > 0) {
        both(depth - 1, 2 * way);
        both(depth - 1, 2 * way + 1);
    }
    __asm__ volatile("" : : "r"(way));
}
int main(void) {
    both(17, 1);
    return 0;
}
C
sites --sites -- "$work/many"
[ "$status" -eq 0 ] && [ "$(count calls)" = "$(sizes calls)" ] && [ "$(count calls)" -gt 262000 ] &&
    [ "$(count bytes)" = "$(sizes bytes)" ]
check $? 'where the table of stacks is full every call is counted still'
grep -q '"stacks_missed": [1-9]' "$work/sites.json"
check $? 'and what found no room is told'

# shellcheck disable=SC3045 # dash and bash both have it
(ulimit -v 300000 && sites --sites -- "$work/known" && [ "$(stacks calls)" = "$(sizes calls)" ] &&
    [ "$(stacks calls)" -ge 5140 ])
check $? 'a program runs under a limit of its address space'

# ---- samples ----

# The spread of an estimate is the root of distance / bytes: here 1 % of the bytes, and 10 % of what
# is live, of which the peak is the highest of many estimates.
compile large -g <<'C'
#include <stdlib.h>
__attribute__((noinline)) static void *small(void) { return malloc(24); }
__attribute__((noinline)) static void *big(void) { return malloc(3000); }
int main(void) {
    static void *kept[4096];
    for (unsigned i = 0; i < 400000; i++) {
        free(kept[i % 4096]);
        kept[i % 4096] = i % 40 == 0 ? big() : small();
    }
    return 0;
}
C
run profile --no-plain --sites --sample 4K --export-json "$work/sites.json" \
    --export-folded "$work/folded" -- "$work/large"
cp "$work/err" "$work/table"
# near FOUND WANTED PERCENT
near() {
    awk -v found="$1" -v wanted="$2" -v percent="$3" 'BEGIN {
        off = 100 * (found / wanted - 1)
        exit !(off > -percent && off < percent)
    }'
}
near "$(stacks bytes)" 39360000 6
check $? 'the bytes are estimated from a sample'
near "$(sed -n 's/.*;small \([0-9]*\)$/\1/p' "$work/folded")" 390000 12 &&
    near "$(sed -n 's/.*;big \([0-9]*\)$/\1/p' "$work/folded")" 10000 12
check $? 'and the calls of each site, small blocks and large ones'
near "$(stacks peak_bytes)" 403440 60
check $? 'and what is live at the peak'
agree 'the sums of the sites are those of the profile, estimates too'
grep -qE 'all counts are estimates from [0-9]{4} samples, a point every 4\.00 KiB on average$' \
    "$work/table" && grep -q '"sample_bytes": 4096' "$work/sites.json"
check $? 'the report says that they are'
run profile --no-plain --sites --sample 3M --export-json "$work/sites.json" -- "$work/large"
cp "$work/err" "$work/table"
samples=$(stacks samples)
[ "$samples" -lt 30 ] && [ "$(grep -cE "rough estimates from $samples samples?, a point every \
3\.00 MiB on average" "$work/table")" -eq 2 ] && grep -q 'that is too few for sizes' "$work/table"
check $? 'where it rests on few samples it says on how many, and that it is rough'
grep -qE '^ +~[1-9]0* +~[1-9]0* % +#1 ' "$work/table" &&
    grep -qE '^  #1  ~[1-9]0* calls, .*; from [0-9]+ samples?$' "$work/table" &&
    ! grep -q 'Requests by size' "$work/table"
check $? 'and gives one digit'
run profile --no-plain --sites --sample 1024G -- "$work/known"
! grep -q 'too few for an allocator to matter' "$work/err" && grep -q ' from 0 samples' "$work/err"
check $? 'a sample without a request is no program without requests'
sites --sample 1 -- "$work/known"
[ "$(stacks samples)" = "$(stacks calls)" ]
check $? 'of a sample of every byte each call is a sample'
[ "$(stacks calls)" -ge 5140 ]
agree 'a sample of every byte leaves out nothing'
# 42000 bytes of the children: the spread is 11 %.
sites --sample 512 --export-folded "$work/folded" -- "$work/forks"
near "$(sed -n 's/.*;child \([0-9]*\)$/\1/p' "$work/folded")" 600 66
check $? 'children of a fork are sampled'
agree 'the sums of their sites are those of the profile'
sites --sample 4K -- "$work/threads"
near "$(stacks bytes)" 20040000 12
check $? 'so are threads'

refused 2 "tagpool profile: --sample wants a number of bytes from 1 to 1024G, not '0' (see \
'tagpool help profile')" 'a sample of nothing is refused' profile --sample 0 -- true
refused 2 "tagpool profile: --sites wants a whole number from 1 to 100, not '0' (see 'tagpool help \
profile')" 'no sites are refused' profile --sites=0 -- true
refused 2 "tagpool profile: --export-json and --export-folded both go to standard output; give \
one of them a file" 'two files on standard output are refused' \
    profile --export-json - --export-folded - -- true
run profile --no-plain --style none --sites=3 -- "$work/known"
[ "$status" -eq 0 ]
check $? 'the number of sites is part of the word'
ls "$TMPDIR" >"$work/out"
[ ! -s "$work/out" ]
check $? 'no file is left behind'

finish
