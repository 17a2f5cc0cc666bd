#!/bin/sh
# If this failed, the allocator would have become slower by instructions that no clock on a busy
# machine shows: every scenario has to stay within its budget, and the gate itself has to notice.
set -u

gate=$(dirname "$0")/run
count=0
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# say STATUS SENTENCE: one line of TAP, with the output when it failed.
say() {
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $count - $2"
    else
        echo "not ok $count - $2"
        failed=$((failed + 1))
        sed 's/^/# /' "$work/output"
    fi
}

# held STATUS TEXT SENTENCE: the gate over one scenario with the planted budgets ends with that
# status and a line that begins with the text.
held() {
    BUDGETS=$work/budgets "$gate" malloc_fast >"$work/output" 2>&1
    [ $? -eq "$1" ] && grep -q "^$2" "$work/output"
    say $? "$3"
}

# plant BUDGET: budgets for the same compiler, with another number.
plant() {
    {
        sed -n '/^built:/p' "$(dirname "$0")/budgets"
        echo "malloc_fast $1 planted"
    } >"$work/budgets"
}

"$gate" >"$work/output" 2>&1
status=$?
if [ $status -eq 77 ]; then
    echo "1..0 # SKIP $(sed -n 's/^skipped: //p' "$work/output")"
    exit 0
fi

# One result per scenario; what is said beyond those lines is a fault of its own.
while read -r line; do
    case $line in
    held:*) echo "ok $((count += 1)) - ${line#held: }" ;;
    "not held:"*)
        echo "not ok $((count += 1)) - ${line#not held: }"
        failed=$((failed + 1))
        ;;
    *) echo "# $line" ;;
    esac
done <"$work/output"
[ $((failed > 0)) -eq $((status != 0)) ]
say $? "the gate's status says what its lines say"

plant 1.0
held 1 'not held: malloc_fast: [1-9][0-9.]* instructions, the budget is 1.0$' \
    "what exceeds its budget fails, with both numbers"
plant 100000
held 0 'held: malloc_fast: .*; lower the budget$' "a budget far too high is pointed out"
sed -i 's/^malloc_fast/another/' "$work/budgets"
held 1 'not held: malloc_fast: .* no budget$' "a scenario without a budget fails"
sed -i 's/^built:.*/built: abacus/' "$work/budgets"
held 77 "skipped: the budgets are for 'abacus'" "budgets of another compiler are not held"

plant 1.0
BUDGETS=$work/budgets "$gate" --update malloc_fast >"$work/output" 2>&1 &&
    BUDGETS=$work/budgets "$gate" malloc_fast >>"$work/output" 2>&1 &&
    grep -q '^malloc_fast  *[1-9][0-9.]*  planted$' "$work/budgets"
say $? "updated budgets hold and keep their reasons"

echo "1..$count"
[ $failed -eq 0 ]
