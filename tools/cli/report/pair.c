#include "report/pair.h"

#include "base/memory.h"
#include "base/wrap.h"
#include "stats/shift.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PAIR_TEXT_BYTES = 96, PAIR_INDENT = 4 };

/* ---- what changed ---- */

/* The variant's logarithms, round by round: of the reference itself, of others against it. */
static double *pair_values(const struct rounds *rounds, unsigned variant, enum metric metric) {
    double *values = memory_array(rounds->count, sizeof *values);
    for (unsigned i = 0; i < rounds->count; i++) {
        values[i] = log(rounds_value(rounds, i, variant, metric));
        if (variant != rounds->reference)
            values[i] -= log(rounds_value(rounds, i, rounds->reference, metric));
    }
    return values;
}

static double pair_centre(const struct comparison *comparison, unsigned variant,
                          enum metric metric) {
    if (variant == comparison->result->rounds.reference)
        return comparison_reference(comparison, metric);
    return paired_share(comparison->analyses[variant][metric].difference.estimate);
}

static const struct metric_about *pair_about(const struct pair_change *change) {
    return change->own != NULL ? change->own : &metric_about[change->metric];
}

/* Wall or CPU time, or one of the result's own metrics that decide? */
static bool pair_decides(const struct pair_change *change) {
    return pair_about(change)->decides;
}

static bool pair_is_absolute_time(const struct pair_change *change) {
    return change->reference && (change->own != NULL || pair_about(change)->unit == METRIC_SECONDS);
}

/* The same metric in the second result, or its rounds_metrics(). */
static enum metric pair_find_metric(const struct pair *pair, enum metric metric) {
    const char *key = rounds_about(&pair->before->result.rounds, metric)->key;
    const struct rounds *second = &pair->after->result.rounds;
    unsigned other = 0;
    while (other < rounds_metrics(second) &&
           strcmp(rounds_about(second, (enum metric)other)->key, key) != 0)
        other++;
    return (enum metric)other;
}

static void pair_add(struct pair *pair, unsigned before, unsigned after, enum metric metric) {
    const struct rounds *first = &pair->before->result.rounds;
    const struct rounds *second = &pair->after->result.rounds;
    double *x = pair_values(first, before, metric);
    enum metric other = pair_find_metric(pair, metric);
    double *y = pair_values(second, after, other);
    struct pair_change *change = &pair->changes[pair->count++];
    *change = (struct pair_change){
        .metric = metric,
        .own = metric < METRIC_COUNT ? NULL : rounds_about(first, metric),
        .variant = pair->before->variants[before].name,
        .reference = before == first->reference,
        .before = pair_centre(&pair->before->comparison, before, metric),
        .after = pair_centre(&pair->after->comparison, after, other),
        .change = shift_estimate(x, first->count, y, second->count),
    };
    /* Another session is another state of the machine, so that an absolute time proves nothing.
     * Nor does a rate. */
    if (pair_is_absolute_time(change))
        change->change.exists = false;
    change->verdict = paired_judge(&change->change, pair->threshold);
    free(x);
    free(y);
}

void pair_make(struct pair *pair, const struct saved *before, const struct saved *after) {
    const struct rounds *first = &before->result.rounds;
    const struct rounds *second = &after->result.rounds;
    *pair = (struct pair){
        .before = before,
        .after = after,
        .threshold = fmax(before->result.plan.threshold, after->result.plan.threshold),
    };
    for (unsigned metric = 0; metric < rounds_metrics(first); metric++)
        for (unsigned i = 0; i < first->variant_count; i++) {
            unsigned other = result_find(&after->result, before->variants[i].name);
            bool has = pair_find_metric(pair, (enum metric)metric) < rounds_metrics(second);
            if (has && other < second->variant_count)
                pair_add(pair, i, other, (enum metric)metric);
        }
}

bool pair_has_variant(const struct pair *pair) {
    for (unsigned i = 0; i < pair->count; i++)
        if (!pair->changes[i].reference)
            return true;
    return false;
}

enum exit_status pair_status(const struct pair *pair, double fail_share) {
    for (unsigned i = 0; i < pair->count; i++) {
        const struct pair_change *change = &pair->changes[i];
        if (fail_share >= 0 && !change->reference && change->own == NULL && pair_decides(change) &&
            change->change.exists && paired_share(change->change.low) > fail_share)
            return STATUS_REGRESSION;
    }
    return STATUS_DONE;
}

/* ---- in words ---- */

static void pair_print_head(FILE *out, const char *letter, const struct saved *saved) {
    const struct machine *machine = &saved->comparison.machine;
    unsigned rounds = saved->result.rounds.count;
    fprintf(out, "%s  %s\n   %s, %u round%s, tagpool %s, %s", letter, saved->path,
            saved->comparison.title, rounds, rounds == 1 ? "" : "s",
            json_tree_text(saved->root, "tagpool_version", "unknown"),
            machine->date != NULL ? machine->date : "no date");
    if (machine->load >= 0)
        fprintf(out, ", load %.1f", machine->load);
    fputc('\n', out);
}

static void pair_format_centre(const struct pair_change *change, double centre, char *text,
                               size_t text_bytes) {
    if (change->reference)
        metric_format_about(pair_about(change), centre, text, text_bytes);
    else
        snprintf(text, text_bytes, "%+.1f %%", 100 * centre);
}

static void pair_format_change(const struct pair_change *change, char *text, size_t text_bytes) {
    const struct analysis analysis = {.difference = change->change};
    comparison_format_difference(&analysis, text, text_bytes);
}

static void pair_print_change(FILE *out, const struct terminal *terminal,
                              const struct pair_change *change, bool first, int name_width) {
    char before[PAIR_TEXT_BYTES], after[PAIR_TEXT_BYTES], difference[PAIR_TEXT_BYTES];
    char word[PAIR_TEXT_BYTES];
    pair_format_centre(change, change->before, before, sizeof before);
    pair_format_centre(change, change->after, after, sizeof after);
    pair_format_change(change, difference, sizeof difference);
    fprintf(out, "  %-12s  %-*s  %10s  %10s   %-26s  ", first ? pair_about(change)->title : "",
            name_width, change->variant, before, after, difference);
    terminal_colour(terminal, out, comparison_verdict_colour(pair_about(change), change->verdict));
    fputs(pair_is_absolute_time(change)
              ? "not comparable"
              : comparison_verdict_word(pair_about(change), change->verdict, word, sizeof word),
          out);
    terminal_colour(terminal, out, TERMINAL_PLAIN);
    fputc('\n', out);
}

/* Prints a line of a new string, and gives it back. */
static void pair_print_line(FILE *out, const char *title, char *text) {
    int column = fprintf(out, "%s", title);
    wrap_sentence(out, text, (unsigned)column, PAIR_INDENT);
    free(text);
}

static void pair_print_missing(FILE *out, const struct saved *in, const struct saved *other) {
    for (unsigned i = 0; i < in->result.rounds.variant_count; i++) {
        const char *name = in->variants[i].name;
        if (result_find(&other->result, name) == other->result.rounds.variant_count)
            fprintf(out, "Note: %s is in %s only.\n", name, in->path);
    }
}

static bool pair_same_text(const char *left, const char *right) {
    return strcmp(left != NULL ? left : "", right != NULL ? right : "") == 0;
}

static bool pair_same_command(char *const *left, char *const *right) {
    for (; *left != NULL && *right != NULL && strcmp(*left, *right) == 0; left++, right++) {
    }
    return *left == NULL && *right == NULL;
}

static void pair_print_difference(FILE *out, const char *of, const char *what, const char *before,
                                  const char *after) {
    if (!pair_same_text(before, after))
        fprintf(out, "Note: %s has other %s: %s in A, %s in B.\n", of, what,
                before != NULL ? before : "none", after != NULL ? after : "none");
}

/* What was measured differently. */
static void pair_print_differences(FILE *out, const struct saved *before,
                                   const struct saved *after) {
    const struct result *first = &before->result, *second = &after->result;
    if (!pair_same_command(before->result.command, after->result.command))
        fputs("Note: the two are of different commands.\n", out);
    pair_print_difference(out, "every variant", "libraries in LD_PRELOAD", first->preload,
                          second->preload);
    pair_print_difference(out, "every variant", "TAGPOOL_OPTIONS", first->options, second->options);
    for (unsigned i = 0; i < first->rounds.variant_count; i++) {
        unsigned other = result_find(&after->result, before->variants[i].name);
        if (other == second->rounds.variant_count)
            continue;
        pair_print_difference(out, before->variants[i].name, "options",
                              before->variants[i].settings, after->variants[other].settings);
        pair_print_difference(out, before->variants[i].name, "libraries",
                              before->variants[i].preload, after->variants[other].preload);
    }
}

/* By how much the sessions differ, which says nothing of the program. */
static void pair_print_sessions(FILE *out, const struct pair *pair) {
    for (unsigned i = 0; i < pair->count; i++) {
        const struct pair_change *change = &pair->changes[i];
        double share = paired_share(change->change.estimate);
        if (!pair_is_absolute_time(change) || change->own != NULL || fabs(share) <= pair->threshold)
            continue;
        char *text = memory_format(
            "the sessions differ: %s took %+.1f %% %s time in B, which may be the machine or the "
            "program; what was paired inside each session can be compared",
            change->variant, 100 * share, pair_about(change)->title);
        pair_print_line(out, "Note: ", text);
    }
}

/* What made either session uncertain. */
static void pair_print_warnings(FILE *out, const char *letter, const struct saved *saved) {
    const struct reasons *reasons = &saved->comparison.reasons;
    for (unsigned i = 0; i < reasons->count; i++)
        if (reasons->items[i].kind == REASON_MACHINE && reasons->items[i].matters)
            pair_print_line(out,
                            "Warning: ", memory_format("in %s %s", letter, reasons->items[i].text));
}

/* One sentence that says whether anything that counts has changed. */
static void pair_print_sentence(FILE *out, const struct pair *pair) {
    bool any = false;
    for (unsigned i = 0; i < pair->count; i++) {
        const struct pair_change *change = &pair->changes[i];
        char word[PAIR_TEXT_BYTES], difference[PAIR_TEXT_BYTES];
        bool differs =
            change->verdict != PAIRED_NO_DIFFERENCE && change->verdict != PAIRED_INCONCLUSIVE;
        if (!differs || !pair_decides(change))
            continue;
        any = true;
        pair_format_change(change, difference, sizeof difference);
        fprintf(out, "%s%s: %s%s %s in B, %s.\n", change->variant,
                change->reference ? "" : " against its reference", pair_about(change)->title,
                change->own != NULL ? "" : " time",
                comparison_verdict_word(pair_about(change), change->verdict, word, sizeof word),
                difference);
    }
    if (!any)
        fputs("No change of the ratios of time is proven.\n", out);
}

void pair_print(FILE *out, const struct terminal *terminal, const struct pair *pair) {
    const struct saved *before = pair->before, *after = pair->after;
    int name_width = 0;
    for (unsigned i = 0; i < pair->count; i++)
        name_width = (int)fmax(name_width, (double)strlen(pair->changes[i].variant));
    pair_print_head(out, "A", before);
    pair_print_head(out, "B", after);
    fprintf(out, "\n  %-12s  %-*s  %10s  %10s   %-26s  %s\n", "", name_width, "", "A", "B",
            "change, 95 % interval", "B is");
    for (unsigned i = 0; i < pair->count; i++)
        pair_print_change(out, terminal, &pair->changes[i],
                          i == 0 || pair->changes[i].metric != pair->changes[i - 1].metric,
                          name_width);
    fputc('\n', out);
    pair_print_sentence(out, pair);
    pair_print_sessions(out, pair);
    pair_print_warnings(out, "A", before);
    pair_print_warnings(out, "B", after);
    pair_print_differences(out, before, after);
    pair_print_missing(out, before, after);
    pair_print_missing(out, after, before);
}
