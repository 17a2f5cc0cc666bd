#!/bin/sh
# If this failed, the page of --html would fetch something from elsewhere, lack a chart, or be wider
# than the screen that it is read on.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

# Long words, many variants, blocks of many sizes and lifetimes.
compile work <tests/cli/programs/churn.c
long=a-rather-long-name-of-a-command-without-any-blank-in-it-that-could-be-broken-at
run compare -r 8 --headroom --profile --moments -n "$work/$long <script>alert(1)</script>" \
    -a another-allocator-with-a-long-name="$build/libtagpool.so" --style none \
    --html "$work/page.html" -- "$work/work"
[ "$status" -eq 0 ] && [ -s "$work/page.html" ]
check $? 'a page is written'

! grep -qiE '<script|<link|<img|<iframe|@import|url\(|https?://|src=|href=' "$work/page.html"
check $? 'it has no script and asks nobody for anything'
for chart in differences rounds sizes lifetimes live; do
    grep -q "<figure class=\"$chart\">" "$work/page.html"
    check $? "it has the chart of $chart"
done
! grep -qE '[^a-z](nan|inf)[^a-z]' "$work/page.html"
check $? 'no mark lies at a place that is no number'
grep -q 'prefers-color-scheme: dark' "$work/page.html" &&
    grep -q '<meta name="viewport"' "$work/page.html"
check $? 'it is made for dark screens and for phones'

# ---- what it says to who was handed it ----

grep -qE '<p class="about">The same program ran with different allocators.* <b>system</b> is the '\
'reference, .* from pools.* In each round ' "$work/page.html"
check $? 'it explains what the reference, pools and rounds are'
grep -qE 'All charts have this one axis, which is (linear|logarithmic: equal steps)' \
    "$work/page.html"
check $? 'the axis of the differences is marked as linear or logarithmic'
axes=$(sed -n '/<li class="axis">/s/<svg[^>]*>//p' "$work/page.html" | sort -u | wc -l)
[ "$(grep -c '<li class="axis">' "$work/page.html")" -eq 4 ] && [ "$axes" -eq 1 ]
check $? 'all metrics have one axis'
for title in 'size asked for, in bytes (logarithmic)' 'bytes, up to' 'lifetime: below so many' \
    'time since the first call (linear)'; do
    grep -qF "$title" "$work/page.html"
    check $? "an axis has the title '$title'"
done
[ "$(grep -c '<table class="moments">' "$work/page.html")" -eq 4 ] &&
    grep -q '<h2>Mean and deviation</h2>' "$work/page.html"
check $? 'each metric has its mean and deviation, as --moments asks'
shades=$(sed -n '/<div class="shades">/s/<i/\n<i/gp' "$work/page.html" | grep -c '^<i')
[ "$shades" -ge 3 ] && grep -q '<i></i>[0-9]* at most<' "$work/page.html"
check $? 'the map of sizes and lifetimes has a scale of its shades'

# Warnings of a result are no notes among others.
saved=tests/cli/saved/result.json
warning='{"kind": "machine", "key": "load", "matters": true, "text": "it was <b>busy</b>"}'
note='{"kind": "program", "key": "few_calls", "matters": true, "text": "it calls seldom"}'
sed -e "s|\"reasons\": .*|\"reasons\": [$warning, $note],|" \
    -e 's/"stdout_stable": true/"stdout_stable": false/' "$saved" >"$work/warned.json"
run report --style none --html "$work/warned.html" "$work/warned.json"
awk '/<ul class="warnings"/, /<\/ul>/' "$work/warned.html" >"$work/warnings"
[ "$status" -eq 0 ] &&
    grep -q '^<li><b>Warning:</b> it was &lt;b&gt;busy&lt;/b&gt;\.</li>$' "$work/warnings" &&
    grep -q '^<li><b>Warning:</b> standard output changes from run to run' "$work/warnings" &&
    ! grep -q 'it calls seldom' "$work/warnings" && grep -q 'it calls seldom' "$work/warned.html"
check $? 'warnings stand in a frame of their own, and notes do not'
run report --style none --html "$work/calm.html" "$saved"
[ "$status" -eq 0 ] && ! grep -q '<ul class="warnings"' "$work/calm.html"
check $? 'without a warning there is no frame'

# From half to twice the reference the axis is linear.
grep -q 'one axis, which is linear' "$work/calm.html"
check $? 'differences of a fifth have a linear axis'
awk '/"variant": "tagpool"/ && match($0, /"peak_memory_bytes": [0-9]+/) {
    split(substr($0, RSTART, RLENGTH), part, ": ")
    printf "%s%s: %.0f%s\n", substr($0, 1, RSTART - 1), part[1], 9 * part[2], \
        substr($0, RSTART + RLENGTH)
    next
} { print }' "$saved" >"$work/ninefold.json"
run report --style none --html "$work/ninefold.html" "$work/ninefold.json"
[ "$status" -eq 0 ] && grep -q 'one axis, which is logarithmic' "$work/ninefold.html" &&
    grep -q '>+300 %</text>' "$work/ninefold.html"
check $? 'and those of several times the reference a logarithmic one'

browser=
for name in chromium chromium-browser google-chrome; do
    [ -n "$browser" ] || browser=$(command -v "$name")
done
if [ -z "$browser" ]; then
    skip 'in a browser nothing overflows and every chart has data' 'chromium is not installed'
    finish
fi

# In a copy, a script looks at the page and leaves what it finds in the document's title. A frame of
# a given width stands for the screen: the window itself cannot be made as narrow as a phone.
cat >"$work/look" <<'H'
<script>
addEventListener("load", function () {
    var found = [], wide = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth > wide)
        found.push("the page is wider than the screen");
    document.querySelectorAll("body *").forEach(function (element) {
        var box = element.getBoundingClientRect();
        if (element.closest("title") || box.width === 0) return;
        if (box.left < -1 || box.right > wide + 1)
            found.push(element.tagName + " " + element.getAttribute("class") + " reaches " +
                Math.round(box.left) + " to " + Math.round(box.right));
    });
    var marks = { differences: ".mark", rounds: ".dot", sizes: ".bar", lifetimes: ".cell",
        live: ".line" };
    Object.keys(marks).forEach(function (name) {
        var figures = document.querySelectorAll("figure." + name);
        if (figures.length === 0) found.push("no chart of " + name);
        figures.forEach(function (figure) {
            var seen = 0;
            figure.querySelectorAll(marks[name]).forEach(function (mark) {
                var box = mark.getBoundingClientRect();
                if (box.width > 0 && box.height > 0) seen++;
            });
            if (seen === 0) found.push("nothing to be seen in " + name);
        });
    });
    document.querySelectorAll(".numbers .mark").forEach(function (mark) {
        var row = mark.closest("li").getBoundingClientRect(), box = mark.getBoundingClientRect();
        if (box.top < row.top || box.bottom > row.bottom) found.push("a mark beside its row");
    });
    var zeros = Array.from(document.querySelectorAll(".differences .zero"), function (line) {
        return Math.round(line.getBoundingClientRect().left);
    });
    if (zeros.some(function (left) { return left !== 0 && left !== Math.max(...zeros); }))
        found.push("zero lies at several places");
    document.querySelectorAll("svg text").forEach(function (text) {
        if (text.getBoundingClientRect().height < 9) found.push("text too small to read");
    });
    parent.postMessage(found.length ? found.join("; ") : "sound at " + wide, "*");
});
</script>
H
sed "/<\/head>/{
r $work/look
}" "$work/page.html" >"$work/copy.html"
grep -q 'postMessage' "$work/copy.html"
check $? 'the copy for the browser has the script that looks at it'

# look WIDTH...: what the script finds at each width, in frames below one another.
look() {
    cat >"$work/frame.html" <<H
<!doctype html><title>frame</title><body><div id="results"></div>
<script>addEventListener("message", function (event) {
    document.getElementById("results").innerHTML += "<p>" + event.data + "</p>"; });</script>
H
    for width; do
        echo "<iframe src='copy.html' width='$width' height='4000' style='border:0'></iframe>"
    done >>"$work/frame.html"
    timeout 120 "$browser" --headless --hide-scrollbars --no-sandbox --disable-gpu \
        --disable-quic --no-first-run \
        --disable-background-networking --disable-component-update --disable-sync \
        --user-data-dir="$work/browser" --window-size=1400,8400 --virtual-time-budget=5000 \
        --dump-dom "file://$work/frame.html" >"$work/out" 2>"$work/browser.log"
    status=$?
    : >"$work/err"
    grep -o '<p>[^<]*' "$work/out" >"$work/found"
    grep -E 'Uncaught|net::ERR' "$work/browser.log" >"$work/err"
    cp "$work/found" "$work/out"
}
look 390 1280
for width in 390 1280; do
    grep -qx "<p>sound at $width" "$work/found" && [ ! -s "$work/err" ]
    check $? "at $width pixels nothing overflows, every chart has data, and there is no error"
done
# The same look finds what is wrong: without this, its silence would prove nothing.
sed -i 's|<footer>|<div style="width:2000px">wide</div><footer>|; s|class="cell"|class="gone"|g' \
    "$work/copy.html"
look 390
grep -q 'the page is wider than the screen' "$work/found" &&
    grep -q 'nothing to be seen in lifetimes' "$work/found"
check $? 'a page that is too wide and lacks data is found out'

finish
