#!/bin/sh
# If this failed, a rule of the code could be broken without `make lint` saying so: each rule is
# broken once in a small tree of its own, and its check must name the place; the unbroken tree is
# clean.
set -u
# shellcheck source=tests/harness/tap.sh
. tests/harness/tap.sh

lint=$root/tools/dev/lint
export CC="$cc" BUILD=build

# A tree with a module `high` on floor 2 that uses a module `low` on floor 1.
plant() {
    rm -rf "$work/tree"
    mkdir -p "$work/tree/src"
    cd "$work/tree" || exit 1
    printf '# Source\n\n```floors\n2 high: above\n1 low: below\n```\n' >src/ARCHITECTURE.md
    printf '#ifndef LOW_H\n#define LOW_H\n\nint low(void);\n\n#endif\n' >src/low.h
    printf '#include "low.h"\n\nint low(void) {\n    return 1;\n}\n' >src/low.c
    printf '#ifndef HIGH_H\n#define HIGH_H\n\nint high(void);\n\n#endif\n' >src/high.h
    printf '#include "high.h"\n#include "low.h"\n\n' >src/high.c
    printf 'int high(void) {\n    return low();\n}\n' >>src/high.c
}

compile_tree() {
    mkdir -p build/src
    for source in src/*.c; do
        object=build/src/$(basename "$source" .c).o
        "$cc" -w -fno-builtin -Isrc -c -o "$object" "$source" 2>/dev/null
    done
}

# finds CHECK TEXT NAME: the check fails on the tree as it stands and prints that text.
finds() {
    compile_tree # a header that is wrong on purpose does not; its check reads the text
    if "$lint/check-$1" >"$work/output" 2>&1; then
        check 1 "$3"
    else
        grep -qF -- "$2" "$work/output"
        check $? "$3"
    fi
}

plant
compile_tree
for check in comments floors headers length text; do
    "$lint/check-$check" >"$work/output" 2>&1
    check $? "a tree without faults is clean for $check"
done

plant
sed 's/#include "low.h"/&\n#include "high.h"/' src/low.c >x && mv x src/low.c
finds floors 'src/low.c:2: includes high.h' 'an include that goes up is found'

plant
printf 'int high(void);\nint low(void) {\n    return high();\n}\n' >src/low.c
finds floors 'src/low.c: uses high' 'a call that goes up is found without an include'

plant
printf 'int stray(void) {\n    return 0;\n}\n' >src/stray.c
finds floors 'src/stray.c: has no floor' 'a module without a floor is found'

plant
printf '# Source\n\n```floors\n2 high: above\n1 low: below\n1 gone: away\n```\n' \
    >src/ARCHITECTURE.md
finds floors 'names gone, which is not there' 'a floor for a missing module is found'

# A program with a room `high` on floor 2 that uses a room `low` on floor 1.
plant_rooms() {
    plant
    mkdir -p tools/cli/high tools/cli/low tools/bench build/tools/cli build/tools/bench
    printf '```floors\n2 high: above\n1 low: below\n' >tools/cli/ARCHITECTURE.md
    printf '#include "low/one.h"\n' >tools/cli/high/two.h
    printf '#include "low/other.h"\n' >tools/cli/low/one.h
    : >tools/cli/low/other.h
}

plant_rooms
compile_tree
"$lint/check-floors" >"$work/output" 2>&1
check $? 'a program whose rooms only look down is clean'
printf '#include "high/two.h"\n' >tools/cli/low/other.h
finds floors 'tools/cli/low/other.h:1: includes high/two.h' \
    'an include that goes up a room is found'

plant_rooms
printf '#include "one.h"\n' >tools/cli/low/other.h
finds floors 'tools/cli/low/other: uses itself in a circle' 'files in a circle are found'

plant_rooms
mkdir tools/cli/stray
: >tools/cli/stray/new.h
finds floors 'tools/cli/stray/new.h: has no floor' 'a room without a floor is found'

plant
rm src/ARCHITECTURE.md
finds floors 'no block ```floors' 'a missing table of floors is found'

# imports LIST TEXT NAME: one library takes `abort`, the other `getpid` too; the check by that
# list is clean if there is no text, or else prints it.
imports() {
    plant
    mkdir -p build lint
    cp "$lint/check-imports" lint
    printf 'void abort(void); void low(void) { abort(); }' >one.c
    printf 'int getpid(void); void abort(void); void low(void) { getpid(); abort(); }' >two.c
    $CC -w -shared -nostdlib -fPIC -o build/libtagpool.so one.c
    $CC -w -shared -nostdlib -fPIC -o build/libtagpool-trace.so two.c
    echo "$1" >lint/imports
    if lint/check-imports >"$work/output" 2>&1; then
        [ -z "$2" ]
    else
        [ -n "$2" ] && grep -qF -- "$2" "$work/output"
    fi
    check $? "$3"
}

list='abort  the end
getpid  who'
imports "$list" '' 'libraries that take what the list names are clean'
imports 'abort  the end' 'libtagpool-trace.so: takes getpid' \
    'what is taken from others without a reason is found'
imports "$list
open  files" 'imports:3: no library takes open' 'a reason for what nobody takes is found'

plant
printf 'struct pair {\n    size_t first;\n};\n' >src/low.h
finds headers 'src/low.h' 'a header that needs another one first is found'

# body N: a function of N lines with a struct and an initialiser before it.
body() {
    printf 'struct one {\n    int a;\n};\nstatic struct one table[] = {\n    {1},\n};\n\n'
    printf 'int low(void) {\n'
    seq -f '    table[0].a = %g;' $(($1 - 3))
    printf '    return table[0].a;\n}\n'
}

plant
body 60 >src/low.c
compile_tree
"$lint/check-length" >"$work/output" 2>&1
check $? 'a function of 60 lines is allowed'
body 61 >src/low.c
finds length 'src/low.c:8: a function of 61 lines' 'a function of 61 lines is found'

for folder in src tools/cli; do
    plant
    mkdir -p "$folder"
    seq -f '// %g' 500 >"$folder/note.h"
    "$lint/check-length" >"$work/output" 2>&1
    say $? "a file of 500 lines is allowed in $folder"
    echo '// 501' >>"$folder/note.h"
    finds length "$folder/note.h:501: a file of more than 500 lines" \
        "a file of 501 lines is found in $folder"
done
plant
mkdir tests
seq -f '// %g' 501 >tests/note.h
"$lint/check-length" >"$work/output" 2>&1
say $? 'a test may be longer'

# spoils TEXT NAME CONTENT: check-text finds that in a file with this content.
spoils() {
    plant
    printf '%b' "$3" >src/note.h
    finds text "src/note.h:1: $1" "$2"
}
spoils 'a tab' 'a tab is found' '//\ta\n'
spoils 'a blank at the end' 'a blank at the end of a line is found' '// a \n'
spoils 'a long dash' 'a long dash is found' '// a \0342\0200\0224 b\n'
spoils 'a note of work' 'a note of work left undone is found' '// TO''DO: b\n'
spoils '101 columns' 'a line of 101 columns is found' "$(printf '//%099d' 0)\n"

# prose NAME LINE CONTENT: check-text finds a fault in that line of a Markdown file, and no other.
prose() {
    plant
    printf '%b' "$3" >note.md
    "$lint/check-text" >"$work/output" 2>&1
    [ "$(sed 's/: .*//' "$work/output")" = "$2" ]
    check $? "$1"
}
long=$(printf '%0101d' 0)
prose 'a line of prose of 101 columns is found' note.md:1 "$long\n"
prose 'and in a list, but not in a table, in code or in the target of a link' note.md:10 \
    "| $long |\n\n    $long\n\n\`\`\`\n$long\n\`\`\`\n\n* [a](#$long)\n  * $long\n"
prose 'a heading that is not in the contents is found' note.md:6 \
    '## Contents\n* [a](#a)\n  * [b](#b)\n\n## a\n### c\n### b\n'

plant
printf '// a' >src/note.h
finds text 'src/note.h: no newline' 'a missing newline at the end of a file is found'

# names NAME TEXT COMMENT: check-comments finds that in a comment, and nothing else.
names() {
    plant
    printf '#include <string.h>\n\n/* low(),\n * high.h, memcpy(), %s */\n' "$3" >>src/high.c
    "$lint/check-comments" >"$work/output" 2>&1
    [ "$(cat "$work/output")" = "src/high.c:10: $2 does not exist" ]
    check $? "$1"
}
names 'a function that does not exist is found in a comment' 'gone()' 'string.h, gone()'
names 'and a file' 'gone.h' 'low.c, gone.h'
names 'and another name' 'gone_too' 'size_t, not gone_too, 1_000 or a_b'

plant
printf 'It calls `low()`, then `gone()`.\n' >src/note.md
finds comments 'src/note.md:1: gone() does not exist' \
    'a function that does not exist is found in prose'

# with CHECK TEXT NAME FILE CONTENT: where its tool is installed, CHECK finds that in such a FILE.
with() {
    plant
    cp "$root/.clang-format" "$root/.clang-tidy" .
    printf '%b' "$5" >"$4"
    "$lint/check-$1" >"$work/output" 2>&1
    if [ $? -eq 77 ]; then
        skip "$3" "$(cat "$work/output")"
    else
        finds "$1" "$2" "$3"
    fi
}
with format 'src/low.c:1:' 'C that is not formatted is found' src/low.c 'int  low;\n'
with tidy 'cert-err34-c' 'a mistake that clang-tidy knows is found' src/low.c \
    '#include <stdlib.h>\nint low(void) {\n    return atoi("1");\n}\n'
with cppcheck 'arrayIndexOutOfBounds' 'a mistake that cppcheck knows is found' src/low.c \
    'int low(void) {\n    int a[2] = {0};\n    return a[2];\n}\n'
with shellcheck 'SC2086' 'a mistake that shellcheck knows is found' src/script \
    '#!/bin/sh\necho $1\n'

cd "$root" || exit 1
finish
