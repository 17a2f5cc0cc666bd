#!/bin/sh
# If this failed, the allocator would have become slower by instructions that no clock on a busy
# machine shows: every scenario has to stay within its budget, and the gate itself has to notice.
set -u
# shellcheck source=tests/harness/tap.sh
. tests/harness/tap.sh
gate=tests/gate/run

# held STATUS TEXT SENTENCE: the gate over one scenario with the planted budgets ends with that
# status and a line that begins with the text.
held() {
    run env BUDGETS="$work/budgets" "$gate" malloc_fast
    [ $status -eq "$1" ] && grep -q "^$2" "$work/output"
    check $? "$3"
}

# plant BUDGET: budgets for the same compiler, with another number.
plant() {
    {
        sed -n '/^built:/p' tests/gate/budgets
        echo "malloc_fast $1 planted"
    } >"$work/budgets"
}

run "$gate"
[ $status -ne 77 ] || skip_all "$(sed -n 's/^skipped: //p' "$work/output")"

cp "$work/output" "$work/counted"
# One result per scenario; what is said beyond those lines is a fault of its own.
while read -r line; do
    case $line in
    held:*) check 0 "${line#held: }" ;;
    "not held:"*) check 1 "${line#not held: }" ;;
    *) echo "# $line" ;;
    esac
done <"$work/counted"
[ $((failed > 0)) -eq $((status != 0)) ]
check $? "the gate's status says what its lines say"

plant 1.0
held 1 'not held: malloc_fast: [1-9][0-9.]* instructions, the budget is 1.0$' \
    "what exceeds its budget fails, with both numbers"
plant 100000
held 0 'held: malloc_fast: .*; lower the budget$' "a budget far too high is pointed out"
# A language of which nothing but its comma is known: quickly made.
printf 'LC_NUMERIC\ndecimal_point ","\nthousands_sep "."\ngrouping 3\nEND LC_NUMERIC\n' \
    >"$work/comma"
for category in CTYPE COLLATE MONETARY TIME MESSAGES; do
    printf 'LC_%s\ncopy "POSIX"\nEND LC_%s\n' $category $category
done >>"$work/comma"
localedef -c -i "$work/comma" -f UTF-8 "$work/comma.UTF-8" >/dev/null 2>&1
if [ -e "$work/comma.UTF-8/LC_NUMERIC" ]; then
    LC_ALL=comma.UTF-8 LOCPATH=$work held 0 'held: malloc_fast: [0-9]*\.[0-9] instructions' \
        "counts have a point where the language has a comma"
else
    skip "counts have a point where the language has a comma" "the locale cannot be made"
fi
sed -i 's/^malloc_fast/another/' "$work/budgets"
held 1 'not held: malloc_fast: .* no budget$' "a scenario without a budget fails"
sed -i 's/^built:.*/built: abacus/' "$work/budgets"
held 77 "skipped: the budgets are for 'abacus'" "budgets of another compiler are not held"

plant 1.0
BUDGETS=$work/budgets "$gate" --update malloc_fast >"$work/output" 2>&1 &&
    BUDGETS=$work/budgets "$gate" malloc_fast >>"$work/output" 2>&1 &&
    grep -q '^malloc_fast  *[1-9][0-9.]*  planted$' "$work/budgets"
check $? "updated budgets hold and keep their reasons"
finish
