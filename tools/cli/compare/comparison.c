#include "compare/comparison.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COMPARISON_TEXT_BYTES = 96 };

void comparison_make(struct comparison *comparison, const struct result *result,
                     const char *title) {
    const struct rounds *rounds = &result->rounds;
    *comparison = (struct comparison){.title = title, .result = result, .steal = -1};
    for (unsigned variant = 0; variant < rounds->variant_count; variant++)
        for (unsigned metric = 0; metric < rounds_metrics(rounds); metric++)
            if (variant != rounds->reference)
                analysis_make(&comparison->analyses[variant][metric], rounds, variant,
                              (enum metric)metric, result->plan.threshold);
}

double comparison_reference(const struct comparison *comparison, enum metric metric) {
    /* It has no analysis of its own; every other one has its median. */
    unsigned other = comparison->result->rounds.reference == 0 ? 1 : 0;
    return comparison->analyses[other][metric].reference;
}

const char *comparison_verdict_word(const struct metric_about *about, enum paired_verdict verdict,
                                    char *text, size_t text_bytes) {
    switch (verdict) {
    case PAIRED_FASTER:
        return about->less;
    case PAIRED_SLOWER:
        return about->more;
    case PAIRED_SLIGHTLY_FASTER:
        snprintf(text, text_bytes, "slightly %s", about->less);
        return text;
    case PAIRED_SLIGHTLY_SLOWER:
        snprintf(text, text_bytes, "slightly %s", about->more);
        return text;
    case PAIRED_NO_DIFFERENCE:
        return "no meaningful difference";
    case PAIRED_INCONCLUSIVE:
        break;
    }
    return "inconclusive";
}

/* 1: a proven gain; -1: a proven loss; 0: neither. */
static int comparison_worth(const struct metric_about *about, enum paired_verdict verdict) {
    bool less = verdict == PAIRED_FASTER || verdict == PAIRED_SLIGHTLY_FASTER;
    bool more = verdict == PAIRED_SLOWER || verdict == PAIRED_SLIGHTLY_SLOWER;
    if (about->better == NUMBER_NEITHER_IS_BETTER || (!less && !more))
        return 0;
    return less == (about->better == NUMBER_LOWER_IS_BETTER) ? 1 : -1;
}

enum terminal_colour comparison_verdict_colour(const struct metric_about *about,
                                               enum paired_verdict verdict) {
    int worth = comparison_worth(about, verdict);
    return worth > 0 ? TERMINAL_GOOD : worth < 0 ? TERMINAL_BAD : TERMINAL_PLAIN;
}

const char *comparison_verdict_class(const struct metric_about *about,
                                     enum paired_verdict verdict) {
    int worth = comparison_worth(about, verdict);
    return worth > 0 ? "gain" : worth < 0 ? "loss" : "none";
}

void comparison_format_difference(const struct analysis *analysis, char *text, size_t text_bytes) {
    const struct paired_interval *difference = &analysis->difference;
    double estimate = 100 * paired_share(difference->estimate);
    if (analysis->exact && estimate == 0)
        snprintf(text, text_bytes, "same");
    else if (analysis->exact)
        snprintf(text, text_bytes, "%+.1f %% exact", estimate);
    else if (!difference->exists)
        snprintf(text, text_bytes, "%+.1f %%", estimate);
    else
        snprintf(text, text_bytes, "%+.1f %% [%+.1f ... %+.1f]", estimate,
                 100 * paired_share(difference->low), 100 * paired_share(difference->high));
}

bool comparison_judges(const struct comparison *comparison, unsigned variant) {
    const struct result *result = comparison->result;
    unsigned reference = result->rounds.reference;
    bool any_shim = false;
    for (unsigned i = 0; i < result->rounds.variant_count; i++)
        any_shim = any_shim || (i != reference && result->variants[i].shim);
    return variant != reference && (!any_shim || result->variants[variant].shim);
}

/* With the shim as the reference of a variant without it, what the variant gains the shim loses. */
static bool comparison_is_turned(const struct comparison *comparison, unsigned variant) {
    const struct result *result = comparison->result;
    return result->variants[result->rounds.reference].shim && !result->variants[variant].shim;
}

bool comparison_gains(const struct comparison *comparison, unsigned variant) {
    const struct rounds *rounds = &comparison->result->rounds;
    int gain = comparison_is_turned(comparison, variant) ? -1 : 1;
    for (unsigned metric = 0; metric < rounds_metrics(rounds); metric++) {
        const struct metric_about *about = rounds_about(rounds, (enum metric)metric);
        enum paired_verdict verdict = comparison->analyses[variant][metric].verdict;
        if (about->decides && comparison_worth(about, verdict) == gain)
            return true;
    }
    return false;
}

/* By which share the metric is proven to be worse at least, below 0 when it may be better. */
static double comparison_loss(const struct metric_about *about,
                              const struct paired_interval *difference, bool turned) {
    double low = turned ? -difference->high : difference->low;
    double high = turned ? -difference->low : difference->high;
    return about->better == NUMBER_HIGHER_IS_BETTER ? -paired_share(high) : paired_share(low);
}

static enum exit_status comparison_status_of(const struct comparison *comparison, unsigned variant,
                                             enum metric metric,
                                             const struct comparison_limits *limits) {
    const struct metric_about *about = rounds_about(&comparison->result->rounds, metric);
    const struct analysis *analysis = &comparison->analyses[variant][metric];
    if (!about->decides)
        return STATUS_DONE;
    struct paired_interval difference = analysis->difference;
    if (analysis->exact)
        difference.low = difference.high = difference.estimate;
    double loss = comparison_loss(about, &difference, comparison_is_turned(comparison, variant));
    bool proven = difference.exists || analysis->exact;
    if (proven && limits->worse_share >= 0 && loss > limits->worse_share)
        return STATUS_REGRESSION;
    bool time = metric == METRIC_WALL || metric == METRIC_CPU;
    if (proven && time && limits->slower_share >= 0 && loss > limits->slower_share)
        return STATUS_REGRESSION;
    bool open = limits->strict && analysis->verdict == PAIRED_INCONCLUSIVE;
    return open ? STATUS_INCONCLUSIVE : STATUS_DONE;
}

enum exit_status comparison_status(const struct comparison *comparison,
                                   const struct comparison_limits *limits) {
    const struct rounds *rounds = &comparison->result->rounds;
    enum exit_status status = STATUS_DONE;
    for (unsigned i = 0; i < rounds->variant_count; i++)
        for (unsigned metric = 0;
             comparison_judges(comparison, i) && metric < rounds_metrics(rounds); metric++) {
            enum exit_status of = comparison_status_of(comparison, i, (enum metric)metric, limits);
            if (of == STATUS_REGRESSION)
                return of;
            status = of != STATUS_DONE ? of : status;
        }
    return status;
}

/* ---- sentences ---- */

/* Below this share the interval shows no "0 %". */
#define COMPARISON_SHARE_SEEN 0.005

/* What the variant has of what is possible: only as sure as its verdict, and as the headroom. */
static char *comparison_gain_words(const struct headroom *headroom, const struct analysis *cpu) {
    const struct paired_interval *difference = &cpu->difference;
    double saved = -paired_share(difference->estimate);
    double saved_least = cpu->exact ? saved : -paired_share(difference->high);
    if (cpu->verdict == PAIRED_INCONCLUSIVE)
        return memory_copy(", which is not settled");
    if (cpu->verdict != PAIRED_FASTER && cpu->verdict != PAIRED_SLIGHTLY_FASTER)
        return memory_copy("");
    if (saved > headroom->high)
        return memory_format(": besides faster calls it %s page faults or cache misses",
                             saved_least > headroom->high ? "saves" : "may save");
    if (headroom->low < COMPARISON_SHARE_SEEN)
        return memory_copy("");
    if (saved > headroom->share)
        return memory_copy(", all of what is possible");
    return memory_format(", %.0f %% of what is possible", 100 * saved / headroom->share);
}

/* "tagpool 1.11x, 71 % of what is possible". */
static char *comparison_gain_text(const struct comparison *comparison, unsigned variant) {
    const struct analysis *cpu = &comparison->analyses[variant][METRIC_CPU];
    char *words = comparison_gain_words(&comparison->headroom, cpu);
    char *text = memory_format("%s %.2fx%s", comparison->result->variants[variant].name,
                               exp(-cpu->difference.estimate), words);
    free(words);
    return text;
}

/* "allocation is 14 % [12 ... 16] of the CPU time, so at most 1.16x [1.14 ... 1.19] by faster
 * calls". An interval from 0 on proves no share, but bounds it. */
static char *comparison_ceiling_text(const struct headroom *headroom) {
    if (headroom->low < COMPARISON_SHARE_SEEN)
        return memory_format("allocation is at most %.0f %% of the CPU time, so at most %.2fx by "
                             "faster calls",
                             100 * headroom->high, headroom_ceiling(headroom->high));
    return memory_format("allocation is %.0f %% [%.0f ... %.0f] of the CPU time, so at most %.2fx "
                         "[%.2f ... %.2f] by faster calls",
                         100 * headroom->share, 100 * headroom->low, 100 * headroom->high,
                         headroom_ceiling(headroom->share), headroom_ceiling(headroom->low),
                         headroom_ceiling(headroom->high));
}

char *comparison_headroom_text(const struct comparison *comparison) {
    if (!comparison->headroom.measured)
        return NULL;
    char *text = comparison_ceiling_text(&comparison->headroom);
    for (unsigned i = 0; i < comparison->result->rounds.variant_count; i++) {
        if (!comparison_judges(comparison, i))
            continue;
        char *gain = comparison_gain_text(comparison, i);
        char *longer = memory_format("%s; %s", text, gain);
        free(gain);
        free(text);
        text = longer;
    }
    return text;
}

/* "wall time faster, -9.8 % [-11.2 ... -8.6]", or what stands in the way. */
static char *comparison_clause(const struct metric_about *about, const struct analysis *analysis) {
    bool timed = about == &metric_about[METRIC_WALL] || about == &metric_about[METRIC_CPU];
    char word[COMPARISON_TEXT_BYTES], difference[COMPARISON_TEXT_BYTES];
    const char *time = timed ? " time" : "";
    comparison_format_difference(analysis, difference, sizeof difference);
    const char *verdict = comparison_verdict_word(about, analysis->verdict, word, sizeof word);
    if (analysis->verdict == PAIRED_INCONCLUSIVE && analysis->difference.exists)
        return memory_format("%s%s %s, %s (about %u rounds would settle it)", about->title, time,
                             verdict, difference, analysis->rounds_to_settle);
    return memory_format("%s%s %s, %s", about->title, time, verdict, difference);
}

/* Puts a new string behind what is there (may be NULL), and gives both back. */
static char *comparison_append(char *list, char *item) {
    if (list == NULL)
        return item;
    char *longer = memory_format("%s, %s", list, item);
    free(list);
    free(item);
    return longer;
}

char *comparison_counted_text(const struct comparison *comparison, unsigned variant) {
    const struct counted *counted = &comparison->counted;
    char *list = NULL;
    for (int i = 0; counted->measured && i < COUNTER_COUNT; i++) {
        char difference[COMPARISON_TEXT_BYTES];
        struct analysis analysis = {.difference = counted->differences[variant][i]};
        if (counted->errors[i] != 0)
            continue;
        comparison_format_difference(&analysis, difference, sizeof difference);
        list = comparison_append(list, memory_format("%s %s", counter_about[i].title, difference));
    }
    return list;
}

char *comparison_uncounted_text(const struct comparison *comparison) {
    const struct counted *counted = &comparison->counted;
    char *list = NULL;
    int error = 0;
    for (int i = 0; counted->measured && i < COUNTER_COUNT; i++)
        if (counted->errors[i] != 0) {
            error = counted->errors[i];
            list = comparison_append(list, memory_copy(counter_about[i].title));
        }
    if (list == NULL)
        return NULL;
    char *text = memory_format("%s: not available here (%s)", list, strerror(error));
    free(list);
    return text;
}

char *comparison_sentence(const struct comparison *comparison, unsigned variant) {
    const struct analysis *analyses = comparison->analyses[variant];
    const struct rounds *rounds = &comparison->result->rounds;
    char *text = NULL;
    for (unsigned metric = 0; metric < rounds_metrics(rounds); metric++) {
        const struct metric_about *about = rounds_about(rounds, (enum metric)metric);
        if (!about->decides)
            continue;
        char *clause = comparison_clause(about, &analyses[metric]);
        char *longer = text == NULL ? memory_copy(clause) : memory_format("%s; %s", text, clause);
        free(clause);
        free(text);
        text = longer;
    }
    return text;
}

char *comparison_resolution_text(const struct comparison *comparison) {
    const struct result *result = comparison->result;
    const struct rounds *rounds = &result->rounds;
    double half_width = analysis_worst_half_width(rounds);
    const char *interrupted = result->interrupted ? "; interrupted" : "";
    bool short_of_time = result->out_of_time && half_width > result->plan.precision;
    if (rounds->count < PAIRED_ROUNDS_FOR_INTERVAL)
        return memory_format(
            "%u round%s: no 95 %% interval exists below %d, so there is no "
            "verdict%s%s",
            rounds->count, rounds->count == 1 ? "" : "s", PAIRED_ROUNDS_FOR_INTERVAL,
            result->out_of_time ? "; give more time with --duration" : "", interrupted);
    return memory_format("Resolution: %s reach up to %.1f %% to either side%s%s",
                         rounds->own_count == 0 ? "time intervals" : "intervals", 100 * half_width,
                         short_of_time ? "; --duration ended the run, more time narrows them" : "",
                         interrupted);
}
