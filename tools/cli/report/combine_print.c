#include "base/json.h"
#include "base/memory.h"
#include "report/combine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COMBINE_TEXT_BYTES = 96 };

/* ---- for people ---- */

static void combine_format(const struct paired_interval *interval, char *text) {
    const struct analysis analysis = {.difference = *interval};
    comparison_format_difference(&analysis, text, COMBINE_TEXT_BYTES);
}

static int combine_name_width(const struct combine *combine) {
    size_t width = 0;
    for (unsigned i = 0; i < combine->row_count; i++)
        width = fmax(width, strlen(combine->rows[i].variant));
    return (int)width;
}

static int combine_title_width(const struct combine *combine) {
    size_t width = 0;
    for (unsigned i = 0; i < combine->row_count; i++)
        width = fmax(width, strlen(combine->rows[i].about->title));
    return (int)width;
}

static void combine_print_row(FILE *out, const struct terminal *terminal,
                              const struct combine *combine, const struct combine_row *row,
                              bool first) {
    char all[COMBINE_TEXT_BYTES], another[COMBINE_TEXT_BYTES] = "", word[COMBINE_TEXT_BYTES];
    combine_format(&row->combined.all, all);
    if (row->combined.another.exists)
        snprintf(another, sizeof another, "[%+.1f ... %+.1f]",
                 100 * paired_share(row->combined.another.low),
                 100 * paired_share(row->combined.another.high));
    fprintf(out, "  %-*s  %-*s  %-28s  ", combine_title_width(combine),
            first ? row->about->title : "", combine_name_width(combine), row->variant,
            row->known > 0 ? all : "no interval");
    const char *verdict = comparison_verdict_word(row->about, row->verdict, word, sizeof word);
    terminal_colour(terminal, out, comparison_verdict_colour(row->about, row->verdict));
    fprintf(out, "%-25s", verdict);
    terminal_colour(terminal, out, TERMINAL_PLAIN);
    fprintf(out, "  %5.1f %%   %s\n", 100 * paired_share(row->combined.tau), another);
}

static bool combine_same_kind(const struct machine *left, const struct machine *right) {
    const char *first = left->cpu != NULL ? left->cpu : "";
    const char *second = right->cpu != NULL ? right->cpu : "";
    return strcmp(first, second) == 0 && left->processors == right->processors;
}

/* What the machine is, where others are of another kind; a new string. */
static char *combine_kind(const struct combine *combine, unsigned machine) {
    const struct machine *here = &combine->machines[machine].any->comparison.machine;
    bool all_alike = true;
    for (unsigned i = 0; i < combine->machine_count; i++)
        all_alike =
            all_alike && combine_same_kind(here, &combine->machines[i].any->comparison.machine);
    if (all_alike || here->cpu == NULL)
        return memory_copy("");
    return memory_format("  %s, %llu processors", here->cpu, (unsigned long long)here->processors);
}

static void combine_print_machine(FILE *out, const struct terminal *terminal,
                                  const struct combine *combine, const struct combine_row *row,
                                  unsigned machine, int width) {
    const struct combine_machine *of = &combine->machines[machine];
    const struct combine_cell *cell = &row->machines[machine];
    double reach = paired_normal_quantile((1 - PAIRED_CONFIDENCE) / 2) * cell->error;
    const struct paired_interval interval = {cell->estimate, cell->estimate - reach,
                                             cell->estimate + reach, true};
    char text[COMBINE_TEXT_BYTES];
    char *kind = combine_kind(combine, machine);
    combine_format(&interval, text);
    fprintf(out, "  %-*s  %4u round%s  ", width, of->name, of->rounds, of->rounds == 1 ? " " : "s");
    fprintf(out, "%-28s", cell->known ? text : "too few: left out");
    if (of->results > 1)
        fprintf(out, "  %u results", of->results);
    fputs(kind, out);
    if (of->warned)
        fputs("  (its report has warnings)", out);
    if (cell->outlying) {
        terminal_colour(terminal, out, TERMINAL_BAD);
        fputs("  differs from the others", out);
        terminal_colour(terminal, out, TERMINAL_PLAIN);
    }
    fputc('\n', out);
    free(kind);
}

static void combine_print_machines(FILE *out, const struct terminal *terminal,
                                   const struct combine *combine, const struct combine_row *row) {
    int width = 0;
    for (unsigned i = 0; i < combine->machine_count; i++)
        width = (int)fmax(width, (double)strlen(combine->machines[i].name));
    fprintf(out, "\n%s, %s against %s\n", row->about->title, row->variant,
            result_reference_name(&combine->results[0]->result));
    for (unsigned i = 0; i < combine->machine_count; i++)
        combine_print_machine(out, terminal, combine, row, i, width);
}

static void combine_print_sentences(FILE *out, const struct combine *combine) {
    for (unsigned i = 0; i < combine->row_count; i++) {
        const struct combine_row *row = &combine->rows[i];
        for (unsigned machine = 0; row->about->decides && machine < combine->machine_count;
             machine++)
            if (row->machines[machine].outlying)
                fprintf(out,
                        "Warning: %s differs from the other machines in %s of %s by more than "
                        "chance and their spread explain: %+.1f %%, where all together say "
                        "%+.1f %%.\n",
                        combine->machines[machine].name, row->about->title, row->variant,
                        100 * paired_share(row->machines[machine].estimate),
                        100 * paired_share(row->combined.all.estimate));
    }
    if (combine->rows[0].over_results)
        fputs("Note: all results are of one machine, so that the spread is that between its runs, "
              "and says nothing about other machines.\n",
              out);
    if (combine->machine_count > 1)
        fputs("The spread is the standard deviation of what differs between machines besides "
              "noise; another machine is expected within the last interval (95 %).\n",
              out);
}

void combine_print(FILE *out, const struct terminal *terminal, const struct combine *combine) {
    terminal_colour(terminal, out, TERMINAL_BOLD);
    fprintf(out, "%s\n", combine->results[0]->comparison.title);
    terminal_colour(terminal, out, TERMINAL_PLAIN);
    fprintf(
        out,
        "  %u results of %u machine%s; ratios to %s are combined, with random effects and 95 %% "
        "intervals\n\n",
        combine->count, combine->machine_count, combine->machine_count == 1 ? "" : "s",
        result_reference_name(&combine->results[0]->result));
    terminal_colour(terminal, out, TERMINAL_DIM);
    fprintf(out, "  %-*s  %-*s  %-28s  %-25s  %7s   %s\n", combine_title_width(combine), "",
            combine_name_width(combine), "", "over all", "verdict", "spread",
            combine->machine_count > 2 ? "on another machine" : "");
    terminal_colour(terminal, out, TERMINAL_PLAIN);
    for (unsigned i = 0; i < combine->row_count; i++)
        combine_print_row(out, terminal, combine, &combine->rows[i],
                          i == 0 || combine->rows[i].about != combine->rows[i - 1].about);
    for (unsigned i = 0; i < combine->row_count; i++)
        if (combine->rows[i].about->decides)
            combine_print_machines(out, terminal, combine, &combine->rows[i]);
    fputc('\n', out);
    combine_print_sentences(out, combine);
}

/* ---- for programs ---- */

static void combine_json_interval(struct json *json, const char *key,
                                  const struct paired_interval *interval) {
    if (!interval->exists) {
        json_null(json, key);
        return;
    }
    json_flat_array(json, key);
    json_number(json, NULL, paired_share(interval->low));
    json_number(json, NULL, paired_share(interval->high));
    json_end(json);
}

static void combine_json_row(struct json *json, const struct combine *combine,
                             const struct combine_row *row) {
    json_object(json, NULL);
    json_text(json, "metric", row->about->key);
    json_text(json, "variant", row->variant);
    json_number(json, "difference", paired_share(row->combined.all.estimate));
    combine_json_interval(json, "interval", &row->combined.all);
    combine_json_interval(json, "on_another_machine", &row->combined.another);
    json_number(json, "spread", paired_share(row->combined.tau));
    json_array(json, "machines");
    for (unsigned i = 0; i < combine->machine_count; i++) {
        const struct combine_cell *cell = &row->machines[i];
        json_flat_object(json, NULL);
        json_text(json, "machine", combine->machines[i].name);
        json_number(json, "difference", cell->known ? paired_share(cell->estimate) : NAN);
        json_number(json, "log_error", cell->known ? cell->error : NAN);
        json_truth(json, "outlying", cell->outlying);
        json_end(json);
    }
    json_end(json);
    json_end(json);
}

void combine_print_json(FILE *out, const struct combine *combine) {
    struct json json;
    json_init(&json, out);
    json_document(&json, NULL, "tagpool-combined", 1);
    json_text(&json, "name", combine->results[0]->comparison.title);
    json_text(&json, "reference", result_reference_name(&combine->results[0]->result));
    json_count(&json, "results", combine->count);
    json_array(&json, "combined");
    for (unsigned i = 0; i < combine->row_count; i++)
        combine_json_row(&json, combine, &combine->rows[i]);
    json_end(&json);
    json_end(&json);
}
