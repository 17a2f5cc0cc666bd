#!/bin/sh
# If this failed, a mistake on the command line would be taken for something else, or answered
# without saying what to do.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

see="(see 'tagpool help compare')"
see_run="(see 'tagpool help run')"

refused 2 "tagpool: unknown command 'frobnicate' (see 'tagpool help')" \
    'an unknown command is named' frobnicate
refused 2 "tagpool: unknown option --frob (see 'tagpool help')" \
    'an unknown option before the command is named' --frob
refused 2 "tagpool help: no command or topic is called 'frob' (see 'tagpool help')" \
    'an unknown topic of the help is named' help frob
refused 2 "tagpool: unknown command 'comapre'; did you mean compare? (see 'tagpool help')" \
    'a command that is nearly one is guessed' comapre
refused 2 "tagpool: unknown command 'sh'; to measure that program: tagpool compare -- sh (see \
'tagpool help')" 'a program without a command gets one' sh -c :
refused 2 "tagpool help: no command or topic is called 'prof'; did you mean profile? (see 'tagpool \
help')" 'a topic too' help prof
refused 2 "tagpool compare: unknown option --reference-; did you mean --reference? $see" \
    'an option too' compare --reference- -- true
refused 2 "tagpool compare: no allocator is known as 'jemaloc'; did you mean jemalloc? choose from \
jemalloc, mimalloc, tcmalloc, tbbmalloc, or give -a jemaloc=PATH" \
    'an allocator too' compare -a jemaloc -- true
refused 2 "tagpool run: libtagpool.so has no option 'node_mx'; did you mean node_max? 'tagpool \
help options' lists them $see_run" 'and an option of the library' run -o node_mx=1 -- true
refused 2 "tagpool compare: --headroom and --no-headroom contradict each other $see" \
    'options that contradict each other are refused' compare --headroom --no-headroom -- true
refused 2 "tagpool compare: --runs 5 is the number of rounds; leave out --min-runs $see" \
    'an exact number of rounds has no bounds' compare -r 5 -m 10 -- true
refused 2 "tagpool compare: --null compares the reference with itself, and --strategies the \
strategies; leave one of them out $see" 'nor a null comparison strategies' \
    compare --null --strategies -- true
refused 127 "tagpool compare: echo a | wc: there is no such program; if it is a line for the \
shell, write sh -c 'echo a | wc', or use --shell where the command has it" \
    'a line for the shell gets a hint' compare -- 'echo a | wc'
run compare -r 1 -S --output inherit -- 'echo a | wc -c'
[ "$status" -eq 0 ] && [ "$(head -n 1 "$work/out" | tr -d ' ')" = 2 ]
check $? 'and --shell runs it'
run compare -r 1 -o strategy=tagged,node_max=64 --export-json - -- sh -c :
[ "$status" -eq 0 ] && grep -q '"options": "strategy=tagged,node_max=64"' "$work/out"
check $? 'several options of the library are one argument, as TAGPOOL_OPTIONS takes them'
cp "$build/libtagpool.so" "$work/libother.so.1"
run compare -r 1 --style basic -a "$work/libother.so.1" -- sh -c :
[ "$status" -eq 0 ] && grep -q '^other: ' "$work/out"
check $? 'an allocator is named by its path alone'
run compare -r 1 --style none -n "$(printf 'a\377b')" --export-csv "$work/odd.csv" \
    --export-markdown "$work/odd.md" -- sh -c :
iconv -f UTF-8 -t UTF-8 "$work/odd.csv" "$work/odd.md" >"$work/out" 2>"$work/err" &&
    [ "$(grep -c "$(printf 'a\357\277\275b')" "$work/out")" -ge 2 ]
check $? 'CSV and Markdown are UTF-8, whatever the command line is'
refused 2 "tagpool run: no program is named: tagpool run -- PROGRAM $see_run" \
    'run without a program says how it is called' run
refused 2 "tagpool compare: no program is named: tagpool compare -- PROGRAM $see" \
    'compare without a program says how it is called' compare --
refused 2 "tagpool compare: unknown option --frob $see" \
    'an unknown long option of compare is named' compare --frob -- true
refused 2 "tagpool compare: unknown option -x $see" \
    'an unknown short option of compare is named' compare -ix -- true
refused 2 "tagpool run: unknown option --runs $see_run" \
    'an option of another command is unknown' run --runs 3 -- true
refused 2 "tagpool compare: option --runs needs a value: --runs N $see" \
    'a value that is missing is asked for' compare -r
refused 2 "tagpool compare: option --strict takes no value $see" \
    'a value that is too many is refused' compare --strict=yes -- true
for value in 0 -1 3x '' 1.5 99999999999999999999; do
    refused 2 "tagpool compare: --runs wants a whole number from 1 to 100000, not '$value' $see" \
        "--runs '$value' is refused" compare --runs "$value" -- true
done
for value in x '' -1 nan inf 2e9; do
    refused 2 "tagpool compare: --duration wants a number from 0 to 10000000, not '$value' $see" \
        "--duration '$value' is refused" compare --duration "$value" -- true
done
refused 2 "tagpool compare: --min-runs 20 is more than --max-runs 10 $see" \
    'bounds that contradict each other are refused' compare -m 20 -M 10 -- true
refused 2 "tagpool compare: --reference glibc is none of the variants; add it with -a $see" \
    'a reference that does not run is refused' compare --reference glibc -- true
refused 2 "tagpool compare: --style is auto, basic, full, nocolor, color or none, not 'loud' $see" \
    'an unknown style is refused' compare --style loud -- true
refused 2 "tagpool compare: cannot write --export-json $work/none/x.json: No such file or \
directory" \
    'a report that cannot be written is refused before anything runs' \
    compare --export-json "$work/none/x.json" -- sleep 100
refused 2 "tagpool compare: cannot read --input $work/none: No such file or directory" \
    'an input that is missing is refused' compare --input "$work/none" -- true
refused 2 "tagpool compare: cannot read --input $work: it is a directory" \
    'an input that is a directory is refused' compare --input "$work" -- true
refused 2 "tagpool compare: cannot write --output $work: Is a directory" \
    'an output that is a directory is refused' compare --output "$work" -- true
refused 2 "tagpool compare: cannot write --output $work/none/x: No such file or directory" \
    'an output in a directory that is missing is refused' compare --output "$work/none/x" -- true
run compare --output "$work/output" -- false
[ "$status" -eq 3 ] && [ ! -e "$work/output" ]
check $? 'an output that can be written is not touched before it is'
refused 2 "tagpool run: libtagpool.so has no option 'frob'; 'tagpool help options' lists them \
$see_run" \
    'an unknown option of the library is named' run -o frob=1 -- true
refused 2 "tagpool compare: an option is KEY=VALUE, not 'strategy' $see" \
    'an option of the library without a value is refused' compare -o strategy -- true
refused 2 "tagpool compare: no allocator is known as 'hoard': choose from jemalloc, mimalloc, \
tcmalloc, tbbmalloc, or give -a hoard=PATH" \
    'an unknown allocator is named' compare -a hoard -- true
refused 2 "tagpool compare: $work/no.so: No such file or directory; give -a NAME=PATH the path of \
an \
allocator" 'an allocator whose library is missing is refused' compare -a mine="$work/no.so" -- true
echo text >"$work/text.so"
refused 2 "tagpool compare: $work/text.so is no shared library for this machine; give -a NAME=PATH \
the path of an allocator" 'an allocator that is no library is refused' \
    compare -a mine="$work/text.so" -- true
refused 2 "tagpool compare: two variants are called 'tagpool'; give one another name: \
-a NAME=PATH $see" 'two variants of one name are refused' \
    compare -a tagpool="$build/libtagpool.so" -- true
export LD_PRELOAD="$build/libtagpool.so"
refused 2 "tagpool compare: LD_PRELOAD holds libtagpool.so already, so that no variant would run \
without it; unset LD_PRELOAD $see" 'a comparison from under the shim is refused' compare -- true
unset LD_PRELOAD

export TAGPOOL_LIBRARY="$work/none.so"
refused 2 "tagpool run: $work/none.so: No such file or directory; correct or unset \
TAGPOOL_LIBRARY" \
    'a library that is named and missing is refused' run -- true
mkdir "$work/a dir"
cp "$build/libtagpool.so" "$work/a dir/"
export TAGPOOL_LIBRARY="$work/a dir/libtagpool.so"
mkdir "$work/links"
TMPDIR=$work/links XDG_RUNTIME_DIR='' "$tagpool" run --stats -- sh -c 'echo "$LD_PRELOAD"' \
    >"$work/out" 2>"$work/err"
status=$?
[ "$status" -eq 0 ] &&
    grep -q "^$work/links/tagpool-[0-9]*/libtagpool-[0-9a-f]*\.so$" "$work/out" &&
    grep -q 'served by the pools' "$work/err"
check $? 'a library in a path with a space is preloaded by a link'
chmod 777 "$work"/links/tagpool-*
TMPDIR=$work/links XDG_RUNTIME_DIR='' "$tagpool" run -- sh -c 'echo "$LD_PRELOAD"' \
    >"$work/out" 2>"$work/err"
status=$?
[ "$status" -eq 0 ] && ! grep -q "^$work/links" "$work/out"
check $? 'a folder of links that others can write to is not used'
unset TAGPOOL_LIBRARY
mkdir "$work/bin"
cp "$tagpool" "$work/bin/"
"$work/bin/tagpool" run -- true >"$work/out" 2>"$work/err"
status=$?
[ "$status" -eq 125 ] && [ "$(cat "$work/err")" = "tagpool run: libtagpool.so is neither in \
$work/bin nor in $work/bin/../lib; build it with 'make', or name it in TAGPOOL_LIBRARY" ]
check $? 'a missing libtagpool.so is said, with where it was looked for'
mkdir "$work/lib"
cp "$build/libtagpool.so" "$work/lib/"
"$work/bin/tagpool" run -- sh -c 'echo "$LD_PRELOAD"' >"$work/out" 2>"$work/err"
status=$?
[ "$status" -eq 0 ] && [ "$(cat "$work/out")" = "$work/lib/libtagpool.so" ]
check $? 'the library of an installation is found in ../lib'

mkdir "$work/elsewhere"
mv "$work/lib/libtagpool.so" "$work/elsewhere/libtagpool.so.1"
TAGPOOL_LIB_DIR=$work/elsewhere "$work/bin/tagpool" run -- sh -c 'echo "$LD_PRELOAD"' >"$work/out" \
    2>"$work/err"
status=$?
[ "$status" -eq 0 ] && [ "$(cat "$work/out")" = "$work/elsewhere/libtagpool.so.1" ]
check $? 'TAGPOOL_LIB_DIR names the folder of the libraries'
TAGPOOL_LIB_DIR=$work/lib "$work/bin/tagpool" run -- true >"$work/out" 2>"$work/err"
status=$?
[ "$status" -eq 2 ] && [ "$(cat "$work/err")" = \
    "tagpool run: libtagpool.so is not in $work/lib; correct or unset TAGPOOL_LIB_DIR" ]
check $? 'a folder without the library is refused'

run
[ "$status" -eq 2 ] && grep -q '^Usage: tagpool COMMAND' "$work/err" && [ ! -s "$work/out" ]
check $? 'no command at all prints the usage and fails'
for arguments in help --help -h; do
    run "$arguments"
    [ "$status" -eq 0 ] && grep -q '^  compare ' "$work/out" && grep -q '^  run ' "$work/out" &&
        [ ! -s "$work/err" ]
    check $? "$arguments lists the commands"
done
run --version
[ "$status" -eq 0 ] && grep -qx 'tagpool [0-9][0-9.]*' "$work/out"
check $? '--version prints one line'
version=$(cut -d ' ' -f 2 "$work/out")
run --version --libraries
[ "$status" -eq 0 ] && grep -qx "$build/libtagpool.so $version" "$work/out" &&
    grep -qx "$build/libtagpool-trace.so $version" "$work/out"
check $? '--version --libraries prints the version that is in each library'
for command in run compare report doctor completion; do
    run help "$command"
    [ "$status" -eq 0 ] && grep -q "^Usage: tagpool $command " "$work/out"
    check $? "help $command explains the command"
    cp "$work/out" "$work/help"
    run "$command" --help
    [ "$status" -eq 0 ] && cmp -s "$work/help" "$work/out"
    check $? "$command --help says the same"
done
refused 2 "tagpool: the benchmark is a program of its own, which is not installed: 'make bench' \
builds and runs it" 'bench says in a line where it is' bench --list
run help options
[ "$status" -eq 0 ] && grep -q '^  strategy ' "$work/out" && grep -q '^  node_max ' "$work/out"
check $? 'help options lists the options of the library'
"$tagpool" --version >/dev/full 2>"$work/err"
status=$?
: >"$work/out"
[ "$status" -eq 125 ] &&
    [ "$(cat "$work/err")" = 'tagpool: cannot write to standard output: No space left on device' ]
check $? 'output that cannot be written is a failure'

# mistaken SENTENCE OPTION...: compare refuses them, and has not run --setup for it
mistaken() {
    sentence=$1
    shift
    run compare --setup "touch '$work/was-set-up'" --cleanup "touch '$work/was-set-up'" \
        "$@" -- true
    [ "$status" -eq 2 ] && [ "$(wc -l <"$work/err")" -eq 1 ] && [ ! -s "$work/out" ] &&
        [ ! -e "$work/was-set-up" ]
    check $? "$sentence is refused before anything runs"
    rm -f "$work/was-set-up"
}
mistaken 'an output that cannot be written' --output "$work/none/x"
for option in --export-json --export-csv --export-markdown --export-asciidoc --export-orgmode \
    --html; do
    mistaken "what $option cannot write" $option "$work/none/x"
done
mistaken 'a reference that is no variant' --reference glibc
mistaken 'a scan of an option that is none' --scan nosuch=1,2
mistaken 'a scan of a value that is none' --scan retain=0,much
mistaken 'a strategy beside --strategies' --strategies -o strategy=tagged
mistaken 'a second variant of a name' -a tagpool="$build/libtagpool.so"
LD_PRELOAD=$build/libtagpool.so mistaken 'a comparison from under the library'
refused 2 "tagpool stats: cannot write --output $work/none/x: No such file or directory" \
    'statistics that cannot be written are refused before --prune removes any' \
    stats --prune "$work" --output "$work/none/x"

# ---- what does not go together ----

seen_in() {
    echo "(see 'tagpool help $1')"
}
refused 2 "tagpool compare: --runs 3 is the number of rounds; leave out --min-time \
$(seen_in compare)" '--runs and --min-time exclude each other' compare -r 3 --min-time 4 -- ls
refused 2 "tagpool compare: --runs 3 is the number of rounds; leave out --precision \
$(seen_in compare)" 'and so do --runs and --precision' compare -r 3 --precision 4 -- ls
for command in compare profile replay; do
    refused 2 "tagpool $command: --runs 3 is the number of rounds; leave out --duration \
$(seen_in $command)" "$command --runs and --duration exclude each other" \
        $command -r 3 --duration 4 ls
done
refused 2 "tagpool profile: --no-try leaves out the trial, which --runs is about \
$(seen_in profile)" '--no-try has no rounds' profile --no-try -r 3 -- ls
refused 2 "tagpool doctor: --no-run does not run the program, which --input is about \
$(seen_in doctor)" '--no-run has no input' doctor --no-run --input null -- ls
refused 2 "tagpool stats: --interval is how long --watch waits; add that, or leave it out \
$(seen_in stats)" '--interval is about --watch' stats --all --interval 3
refused 2 "tagpool compare: --name B is one too many: there is 1 command line $(seen_in compare)" \
    'a name too many is refused' compare -n A -n B -- ls
refused 2 "tagpool compare: --name C is one too many: there are 2 command lines \
$(seen_in compare)" 'and so it is with --also' compare -n A -n B -n C --also true -- ls
refused 2 "tagpool profile: --folded-by says what --export-folded writes; add that, or leave it \
out $(seen_in profile)" '--folded-by is about --export-folded' profile --folded-by bytes -- ls
# both COMMAND FIRST SECOND: options for the same file, by two of its names
both() {
    refused 2 "tagpool $1: $2 and $3 both go to $work/./one; give one of them another file" \
        "tagpool $1: $2 and $3 of one file are refused" "$1" "$2" "$work/one" "$3" "$work/./one" \
        -- ls
}
both compare --export-json --output
both profile --export-json --html
both profile --export-folded --html
both profile --html --output
run compare -r 1 --no-headroom --output inherit --export-json - -- sh -c 'echo said'
[ "$status" -eq 0 ] && [ "$(head -n 1 "$work/out")" = '{' ] && ! grep -q '^said' "$work/out" &&
    grep -qx said "$work/err"
check $? "with the JSON on standard output, --output inherit goes to standard error"

finish
