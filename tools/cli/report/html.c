#include "report/html.h"

#include "base/html.h"
#include "base/memory.h"
#include "base/version.h"
#include "report/html_charts.h"

#include <math.h>
#include <stdlib.h>

/* The colours of v0 to v5 are those of Okabe and Ito, lightened for the dark page. */
static const char html_style[] =
    ":root{color-scheme:light dark;--page:#fff;--ink:#1b1f24;--soft:#5a636e;--rule:#e3e6ea;"
    "--band:#f1f3f5;--v0:#0072b2;--v1:#d55e00;--v2:#007d5c;--v3:#b0578a;--v4:#8a6d00;--v5:#3a7ca5}"
    "@media(prefers-color-scheme:dark){:root{--page:#14171a;--ink:#e6e9ec;--soft:#9aa4ae;"
    "--rule:#2b3137;--band:#1e2328;--v0:#56b4e9;--v1:#ff8c42;--v2:#2fbf95;--v3:#dd93bd;"
    "--v4:#e0b93f;--v5:#8fc3e0}}"
    "*{box-sizing:border-box}"
    "body{margin:0 auto;padding:2rem 1.25rem 3rem;max-width:58rem;background:var(--page);"
    "color:var(--ink);font:16px/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,sans-serif;"
    "font-variant-numeric:tabular-nums;overflow-wrap:anywhere}"
    "header p,footer,figcaption{color:var(--soft);font-size:.875rem}"
    "header p{margin:.25rem 0 0}"
    "h1{margin:0;font:600 1.25rem/1.35 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}"
    "h2{margin:2.5rem 0 .75rem;font-size:1rem;font-weight:600}"
    "figure{margin:0 0 1.75rem}figcaption{margin-bottom:.35rem}"
    "figcaption b{display:inline-block;color:var(--ink);font-weight:600;margin-right:.5rem}"
    ".verdicts{list-style:none;margin:1.5rem 0 0;padding:0;display:grid;gap:.75rem}"
    ".verdicts li{padding:.85rem 1rem;border-left:4px solid currentColor;background:var(--band)}"
    ".verdicts b{display:block;font-size:1.125rem}"
    ".verdicts span{color:var(--ink);font-size:.9375rem}.verdicts b i{font-style:normal;"
    "color:var(--ink)}"
    ".notes{margin:1rem 0 0;padding-left:1.1rem}.notes li{margin:.3rem 0}"
    ".notes li::first-letter{text-transform:uppercase}"
    ".numbers{list-style:none;margin:0 0 .25rem;padding:0;font-size:.9375rem}"
    ".numbers li{display:grid;grid-template-columns:minmax(5rem,1.2fr) 6rem minmax(0,2.2fr) "
    "minmax(0,1.6fr);gap:0 .75rem;align-items:baseline}"
    ".numbers .value{text-align:right}.numbers .name{font-weight:600}"
    ".numbers .reference,.numbers li:first-child{color:var(--soft);font-weight:400}"
    "@media(max-width:36rem){body{padding:1.25rem 1rem 2rem}"
    ".numbers li{grid-template-columns:minmax(0,1fr) auto;margin:.2rem 0}"
    ".numbers .verdict{text-align:right}.numbers .difference{font-size:.875rem}}"
    ".less{color:var(--v0)}.more{color:var(--v1)}.none{color:var(--soft)}"
    ".v0{color:var(--v0)}.v1{color:var(--v1)}.v2{color:var(--v2)}.v3{color:var(--v3)}"
    ".v4{color:var(--v4)}.v5{color:var(--v5)}"
    ".key{white-space:nowrap;margin-right:.75rem}.key::before{content:\"\";display:inline-block;"
    "width:.6em;height:.6em;margin-right:.35em;border-radius:50%;background:currentColor}"
    ".key.node{color:var(--v0)}.key.large{color:var(--soft)}"
    ".chart{display:block;overflow:hidden}"
    ".plot{display:grid;grid-template-columns:3.4rem minmax(0,1fr);gap:.5rem}"
    ".levels{display:block;width:100%}"
    "svg text{fill:var(--soft);font-size:12px;font-family:inherit}"
    "svg .grid{stroke:var(--rule)}svg .zero{stroke:var(--soft)}svg .noise{fill:var(--band)}"
    "svg .interval{stroke:currentColor;stroke-width:3;stroke-linecap:round}"
    "svg .mark,svg .dot{fill:currentColor}svg .dot{fill-opacity:.65}"
    "svg .mark{stroke:var(--page);stroke-width:1.5}"
    "svg .estimate{stroke:currentColor;stroke-dasharray:5 4}"
    "svg .bar{fill:var(--soft)}svg .node,svg .cell{fill:var(--v0)}"
    "svg .area{fill:var(--v0);fill-opacity:.18}"
    "svg .line{fill:none;stroke:var(--v0);stroke-width:1.5;vector-effect:non-scaling-stroke}"
    "dl{display:grid;grid-template-columns:minmax(6rem,auto) minmax(0,1fr);gap:.15rem 1.25rem;"
    "margin:0;font-size:.9375rem}dt{color:var(--soft)}dd{margin:0}"
    "code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}"
    "footer{margin-top:2.5rem;border-top:1px solid var(--rule);padding-top:.75rem}";

static void html_print_head(FILE *out, const struct comparison *comparison) {
    const struct result *result = comparison->result;
    fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
          "<meta name=\"generator\" content=\"tagpool " TAGPOOL_VERSION "\">\n<title>tagpool: ",
          out);
    html_text(out, comparison->title);
    fprintf(out, "</title>\n<style>%s</style>\n</head>\n<body>\n<header>\n<h1>", html_style);
    html_text(out, comparison->title);
    fputs("</h1>\n<p>", out);
    html_format(out, "%u rounds of %u variants in %.0f s, balanced order, seed %llu",
                result->rounds.count, result->rounds.variant_count, result->elapsed_s,
                (unsigned long long)result->plan.seed);
    if (comparison->machine.date != NULL)
        html_format(out, ", %s", comparison->machine.date);
    fputs("</p>\n</header>\n", out);
}

/* ---- in words ---- */

/* What the variant is called in large letters: by CPU time, or by wall time if that says more. */
static enum metric html_leading_metric(const struct analysis *analyses) {
    enum paired_verdict cpu = analyses[METRIC_CPU].verdict;
    return cpu == PAIRED_INCONCLUSIVE || cpu == PAIRED_NO_DIFFERENCE ? METRIC_WALL : METRIC_CPU;
}

static void html_print_verdict(FILE *out, const struct comparison *comparison, unsigned variant) {
    const struct result *result = comparison->result;
    const struct analysis *analyses = comparison->analyses[variant];
    enum metric metric = html_leading_metric(analyses);
    char word[64];
    const char *verdict =
        comparison_verdict_word(metric, analyses[metric].verdict, word, sizeof word);
    char *sentence = comparison_sentence(comparison, variant);
    fprintf(out, "<li class=\"%s\"><b><i>", comparison_verdict_class(analyses[metric].verdict));
    html_text(out, result->variants[variant].name);
    fputs(":</i> ", out);
    html_format(out, "%s %s", html_metric_title(metric), verdict);
    if (analyses[metric].verdict != PAIRED_INCONCLUSIVE)
        fprintf(out, ", %.2fx", exp(-analyses[metric].difference.estimate));
    fputs("</b><span>", out);
    html_format(out, "against %s: %s.", result->variants[result->rounds.reference].name, sentence);
    fputs("</span></li>\n", out);
    free(sentence);
}

/* A new string, as one of the notes. */
static void html_print_note(FILE *out, const char *title, char *text) {
    if (text != NULL) {
        fputs("<li>", out);
        html_format(out, "%s%s.", title, text);
        fputs("</li>\n", out);
    }
    free(text);
}

static void html_print_counted(FILE *out, const struct comparison *comparison, unsigned variant) {
    char *text = comparison_counted_text(comparison, variant);
    if (text != NULL)
        html_print_note(out, "Counters: ",
                        memory_format("%s: %s", comparison->result->variants[variant].name, text));
    free(text);
}

static void html_print_words(FILE *out, const struct comparison *comparison) {
    const struct result *result = comparison->result;
    fputs("<ul class=\"verdicts\">\n", out);
    for (unsigned i = 0; i < result->rounds.variant_count; i++)
        if (i != result->rounds.reference)
            html_print_verdict(out, comparison, i);
    fputs("</ul>\n<ul class=\"notes\">\n", out);
    html_print_note(out, "Headroom: ", comparison_headroom_text(comparison));
    for (unsigned i = 0; i < result->rounds.variant_count; i++) {
        const struct result_proof *proof = &result->proofs[i];
        if (proof->calls > 0)
            html_print_note(out, "",
                            memory_format("%s served %.1f %% of %llu calls from its pools",
                                          result->variants[i].name,
                                          100 * (double)proof->pool_calls / (double)proof->calls,
                                          (unsigned long long)proof->calls));
    }
    for (unsigned i = 0; i < result->rounds.variant_count; i++)
        if (i != result->rounds.reference)
            html_print_counted(out, comparison, i);
    html_print_note(out, "", comparison_resolution_text(comparison));
    for (unsigned i = 0; i < comparison->reasons.count; i++)
        if (comparison->reasons.items[i].matters)
            html_print_note(out, "", memory_copy(comparison->reasons.items[i].text));
    fputs("</ul>\n", out);
}

/* ---- the machine ---- */

static void html_print_fact(FILE *out, const char *title, const char *text) {
    if (text == NULL || text[0] == '\0')
        return;
    fprintf(out, "<dt>%s</dt><dd>", title);
    html_text(out, text);
    fputs("</dd>\n", out);
}

static void html_print_own_fact(FILE *out, const char *title, char *text) {
    html_print_fact(out, title, text);
    free(text);
}

static void html_print_machine(FILE *out, const struct comparison *comparison) {
    const struct machine *machine = &comparison->machine;
    char memory[64] = "";
    if (machine->memory_bytes > 0)
        metric_format(METRIC_PEAK, (double)machine->memory_bytes, memory, sizeof memory);
    fputs("<h2>Where it was measured</h2>\n<dl>\n", out);
    html_print_fact(out, "Host", machine->host);
    html_print_own_fact(out, "Processor",
                        memory_format("%s, %llu%s", machine->cpu != NULL ? machine->cpu : "unknown",
                                      (unsigned long long)machine->processors,
                                      machine->is_virtual ? ", virtual machine" : ""));
    html_print_fact(out, "Memory", memory);
    if (machine->release != NULL)
        html_print_own_fact(
            out, "Kernel",
            memory_format("%s %s %s", machine->system, machine->release, machine->architecture));
    html_print_fact(out, "C library", machine->libc);
    html_print_fact(out, "Huge pages", machine->huge_pages);
    html_print_fact(out, "Governor", machine->governor);
    if (machine->load >= 0)
        html_print_own_fact(out, "Load before", memory_format("%.2f", machine->load));
    if (comparison->steal >= 0)
        html_print_own_fact(
            out, "Stolen time",
            memory_format("%.2f %% of the processors' time", 100 * comparison->steal));
    fputs("</dl>\n", out);
}

/* ---- the page ---- */

static void html_print_profile(FILE *out, const struct comparison *comparison) {
    const struct json_value *profile = comparison->profile;
    if (profile == NULL)
        return;
    fputs("<h2>What it allocates</h2>\n", out);
    html_chart_sizes(out, profile);
    html_chart_lifetimes(out, profile);
    html_chart_live(out, profile);
}

void report_html_print(FILE *out, const struct comparison *comparison) {
    html_print_head(out, comparison);
    html_print_words(out, comparison);
    fputs("<h2>Differences</h2>\n", out);
    for (int metric = 0; metric < METRIC_COUNT; metric++)
        html_chart_differences(out, comparison, (enum metric)metric);
    fputs("<h2>Rounds</h2>\n", out);
    for (int metric = 0; metric < METRIC_COUNT; metric++)
        if (metric_about[metric].decides)
            html_chart_rounds(out, comparison, (enum metric)metric);
    html_print_profile(out, comparison);
    html_print_machine(out, comparison);
    fprintf(out,
            "<footer>A difference is the Hodges-Lehmann estimate over all rounds with its 95 %% "
            "interval; the grey band is the noise threshold of %.3g %%, within which differences "
            "do not matter. A verdict needs the whole interval on one side. Made by tagpool "
            "%s.</footer>\n</body>\n</html>\n",
            100 * comparison->result->plan.threshold, TAGPOOL_VERSION);
}
