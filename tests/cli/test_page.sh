#!/bin/sh
# If this failed, the page of --html would fetch something from elsewhere, lack a chart, or be wider
# than the screen that it is read on.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

# Long words, many variants, blocks of many sizes and lifetimes.
compile work <<'C'
#include <stdlib.h>
int main(void) {
    static void *kept[512];
    for (unsigned i = 0; i < 60000; i++) {
        unsigned place = i * 2654435761u >> 23;
        free(kept[place]);
        kept[place] = malloc(1 + i * 40503u % (i % 100 == 0 ? 100000 : 900));
    }
    return 0;
}
C
long=a-rather-long-name-of-a-command-without-any-blank-in-it-that-could-be-broken-at
run compare -r 8 --headroom --profile -n "$work/$long <script>alert(1)</script>" \
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

# look WIDTH: what the script finds at that width.
look() {
    cat >"$work/frame.html" <<H
<!doctype html><title>frame</title><body><p id="result">no answer</p>
<script>addEventListener("message", function (event) {
    document.getElementById("result").textContent = event.data; });</script>
<iframe src="copy.html" width="$1" height="4000" style="border:0"></iframe>
H
    timeout 120 "$browser" --headless --hide-scrollbars --no-sandbox --disable-gpu \
        --disable-quic --no-first-run \
        --disable-background-networking --disable-component-update --disable-sync \
        --user-data-dir="$work/browser-$1" --window-size=1400,4200 --virtual-time-budget=5000 \
        --dump-dom "file://$work/frame.html" >"$work/out" 2>"$work/browser.log"
    status=$?
    : >"$work/err"
    grep -o '<p id="result">[^<]*' "$work/out" >"$work/found"
    grep -E 'Uncaught|net::ERR' "$work/browser.log" >"$work/err"
    cp "$work/found" "$work/out"
}
for width in 390 1280; do
    look "$width"
    [ "$(cat "$work/found")" = "<p id=\"result\">sound at $width" ] && [ ! -s "$work/err" ]
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
