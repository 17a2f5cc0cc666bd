#!/bin/sh
# If this failed, `tagpool run --check` would keep silent about what it could not count, or would
# not explain what it counted besides a program's own leaks.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

compile leaver -lpthread <<'C'
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static void *idle(void *nothing) {
    pause();
    return nothing;
}
int main(int count, char **arguments) {
    pthread_t thread;
    static void *volatile block;
    block = malloc(100);
    if (strcmp(arguments[1], "thread") == 0)
        pthread_create(&thread, NULL, idle, NULL);
    if (strcmp(arguments[1], "child") == 0 && fork() == 0)
        _exit(0);
    wait(NULL);
    if (strcmp(arguments[1], "_exit") == 0)
        _exit(0);
    free(block);
    return 0;
}
C
clean='tagpool run: check: 0 faults, 0 leaked blocks (0 bytes)'
gone='did not leave by exit(): their leaks are not counted'
run run --check -- "$work/leaver" exit
[ "$status" -eq 0 ] && [ "$(cat "$work/err")" = "$clean" ]
check $? '--check counts the leaks of a program that leaves by exit, and says no more'
run run --check -- "$work/leaver" _exit
[ "$status" -eq 0 ] && printf '%s\ntagpool run: note: 1 of 1 processes %s\n' "$clean" "$gone" |
    cmp -s - "$work/err"
check $? 'of one that leaves by _exit it says that its leaks are not counted'
run run --check -- "$work/leaver" child
[ "$status" -eq 0 ] && grep -qxF "tagpool run: note: 1 of 2 processes $gone" "$work/err"
check $? 'and so it does of a child alone'
run run --check -- "$work/leaver" thread
[ "$status" -eq 0 ] && head -n 1 "$work/err" | grep -q "^tagpool run: still reachable: " &&
    [ "$(tail -n 1 "$work/err")" = "$clean" ]
check $? 'what a thread that still runs keeps is no leak'

# Of a program that ends before its first call nothing is known, but how it ended is.
compile ends <<'C'
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int count, char **arguments) {
    if (strcmp(arguments[1], "abort") == 0)
        abort();
    if (strcmp(arguments[1], "segv") == 0)
        *(volatile int *)8 = 1;
    if (strcmp(arguments[1], "double") == 0) {
        void *volatile block = malloc(40);
        free(block);
        free(block);
        abort();
    }
    _exit(arguments[1][0] - '0');
}
C
unseen='tagpool run: check: no result: the shim saw no call of '
# seen STATUS JSON: of the run before
seen() {
    [ "$status" -eq "$1" ] && grep -q "^  \"status\": \"$2\",\$" "$work/found" &&
        grep -q "^  \"$3," "$work/found" && grep -q '"processes_not_ended": 1' "$work/found"
}
for end in abort:134:'signal": 6' segv:139:'signal": 11' 5:5:'exit_status": 5' \
    0:126:'exit_status": 0'; do
    way=${end%%:*}
    rest=${end#*:}
    run run --check --export-json "$work/found" -- "$work/ends" "$way"
    seen "${rest%%:*}" 'no result' "${rest#*:}" && grep -q "^$unseen" "$work/err"
    check $? "a program that ends before its first call ends it as it did: $way"
done
run run --check --export-json "$work/found" -- "$work/ends" double
seen 99 found 'signal": 6'
check $? 'a fault that was found is a result, whatever comes after it'

# ---- what is asked for together ----

for option in '--all-leaks' '--suppress /dev/null' "--export-json $work/none"; do
    # shellcheck disable=SC2086 # an option and its value
    refused 2 "tagpool run: ${option%% *} is about what --check finds; add --check, or leave it \
out (see 'tagpool help run')" "without --check, ${option%% *} is refused" run $option -- ls
done
run run --check --export-json - -- sh -c 'echo said'
[ "$status" -eq 0 ] && [ "$(head -n 1 "$work/out")" = '{' ] && grep -qx said "$work/err" &&
    ! grep -q '^said' "$work/out"
check $? "with the JSON on standard output, the program's output goes to standard error"

# A library or a program of another release would misread what is found. Here the head of the file
# is written over: its version, and how many processes took it.
cat >"$work/other" <<'S'
printf '\001' | dd of="$TAGPOOL_FINDINGS" bs=1 seek=8 conv=notrunc status=none
exec "$1" exit
S
cat >"$work/nobody" <<'S'
printf '\000' | dd of="$TAGPOOL_FINDINGS" bs=1 seek=40 conv=notrunc status=none
S
release='library and program must be of one release'
run run --check -- sh "$work/other" "$work/leaver"
grep -q "^tagpool\[[0-9]*\]: TAGPOOL_FINDINGS: the file has another layout; $release\$" \
    "$work/err" &&
    grep -qx "tagpool run: note: check: no stacks: the findings file has another layout; $release" \
        "$work/err"
check $? 'library and program refuse a findings file of another release'
run run --check -- sh "$work/nobody"
[ "$status" -eq 125 ] && grep -q "check: no result: .*; $release\$" "$work/err"
check $? 'and the program gives no result if the library took none'

# One library has the C++ library linked in, the other uses the shared one: what one makes with
# malloc, the other frees with operator delete, and the other way round.
crossing() {
    sentence='blocks cross between a shared and a linked-in C++ library without a fault'
    cxx=${CXX:-c++}
    cat >"$work/maker.cpp" <<'C'
#include <string>
std::string make() { return std::string(100, 'a'); }
void unmake(std::string *text) { delete text; }
C
    cat >"$work/user.cpp" <<'C'
#include <string>
std::string make();
void unmake(std::string *text);
int main() {
    std::string text = make();
    unmake(new std::string(50, 'b'));
    return text.size() != 100;
}
C
    if ! "$cxx" -shared -fPIC -static-libstdc++ -Wl,--exclude-libs,ALL -o "$work/libmaker.so" \
        "$work/maker.cpp" 2>"$work/err" ||
        ! "$cxx" -Wl,-rpath,"$work" -o "$work/user" "$work/user.cpp" "$work/libmaker.so"; then
        skip "$sentence" "no C++ compiler, or no static C++ library"
        return
    fi
    for options in strategy=metadata strategy=tagged harden=on; do
        run run -o "$options" -- "$work/user"
        [ "$status" -eq 0 ] && [ ! -s "$work/err" ]
        check $? "$sentence: $options"
    done
    # The linked-in library keeps the memory of its exceptions to the end, in a variable.
    run run --check -- "$work/user"
    [ "$status" -eq 0 ] && [ "$(tail -n 1 "$work/err")" = "$clean" ] &&
        head -n 1 "$work/err" | grep -q '^tagpool run: still reachable: '
    check $? "--check calls such a program neither faulty nor leaky"
    run run --check -o forms=on -- "$work/user"
    [ "$status" -eq 99 ] && grep -q ': possible form mismatch at free of ' "$work/err"
    check $? "it does where forms=on asks for it, and says that it may be"
}
crossing
finish
