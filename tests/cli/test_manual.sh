#!/bin/sh
# If this failed, the manual pages would leave out an option or a command, promise one that is not
# there, or be printed with errors.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

for page in tagpool.1 libtagpool.7; do
    tools/dev/man/fill "$tagpool" "tools/man/$page" >"$work/$page" 2>"$work/err"
    status=$?
    : >"$work/out"
    [ "$status" -eq 0 ] && [ ! -s "$work/err" ] && ! grep -q '@' "$work/$page"
    check $? "$page is filled in"
    if command -v groff >/dev/null; then
        groff -man -ww -Tutf8 -z "$work/$page" >"$work/out" 2>&1
        status=$?
        [ "$status" -eq 0 ] && [ ! -s "$work/out" ]
        check $? "$page is printed without a warning"
    else
        skip "$page is printed without a warning" 'groff is not installed'
    fi
done

# What the page says of a command lies between its ".SS tagpool COMMAND" and the next head.
chapter() {
    awk -v head=".SS tagpool $1 " '
        /^\.S[SH] / { on = index($0, head) == 1 }
        on' "$work/tagpool.1" | sed 's/\\-/-/g'
}
commands=$("$tagpool" help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z]*\) .*/\1/p' | grep -vx help)
[ "$(echo "$commands" | wc -l)" -ge 8 ]
check $? 'the program lists its commands'
for command in $commands; do
    "$tagpool" help "$command" | sed -n '/^Options:/,/^$/p' | grep -oE '^ {2,6}-[^ ].*' |
        grep -oE '(^| )--?[a-zA-Z][a-z-]*' | tr -d ' ' | sort -u >"$work/options"
    chapter "$command" | awk 'before == ".TP" { print } { before = $0 }' |
        grep -oE 'fB--?[a-zA-Z][a-z-]*' | sed 's/^fB//' | sort -u >"$work/described"
    diff "$work/options" "$work/described" >"$work/out" 2>"$work/err"
    status=$?
    [ "$status" -eq 0 ] && [ -s "$work/options" ]
    check $? "the manual has the options of $command, all of them and no others"
done

sed -n 's/^    X(\([a-z_]*\), .*/\1/p' include/tagpool/options.h | sort >"$work/options"
awk '/^\.SH / { on = $2 == "OPTIONS" } on && before == ".TP" { print } { before = $0 }' \
    "$work/libtagpool.7" | sed 's/\\fB\(.*\)\\fR/\1/' | sort >"$work/described"
diff "$work/options" "$work/described" >"$work/out" 2>"$work/err"
status=$?
[ "$status" -eq 0 ] && [ -s "$work/options" ]
check $? 'the manual has the options of the library, all of them and no others'

# The tracing library alone asks by kill() whether a process is there.
sed -n 's/.*KERNEL(\([a-z_0-9]*\), .*/\1/p' src/*.c | grep -vx kill | sort -u >"$work/calls"
awk '/seccomp filter/ { on = 1 } on && /^\.PP/ { exit } on' "$work/libtagpool.7" |
    tr -c 'a-z_0-9' '\n' | sort -u >"$work/described"
comm -23 "$work/calls" "$work/described" >"$work/out" 2>"$work/err"
[ ! -s "$work/out" ] && [ "$(wc -l <"$work/calls")" -gt 20 ]
check $? 'the manual has every system call that a filter has to allow'

# Reasons and members of JSON are written by hand: each key in the sources has to be there.
sed -n 's/.*REASON_\(PROGRAM\|MACHINE\), "\([a-z_]*\)".*/\2/p' tools/cli/compare/judge.c | sort -u |
    while read -r key; do
        grep -qE "^\.B (.*, )?$key(,|\$)" "$work/tagpool.1" || echo "$key"
    done >"$work/out"
[ ! -s "$work/out" ]
check $? 'the manual explains every reason'
sed 's/\\-/-/g' "$work/tagpool.1" | awk '/^\.SH / { on = $2 == "JSON" } on' >"$work/json"
sed -n 's/.*json_[a-z_]*(&*json, "\([a-z_]*\)".*/\1/p' \
    tools/cli/report/json.c tools/cli/measure/machine.c | sort -u | while read -r key; do
    grep -qw "$key" "$work/json" || echo "$key"
done >"$work/out"
[ ! -s "$work/out" ]
check $? 'the manual names every member of the JSON of a comparison'

sed -n 's/^    STATUS_[A-Z_]* *=* *\([0-9]*\).*/\1/p; s/^        \([0-9][0-9]*\), .*/\1/p' \
    tools/cli/base/say.h | grep . | while read -r status; do
    awk '/^\.SH / { on = $2 == "EXIT" } on' "$work/tagpool.1" |
        grep -qE "^\.B (.*, )?$status(,|\$)" || echo "$status"
done >"$work/out"
[ ! -s "$work/out" ]
check $? 'the manual has every exit status'

# Every call of tagpool in the README, joined where it goes on in the next line: its options up to
# "--" have to be those of its command.
awk '/tagpool [a-z]+ / { line = $0; while (line !~ / -- / && line ~ /tagpool compare --fail/ &&
    (getline more) > 0) line = line more; print line }' README.md |
    sed -n 's/.*tagpool \([a-z][a-z]*\) \(.*\)/\1 \2/p' | sed 's/`//g; s/ -- .*//; s/  *#.*//' |
    while read -r command words; do
        echo "$commands" | grep -qx "$command" || continue
        "$tagpool" help "$command" >"$work/help"
        for word in $words; do
            case $word in
            --*) grep -q -- " $word\( \|\[\|\$\)" "$work/help" || echo "$command $word" ;;
            esac
        done
    done >"$work/out"
[ ! -s "$work/out" ]
check $? 'the README calls tagpool with options that there are'

finish
