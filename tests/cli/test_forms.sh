#!/bin/sh
# If this failed, a saved comparison would be written in a form that its reader does not understand,
# or with other numbers than the table has.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

# 8 rounds, in which tagpool takes 0.80 times the time of the system.
saved=tests/cli/saved/result.json
awk '!done && /"name":/ { sub(/"name": .*/, "\"name\": \"a|b *c* [d] _e_ /f/\","); done = 1 } 1' \
    "$saved" >"$work/a.json"
run report "$work/a.json" --style none --export-asciidoc "$work/a.adoc" \
    --export-orgmode "$work/a.org" --export-markdown "$work/a.md"
is "$status" 0 'a comparison is written as AsciiDoc, Org and Markdown'
head -n 1 "$work/a.adoc" |
    grep -qxF '=== a&#124;b &#42;c&#42; &#91;d&#93; &#95;e&#95; /f/' &&
    grep -qxF '[cols="<,<,>,<,<",options="header"]' "$work/a.adoc" &&
    [ "$(grep -cx '|===' "$work/a.adoc")" -eq 2 ] &&
    grep -q '^| wall | system | .* | | $' "$work/a.adoc"
check $? 'AsciiDoc has its heading, its table, and no markup in what is not ours'
head -n 1 "$work/a.org" | grep -qxF '*** a\vert{}b \ast{}c\ast{} \lbrack{}d\rbrack{} '\
'\under{}e\under{} \slash{}f\slash{}' && grep -qx '|---+---+---+---+---|' "$work/a.org" &&
    grep -q '^- tagpool against system: wall time ' "$work/a.org"
check $? 'and so has Org'
# The table of each is the same.
sed -n 's/^| \(.*\) |$/\1/p' "$work/a.md" | grep -v '^---' >"$work/md"
sed -n 's/^| \(.*\) |$/\1/p' "$work/a.org" >"$work/org"
sed -n 's/^| \(.*[^ ]\) *$/\1/p' "$work/a.adoc" | sed 's/ | |$/ | |/;s/ |$//' >"$work/adoc"
cmp -s "$work/md" "$work/org" && [ "$(wc -l <"$work/adoc")" -eq "$(wc -l <"$work/md")" ]
check $? 'with the same rows as Markdown'

# ---- units ----

for unit in us:us microsecond:us ms:ms millisecond:ms s:s second:s; do
    run report -u "${unit%:*}" "$saved"
    grep -E '^  (wall|cpu)  .*system' "$work/out" >"$work/rows"
    [ "$status" -eq 0 ] && [ "$(grep -c " [0-9.]* ${unit#*:}\$" "$work/rows")" -eq 2 ]
    check $? "times are shown in ${unit%:*}"
done
run report "$saved" -u hours
[ "$status" -eq 2 ] && grep -q -- "--time-unit is auto, microsecond, millisecond, second, us, ms \
or s, not 'hours'" "$work/err"
check $? 'an unknown unit is refused'

# ---- moments ----

run report --moments -u ms "$saved"
jq -r '[.rounds[].runs[] | select(.variant == "system") | .wall_seconds * 1000] |
    (add / length) as $mean | "\($mean * 100 | round / 100) \(min * 100 | round / 100) \(
    max * 100 | round / 100)"' "$saved" >"$work/expected" 2>"$work/jq"
if [ ! -s "$work/expected" ]; then
    skip 'the moments are those of the runs' 'jq is not installed'
else
    read -r mean low high <"$work/expected"
    awk '/deviation/ { on = 1 } on && $1 == "wall" { print $3 + 0, $7 + 0, $9 + 0; exit }' \
        "$work/out" >"$work/shown"
    read -r shown_mean shown_low shown_high <"$work/shown"
    awk -v a="$mean" -v b="$shown_mean" -v c="$low" -v d="$shown_low" -v e="$high" \
        -v f="$shown_high" 'BEGIN { exit !(a - b < .06 && b - a < .06 && c - d < .06 &&
            d - c < .06 && e - f < .06 && f - e < .06) }'
    check $? 'the moments are those of the runs'
fi
run report "$saved"
! grep -q deviation "$work/out"
check $? 'they are shown on request only'
run report --moments --style none --export-markdown - "$saved"
grep -q '^| metric | variant | mean | deviation | minimum | maximum | outliers |$' "$work/out"
check $? 'in other forms too'
sed -n '/deviation/,$ s/^| wall | system |//p' "$work/out" | tr -s ' |' ' ' >"$work/marked"
run report --moments "$saved"
sed -n '/deviation/,$ s/^  wall  *system //p' "$work/out" | tr -s ' ' >"$work/shown"
[ -s "$work/shown" ] && diff -b "$work/marked" "$work/shown" >"$work/diff"
check $? 'with the same numbers'
run report --moments --style none --html "$work/moments.html" "$saved"
sed -n '/<table class="moments">/,/<\/table>/p' "$work/moments.html" |
    sed -n 's/<[^>]*>/ /g; s/^ *system //p' | tr -s ' ' | head -n 1 >"$work/paged"
[ -s "$work/paged" ] && diff -b "$work/paged" "$work/marked" >"$work/diff"
check $? 'and so on the page'
run report --style none --html "$work/plain.html" "$saved"
! grep -qi deviation "$work/plain.html"
check $? 'where they are on request only, too'
finish
