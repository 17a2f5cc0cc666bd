#!/bin/sh
# If this failed, two threads that free and an owner that claims could lose a block, or purge one
# that is in use: in an order that no stress test may ever come upon. spin tries all orders of the
# model in remote_free.pml; and the mutants show that it would find a fault.
set -u

here=$(cd "$(dirname "$0")" && pwd)
if ! command -v spin >/dev/null; then
    echo "1..0 # SKIP spin is not installed"
    exit 0
fi

count=0
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

say() {
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $count - $2"
    else
        echo "not ok $count - $2"
        failed=$((failed + 1))
        sed 's/^/# /' output
    fi
}

# explore [MUTANT]: all orders; the verdict is in `output`.
explore() {
    spin "-D${1:-MUTANT_NONE}" -a "$here/remote_free.pml" >output 2>&1 &&
        ${CC:-cc} -O1 -w -DSAFETY -DMEMLIM=1000 -o pan pan.c >>output 2>&1 &&
        ./pan -m100000 >>output 2>&1 && ! grep -q 'max search depth too small' output
}

explore && grep -q 'errors: 0' output
say $? "no order loses a slot or purges one in use"
for mutant in MUTANT_BARRIER MUTANT_DRAINS MUTANT_UNPOST; do
    explore $mutant && grep -q 'assertion violated' output
    say $? "$mutant is found"
done

echo "1..$count"
[ $failed -eq 0 ]
