#!/bin/sh
# If this failed, the page of `tagpool profile --html` would fetch something from elsewhere, or its
# flame graph could not be read, searched or zoomed on some screen.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

# A name that would end the element that the data stands in, by way of the path of a module.
mkdir -p "$work/<"
compile tree -g <<'C'
#include <stdlib.h>
static void *kept[3000];
__attribute__((noinline)) static void first_leaf(int i) { kept[i] = malloc(100); }
__attribute__((noinline)) static void second_leaf(int i) { kept[i] = malloc(300); }
__attribute__((noinline)) static void brief(void) { free(malloc(10)); }
__attribute__((noinline)) static void branch(int i) {
    if (i % 3 == 0)
        second_leaf(i);
    else
        first_leaf(i);
}
int main(void) {
    for (int i = 0; i < 3000; i++) {
        branch(i);
        brief();
    }
    return 0;
}
C
cp "$work/tree" "$work/<"
title='a <b>title</b>'
run profile --no-plain -n "$title" --style none --html "$work/page.html" -- "$work/<//tree"
[ "$status" -eq 0 ] && [ -s "$work/page.html" ]
check $? 'a page is written'
! grep -qiE '<link|<img|<iframe|@import|url\(|https?://|src=|href=|<b>title' "$work/page.html" &&
    [ "$(grep -c '</script>' "$work/page.html")" -eq 2 ]
check $? 'it asks nobody for anything, and no name in it ends an element'
for chart in flame sizes lifetimes live; do
    grep -q "<figure class=\"$chart\">" "$work/page.html"
    check $? "it has the chart of $chart"
done
[ "$(grep -c '<section class="sites">' "$work/page.html")" -eq 4 ] &&
    grep -q '<code>second_leaf (' "$work/page.html"
check $? 'it lists the sites, which needs no script'
grep -q '<noscript>' "$work/page.html"
check $? 'without a script that is said'

browser=
for name in chromium chromium-browser google-chrome; do
    [ -n "$browser" ] || browser=$(command -v "$name")
done
if [ -z "$browser" ]; then
    skip 'in a browser the graph can be read, searched and zoomed' 'chromium is not installed'
    finish
fi

# As in test_page.sh: a script looks at a copy of the page, within a frame that is as wide as the
# screen.
cat >"$work/look" <<'H'
<script>
addEventListener("load", function () {
    var found = [], wide = document.documentElement.clientWidth;
    function hold(truth, text) { if (!truth) found.push(text); }
    function all() { return Array.from(document.querySelectorAll(".flame .graph button")); }
    function frame(name) {
        return all().filter(function (b) { return b.title.indexOf(name + ": ") === 0; })[0];
    }
    function width(name) { return frame(name) ? frame(name).getBoundingClientRect().width : 0; }
    function near(a, b) { return Math.abs(a - b) <= 0.02 * b + 1; }
    // The light of a colour, from 0 to 1, and the contrast of two as WCAG has it.
    function light(colour) {
        var part = colour.match(/[\d.]+/g).map(function (text) {
            var c = Number(text) / 255;
            return c <= 0.03928 ? c / 12.92 : Math.pow((c + 0.055) / 1.055, 2.4);
        });
        return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
    }
    function contrast(a, b) {
        var high = Math.max(light(a), light(b)), low = Math.min(light(a), light(b));
        return (high + 0.05) / (low + 0.05);
    }
    function readable() {
        all().forEach(function (button) {
            var style = getComputedStyle(button), box = button.getBoundingClientRect();
            hold(box.left >= -1 && box.right <= wide + 1, "a frame beside the page");
            hold(box.height >= 15, "a frame too low to read");
            hold(contrast(style.color, style.backgroundColor) >= 4.5, "a frame without contrast");
        });
    }
    var ink = getComputedStyle(document.body);
    hold(document.documentElement.scrollWidth <= wide, "the page is wider than the screen");
    hold(contrast(ink.color, ink.backgroundColor) >= 7, "text without contrast");
    var graph = document.querySelector(".flame .graph").getBoundingClientRect().width;
    hold(near(width("all"), graph), "the root is not as wide as the graph");
    hold(near(width("main"), graph), "main is not as wide as the graph");
    hold(near(width("branch"), graph / 2), "half of the calls are not half of the graph");
    hold(near(width("second_leaf"), graph / 6), "a sixth of the calls is no sixth");
    readable();
    var select = document.querySelector(".flame select");
    select.value = 2;
    select.dispatchEvent(new Event("change"));
    hold(near(width("second_leaf"), graph * 3 / 5), "live bytes are not as wide as they are");
    hold(!frame("brief"), "what is not live at the peak is drawn");
    hold(/second_leaf: .* (KiB|MiB) live at the peak, 60.0 %/.test(frame("second_leaf").title),
        "what a frame says");
    frame("first_leaf").click();
    hold(near(width("first_leaf"), graph), "a click does not zoom");
    hold(near(width("main"), graph) && frame("main").className === "above", "callers are gone");
    hold(!frame("second_leaf"), "what is beside the zoomed frame is drawn");
    readable();
    frame("first_leaf").dispatchEvent(new KeyboardEvent("keydown", {key: "Escape", bubbles: true}));
    hold(near(width("second_leaf"), graph * 3 / 5), "Escape does not show all");
    frame("branch").focus();
    frame("branch").dispatchEvent(
        new KeyboardEvent("keydown", {key: "ArrowDown", bubbles: true}));
    hold(document.activeElement.title.indexOf("_leaf") > 0, "an arrow key does not move");
    var search = document.querySelector(".flame input");
    search.value = "^second";
    search.dispatchEvent(new Event("input"));
    hold(document.querySelectorAll(".flame .hit").length === 1, "a search does not mark its hit");
    hold(/ 60.0 %$/.test(document.querySelector(".flame .found").textContent), "what it found");
    readable();
    search.value = "(leaf";
    search.dispatchEvent(new Event("input"));
    hold(document.querySelectorAll(".flame .hit").length === 0, "half an expression is text");
    parent.postMessage(found.length ? found.join("; ") : "sound at " + wide + ", " +
        (light(ink.backgroundColor) > 0.5 ? "light" : "dark"), "*");
});
</script>
H
sed "/<\/head>/{
r $work/look
}" "$work/page.html" >"$work/copy.html"

# look THEME WIDTH...: what the script finds at each width, in frames below one another.
look() {
    scheme=1
    [ "$1" = light ] || scheme=0
    shift
    cat >"$work/frame.html" <<H
<!doctype html><meta name="color-scheme" content="light dark"><title>frame</title>
<body><div id="results"></div>
<script>addEventListener("message", function (event) {
    document.getElementById("results").innerHTML += "<p>" + event.data + "</p>"; });</script>
H
    for width; do
        echo "<iframe src='copy.html' width='$width' height='3000' style='border:0'></iframe>"
    done >>"$work/frame.html"
    timeout 120 "$browser" --headless --hide-scrollbars --no-sandbox --disable-gpu \
        --disable-quic --no-first-run --blink-settings=preferredColorScheme=$scheme \
        --disable-background-networking --disable-component-update --disable-sync \
        --user-data-dir="$work/browser" --window-size=1400,6400 --virtual-time-budget=5000 \
        --dump-dom "file://$work/frame.html" >"$work/out" 2>"$work/browser.log"
    status=$?
    grep -o '<p>[^<]*' "$work/out" >"$work/found"
    grep -E 'Uncaught|net::ERR' "$work/browser.log" >"$work/err"
    cp "$work/found" "$work/out"
}
for theme in light dark; do
    look "$theme" 390 1280
    for width in 390 1280; do
        grep -qx "<p>sound at $width, $theme" "$work/found" && [ ! -s "$work/err" ]
        check $? "at $width pixels, $theme, the graph can be read, searched and zoomed"
    done
done
# The table of sites shows what rests on few samples with one digit.
cp "$work/copy.html" "$work/counted.html"
run profile --no-plain --sample 64K --style none --html "$work/sampled.html" -- "$work/tree"
cat >"$work/look" <<'H'
<script>
addEventListener("load", function () {
    var exact = Array.from(document.querySelectorAll(".flame .graph button"), function (frame) {
        return frame.title;
    }).filter(function (title) { return !/: ~[0-9]0*( calls), ~[0-9]0* %$/.test(
        title.replace(/,(?=[0-9]{3})/g, "")); });
    var search = document.querySelector(".flame input");
    search.value = "main";
    search.dispatchEvent(new Event("input"));
    var found = document.querySelector(".flame .found").textContent;
    if (!/^found: ~[0-9]0*, ~100 %$/.test(found.replace(/,(?=[0-9]{3})/g, ""))) exact.push(found);
    parent.postMessage(exact.length ? exact.join("; ") : "rough", "*");
});
</script>
H
sed "/<\/head>/{
r $work/look
}" "$work/sampled.html" >"$work/copy.html"
look light 1280
grep -qx '<p>rough' "$work/found"
check $? 'what rests on few samples has one digit'
# Without this, the silence of the look would prove nothing.
mv "$work/counted.html" "$work/copy.html"
sed -i 's/zoomed = node;/zoomed = root;/; s/--flame-ink: #[0-9a-f]*/--flame-ink: #999/' \
    "$work/copy.html"
look light 390
grep -q 'a click does not zoom' "$work/found" && grep -q 'a frame without contrast' "$work/found"
check $? 'a graph that cannot be zoomed or read is found out'

finish
