#include "report/markup.h"

#include "base/memory.h"
#include "base/utf8.h"
#include "compare/summary.h"
#include "report/moments_rows.h"

#include <stdlib.h>
#include <string.h>

enum { MARKUP_TEXT_BYTES = 96, MARKUP_COLUMNS_MAX = 8 };

/* ---- the languages ---- */

struct markup {
    FILE *out;
    const char *head; /* before a title */
    const char *item; /* before an item of a list */
    void (*print_text)(FILE *out, const char *text);
    /* Around the rows of a table; `aligned` has 'l' or 'r' for each column. */
    void (*begin_table)(FILE *out, const char *const *columns, const char *aligned);
    const char *row_end;
    const char *table_end;
};

/* Text without a meaning: neither markup nor the end of a table's cell. */
static void markup_print_escaped(FILE *out, const char *text) {
    for (; *text != '\0'; text++) {
        if (strchr("\\`*_[]<>|#", *text) != NULL)
            fputc('\\', out);
        fputc(*text == '\n' || *text == '\r' ? ' ' : *text, out);
    }
}

/* AsciiDoc knows characters by their numbers, in which it sees no markup. */
static void markup_print_numbered(FILE *out, const char *text) {
    for (; *text != '\0'; text++)
        if (strchr("\\`*_[]<>|#^~+{}&-'\"", *text) != NULL)
            fprintf(out, "&#%d;", *text);
        else
            fputc(*text == '\n' || *text == '\r' ? ' ' : *text, out);
}

/* Org has names for them. */
static void markup_print_named(FILE *out, const char *text) {
    static const struct {
        char character;
        const char *name;
    } named[] = {{'|', "vert"},      {'*', "ast"},   {'_', "under"}, {'^', "asciicirc"},
                 {'/', "slash"},     {'<', "lt"},    {'>', "gt"},    {'[', "lbrack"},
                 {']', "rbrack"},    {'~', "tilde"}, {'=', "equal"}, {'+', "plus"},
                 {'\\', "backslash"}};
    for (; *text != '\0'; text++) {
        size_t i = 0;
        while (i < sizeof named / sizeof named[0] && named[i].character != *text)
            i++;
        if (i < sizeof named / sizeof named[0])
            fprintf(out, "\\%s{}", named[i].name);
        else
            fputc(*text == '\n' || *text == '\r' ? ' ' : *text, out);
    }
}

static void markup_print_columns(FILE *out, const char *const *columns) {
    for (; *columns != NULL; columns++)
        fprintf(out, "| %s ", *columns);
}

static void markup_begin_markdown(FILE *out, const char *const *columns, const char *aligned) {
    markup_print_columns(out, columns);
    fputs("|\n", out);
    for (; *aligned != '\0'; aligned++)
        fputs(*aligned == 'r' ? "| ---: " : "| --- ", out);
    fputs("|\n", out);
}

static void markup_begin_asciidoc(FILE *out, const char *const *columns, const char *aligned) {
    fputs("[cols=\"", out);
    for (const char *p = aligned; *p != '\0'; p++)
        fprintf(out, "%s%c", p == aligned ? "" : ",", *p == 'r' ? '>' : '<');
    fputs("\",options=\"header\"]\n|===\n", out);
    markup_print_columns(out, columns);
    fputs("\n\n", out);
}

static void markup_begin_org(FILE *out, const char *const *columns, const char *aligned) {
    markup_print_columns(out, columns);
    fputs("|\n|", out);
    for (; *aligned != '\0'; aligned++)
        fprintf(out, "---%c", aligned[1] != '\0' ? '+' : '|');
    fputc('\n', out);
}

/* ---- its pieces ---- */

static void markup_print_text(const struct markup *markup, const char *text) {
    char *clean = utf8_clean(text);
    markup->print_text(markup->out, clean);
    free(clean);
}

/* A new string, as an item of a list. */
static void markup_print_item(const struct markup *markup, const char *title, char *text) {
    if (text != NULL) {
        fprintf(markup->out, "%s %s", markup->item, title);
        markup_print_text(markup, text);
        fputs(".\n", markup->out);
    }
    free(text);
}

/* One cell with a text of somebody's, NULL: none. */
static void markup_print_cell(const struct markup *markup, const char *text) {
    fputs("|", markup->out);
    if (text != NULL && text[0] != '\0') {
        fputc(' ', markup->out);
        markup_print_text(markup, text);
    }
    fputc(' ', markup->out);
}

static void markup_end_row(const struct markup *markup) {
    fputs(markup->row_end, markup->out);
}

/* ---- the comparison ---- */

static void markup_print_metric(const struct markup *markup, const struct comparison *comparison,
                                enum metric metric) {
    const struct result *result = comparison->result;
    const struct metric_about *about = rounds_about(&result->rounds, metric);
    unsigned reference = result->rounds.reference;
    char value[MARKUP_TEXT_BYTES], difference[MARKUP_TEXT_BYTES], word[MARKUP_TEXT_BYTES];
    metric_format_about(about, comparison_reference(comparison, metric), value, sizeof value);
    markup_print_cell(markup, about->title);
    markup_print_cell(markup, result->variants[reference].name);
    fprintf(markup->out, "| %s | | ", value);
    markup_end_row(markup);
    for (unsigned i = 0; i < result->rounds.variant_count; i++) {
        if (i == reference)
            continue;
        const struct analysis *analysis = &comparison->analyses[i][metric];
        metric_format_about(about, analysis->value, value, sizeof value);
        comparison_format_difference(analysis, difference, sizeof difference);
        markup_print_cell(markup, NULL);
        markup_print_cell(markup, result->variants[i].name);
        fprintf(markup->out, "| %s | %s | %s ", value, difference,
                comparison_verdict_word(about, analysis->verdict, word, sizeof word));
        markup_end_row(markup);
    }
}

static void markup_print_differences(const struct markup *markup,
                                     const struct comparison *comparison) {
    static const char *const columns[] = {"metric",     "variant", "median",
                                          "difference", "verdict", NULL};
    markup->begin_table(markup->out, columns, "llrll");
    for (unsigned metric = 0; metric < rounds_metrics(&comparison->result->rounds); metric++)
        markup_print_metric(markup, comparison, (enum metric)metric);
    fprintf(markup->out, "%s\n", markup->table_end);
}

static void markup_print_moments_row(void *printer, const char *const cells[MOMENTS_ROWS_CELLS]) {
    const struct markup *markup = printer;
    for (int i = 0; i < MOMENTS_ROWS_CELLS; i++)
        if (i < MOMENTS_ROWS_WORDS)
            markup_print_cell(markup, cells[i]);
        else
            fprintf(markup->out, "| %s ", cells[i]);
    markup_end_row(markup);
}

static void markup_print_moments(const struct markup *markup, const struct comparison *comparison) {
    struct markup printer = *markup;
    markup->begin_table(markup->out, moments_rows_titles, "llrrrrr");
    moments_rows_each(comparison, markup_print_moments_row, &printer);
    fprintf(markup->out, "%s\n", markup->table_end);
}

static void markup_print_counted(const struct markup *markup, const struct comparison *comparison,
                                 unsigned variant) {
    char *text = comparison_counted_text(comparison, variant);
    if (text != NULL)
        markup_print_item(
            markup, "Counters: ",
            memory_format("%s: %s", comparison->result->variants[variant].name, text));
    free(text);
}

static void markup_print_words(const struct markup *markup, const struct comparison *comparison) {
    const struct result *result = comparison->result;
    const struct rounds *rounds = &result->rounds;
    for (unsigned i = 0; i < rounds->variant_count; i++) {
        if (i == rounds->reference)
            continue;
        char *sentence = comparison_sentence(comparison, i);
        markup_print_item(markup, "",
                          memory_format("%s against %s: %s", result->variants[i].name,
                                        result->variants[rounds->reference].name, sentence));
        free(sentence);
    }
    for (unsigned i = 0; i < rounds->variant_count; i++)
        if (i != rounds->reference)
            markup_print_item(markup, "", summary_paired_text(comparison, i));
    markup_print_item(markup, "Headroom: ", comparison_headroom_text(comparison));
    for (unsigned i = 0; i < rounds->variant_count; i++)
        if (i != rounds->reference)
            markup_print_counted(markup, comparison, i);
    markup_print_item(markup, "", comparison_resolution_text(comparison));
    for (unsigned i = 0; i < comparison->reasons.count; i++)
        if (comparison->reasons.items[i].matters)
            markup_print_item(markup, "", memory_copy(comparison->reasons.items[i].text));
    markup_print_item(markup, "Machine: ", machine_text(&comparison->machine));
}

static void markup_print(const struct markup *markup, const struct comparison *comparison) {
    const struct result *result = comparison->result;
    fprintf(markup->out, "%s ", markup->head);
    markup_print_text(markup, comparison->title);
    fprintf(markup->out,
            "\n\n%u round%s in %.1f s, balanced order, seed %llu; medians, and differences with "
            "95 %% intervals.\n\n",
            result->rounds.count, result->rounds.count == 1 ? "" : "s", result->elapsed_s,
            (unsigned long long)result->plan.seed);
    markup_print_differences(markup, comparison);
    if (comparison->with_moments)
        markup_print_moments(markup, comparison);
    markup_print_words(markup, comparison);
}

/* ---- the session ---- */

static void markup_begin_session_table(const struct markup *markup, const char *first,
                                       const char *second) {
    const char *const columns[] = {"metric",     first,     second, "median",
                                   "difference", "verdict", NULL};
    markup->begin_table(markup->out, columns, "lllrll");
}

/* NULL for an analysis of what the others are compared with. */
static void markup_print_session_row(const struct markup *markup, const char *const cells[3],
                                     const struct metric_about *about, double value,
                                     const struct analysis *analysis) {
    char text[MARKUP_TEXT_BYTES], difference[MARKUP_TEXT_BYTES] = "";
    char made[MARKUP_TEXT_BYTES];
    const char *word = "";
    metric_format_about(about, value, text, sizeof text);
    if (analysis != NULL) {
        comparison_format_difference(analysis, difference, sizeof difference);
        word = comparison_verdict_word(about, analysis->verdict, made, sizeof made);
    }
    for (int i = 0; i < 3; i++)
        markup_print_cell(markup, cells[i]);
    fprintf(markup->out, "| %s | %s | %s ", text, difference, word);
    markup_end_row(markup);
}

/* The commands under each variant; the other way round is in the comparisons. */
static void markup_print_column(const struct markup *markup, const struct session *session,
                                unsigned variant, enum metric metric) {
    const struct result *result = session->comparisons[0]->result;
    const struct metric_about *about = rounds_about(&result->rounds, metric);
    for (unsigned command = 0; command < session->count; command++) {
        const struct analysis *analysis =
            session_analysis(session, variant, command == 0 ? 1 : command, metric);
        bool first = command == 0;
        char *label = session_label(session, command);
        const char *const cells[3] = {first && variant == 0 ? about->title : NULL,
                                      first ? result->variants[variant].name : NULL, label};
        markup_print_session_row(markup, cells, about,
                                 first ? analysis->reference : analysis->value,
                                 first ? NULL : analysis);
        free(label);
    }
}

static void markup_print_session(const struct markup *markup, const struct session *session) {
    const struct rounds *rounds = &session->comparisons[0]->result->rounds;
    for (unsigned i = 0; i < session->count; i++) {
        markup_print(markup, session->comparisons[i]);
        if (session->count > 1)
            fputc('\n', markup->out);
    }
    if (session->count < 2)
        return;
    fprintf(markup->out, "%s Against each other\n\nHere %s.\n\n", markup->head,
            session_pairing_text(session));
    markup_begin_session_table(markup, "variant", "command");
    for (unsigned metric = 0; metric < rounds_metrics(rounds); metric++)
        for (unsigned variant = 0;
             rounds_about(rounds, (enum metric)metric)->decides && variant < rounds->variant_count;
             variant++)
            markup_print_column(markup, session, variant, (enum metric)metric);
    fputs(markup->table_end, markup->out);
}

void markup_print_markdown(FILE *out, const struct session *session) {
    const struct markup markdown = {out,   "###", "*", markup_print_escaped, markup_begin_markdown,
                                    "|\n", ""};
    markup_print_session(&markdown, session);
}

void markup_print_asciidoc(FILE *out, const struct session *session) {
    const struct markup asciidoc = {
        out, "===", "*", markup_print_numbered, markup_begin_asciidoc, "\n", "|===\n"};
    markup_print_session(&asciidoc, session);
}

void markup_print_org(FILE *out, const struct session *session) {
    const struct markup org = {out, "***", "-", markup_print_named, markup_begin_org, "|\n", ""};
    markup_print_session(&org, session);
}
