#include "report/markdown.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { MARKDOWN_TEXT_BYTES = 96 };

/* Text without a meaning: neither markup nor the end of a table's cell. */
static void markdown_print_text(FILE *out, const char *text) {
    for (; *text != '\0'; text++) {
        if (strchr("\\`*_[]<>|#", *text) != NULL)
            fputc('\\', out);
        fputc(*text == '\n' || *text == '\r' ? ' ' : *text, out);
    }
}

/* A new string, as an item of a list. */
static void markdown_print_item(FILE *out, const char *title, char *text) {
    if (text != NULL) {
        fprintf(out, "* %s", title);
        markdown_print_text(out, text);
        fputs(".\n", out);
    }
    free(text);
}

static void markdown_print_metric(FILE *out, const struct comparison *comparison,
                                  enum metric metric) {
    const struct result *result = comparison->result;
    unsigned reference = result->rounds.reference;
    char value[MARKDOWN_TEXT_BYTES], difference[MARKDOWN_TEXT_BYTES], word[MARKDOWN_TEXT_BYTES];
    const struct metric_about *about = rounds_about(&result->rounds, metric);
    metric_format_about(about, comparison_reference(comparison, metric), value, sizeof value);
    fputs("| ", out);
    markdown_print_text(out, about->title);
    fputs(" | ", out);
    markdown_print_text(out, result->variants[reference].name);
    fprintf(out, " | %s | | |\n", value);
    for (unsigned i = 0; i < result->rounds.variant_count; i++) {
        if (i == reference)
            continue;
        const struct analysis *analysis = &comparison->analyses[i][metric];
        metric_format_about(about, analysis->value, value, sizeof value);
        comparison_format_difference(analysis, difference, sizeof difference);
        fputs("| | ", out);
        markdown_print_text(out, result->variants[i].name);
        fprintf(out, " | %s | %s | %s |\n", value, difference,
                comparison_verdict_word(about, analysis->verdict, word, sizeof word));
    }
}

static void markdown_print_counted(FILE *out, const struct comparison *comparison,
                                   unsigned variant) {
    char *text = comparison_counted_text(comparison, variant);
    if (text != NULL)
        markdown_print_item(
            out, "Counters: ",
            memory_format("%s: %s", comparison->result->variants[variant].name, text));
    free(text);
}

void markdown_print(FILE *out, const struct comparison *comparison) {
    const struct result *result = comparison->result;
    const struct rounds *rounds = &result->rounds;
    fputs("### ", out);
    markdown_print_text(out, comparison->title);
    fprintf(out,
            "\n\n%u rounds in %.1f s, balanced order, seed %llu; medians, and differences with "
            "95 %% intervals.\n\n"
            "| metric | variant | median | difference | verdict |\n| --- | --- | ---: | --- | --- "
            "|\n",
            rounds->count, result->elapsed_s, (unsigned long long)result->plan.seed);
    for (unsigned metric = 0; metric < rounds_metrics(rounds); metric++)
        markdown_print_metric(out, comparison, (enum metric)metric);
    fputc('\n', out);
    for (unsigned i = 0; i < rounds->variant_count; i++) {
        if (i == rounds->reference)
            continue;
        char *sentence = comparison_sentence(comparison, i);
        markdown_print_item(out, "",
                            memory_format("%s against %s: %s", result->variants[i].name,
                                          result->variants[rounds->reference].name, sentence));
        free(sentence);
    }
    markdown_print_item(out, "Headroom: ", comparison_headroom_text(comparison));
    for (unsigned i = 0; i < rounds->variant_count; i++)
        if (i != rounds->reference)
            markdown_print_counted(out, comparison, i);
    markdown_print_item(out, "", comparison_resolution_text(comparison));
    for (unsigned i = 0; i < comparison->reasons.count; i++)
        if (comparison->reasons.items[i].matters)
            markdown_print_item(out, "", memory_copy(comparison->reasons.items[i].text));
    markdown_print_item(out, "Machine: ", machine_text(&comparison->machine));
}
