#include "report/session_table.h"

#include "base/wrap.h"
#include "report/table.h"

#include <stdlib.h>
#include <string.h>

enum { SESSION_TABLE_TEXT_BYTES = 96 };

/* ---- a row ---- */

struct session_table {
    FILE *out;
    const struct terminal *terminal;
    const struct session *session;
    char *labels[SESSION_COMMANDS_MAX];
    int title_width, label_width, name_width;
};

/* NULL for an analysis of what the others are compared with. */
static void session_table_row(const struct session_table *table, const struct metric_about *about,
                              double value, const struct analysis *analysis) {
    char text[SESSION_TABLE_TEXT_BYTES], difference[SESSION_TABLE_TEXT_BYTES];
    char word[SESSION_TABLE_TEXT_BYTES];
    metric_format_about(about, value, text, sizeof text);
    fprintf(table->out, "  %10s", text);
    if (analysis != NULL) {
        comparison_format_difference(analysis, difference, sizeof difference);
        fprintf(table->out, "   %-30s  ", difference);
        terminal_colour(table->terminal, table->out,
                        comparison_verdict_colour(about, analysis->verdict));
        fputs(comparison_verdict_word(about, analysis->verdict, word, sizeof word), table->out);
        terminal_colour(table->terminal, table->out, TERMINAL_PLAIN);
    }
    fputc('\n', table->out);
}

static void session_table_head(const struct session_table *table, const char *text) {
    terminal_colour(table->terminal, table->out, TERMINAL_BOLD);
    fputs(text, table->out);
    terminal_colour(table->terminal, table->out, TERMINAL_PLAIN);
}

/* ---- the variants of each command ---- */

static void session_table_command(const struct session_table *table, enum metric metric,
                                  unsigned command) {
    const struct comparison *comparison = table->session->comparisons[command];
    const struct result *result = comparison->result;
    const struct metric_about *about = rounds_about(&result->rounds, metric);
    unsigned reference = result->rounds.reference;
    fprintf(table->out, "  %-*s  %-*s  %-*s", table->title_width, command == 0 ? about->title : "",
            table->label_width, table->labels[command], table->name_width,
            result->variants[reference].name);
    session_table_row(table, about, comparison_reference(comparison, metric), NULL);
    for (unsigned i = 0; i < result->rounds.variant_count; i++) {
        const struct analysis *analysis = &comparison->analyses[i][metric];
        if (i == reference)
            continue;
        fprintf(table->out, "  %-*s  %-*s  %-*s", table->title_width, "", table->label_width, "",
                table->name_width, result->variants[i].name);
        session_table_row(table, about, analysis->value, analysis);
    }
}

/* ---- the commands under each variant ---- */

static void session_table_variant(const struct session_table *table, enum metric metric,
                                  unsigned variant) {
    const struct result *result = table->session->comparisons[0]->result;
    const struct metric_about *about = rounds_about(&result->rounds, metric);
    for (unsigned command = 0; command < table->session->count; command++) {
        const struct analysis *analysis =
            session_analysis(table->session, variant, command == 0 ? 1 : command, metric);
        bool first = command == 0;
        fprintf(table->out, "  %-*s  %-*s  %-*s", table->title_width,
                first && variant == 0 ? about->title : "", table->name_width,
                first ? result->variants[variant].name : "", table->label_width,
                table->labels[command]);
        session_table_row(table, about, first ? analysis->reference : analysis->value,
                          first ? NULL : analysis);
    }
}

static void session_table_print_both(const struct session_table *table) {
    const struct rounds *rounds = &table->session->comparisons[0]->result->rounds;
    session_table_head(table, "Together\n");
    for (unsigned metric = 0; metric < rounds_metrics(rounds); metric++)
        for (unsigned command = 0;
             rounds_about(rounds, (enum metric)metric)->decides && command < table->session->count;
             command++)
            session_table_command(table, (enum metric)metric, command);
    session_table_head(table, "\nAgainst each other");
    fprintf(table->out, ": %s\n", session_pairing_text(table->session));
    for (unsigned metric = 0; metric < rounds_metrics(rounds); metric++)
        for (unsigned variant = 0;
             rounds_about(rounds, (enum metric)metric)->decides && variant < rounds->variant_count;
             variant++)
            session_table_variant(table, (enum metric)metric, variant);
}

void session_table_print(FILE *out, const struct terminal *terminal,
                         const struct session *session) {
    FILE *sheet = wrap_open(out);
    struct session_table table = {
        .out = sheet, .terminal = terminal, .session = session, .title_width = 4};
    const struct rounds *rounds = &session->comparisons[0]->result->rounds;
    for (unsigned i = 0; i < session->count; i++) {
        report_table_print(sheet, terminal, session->comparisons[i]);
        if (session->count > 1)
            fputc('\n', sheet);
        table.labels[i] = session_label(session, i);
        int width = (int)strlen(table.labels[i]);
        table.label_width = width > table.label_width ? width : table.label_width;
    }
    table.name_width = (int)result_name_width(session->comparisons[0]->result);
    for (unsigned i = 0; i < rounds->own_count; i++) {
        int width = (int)strlen(rounds->own[i].title);
        table.title_width = width > table.title_width ? width : table.title_width;
    }
    if (session->count > 1)
        session_table_print_both(&table);
    wrap_close(sheet);
    for (unsigned i = 0; i < session->count; i++)
        free(table.labels[i]);
}
