#include "measure/progress.h"

#include "measure/analysis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A spread is known from so many rounds on. */
enum { PROGRESS_LEAST_ROUNDS = 4, PROGRESS_TEXT_BYTES = 64 };

/* Of the bar: its frame is two brackets and a blank. */
enum {
    PROGRESS_BAR_LEAST = 5,
    PROGRESS_BAR_WIDTH = 20,
    PROGRESS_BAR_FRAME = 3,
    PROGRESS_BAR_BYTES = PROGRESS_BAR_WIDTH + PROGRESS_BAR_FRAME + 1,
};

unsigned progress_expect(const struct result *result, unsigned goal) {
    const struct plan *plan = &result->plan;
    if (plan->runs != 0 || result->rounds.count < PROGRESS_LEAST_ROUNDS)
        return goal;
    unsigned wanted =
        paired_rounds_for(analysis_worst_sigma(&result->rounds), plan->precision, plan->max_runs);
    unsigned expected = wanted > goal ? wanted : goal;
    double round_s = result->elapsed_s / result->rounds.count;
    if (round_s <= 0)
        return expected;
    double lasting = fmin(ceil(plan->min_time_s / round_s), plan->max_runs);
    if (lasting > expected)
        expected = (unsigned)lasting;
    double possible = fmax(floor(plan->duration_s / round_s), plan->min_runs);
    return possible < expected ? (unsigned)possible : expected;
}

double progress_left_s(const struct result *result, unsigned expected) {
    unsigned done = result->rounds.count;
    double round_s = done > 0 ? result->elapsed_s / done : 0;
    return expected > done ? round_s * (expected - done) : 0;
}

/* ", cpu -9.8 % [-11.2 ... -8.6]" of the first variant that is compared; "" while nothing is known.
 */
static void progress_estimate(const struct result *result, char *text, size_t text_bytes) {
    struct analysis analysis;
    unsigned variant = result->rounds.reference == 0 ? 1 : 0;
    text[0] = '\0';
    if (result->rounds.count < PROGRESS_LEAST_ROUNDS || variant >= result->rounds.variant_count)
        return;
    analysis_make(&analysis, &result->rounds, variant, METRIC_CPU, result->plan.threshold);
    const struct paired_interval *difference = &analysis.difference;
    int used =
        snprintf(text, text_bytes, ", cpu %+.1f %%", 100 * paired_share(difference->estimate));
    if (difference->exists)
        snprintf(text + used, text_bytes - (size_t)used, " [%+.1f ... %+.1f]",
                 100 * paired_share(difference->low), 100 * paired_share(difference->high));
}

/* "[#####.....] ", as wide as the line has room for beside `text`; "" where that is too little. */
static void progress_bar(const struct terminal *terminal, double share, const char *text,
                         char bar[PROGRESS_BAR_BYTES]) {
    int width = (int)terminal_progress_room(terminal) - (int)strlen(text) - PROGRESS_BAR_FRAME;
    if (width > PROGRESS_BAR_WIDTH)
        width = PROGRESS_BAR_WIDTH;
    bar[0] = '\0';
    if (width < PROGRESS_BAR_LEAST)
        return;
    char marks[PROGRESS_BAR_WIDTH + 1];
    for (int i = 0; i < width; i++)
        marks[i] = i < (int)(share * width) ? '#' : '.';
    marks[width] = '\0';
    snprintf(bar, PROGRESS_BAR_BYTES, "[%s] ", marks);
}

/* What is known for sure comes first: a narrow terminal shows only that. */
void progress_show(const struct terminal *terminal, const struct result *result, unsigned goal,
                   unsigned commands) {
    const struct plan *plan = &result->plan;
    unsigned done = result->rounds.count;
    char estimate[PROGRESS_TEXT_BYTES], text[2 * PROGRESS_TEXT_BYTES], bar[PROGRESS_BAR_BYTES];
    if (!terminal->progress)
        return;
    unsigned expected = progress_expect(result, goal);
    bool open = plan->runs == 0;
    double share = expected > 0 ? (double)done / expected : 0;
    if (open && plan->duration_s > 0 && done < PROGRESS_LEAST_ROUNDS)
        share = fmin(share, result->elapsed_s / plan->duration_s);
    estimate[0] = '\0';
    if (terminal->subject == NULL) /* else the rounds are not about the program's gain */
        progress_estimate(result, estimate, sizeof estimate);
    if (open && done < PROGRESS_LEAST_ROUNDS)
        snprintf(text, sizeof text, "round %u, at most %.0f s left", done + 1,
                 commands * fmax(plan->duration_s - result->elapsed_s, 0));
    else if (done == 0)
        snprintf(text, sizeof text, "round 1 of %u", expected);
    else
        snprintf(text, sizeof text, "round %u of %s%u, about %.0f s left%s", done + 1,
                 open ? "about " : "", expected, commands * progress_left_s(result, expected),
                 estimate);
    progress_bar(terminal, share, text, bar);
    terminal_progress(terminal, "%s%s", bar, text);
}
