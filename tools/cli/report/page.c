#include "report/page.h"

#include "base/html.h"
#include "base/memory.h"
#include "compare/summary.h"
#include "report/moments_rows.h"
#include "report/page_charts.h"
#include "report/page_style.h"
#include "report/page_words.h"

#include <math.h>
#include <stdlib.h>
#include <tagpool/version.h>

/* For a reader who was handed the page and does not know the program. */
static void page_print_introduction(FILE *out, const struct comparison *comparison) {
    const struct result *result = comparison->result;
    const struct variant *reference = &result->variants[result->rounds.reference];
    bool plain = reference->preload == NULL && !reference->shim;
    fputs("<p class=\"about\">The same program ran with different allocators, which hand it its "
          "memory. <b>",
          out);
    html_text(out, reference->name);
    fprintf(out,
            "</b> is the reference%s. Tagpool takes the place of malloc in an unmodified program: "
            "it serves small blocks from pools, memory that is cut into blocks of one size. In "
            "each round every variant ran once, in changing order, and is compared with the "
            "reference of the same round.</p>\n",
            plain ? ", the allocator that the program has anyway" : "");
}

static void page_print_head(FILE *out, const char *title) {
    fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
          "<meta name=\"generator\" content=\"tagpool " TAGPOOL_VERSION "\">\n<title>tagpool: ",
          out);
    html_text(out, title);
    fprintf(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<header>\n<h1>", page_style);
    html_text(out, title);
    fputs("</h1>\n", out);
}

/* What was measured, when, and how often. */
static void page_print_session(FILE *out, const struct comparison *comparison) {
    const struct result *result = comparison->result;
    fputs("<p>", out);
    html_format(out, "%u round%s of %u variants in %.0f s, balanced order, seed %llu",
                result->rounds.count, result->rounds.count == 1 ? "" : "s",
                result->rounds.variant_count, result->elapsed_s,
                (unsigned long long)result->plan.seed);
    if (comparison->machine.date != NULL)
        html_format(out, ", %s", comparison->machine.date);
    fputs("</p>\n", out);
}

/* ---- in words ---- */

static void page_print_verdict(FILE *out, const struct comparison *comparison, unsigned variant) {
    const struct result *result = comparison->result;
    const struct analysis *analyses = comparison->analyses[variant];
    enum metric metric = summary_metric(comparison, variant);
    const struct metric_about *about = rounds_about(&result->rounds, metric);
    char *summary = summary_text(comparison, variant);
    char *sentence = comparison_sentence(comparison, variant);
    fprintf(out, "<li class=\"%s\"><b><i>",
            comparison_verdict_class(about, analyses[metric].verdict));
    html_text(out, result->variants[variant].name);
    fputs(":</i> ", out);
    html_text(out, summary);
    fputs("</b><span>", out);
    html_format(out, "against %s: %s.", result->variants[result->rounds.reference].name, sentence);
    fputs("</span></li>\n", out);
    free(sentence);
    free(summary);
}

/* A new string, as one of the notes. */
static void page_print_note(FILE *out, const char *title, char *text) {
    if (text != NULL) {
        fputs("<li>", out);
        if (title[0] != '\0')
            fprintf(out, "<b>%s</b> ", title);
        html_format(out, "%s.", text);
        fputs("</li>\n", out);
    }
    free(text);
}

static void page_print_counted(FILE *out, const struct comparison *comparison, unsigned variant) {
    char *text = comparison_counted_text(comparison, variant);
    if (text != NULL)
        page_print_note(out, "Counters:",
                        memory_format("%s: %s", comparison->result->variants[variant].name, text));
    free(text);
}

/* Those of the machine are warnings, the others notes. */
static bool page_is_shown(const struct reason *reason, bool warning) {
    return reason->matters && (reason->kind == REASON_MACHINE) == warning;
}

static void page_print_words(FILE *out, const struct comparison *comparison) {
    const struct result *result = comparison->result;
    fputs("<ul class=\"verdicts\">\n", out);
    for (unsigned i = 0; i < result->rounds.variant_count; i++)
        if (i != result->rounds.reference)
            page_print_verdict(out, comparison, i);
    fputs("</ul>\n<ul class=\"notes\">\n", out);
    page_print_note(out, "Headroom:", comparison_headroom_text(comparison));
    for (unsigned i = 0; i < result->rounds.variant_count; i++) {
        const struct result_proof *proof = &result->proofs[i];
        if (proof->calls > 0)
            page_print_note(out, "",
                            memory_format("%s served %.1f %% of %llu call%s from its pools",
                                          result->variants[i].name,
                                          100 * (double)proof->pool_calls / (double)proof->calls,
                                          (unsigned long long)proof->calls,
                                          proof->calls == 1 ? "" : "s"));
    }
    for (unsigned i = 0; i < result->rounds.variant_count; i++)
        if (i != result->rounds.reference)
            page_print_counted(out, comparison, i);
    for (unsigned i = 0; i < result->rounds.variant_count; i++)
        if (i != result->rounds.reference)
            page_print_note(out, "", summary_paired_text(comparison, i));
    page_print_note(out, "", comparison_resolution_text(comparison));
    for (unsigned i = 0; i < comparison->reasons.count; i++)
        if (page_is_shown(&comparison->reasons.items[i], false))
            page_print_note(out, "", memory_copy(comparison->reasons.items[i].text));
    fputs("</ul>\n", out);
}

/* What casts doubt on the numbers, in a frame of its own. */
static void page_print_warnings(FILE *out, const struct comparison *comparison) {
    static const char *const streams[] = {"standard output", "standard error"};
    static const char title[] = "Warning:";
    unsigned count = 0;
    for (unsigned i = 0; i < comparison->reasons.count; i++)
        count += page_is_shown(&comparison->reasons.items[i], true);
    if (count == 0 && !comparison->result->unstable[0] && !comparison->result->unstable[1])
        return;
    fputs("<ul class=\"warnings\" role=\"note\">\n", out);
    for (int i = 0; i < 2; i++)
        if (comparison->result->unstable[i])
            page_print_note(out, title,
                            memory_format("%s changes from run to run by itself, so it was not "
                                          "compared",
                                          streams[i]));
    for (unsigned i = 0; i < comparison->reasons.count; i++)
        if (page_is_shown(&comparison->reasons.items[i], true))
            page_print_note(out, title, memory_copy(comparison->reasons.items[i].text));
    fputs("</ul>\n", out);
}

/* ---- mean and deviation ---- */

struct page_moments {
    FILE *out;
    const struct comparison *comparison;
    unsigned metric; /* of the next table */
};

/* A metric's first row begins its table. */
static void page_moments_row(void *printer, const char *const cells[MOMENTS_ROWS_CELLS]) {
    struct page_moments *moments = printer;
    FILE *out = moments->out;
    if (cells[0][0] != '\0') {
        fprintf(out, "%s<table class=\"moments\">\n<caption>",
                moments->metric == 0 ? "" : "</table>\n");
        page_words_metric(out, moments->comparison, (enum metric)moments->metric++);
        fputs("</caption>\n<tr>", out);
        for (int i = 1; i < MOMENTS_ROWS_CELLS; i++)
            fprintf(out, "<th%s>%s</th>", i < MOMENTS_ROWS_WORDS ? "" : " class=\"number\"",
                    moments_rows_titles[i]);
        fputs("</tr>\n", out);
    }
    fputs("<tr>", out);
    for (int i = 1; i < MOMENTS_ROWS_CELLS; i++) {
        fprintf(out, "<td%s>", i < MOMENTS_ROWS_WORDS ? "" : " class=\"number\"");
        html_text(out, cells[i]);
        fputs("</td>", out);
    }
    fputs("</tr>\n", out);
}

static void page_print_moments(FILE *out, const struct comparison *comparison) {
    struct page_moments moments = {.out = out, .comparison = comparison};
    if (!comparison->with_moments)
        return;
    fputs("<h2>Mean and deviation</h2>\n", out);
    moments_rows_each(comparison, page_moments_row, &moments);
    fputs("</table>\n", out);
}

/* ---- the machine ---- */

static void page_print_fact(FILE *out, const char *title, const char *text) {
    if (text == NULL || text[0] == '\0')
        return;
    fprintf(out, "<dt>%s</dt><dd>", title);
    html_text(out, text);
    fputs("</dd>\n", out);
}

static void page_print_own_fact(FILE *out, const char *title, char *text) {
    page_print_fact(out, title, text);
    free(text);
}

static void page_print_machine(FILE *out, const struct comparison *comparison) {
    const struct machine *machine = &comparison->machine;
    char memory[64] = "";
    if (machine->memory_bytes > 0)
        metric_format(METRIC_PEAK, (double)machine->memory_bytes, memory, sizeof memory);
    fputs("<h2>Where it was measured</h2>\n<dl>\n", out);
    page_print_fact(out, "Host", machine->host);
    page_print_own_fact(out, "Processor",
                        memory_format("%s, %llu%s", machine->cpu != NULL ? machine->cpu : "unknown",
                                      (unsigned long long)machine->processors,
                                      machine->is_virtual ? ", virtual machine" : ""));
    page_print_fact(out, "Memory", memory);
    if (machine->release != NULL)
        page_print_own_fact(
            out, "Kernel",
            memory_format("%s %s %s", machine->system, machine->release, machine->architecture));
    page_print_fact(out, "C library", machine->libc);
    page_print_fact(out, "Huge pages", machine->huge_pages);
    page_print_fact(out, "Governor", machine->governor);
    if (machine->load >= 0)
        page_print_own_fact(out, "Load before", memory_format("%.2f", machine->load));
    if (comparison->steal >= 0)
        page_print_own_fact(
            out, "Stolen time",
            memory_format("%.2f %% of the processors' time", 100 * comparison->steal));
    fputs("</dl>\n", out);
}

/* ---- the page ---- */

static void page_print_allocations(FILE *out, const struct comparison *comparison) {
    const struct profile *profile = comparison->profile;
    if (profile == NULL)
        return;
    fputs("<h2>What it allocates</h2>\n", out);
    page_profile_sizes(out, profile);
    page_profile_lifetimes(out, profile);
    page_profile_live(out, profile);
}

static void page_print_comparison(FILE *out, const struct comparison *comparison) {
    const struct rounds *rounds = &comparison->result->rounds;
    page_print_warnings(out, comparison);
    page_print_words(out, comparison);
    fputs("<h2>Differences</h2>\n", out);
    page_differences(out, comparison);
    page_scan(out, comparison);
    page_print_moments(out, comparison);
    fputs("<h2>Rounds</h2>\n", out);
    for (unsigned metric = 0; metric < rounds_metrics(rounds); metric++)
        if (metric >= METRIC_COUNT || metric_about[metric].decides)
            page_rounds(out, comparison, (enum metric)metric);
    page_print_allocations(out, comparison);
}

/* A session of several: how they stand together, then each. */
static void page_print_several(FILE *out, const struct session *session) {
    char *title =
        memory_format("%s and %u more", session->comparisons[0]->title, session->count - 1);
    page_print_head(out, title);
    free(title);
    page_print_session(out, session->comparisons[0]);
    page_print_introduction(out, session->comparisons[0]);
    fputs("</header>\n", out);
    page_session(out, session);
    for (unsigned i = 0; i < session->count; i++) {
        fputs("<h1>", out);
        html_text(out, session->comparisons[i]->title);
        fputs("</h1>\n", out);
        page_print_comparison(out, session->comparisons[i]);
    }
}

void page_print(FILE *out, const struct session *session) {
    const struct comparison *comparison = session->comparisons[0];
    if (session->count > 1) {
        page_print_several(out, session);
    } else {
        page_print_head(out, comparison->title);
        page_print_session(out, comparison);
        page_print_introduction(out, comparison);
        fputs("</header>\n", out);
        page_print_comparison(out, comparison);
    }
    page_print_machine(out, comparison);
    fprintf(out,
            "<footer>A difference is the Hodges-Lehmann estimate over all rounds with its 95 %% "
            "interval; the grey band is the noise threshold of %.3g %%, within which differences "
            "do not matter. A verdict needs the whole interval on one side. Made by tagpool "
            "%s.</footer>\n</body>\n</html>\n",
            100 * comparison->result->plan.threshold, TAGPOOL_VERSION);
}
