// The flame graph: a tree of frames, the outermost on top, each as wide as its share of the count
// that was chosen. A click makes a frame as wide as the page. The data is in the page, as
// {names, counts: [[title, is in bytes]], few, nodes: [[depth, name, samples, count, count ...]]},
// depth first. What rests on fewer samples than `few` is rough, and is shown with one digit; 0: every
// call was counted.
(function () {
    "use strict";
    var figure = document.querySelector(".flame");
    var data = JSON.parse(figure.querySelector(".data").textContent);
    var graph = figure.querySelector(".graph");
    var chosen = figure.querySelector("select");
    var search = figure.querySelector("input");
    var whole = figure.querySelector(".whole");
    var found = figure.querySelector(".found");
    var about = figure.querySelector(".about-frame");
    var ROW = 20, LEAST_PIXELS = 1.5;

    // ---- the tree ----

    var path = [];
    var nodes = data.nodes.map(function (row) {
        var node = { depth: row[0], name: data.names[row[1]], samples: row[2],
            counts: row.slice(3), children: [] };
        node.parent = node.depth > 0 ? path[node.depth - 1] : null;
        if (node.parent) node.parent.children.push(node);
        path[node.depth] = node;
        return node;
    });
    var root = nodes[0], zoomed = root, count = 0, pattern = null;

    function hue(name) {
        var hash = 0;
        for (var i = 0; i < name.length; i++) hash = (hash * 31 + name.charCodeAt(i)) % 9973;
        return 20 + hash % 320;
    }

    // A count and its share of all, as the table of sites has them.
    function oneDigit(value) {
        return Number(value.toPrecision(1));
    }

    function amount(value, rough) {
        var units = ["B", "KiB", "MiB", "GiB", "TiB"], unit = 0, mark = rough ? "~" : "";
        function rounded() {
            return rough ? oneDigit(value) : value;
        }
        if (!data.counts[count][1]) return mark + rounded().toLocaleString("en");
        while (value >= 1024 && unit < units.length - 1) {
            value /= 1024;
            unit++;
        }
        var short = rough || unit === 0 || value >= 100;
        return mark + rounded().toFixed(short ? 0 : 1) + " " + units[unit];
    }

    function percent(value, rough, digits) {
        var share = 100 * value / (root.counts[count] || 1);
        return rough ? "~" + oneDigit(share) + " %" : share.toFixed(share < 1 ? digits : 1) + " %";
    }

    function words(node) {
        var value = node.counts[count], rough = node.samples < data.few;
        return node.name + ": " + amount(value, rough) + " " + data.counts[count][0] + ", " +
            percent(value, rough, 2);
    }

    // ---- drawing ----

    var drawn, deepest;

    function draw(node, left, width, above) {
        var pixels = width * graph.clientWidth / 100;
        if (pixels < LEAST_PIXELS && !above) return;
        var button = document.createElement("button");
        button.type = "button";
        button.tabIndex = node === zoomed ? 0 : -1;
        button.style.cssText = "left:" + left + "%;width:" + width + "%;top:" + node.depth * ROW +
            "px;--hue:" + hue(node.name);
        button.textContent = pixels > 24 ? node.name : "";
        button.title = words(node);
        button.setAttribute("aria-label", button.title);
        if (above) button.classList.add("above");
        if (pattern && pattern.test(node.name)) button.classList.add("hit");
        button.node = node;
        graph.appendChild(button);
        drawn.set(node, button);
        deepest = Math.max(deepest, node.depth);
        if (above) return;
        node.children.forEach(function (child) {
            var part = width * child.counts[count] / (node.counts[count] || 1);
            draw(child, left, part, false);
            left += part;
        });
    }

    function redraw() {
        graph.textContent = "";
        drawn = new Map();
        deepest = 0;
        for (var node = zoomed.parent; node; node = node.parent) draw(node, 0, 100, true);
        draw(zoomed, 0, 100, false);
        graph.style.height = (deepest + 1) * ROW + "px";
        whole.disabled = zoomed === root;
        tell();
    }

    // What matches, without counting a match within a match twice.
    function tell() {
        var sum = 0, samples = 0;
        function add(node) {
            if (pattern.test(node.name)) {
                sum += node.counts[count];
                samples += node.samples;
            } else {
                node.children.forEach(add);
            }
        }
        if (pattern) add(root);
        found.textContent = pattern ? "found: " + amount(sum, samples < data.few) + ", " +
            percent(sum, samples < data.few, 1) : "";
    }

    function zoom(node) {
        zoomed = node;
        redraw();
        drawn.get(node).focus();
    }

    // ---- what is done with it ----

    function look() {
        var text = search.value;
        try {
            pattern = text === "" ? null : new RegExp(text, "i");
        } catch (fault) {
            pattern = new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "i");
        }
        redraw();
    }

    function beside(node, step) {
        var row = node.parent ? node.parent.children : [node];
        for (var i = row.indexOf(node) + step; row[i]; i += step)
            if (drawn.has(row[i])) return row[i];
        return node;
    }

    function move(event) {
        var node = event.target.node;
        var first = node && node.children.filter(function (child) { return drawn.has(child); })[0];
        var to = { ArrowUp: node && node.parent, ArrowDown: first,
            ArrowLeft: node && beside(node, -1), ArrowRight: node && beside(node, 1) }[event.key];
        if (event.key === "Escape") zoom(root);
        else if (to && drawn.has(to)) drawn.get(to).focus();
        else return;
        event.preventDefault();
    }

    function explain(event) {
        if (event.target.node) about.textContent = words(event.target.node);
    }

    data.counts.forEach(function (item, i) {
        chosen.add(new Option(item[0], i, i === 0, i === 0));
    });
    chosen.addEventListener("change", function () {
        count = Number(chosen.value);
        redraw();
    });
    search.addEventListener("input", look);
    whole.addEventListener("click", function () { zoom(root); });
    graph.addEventListener("click", function (event) {
        if (event.target.node) zoom(event.target.node);
    });
    graph.addEventListener("keydown", move);
    graph.addEventListener("mouseover", explain);
    graph.addEventListener("focusin", explain);
    addEventListener("resize", redraw);
    redraw();
})();
