#include "report/table.h"

#include "base/memory.h"
#include "base/wrap.h"
#include "compare/summary.h"
#include "report/moments_rows.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REPORT_TABLE_TEXT_BYTES = 96, REPORT_TABLE_INDENT = 4 };

static unsigned report_table_difference_width(const struct comparison *comparison) {
    const struct rounds *rounds = &comparison->result->rounds;
    char text[REPORT_TABLE_TEXT_BYTES];
    size_t width = strlen("difference");
    for (unsigned i = 0; i < rounds->variant_count; i++)
        for (unsigned metric = 0; i != rounds->reference && metric < rounds_metrics(rounds);
             metric++) {
            comparison_format_difference(&comparison->analyses[i][metric], text, sizeof text);
            width = strlen(text) > width ? strlen(text) : width;
        }
    return (unsigned)width;
}

/* Of the column of the metrics' titles. */
static int report_table_title_width(const struct comparison *comparison) {
    const struct rounds *rounds = &comparison->result->rounds;
    size_t width = 12;
    for (unsigned i = 0; i < rounds->own_count; i++)
        width = strlen(rounds->own[i].title) > width ? strlen(rounds->own[i].title) : width;
    return (int)width;
}

static void report_table_row(FILE *out, const struct terminal *terminal,
                             const struct metric_about *about, const struct analysis *analysis,
                             unsigned width) {
    char value[REPORT_TABLE_TEXT_BYTES], difference[REPORT_TABLE_TEXT_BYTES],
        word[REPORT_TABLE_TEXT_BYTES];
    metric_format_about(about, analysis->value, value, sizeof value);
    comparison_format_difference(analysis, difference, sizeof difference);
    fprintf(out, "%10s   %-*s   ", value, (int)width, difference);
    terminal_colour(terminal, out, comparison_verdict_colour(about, analysis->verdict));
    fputs(comparison_verdict_word(about, analysis->verdict, word, sizeof word), out);
    terminal_colour(terminal, out, TERMINAL_PLAIN);
    fputc('\n', out);
}

static void report_table_metric(FILE *out, const struct terminal *terminal,
                                const struct comparison *comparison, enum metric metric) {
    const struct result *result = comparison->result;
    unsigned reference = result->rounds.reference;
    unsigned width = result_name_width(comparison->result);
    const struct metric_about *about = rounds_about(&result->rounds, metric);
    int title_width = report_table_title_width(comparison);
    char value[REPORT_TABLE_TEXT_BYTES];
    metric_format_about(about, comparison_reference(comparison, metric), value, sizeof value);
    fprintf(out, "  %-*s  %-*s  %10s\n", title_width, about->title, (int)width,
            result->variants[reference].name, value);
    for (unsigned i = 0; i < result->rounds.variant_count; i++) {
        if (i == reference)
            continue;
        fprintf(out, "  %-*s  %-*s  ", title_width, "", (int)width, result->variants[i].name);
        report_table_row(out, terminal, about, &comparison->analyses[i][metric],
                         report_table_difference_width(comparison));
    }
}

struct report_table_moments {
    FILE *out;
    int widths[MOMENTS_ROWS_CELLS];
};

static void report_table_moments_row(void *printer, const char *const cells[MOMENTS_ROWS_CELLS]) {
    const struct report_table_moments *moments = printer;
    for (int i = 0; i < MOMENTS_ROWS_CELLS; i++)
        fprintf(moments->out, "  %*s", moments->widths[i], cells[i]);
    fputc('\n', moments->out);
}

static void report_table_moments(FILE *out, const struct comparison *comparison) {
    /* What is below 0 is aligned to the left. */
    struct report_table_moments moments = {out,
                                           {-report_table_title_width(comparison),
                                            -(int)result_name_width(comparison->result), 9, 9, 9,
                                            9}};
    const char *titles[MOMENTS_ROWS_CELLS];
    for (int i = 0; i < MOMENTS_ROWS_CELLS; i++)
        titles[i] = i < MOMENTS_ROWS_WORDS ? "" : moments_rows_titles[i];
    report_table_moments_row(&moments, titles);
    moments_rows_each(comparison, report_table_moments_row, &moments);
    fputc('\n', out);
}

/* The split of cpu time is only as fine as the timer tick; the sum is exact. */
static void report_table_split(FILE *out, const struct comparison *comparison) {
    const struct rounds *rounds = &comparison->result->rounds;
    struct timespec tick;
    if (comparison->result->plan.service != NULL) /* of a tree only the sum is known */
        return;
    if (clock_getres(CLOCK_REALTIME_COARSE, &tick) != 0)
        return;
    fputs("  cpu in user mode: ", out);
    for (unsigned variant = 0; variant < rounds->variant_count; variant++) {
        double user = 0, all = 0;
        for (unsigned i = 0; i < rounds->count; i++) {
            user += (double)rounds->items[i].results[variant].user_us;
            all += (double)(rounds->items[i].results[variant].user_us +
                            rounds->items[i].results[variant].system_us);
        }
        fprintf(out, "%s%s %.0f %%", variant == 0 ? "" : ", ",
                comparison->result->variants[variant].name, all > 0 ? 100 * user / all : 0);
    }
    fprintf(out, " (sampled every %.0f ms, the sum is exact)\n", (double)tick.tv_nsec * 1e-6);
}

/* Prints the rest of a line, which is a new string, and gives it back. */
static void report_table_sentence(FILE *out, unsigned column, char *text) {
    wrap_sentence(out, text, column, REPORT_TABLE_INDENT);
    free(text);
}

static void report_table_verdicts(FILE *out, const struct terminal *terminal,
                                  const struct comparison *comparison) {
    const struct result *result = comparison->result;
    for (unsigned i = 0; i < result->rounds.variant_count; i++) {
        if (i == result->rounds.reference)
            continue;
        terminal_colour(terminal, out, TERMINAL_BOLD);
        int column = fprintf(out, "%s against %s: ", result->variants[i].name,
                             result->variants[result->rounds.reference].name);
        terminal_colour(terminal, out, TERMINAL_PLAIN);
        report_table_sentence(out, (unsigned)column, comparison_sentence(comparison, i));
    }
}

/* Prints a line of a new string, and gives it back. */
static void report_table_line(FILE *out, const char *title, char *text) {
    if (text != NULL)
        report_table_sentence(out, 0, memory_format("%s%s", title, text));
    free(text);
}

static void report_table_counted(FILE *out, const struct comparison *comparison) {
    for (unsigned i = 0; i < comparison->result->rounds.variant_count; i++) {
        if (i == comparison->result->rounds.reference)
            continue;
        char *text = comparison_counted_text(comparison, i);
        if (text != NULL)
            report_table_line(out, "Counters: ",
                              memory_format("%s: %s", comparison->result->variants[i].name, text));
        free(text);
    }
    report_table_line(out, "Counters: ", comparison_uncounted_text(comparison));
}

static void report_table_reasons(FILE *out, const struct comparison *comparison) {
    static const char *const streams[] = {"standard output", "standard error"};
    static const char *const titles[REASON_KINDS] = {
        [REASON_TARGET] = "Note: ",
        [REASON_PROGRAM] = "Reason: ",
        [REASON_MACHINE] = "Warning: ",
    };
    const struct reasons *reasons = &comparison->reasons;
    bool machine = false;
    for (int i = 0; i < 2; i++)
        if (comparison->result->unstable[i])
            report_table_line(out, "Warning: ",
                              memory_format("%s changes from run to run by itself, so it was not "
                                            "compared",
                                            streams[i]));
    for (unsigned i = 0; i < reasons->count; i++) {
        const struct reason *reason = &reasons->items[i];
        if (!reason->matters)
            continue;
        report_table_line(out, titles[reason->kind], memory_copy(reason->text));
        machine = machine || reason->kind == REASON_MACHINE;
    }
    if (machine && comparison->machine.date != NULL)
        report_table_line(out, "Machine: ", machine_text(&comparison->machine));
}

static void report_table_proof(FILE *out, const struct comparison *comparison) {
    const struct result *result = comparison->result;
    for (unsigned i = 0; i < result->rounds.variant_count; i++) {
        const struct result_proof *proof = &result->proofs[i];
        if (!result->variants[i].shim || proof->calls == 0)
            continue;
        fprintf(out, "%s served %.1f %% of %llu call%s from its pools.\n", result->variants[i].name,
                100 * (double)proof->pool_calls / (double)proof->calls,
                (unsigned long long)proof->calls, proof->calls == 1 ? "" : "s");
        if (proof->missed != 0)
            report_table_line(
                out, "Note: ",
                memory_format("with %s %llu more process%s found no room in the statistics, and "
                              "the calls of those are not counted",
                              result->variants[i].name, (unsigned long long)proof->missed,
                              proof->missed == 1 ? "" : "es"));
    }
}

static void report_table_paired(FILE *out, const struct comparison *comparison) {
    for (unsigned i = 0; i < comparison->result->rounds.variant_count; i++)
        if (i != comparison->result->rounds.reference)
            report_table_line(out, "Note: ", summary_paired_text(comparison, i));
}

/* The last lines are what is read first. */
static void report_table_summaries(FILE *out, const struct terminal *terminal,
                                   const struct comparison *comparison) {
    const struct result *result = comparison->result;
    fputc('\n', out);
    for (unsigned i = 0; i < result->rounds.variant_count; i++) {
        if (i == result->rounds.reference)
            continue;
        terminal_colour(terminal, out, TERMINAL_BOLD);
        int column = fprintf(out, "%s: ", result->variants[i].name);
        report_table_sentence(out, (unsigned)column, summary_text(comparison, i));
        terminal_colour(terminal, out, TERMINAL_PLAIN);
    }
}

void report_table_print(FILE *out, const struct terminal *terminal,
                        const struct comparison *comparison) {
    const struct result *result = comparison->result;
    terminal_colour(terminal, out, TERMINAL_BOLD);
    fprintf(out, "%s\n", comparison->title);
    terminal_colour(terminal, out, TERMINAL_PLAIN);
    fprintf(out,
            "  %u round%s in %.1f s, balanced order, seed %llu; medians, and differences with "
            "95 %% intervals\n\n",
            result->rounds.count, result->rounds.count == 1 ? "" : "s", result->elapsed_s,
            (unsigned long long)result->plan.seed);
    terminal_colour(terminal, out, TERMINAL_DIM);
    fprintf(out, "  %-*s  %-*s  %10s   %-*s   %s\n", report_table_title_width(comparison), "",
            (int)result_name_width(comparison->result), "", "median",
            (int)report_table_difference_width(comparison), "difference", "verdict");
    terminal_colour(terminal, out, TERMINAL_PLAIN);
    for (unsigned metric = 0; metric < rounds_metrics(&result->rounds); metric++)
        report_table_metric(out, terminal, comparison, (enum metric)metric);
    fputc('\n', out);
    if (comparison->with_moments)
        report_table_moments(out, comparison);
    report_table_verdicts(out, terminal, comparison);
    report_table_proof(out, comparison);
    report_table_line(out, "Headroom: ", comparison_headroom_text(comparison));
    report_table_counted(out, comparison);
    report_table_line(out, "", comparison_resolution_text(comparison));
    report_table_split(out, comparison);
    report_table_paired(out, comparison);
    report_table_reasons(out, comparison);
    report_table_summaries(out, terminal, comparison);
}
