#!/bin/sh
# If this failed, runs of one comparison would read different inputs, or write where they should
# not.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

# Counts what it reads, for every run, in a file.
cat >"$work/reader" <<S
#!/bin/sh
cat | wc -c >>"$work/counts"
S
chmod +x "$work/reader"

# Every run, three in the check and four timed, has to have read $1 bytes.
all_read() {
    [ "$(wc -l <"$work/counts")" -eq 7 ] && [ "$(sort -u "$work/counts" | tr -d ' ')" = "$1" ]
}

# compared ARGUMENT...: two rounds, and no more runs: where one round is long by chance, the
# headroom would be measured, too.
compared() {
    "$tagpool" compare -r 2 --no-headroom "$@" >"$work/out" 2>"$work/err"
}

head -c 300000 /dev/zero >"$work/data"
for how in pipe file rest input; do
    : >"$work/counts"
    expected=300000
    case $how in
    pipe)
        # shellcheck disable=SC2002 # the pipe is what is tested
        cat "$work/data" | compared -- "$work/reader"
        ;;
    file) compared -- "$work/reader" <"$work/data" ;;
    rest)
        # What was read before belongs to another program.
        { dd bs=1000 count=1 of=/dev/null 2>/dev/null &&
            compared -- "$work/reader"; } <"$work/data"
        expected=299000
        ;;
    input)
        compared --input "$work/data" -- "$work/reader" </dev/null
        ;;
    esac
    status=$?
    all_read "$expected"
    check $? "every run reads the whole input ($how)"
done
: >"$work/counts"
echo ignored | compared --input null -- "$work/reader"
status=$?
all_read 0
check $? '--input null leaves the standard input alone'
: >"$work/counts"
echo text | compared --input - -- "$work/reader"
status=$?
all_read 5
check $? '--input - reads the standard input'
: >"$work/counts"
compared -- "$work/reader" <&-
status=$?
all_read 0
check $? 'a closed standard input is an empty one'

# The limit on files bounds what is kept, as the machine's memory does.
for bytes in 200000 endless; do
    case $bytes in endless) yes ;; *) head -c $bytes /dev/zero ;; esac 2>/dev/null | (
        ulimit -f 8000 && timeout 120 "$tagpool" compare -r 1 --style none -- head -c 1
    ) >"$work/out" 2>"$work/err"
    status=$?
    if [ $bytes = endless ]; then
        [ "$status" -eq 2 ] && grep -q "more than the [0-9.]* MiB that are kept.*--input FILE" \
            "$work/err"
        check $? 'an input without an end is refused, with a word on what to do'
    else
        check "$status" 'an input within the bound is kept'
    fi
done

run compare -r 2 --output "$work/written" --style none -- sh -c 'echo result'
[ "$status" -eq 0 ] && [ "$(cat "$work/written")" = result ]
check $? '--output FILE keeps the output of the last run'
compared --output inherit --style none -- sh -c 'echo result; echo problem >&2' </dev/null
[ "$(grep -c result "$work/out")" -eq 4 ] && [ "$(grep -c problem "$work/err")" -eq 4 ]
check $? '--output inherit shows the output of timed runs'
run compare -r 2 --output pipe --style none -- sh -c \
    'head -c 1000000 /dev/zero; test ! -c /dev/stdout'
[ "$status" -eq 0 ] && [ ! -s "$work/out" ]
check $? '--output pipe reads the output and drops it'

: >"$work/counts"
compared -w 2 -p "echo prepared >>'$work/counts'" -- sh -c : </dev/null
[ "$(wc -l <"$work/counts")" -eq 11 ]
check $? 'the preparation runs before every run, warm-up rounds included'

# A daemon that keeps the pipe open must not hold up the check.
mkfifo "$work/hold"
timeout 120 "$tagpool" compare -r 1 -- sh -c 'cat "$0" & echo started' "$work/hold" \
    >"$work/out" 2>"$work/err" </dev/null
status=$?
[ "$status" -eq 0 ]
check $? 'a process that is left behind with the pipes open is not waited for'
: <>"$work/hold"

finish
