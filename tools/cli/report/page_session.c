#include "base/html.h"
#include "base/memory.h"
#include "report/page_charts.h"
#include "report/page_lines.h"
#include "report/page_words.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE_SESSION_TEXT_BYTES = 96 };

/* ---- lines ---- */

static void page_session_point(struct page_lines_series *series, unsigned place,
                               const struct rounds *rounds, unsigned variant, enum metric metric) {
    double *values = memory_array(rounds->count, sizeof *values);
    for (unsigned i = 0; i < rounds->count; i++)
        values[i] = rounds_value(rounds, i, variant, metric);
    page_lines_point(series, place, values, rounds->count);
    free(values);
}

static int page_session_colour(const struct comparison *comparison, unsigned variant) {
    bool reference = variant == comparison->result->rounds.reference;
    return reference ? -1 : (int)page_words_colour(comparison, variant);
}

static bool page_session_charts(const struct rounds *rounds, unsigned metric) {
    return metric < METRIC_COUNT
               ? metric_about[metric].decides || metric == METRIC_PEAK
               : rounds_about(rounds, (enum metric)metric)->unit != METRIC_COUNTED;
}

/* A line for each variant, over the values of the session's only parameter. */
static void page_session_lines(FILE *out, const struct session *session, enum metric metric) {
    const struct comparison *first = session->comparisons[0];
    const struct rounds *rounds = &first->result->rounds;
    struct page_lines lines = {.about = rounds_about(rounds, metric),
                               .parameter = session->parameters[0].name,
                               .count = session->count};
    memcpy(lines.values, session->parameters[0].values, session->count * sizeof lines.values[0]);
    for (unsigned i = 0; i < rounds->variant_count; i++) {
        struct page_lines_series *series =
            page_lines_add(&lines, first->result->variants[i].name, page_session_colour(first, i));
        for (unsigned command = 0; command < session->count; command++)
            page_session_point(series, command, &session->comparisons[command]->result->rounds, i,
                               metric);
    }
    page_lines_print(out, &lines);
}

/* The variant of a value of a scan, or variant_count. */
static unsigned page_session_scanned(const struct result *result, const char *value,
                                     size_t length) {
    const char *scan = result->plan.scan;
    char *name = memory_format("%.*s%.*s", (int)strcspn(scan, "=") + 1, scan, (int)length, value);
    unsigned variant = result_find(result, name);
    free(name);
    return variant;
}

/* The scanned variants as one line, and the reference as another, which is level. */
static void page_session_scan(FILE *out, const struct comparison *comparison, enum metric metric) {
    const struct result *result = comparison->result;
    const struct rounds *rounds = &result->rounds;
    char *names = memory_copy(result->plan.scan);
    struct page_lines lines = {.about = rounds_about(rounds, metric), .parameter = names};
    struct page_lines_series *scanned = page_lines_add(&lines, "tagpool", 0);
    struct page_lines_series *reference = page_lines_add(&lines, result_reference_name(result), -1);
    char *value = names + strcspn(names, "=");
    while (value != NULL && *value != '\0' && lines.count < PAGE_LINES_POINTS_MAX) {
        *value++ = '\0';
        char *next = strchr(value, ',');
        size_t length = next != NULL ? (size_t)(next - value) : strlen(value);
        unsigned variant = page_session_scanned(result, value, length);
        if (variant < rounds->variant_count) {
            page_session_point(scanned, lines.count, rounds, variant, metric);
            page_session_point(reference, lines.count, rounds, rounds->reference, metric);
            lines.values[lines.count++] = value;
        }
        value = next;
    }
    if (lines.count > 1)
        page_lines_print(out, &lines);
    free(names);
}

void page_scan(FILE *out, const struct comparison *comparison) {
    const struct rounds *rounds = &comparison->result->rounds;
    const char *scan = comparison->result->plan.scan;
    if (scan == NULL)
        return;
    fputs("<h2>", out);
    html_format(out, "Over %.*s", (int)strcspn(scan, "="), scan);
    fputs("</h2>\n", out);
    for (unsigned metric = 0; metric < rounds_metrics(rounds); metric++)
        if (page_session_charts(rounds, metric))
            page_session_scan(out, comparison, (enum metric)metric);
}

/* ---- tables ---- */

/* NULL for an analysis of what the others are compared with. */
static void page_session_row(FILE *out, const char *first, const char *second,
                             const struct metric_about *about, double value,
                             const struct analysis *analysis) {
    char text[PAGE_SESSION_TEXT_BYTES], difference[PAGE_SESSION_TEXT_BYTES];
    char word[PAGE_SESSION_TEXT_BYTES];
    metric_format_about(about, value, text, sizeof text);
    fputs("<tr><td>", out);
    html_text(out, first);
    fputs("</td><td>", out);
    html_text(out, second);
    fprintf(out, "</td><td class=\"number\">%s</td>", text);
    if (analysis == NULL) {
        fputs("<td></td></tr>\n", out);
        return;
    }
    comparison_format_difference(analysis, difference, sizeof difference);
    fprintf(out, "<td>%s <span class=\"%s\">%s</span></td></tr>\n", difference,
            comparison_verdict_class(about, analysis->verdict),
            comparison_verdict_word(about, analysis->verdict, word, sizeof word));
}

static void page_session_begin_table(FILE *out, const struct session *session, const char *first,
                                     const char *second, enum metric metric) {
    fputs("<table>\n<caption>", out);
    page_words_metric(out, session->comparisons[0], metric);
    fprintf(out,
            "</caption>\n<tr><th>%s</th><th>%s</th><th class=\"number\">median</th>"
            "<th>difference</th></tr>\n",
            first, second);
}

static void page_session_variants(FILE *out, const struct session *session, enum metric metric) {
    page_session_begin_table(out, session, "command", "allocator", metric);
    for (unsigned command = 0; command < session->count; command++) {
        const struct comparison *comparison = session->comparisons[command];
        const struct result *result = comparison->result;
        const struct metric_about *about = rounds_about(&result->rounds, metric);
        char *label = session_label(session, command);
        page_session_row(out, label, result_reference_name(result), about,
                         comparison_reference(comparison, metric), NULL);
        for (unsigned i = 0; i < result->rounds.variant_count; i++)
            if (i != result->rounds.reference)
                page_session_row(out, "", result->variants[i].name, about,
                                 comparison->analyses[i][metric].value,
                                 &comparison->analyses[i][metric]);
        free(label);
    }
    fputs("</table>\n", out);
}

static void page_session_commands(FILE *out, const struct session *session, enum metric metric) {
    const struct result *result = session->comparisons[0]->result;
    const struct metric_about *about = rounds_about(&result->rounds, metric);
    page_session_begin_table(out, session, "allocator", "command", metric);
    for (unsigned variant = 0; variant < result->rounds.variant_count; variant++)
        for (unsigned command = 0; command < session->count; command++) {
            const struct analysis *analysis =
                session_analysis(session, variant, command == 0 ? 1 : command, metric);
            bool first = command == 0;
            char *label = session_label(session, command);
            page_session_row(out, first ? result->variants[variant].name : "", label, about,
                             first ? analysis->reference : analysis->value,
                             first ? NULL : analysis);
            free(label);
        }
    fputs("</table>\n", out);
}

void page_session(FILE *out, const struct session *session) {
    const struct rounds *rounds = &session->comparisons[0]->result->rounds;
    fputs("<h2>Together</h2>\n", out);
    for (unsigned metric = 0; metric < rounds_metrics(rounds); metric++)
        if (session->parameter_count == 1 && page_session_charts(rounds, metric))
            page_session_lines(out, session, (enum metric)metric);
    for (unsigned metric = 0; metric < rounds_metrics(rounds); metric++)
        if (rounds_about(rounds, (enum metric)metric)->decides)
            page_session_variants(out, session, (enum metric)metric);
    fputs("<h2>Against each other</h2>\n<p class=\"about\">", out);
    html_format(out, "Each under the same allocator, against the first: %s.",
                session_pairing_text(session));
    fputs("</p>\n", out);
    for (unsigned metric = 0; metric < rounds_metrics(rounds); metric++)
        if (rounds_about(rounds, (enum metric)metric)->decides)
            page_session_commands(out, session, (enum metric)metric);
}
