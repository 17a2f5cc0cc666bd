#!/bin/sh
# If this failed, a shell would not complete tagpool's command line, or complete what is not there.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

for shell in bash zsh fish; do
    run completion "$shell"
    cp "$work/out" "$work/$shell"
    [ "$status" -eq 0 ] && [ ! -s "$work/err" ] && grep -q 'export-markdown' "$work/$shell" &&
        ! grep -q 'replay-child' "$work/$shell"
    check $? "there is a completion for $shell"
    if command -v "$shell" >/dev/null; then
        "$shell" -n "$work/$shell" >"$work/out" 2>"$work/err"
        status=$?
        [ "$status" -eq 0 ] && [ ! -s "$work/err" ]
        check $? "$shell takes it"
    else
        skip "$shell takes it" "$shell is not installed"
    fi
done
refused 2 "tagpool completion: the shell is bash, zsh or fish, not 'csh' (see 'tagpool help \
completion')" 'another shell is refused' completion csh
refused 2 "tagpool completion: one shell at a time, not 'zsh' too (see 'tagpool help completion')" \
    'two shells are refused' completion bash zsh
refused 2 "tagpool completion: the shell is bash, zsh or fish, not '' (see 'tagpool help \
completion')" 'no shell is refused' completion

if ! command -v bash >/dev/null; then
    skip 'bash completes commands and options' 'bash is not installed'
    finish
fi
# completes WORD...: what bash offers for the last word, one per line.
completes() {
    cat >"$work/ask" <<'B'
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_tagpool
printf '%s\n' "${COMPREPLY[@]}" | sort
B
    bash --norc "$work/ask" "$work/bash" "$@" >"$work/out" 2>"$work/err"
    status=$?
}
completes tagpool re
[ "$(cat "$work/out")" = "record
replay
report" ]
check $? 'bash completes a command'
completes tagpool compare --no
[ "$(cat "$work/out")" = "--no-headroom
--noise-threshold" ]
check $? 'bash completes an option'
completes tagpool profile --sites --export-f
[ "$(cat "$work/out")" = --export-folded ]
check $? 'the word after a value that is joined is an option'
for varied in '-L size 1,2' '-L size=1,2' '--parameter-list size 1,2'; do
    # shellcheck disable=SC2086 # words
    completes tagpool compare $varied --style n
    [ "$(cat "$work/out")" = "nocolor
none" ]
    check $? "the words after $varied are options"
done
completes tagpool compare -r 3 --style n
[ "$(cat "$work/out")" = "nocolor
none" ]
check $? 'bash completes a style'
# ---- typed, as somebody at a terminal would ----

compile type -lutil <tests/cli/programs/type.c
mkdir "$work/functions"
cp "$work/zsh" "$work/functions/_tagpool"
cd "$work" || exit 1
touch some-file.json
# typed SHELL LINE WORD...: the line, with tabs, becomes these words.
typed() {
    shell=$1
    line=$(printf '%b' "$2")
    shift 2
    if ! command -v "$shell" >/dev/null; then
        skip "$shell completes '$*'" "$shell is not installed"
        return
    fi
    says="tagpool() { printf 'GOT:%s:\\n' \"\$@\"; echo DO''NE; }; echo REA''DY"
    case $shell in
    bash) ./type "source ./bash; $says" "$line" bash --norc --noprofile -i ;;
    zsh)
        ./type "fpath=($work/functions \$fpath); autoload -U compinit; compinit -u -D; $says" \
            "$line" zsh -f -i
        ;;
    fish)
        ./type "source ./fish; function tagpool; printf 'GOT:%s:\\n' \$argv; echo DO''NE; end
echo REA''DY" "$line" fish --no-config -i
        ;;
    esac >"$work/out" 2>"$work/err" </dev/null
    [ "$(tr -d '\r' <"$work/out" | grep -o 'GOT:[^:%]*:' | sed 's/GOT:\(.*\):/\1/')" = \
        "$(printf '%s\n' "$@")" ]
    check $? "$shell completes '$*'"
}
for shell in bash zsh fish; do
    typed "$shell" 'tagpool rec\t' record
    typed "$shell" 'tagpool report some-\t' report some-file.json
    typed "$shell" 'tagpool compare -o strategy=ta\t -a jem\t --style noc\t' \
        compare -o strategy=tagged -a jemalloc --style nocolor
    typed "$shell" 'tagpool help opt\t' help options
    typed "$shell" 'tagpool compare -r 3 -- cat some-\t' compare -r 3 -- cat some-file.json
done
# Whole, because another process with the library may have a number that begins like it.
LD_PRELOAD="$build/libtagpool.so" sleep 60 &
held=$!
for shell in bash zsh fish; do
    typed "$shell" "tagpool stats $held\\t --form\\t js\\t" stats $held --format json
done
completes tagpool stats --all $held --w
[ "$(cat "$work/out")" = --watch ]
check $? 'after the number of a process there are options'
completes tagpool stats $held ''
grep -qx "$held" "$work/out" && ! grep -qv '^[0-9]*$' "$work/out"
check $? 'and more processes, but no programs'
kill $held
typed bash 'tagpool compare --style=noc\t' compare --style=nocolor
typed bash 'tagpool completion fi\t' completion fish

# ---- asked ----

completes tagpool compare --export-json some-
[ "$(cat "$work/out")" = some-file.json ]
check $? 'bash completes the name of a file'
completes tagpool compare --runs 5 -- cat some-
[ "$(cat "$work/out")" = some-file.json ]
check $? 'bash completes the command line of the other program'
finish
