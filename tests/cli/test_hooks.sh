#!/bin/sh
# If this failed, what prepares and tidies up after runs would run too often, too rarely or in the
# wrong order, and runs would be measured on what another run left behind.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

cat >"$work/logs" <<EOF
#!/bin/sh
echo run >>"$work/log"
EOF
chmod +x "$work/logs"

# What was done, in order: repetitions of "prepare run conclude" as one word.
order() {
    tr '\n' ' ' <"$work/log" | sed 's/prepare run conclude/P/g; s/P \(P \)*/P+ /'
}
compared() {
    : >"$work/log"
    run compare -r 2 --no-headroom --style none --setup "echo setup; echo setup >>'$work/log'" \
        --prepare "echo prepare >>'$work/log'" --conclude "echo conclude >>'$work/log'" \
        --cleanup "echo cleanup >>'$work/log'" "$@"
}
compared -- "$work/logs"
[ "$status" -eq 0 ] && [ "$(order)" = 'setup P+ cleanup ' ] && grep -qx setup "$work/err" &&
    [ ! -s "$work/out" ]
check $? 'setup, then prepare, run and conclude again and again, then cleanup'
# 3 for the check, 4 for two rounds.
is "$(grep -c '^conclude$' "$work/log")" 7 'each run has its own prepare and conclude'
run compare -r 1 -s 'exit 4' -c "touch '$work/cleaned'" -- true
[ "$status" -eq 3 ] && [ "$(cat "$work/err")" = 'tagpool compare: the command of --setup ended '\
'with exit status 4' ] && [ ! -e "$work/cleaned" ]
check $? 'a setup that fails ends it, and there is nothing to clean up'
run compare -r 1 --no-headroom -C 'kill -TERM $$' -c "touch '$work/cleaned'" -- "$work/logs"
[ "$status" -eq 3 ] && [ -e "$work/cleaned" ] && grep -q 'the command of --conclude ended with '\
'signal 15 (Terminated)$' "$work/err"
check $? 'a conclude that fails ends it, and cleanup is run'
run compare -r 1 --no-headroom --style none -c 'exit 1' -- "$work/logs"
[ "$status" -eq 3 ] && grep -q 'the command of --cleanup ended with exit status 1' "$work/err"
check $? 'a cleanup that fails is no success'

# ---- how long ----

run compare -m 2 -M 1000 --precision 50 --min-time 1.5 --no-headroom --style none \
    --export-json "$work/a.json" -- "$work/logs"
[ "$status" -eq 0 ] && awk '/"elapsed_seconds":/ { sub(",", ""); long = $2 >= 1.5 }
    END { exit !long }' "$work/a.json"
check $? '--min-time goes on beyond what the precision needs'
run compare -M 3 --min-time 30 --no-headroom --style none --export-csv "$work/a.csv" -- "$work/logs"
is "0 3" "$status $(awk -F, '$4 == "system"' "$work/a.csv" | wc -l)" 'but not beyond --max-runs'
refused 2 "tagpool compare: --min-time 9 is more than --duration 3 (see 'tagpool help compare')" \
    'a time that cannot be reached' compare --min-time 9 --duration 3 -- true
finish
