#!/bin/sh
# If this failed, Ctrl-C or the end of a CI job would throw away rounds that were measured, or leave
# behind what --setup and --prepare had made.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

cat >"$work/works" <<EOF
#!/bin/sh
echo run >>"$work/log"
EOF
chmod +x "$work/works"

# Its commands signal the program by the number of their parent.
compared() {
    : >"$work/log"
    rm -f "$work/out.json"
    env --default-signal=INT,TERM,HUP timeout -k 1 20 "$tagpool" compare --no-headroom \
        --export-json "$work/out.json" "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
    sed -i '/: note: .* is a script/d' "$work/err"
}
# Was it reported and exported?
told() {
    [ -s "$work/out" ] && grep -q '"schema": "tagpool-'"$1"'"' "$work/out.json"
}
untold() {
    [ ! -s "$work/out" ] && [ ! -e "$work/out.json" ] && [ -z "$(ls "$TMPDIR")" ]
}
logged() {
    [ "$(tr '\n' ' ' <"$work/log")" = "$1 " ]
}
note() {
    echo "echo $1 >>'$work/log'"
}

compared -r 2 -c 'exit 1' -- "$work/works"
[ "$status" -eq 3 ] && told compare &&
    [ "$(cat "$work/err")" = 'tagpool compare: the command of --cleanup ended with exit status 1' ]
check $? 'a cleanup that fails leaves the result, and the error follows it'
# shellcheck disable=SC2016 # of the shell that runs the command
compared -r 2 -c 'kill -INT $PPID; sleep 0.1' -- "$work/works"
[ "$status" -eq 130 ] && told compare && [ ! -s "$work/err" ]
check $? 'Ctrl-C in the last cleanup leaves the result'
# shellcheck disable=SC2016
compared -r 1 -L n 1,2,3 -s '[ {n} != 2 ] || kill -TERM $PPID' -c "$(note 'cleanup {n}')" \
    -- "$work/works" '{n}'
[ "$status" -eq 143 ] && told compare && grep -q "works 1" "$work/out" &&
    logged 'run run run run run cleanup 1 cleanup 2'
check $? 'SIGTERM in a later setup leaves the commands before it, and is cleaned up after'
compared -r 1 -L n 1,2 -s '[ {n} != 2 ]' -c "$(note cleanup)" -- "$work/works" '{n}'
[ "$status" -eq 3 ] && told compare && grep -q 'command of --setup ended with' "$work/err"
check $? 'and so does a later setup that fails'
# shellcheck disable=SC2016
compared -r 1 -s 'kill -HUP $PPID; sleep 15' -c "$(note cleanup)" -- "$work/works"
[ "$status" -eq 129 ] && untold && logged cleanup &&
    [ "$(cat "$work/err")" = 'tagpool compare: interrupted in --setup' ]
check $? 'SIGHUP ends the setup, and there is a cleanup'
# shellcheck disable=SC2016
compared -r 1 -p 'kill -INT $PPID; sleep 15' -C "$(note conclude)" -c "$(note cleanup)" \
    -- "$work/works"
[ "$status" -eq 130 ] && untold && logged 'conclude cleanup' && [ "$(cat "$work/err")" = \
    'tagpool compare: interrupted before a round was whole: there is no result' ]
check $? 'what a preparation made is concluded after Ctrl-C'
# SIGNAL: to the program alone, as a CI system does it, from a program that it runs.
cat >"$work/signals" <<'EOF'
#!/bin/sh
ancestor=$PPID
until [ "$(cat /proc/$ancestor/comm)" != tagpool ]; do
    before=$ancestor
    ancestor=$(sed -n 's/^PPid:[[:space:]]*//p' /proc/$ancestor/status)
done
kill "$1" "${before:?}"
exec sleep 15
EOF
chmod +x "$work/signals"
compared -r 1 -c "$(note cleanup)" -- "$work/signals" -TERM
[ "$status" -eq 143 ] && untold && logged cleanup
check $? 'SIGTERM ends the program that runs, too'
compared -r 1 --service "$work/signals -INT" --ready 'false' -c "$(note cleanup)" -- "$work/works"
[ "$status" -eq 130 ] && untold && logged cleanup
check $? 'Ctrl-C while a service starts ends it, and there is a cleanup'
# shellcheck disable=SC2016
compared -r 1 -c 'while kill -INT $PPID; do sleep 0.1; done' -- "$work/works"
[ "$status" -eq 130 ] && untold
check $? 'a second Ctrl-C ends it at once'

finish
