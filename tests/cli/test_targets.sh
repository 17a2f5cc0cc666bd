#!/bin/sh
# If this failed, tagpool would measure a program that the shim cannot reach and report "no
# difference".
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

echo 'int main(void) { return 0; }' | compile silent

for command in run compare; do
    refused 127 "tagpool $command: no-such-program: not found in PATH; check the spelling or give \
its path" \
        "$command: a program that is not in PATH" "$command" -- no-such-program
    refused 127 "tagpool $command: $work/none: no such file; check the path" \
        "$command: a path that does not exist" "$command" -- "$work/none"
    refused 127 "tagpool $command: the program's name is empty; give its name or its path" \
        "$command: an empty name" "$command" -- ''
    refused 126 "tagpool $command: $work: is a directory; name the program in it" \
        "$command: a directory" "$command" -- "$work"
    echo 'text' >"$work/text"
    refused 126 "tagpool $command: $work/text: is not executable; chmod +x makes it so" \
        "$command: a file that is not executable" "$command" -- "$work/text"
done

if echo 'int main(void) { return 0; }' | compile static -static 2>/dev/null; then
    text="$work/static is statically linked: LD_PRELOAD cannot reach it; use a dynamically linked \
build"
    refused 126 "tagpool run: $text" 'a static program is refused by run' run -- "$work/static"
    refused 126 "tagpool compare: $text" 'a static program is refused by compare' \
        compare -- "$work/static"
else
    skip 'a static program is refused' 'no static C library'
fi

compile own -rdynamic <<'C'
#include <stddef.h>
void *malloc(size_t bytes);
void free(void *block);
static char arena[1 << 20];
static size_t used;
void *malloc(size_t bytes) {
    used += (bytes + 15) / 16 * 16;
    return arena + used - (bytes + 15) / 16 * 16;
}
void free(void *block) { (void)block; }
int main(void) { return malloc(1) == NULL; }
C
text="$work/own exports its own malloc, which wins over LD_PRELOAD; use a build without it"
refused 126 "tagpool run: $text" 'a program with a malloc of its own is refused by run' \
    run -- "$work/own"
refused 126 "tagpool compare: $text" 'a program with a malloc of its own is refused by compare' \
    compare -- "$work/own"

echo 'void free(void *block) { (void)block; } int main(void) { return 0; }' |
    compile part -rdynamic -w
refused 126 "tagpool run: $work/part exports its own free, which wins over LD_PRELOAD; use a build \
without it" 'a program with a part of the family is refused' run -- "$work/part"

# The name of the loader is enough to tell.
sed 's|/lib64/ld-linux-x86-64.so.2|/lib/ld-musl-x86_64.so.1\x00\x00\x00|
    s|/lib/ld-linux-aarch64.so.1|/lib/ld-musl-aarch64.so.1\x00|' "$work/silent" >"$work/musl"
chmod +x "$work/musl"
if grep -q ld-musl "$work/musl" && ! cmp -s "$work/musl" "$work/silent"; then
    text="$work/musl is linked with musl, and libtagpool.so is built for glibc"
    refused 126 "tagpool run: $text" 'a program of musl is refused' run -- "$work/musl"
else
    skip 'a program of musl is refused' 'there is no program of glibc here'
fi

if [ "$(id -u)" -eq 0 ]; then
    cp "$work/silent" "$work/setuid"
    chown 65534 "$work/setuid" && chmod 4755 "$work/setuid"
    program=$work/setuid
else
    program=$(find /usr/bin /bin -maxdepth 1 -perm -4001 -user root 2>/dev/null | head -n 1)
fi
if [ -n "$program" ]; then
    refused 126 "tagpool run: $program is set-user-id: the loader ignores LD_PRELOAD for it; run \
it as \
its owner or measure a copy without the bit" 'a set-user-id program is refused' run -- "$program"
else
    skip 'a set-user-id program is refused' 'there is none'
fi

# The head of an ELF file for another machine is enough to tell.
head -c 4096 "$work/silent" >"$work/foreign"
printf '\001' | dd of="$work/foreign" bs=1 seek=4 conv=notrunc 2>/dev/null
chmod +x "$work/foreign"
refused 126 "tagpool run: $work/foreign is for another machine or word size than libtagpool.so; \
use a \
build of the program for this one" 'a 32-bit program is refused' run -- "$work/foreign"

shell=$(command -v sh)
printf '#!%s\necho "script $1"\n' "$shell" >"$work/script"
chmod +x "$work/script"
run run -- "$work/script" argument
[ "$status" -eq 0 ] && [ "$(cat "$work/out")" = 'script argument' ] && [ ! -s "$work/err" ]
check $? 'a script runs under the shim without a word'
run compare -r 2 -- "$work/script" argument
[ "$status" -eq 0 ] && grep -qxF "tagpool compare: note: $work/script is a script: what the shim \
serves \
is its interpreter, $shell" "$work/err"
check $? 'compare names the interpreter of a script'
printf '#!/usr/bin/env -S sh -e\nexit 0\n' >"$work/script"
run compare -r 2 -- "$work/script"
grep -q "is its interpreter, .*/sh$" "$work/err"
check $? 'compare looks behind env for the interpreter'
printf 'echo plain "$1"\n' >"$work/script"
run run -- "$work/script" words
[ "$status" -eq 0 ] && [ "$(cat "$work/out")" = 'plain words' ]
check $? 'a script that names no interpreter is run by the shell'
printf '#!%s -x\n' "$work/none" >"$work/script"
for command in run compare doctor; do
    refused 127 "tagpool $command: $work/script: its interpreter $work/none cannot be found (No \
such file or directory); correct its first line" "$command: a script whose interpreter is missing" \
        "$command" -- "$work/script"
done
printf '#!/bin/sh\r\necho\r\n' >"$work/script"
for command in run compare doctor; do
    refused 127 "tagpool $command: $work/script: its first line ends in a carriage return, which \
counts as part of its interpreter's name, /bin/sh; convert the file to Unix line ends" \
        "$command: a script with the line ends of another system" "$command" -- "$work/script"
done

MALLOC_ARENA_MAX=1 run compare -r 2 -- "$shell" -c :
grep -qxF "tagpool compare: note: MALLOC_ARENA_MAX is set and changes the system allocator; \
unset it to measure the default" "$work/err"
check $? 'a variable that changes the system allocator is named'

LD_PRELOAD=libc.so.6 run compare -r 2 --export-json "$work/preload.json" -- "$shell" -c :
grep -qxF "tagpool compare: note: LD_PRELOAD is set to libc.so.6, which every variant gets: if \
that is an allocator, it is what 'system' measures; unset it to measure the system's own" \
    "$work/err" && grep -A 1 '"environment"' "$work/preload.json" | grep -q '"preload": "libc.so.6"'
check $? 'what is preloaded in every variant is named'
TAGPOOL_OPTIONS=strategy=direct run compare -r 6 --export-json "$work/direct.json" -- "$shell" -c :
grep -qxF "tagpool compare: note: TAGPOOL_OPTIONS is set to strategy=direct, which every variant \
with the shim gets; unset it to measure the defaults" "$work/err" &&
    grep -q '"options": "strategy=direct"' "$work/direct.json" &&
    ! grep -qE '"(few_nodes|tiny_live_set)"' "$work/direct.json"
check $? 'and so are options that are set, and what they do is not blamed on the program'
run report --export-json "$work/again.json" "$work/direct.json"
cmp -s "$work/direct.json" "$work/again.json"
check $? 'a saved result keeps them'

refused 3 "tagpool compare: no verdict on tagpool: the shim was loaded but saw no call; \
$work/silent \
allocates nothing, or has an allocator of its own" 'without a call there is no verdict' \
    compare -r 2 -- "$work/silent"
# A library that is loaded and is no shim stands for a shim that the loader could not take.
mkdir "$work/lib"
echo 'int nothing;' | compile lib/libtagpool.so -shared -fPIC
export TAGPOOL_LIBRARY="$work/lib/libtagpool.so"
refused 3 "tagpool compare: no verdict on tagpool: the shim was not active; sh was not given \
LD_PRELOAD, \
dropped it, or stops the library from loading" 'without the shim there is no verdict' \
    compare -r 2 -- sh -c :

# ---- shims of version managers ----

unset TAGPOOL_LIBRARY
mkdir -p "$work/manager/bin" "$work/manager/shims" "$work/manager/real"
compile manager/real/python3 <<'C'
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) {
    FILE *said = getenv("SAID") != NULL ? fopen(getenv("SAID"), "w") : NULL;
    for (int i = 1; said != NULL && i < argc; i++)
        fprintf(said, "%s%s", i > 1 ? " " : "", argv[i]);
    if (said != NULL)
        fclose(said);
    for (int i = 0; i < 2000; i++)
        free(malloc(50));
    return 0;
}
C
cat >"$work/manager/bin/fooenv" <<'S'
#!/bin/sh
root=$(dirname "$0")/..
case $1 in
which) echo "$(cd "$root" && pwd)/real/$2" ;;
exec) shift; for i in 1 2 3 4 5; do (/bin/true); done; exec "$root/real/$@" ;;
esac
S
cat >"$work/manager/shims/python3" <<S
#!/usr/bin/env bash
set -e
program="\${0##*/}"
exec "$work/manager/bin/fooenv" exec "\$program" "\$@"
S
chmod +x "$work/manager/bin/fooenv" "$work/manager/shims/python3"
cp "$work/manager/shims/python3" "$work/real-shim"
note="$work/manager/shims/python3 is a shim of fooenv, which has to find the program first: \
measured is $work/manager/real/python3 itself"
run compare -r 1 --export-json "$work/shim.json" -- "$work/manager/shims/python3"
[ "$status" -eq 0 ] && [ "$(cat "$work/err")" = "tagpool compare: note: $note" ] &&
    grep -q '"processes": 1,' "$work/shim.json"
check $? 'a shim of a version manager is followed to the program'
run doctor -- "$work/manager/shims/python3"
[ "$status" -eq 0 ] && [ "$(head -n 1 "$work/out")" = "note  $note" ] &&
    grep -q 'in 1 process$' "$work/out"
check $? 'by the doctor, too'
run profile --no-try --style none --export-json - -- "$work/manager/shims/python3"
[ "$status" -eq 0 ] && [ "$(grep -c '"pid":' "$work/out")" -eq 1 ]
check $? 'and in a profile'
# A script names its interpreter in one of these ways; arguments stay in order.
for line in "$work/manager/shims/python3" "/usr/bin/env python3" "/usr/bin/env -S python3 -u"; do
    printf '#!%s\nprint()\n' "$line" >"$work/script.py"
    chmod +x "$work/script.py"
    SAID=$work/said PATH=$work/manager/shims:$PATH run compare -r 1 \
        --export-json "$work/shim.json" -- "$work/script.py" one
    [ "$status" -eq 0 ] && grep -q "note: $work/script.py is run by $work/manager/shims/python3, \
a shim of fooenv, .* measured is $work/manager/real/python3 with the script$" "$work/err" &&
        grep -q '"processes": 1,' "$work/shim.json"
    check $? "so is the one that runs a script which begins with #!$line"
done
is "-u $work/script.py one" "$(cat "$work/said")" 'with the arguments in order'
# Links to one program: those of mise, volta and rustup.
while read -r program manager; do
    mkdir -p "$work/$manager/links"
    printf '#!/bin/sh\nexit 9\n' >"$work/$manager/$program"
    printf '#!/bin/sh\n[ "$1" = which ] && echo "%s/$2"\n' "$work/manager/real" \
        >"$work/$manager/$manager"
    chmod +x "$work/$manager/$manager" "$work/$manager/$program"
    ln -s "../$program" "$work/$manager/links/python3"
    run doctor --no-run -- "$work/$manager/links/python3"
    [ "$status" -eq 0 ] && grep -q "is a shim of $manager, .* $work/manager/real/python3 itself$" \
        "$work/out"
    check $? "a link to $program is followed"
done <<'L'
mise mise
volta-shim volta
rustup rustup
L
# That of asdf is looked up in PATH.
cp "$work/manager/bin/fooenv" "$work/manager/bin/asdf"
printf '#!/usr/bin/env bash\n# asdf-plugin: python 3.11.7\nexec asdf exec "python3" "$@"\n' \
    >"$work/manager/shims/python3"
PATH=$work/manager/bin:$PATH run doctor -- "$work/manager/shims/python3"
[ "$status" -eq 0 ] && grep -q "is a shim of asdf, .* $work/manager/real/python3 itself$" \
    "$work/out"
check $? 'a shim of asdf is followed'
cp "$work/real-shim" "$work/manager/shims/python3"
sed 's/fooenv" exec/fooenv-gone" exec/' "$work/manager/shims/python3" >"$work/odd"
chmod +x "$work/odd"
run doctor --no-run -- "$work/odd"
[ "$status" -eq 0 ] && ! grep -q 'is a shim' "$work/out"
check $? 'a script whose manager is gone stays what it is'

finish
