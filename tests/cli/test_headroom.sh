#!/bin/sh
# If this failed, the headroom would be measured by other calls than the program's, or a reason why
# there is no gain would be missing where it holds, or be given where it does not.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

# ---- inflation: what the allocator behind libtagpool-trace.so gets to see ----

# Stands behind the library and counts.
compile counter.so -shared -fPIC <<'C'
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
extern void *__libc_malloc(size_t bytes);
extern void __libc_free(void *block);
static unsigned taken;
void *malloc(size_t bytes) {
    taken += bytes == 777 || bytes == 99999;
    return __libc_malloc(bytes);
}
void free(void *block) { __libc_free(block); }
unsigned counter_taken(void) { return taken; }
C
compile user <<'C'
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
int main(int count, char **arguments) {
    size_t bytes = count > 1 ? 99999 : 777;
    for (int i = 0; i < 100; i++)
        free(malloc(bytes));
    unsigned (*taken)(void) = (unsigned (*)(void))dlsym(RTLD_DEFAULT, "counter_taken");
    printf("%u\n", taken != NULL ? taken() : 0);
    return 0;
}
C
# counted K [ARGUMENT]: calls of the program's size that arrive with so many extra pairs.
counted() {
    pairs=$1
    shift
    TAGPOOL_INFLATE=$pairs LD_PRELOAD="$build/libtagpool-trace.so $work/counter.so" \
        "$work/user" "$@" >"$work/out" 2>"$work/err"
    status=$?
    cat "$work/out"
}
[ "$(counted 0)" = 100 ] && [ "$(counted 1)" = 200 ] && [ "$(counted 2)" = 300 ]
check $? 'k extra pairs follow each request'
[ "$(counted 2 large)" = 100 ]
check $? 'large requests are left alone'
[ "$(counted x)" = 100 ] && [ "$(counted 12)" = 100 ] && [ "$(counted '')" = 100 ]
check $? 'a number that is none adds nothing'

# ---- when it is measured ----

compile work <<'C'
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
int main(int count, char **arguments) {
    const char *what = count > 1 ? arguments[1] : "";
    int large = strcmp(what, "large") == 0, few = strcmp(what, "few") == 0;
    volatile unsigned sum = 0;
    if (strcmp(what, "wait") == 0)
        usleep((useconds_t)(1e6 * atof(getenv("pause"))));
    for (int i = 0; i < (few ? 1 : large ? 2000 : 20000); i++)
        free(malloc(large ? 5000 : 50));
    for (unsigned i = 0; few && i < 10000000; i++)
        sum += i;
    return 0;
}
C
pause=0.5 run compare -r 1 -- "$work/work" wait
[ "$status" -eq 0 ] && ! grep -q '^Headroom' "$work/out"
check $? 'without --headroom it is left out where it would cost much'
run compare --duration 3 -m 70 -M 80 -- "$work/work"
[ "$status" -eq 0 ] && grep -q '^Headroom' "$work/out"
check $? 'it is measured where it costs less than a quarter of the rounds'
run compare --duration 3 -m 70 -M 80 --no-headroom -- "$work/work"
! grep -q '^Headroom' "$work/out"
check $? '--no-headroom leaves it out'
run compare -r 6 --headroom --reference tagpool -- "$work/work"
[ "$status" -eq 0 ] && ! grep -q '^Headroom' "$work/out"
check $? 'it is the system allocator that is inflated, not the shim'
echo input | "$tagpool" compare -r 6 --headroom --profile -- grep -q input >"$work/out" \
    2>"$work/err"
status=$?
[ "$status" -eq 0 ] && grep -q '^Headroom' "$work/out"
check $? 'the input that was read from a pipe serves those runs too'

# ---- reasons ----

# reasons FILE: the keys of the reasons in a result.
reasons() {
    sed -n 's/.*"key": "\([a-z_]*\)", "matters": \(true\|false\).*/\1 \2/p' "$1"
}
run compare -r 6 --export-json "$work/few.json" -- "$work/work" few
reasons "$work/few.json" >"$work/err"
grep -q '^few_calls ' "$work/err" && grep -q '^tiny_live_set ' "$work/err"
check $? 'few calls are a reason'
waits() {
    run compare -r 6 --export-json "$work/wait.json" -- "$work/work" wait
    reasons "$work/wait.json" >"$work/err"
    grep -q '^waiting ' "$work/err" && ! grep -q '^few_calls ' "$work/err"
}
calmly waits
check $? 'waiting is a reason'
grep -q '^short_run ' "$work/err" && ! grep -q '"loading_seconds": null' "$work/wait.json"
check $? 'and does not hide that it is a short run: what takes long are other programs, or waiting'
# More programs than processors, which never wait for anything.
burners=''
# shellcheck disable=SC2086,SC2154 # the numbers are words
trap 'kill $burners 2>/dev/null; rm -rf "$work"' EXIT
for _ in $(seq $(($(nproc) * 2 + 1))); do
    (while :; do :; done) &
    burners="$burners $!"
done
run compare -r 6 --no-headroom --export-json "$work/busy.json" -- "$work/work" few
# shellcheck disable=SC2086 # the numbers are words
kill $burners
burners=''
reasons "$work/busy.json" >"$work/err"
grep -q '^queued true' "$work/err" && ! grep -q '^waiting ' "$work/err"
check $? 'a busy machine is not taken for waiting'
run compare -r 6 --export-json "$work/large.json" -- "$work/work" large
reasons "$work/large.json" >"$work/err"
grep -q '^few_nodes ' "$work/err" && grep -q '^short_run ' "$work/err"
check $? 'large blocks and a short run are reasons'
# A gain for certain: without the shim the program sleeps.
printf '#!/bin/sh\ncase $LD_PRELOAD in *libtagpool.so*) ;; *) sleep $pause ;; esac\n' >"$work/gains"
chmod +x "$work/gains"
gains() {
    run compare -r 8 --export-json "$work/gains.json" -- "$work/gains"
    reasons "$work/gains.json" >"$work/err"
    grep -q ' false$' "$work/err" && ! grep -q '^Reason: ' "$work/out"
}
calmly gains
check $? 'where there is a gain the reasons are kept, but not shown'
printf '#!/bin/sh\ncase $LD_PRELOAD in *libtagpool.so*) sleep $pause ;; esac\n' >"$work/loses"
chmod +x "$work/loses"
export pause=0.1
run compare -r 8 --export-json "$work/loses.json" -- "$work/loses"
reasons "$work/loses.json" | grep -v '^target' >"$work/err"
grep -q ' true$' "$work/err" && grep -q '^Reason: ' "$work/out"
check $? 'where there is none they are shown'
finish
