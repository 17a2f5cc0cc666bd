#include "measure/progress.h"

#include "measure/analysis.h"

#include <math.h>
#include <stdio.h>

/* A spread is known from so many rounds on. */
enum { PROGRESS_LEAST_ROUNDS = 4, PROGRESS_BAR_WIDTH = 20, PROGRESS_TEXT_BYTES = 64 };

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

/* "cpu -9.8 % [-11.2 ... -8.6], " of the first variant that is compared; "" while nothing is known.
 */
static void progress_estimate(const struct result *result, char *text, size_t text_bytes) {
    struct analysis analysis;
    unsigned variant = result->rounds.reference == 0 ? 1 : 0;
    text[0] = '\0';
    if (result->rounds.count < PROGRESS_LEAST_ROUNDS || variant >= result->rounds.variant_count)
        return;
    analysis_make(&analysis, &result->rounds, variant, METRIC_CPU, result->plan.threshold);
    const struct paired_interval *difference = &analysis.difference;
    int used = snprintf(text, text_bytes, "cpu %+.1f %%", 100 * paired_share(difference->estimate));
    if (difference->exists)
        used += snprintf(text + used, text_bytes - (size_t)used, " [%+.1f ... %+.1f]",
                         100 * paired_share(difference->low), 100 * paired_share(difference->high));
    snprintf(text + used, text_bytes - (size_t)used, ", ");
}

void progress_show(const struct terminal *terminal, const struct result *result, unsigned goal,
                   unsigned commands) {
    const struct plan *plan = &result->plan;
    unsigned done = result->rounds.count;
    char bar[PROGRESS_BAR_WIDTH + 1], estimate[PROGRESS_TEXT_BYTES];
    if (!terminal->progress)
        return;
    unsigned expected = progress_expect(result, goal);
    bool open = plan->runs == 0;
    double share = expected > 0 ? (double)done / expected : 0;
    if (open && plan->duration_s > 0 && done < PROGRESS_LEAST_ROUNDS)
        share = fmin(share, result->elapsed_s / plan->duration_s);
    for (int i = 0; i < PROGRESS_BAR_WIDTH; i++)
        bar[i] = i < (int)(share * PROGRESS_BAR_WIDTH) ? '#' : '.';
    bar[PROGRESS_BAR_WIDTH] = '\0';
    progress_estimate(result, estimate, sizeof estimate);
    if (open && done < PROGRESS_LEAST_ROUNDS)
        terminal_progress(terminal, "[%s] round %u, at most %.0f s left", bar, done + 1,
                          commands * fmax(plan->duration_s - result->elapsed_s, 0));
    else if (done == 0)
        terminal_progress(terminal, "[%s] round 1 of %u", bar, expected);
    else
        terminal_progress(terminal, "[%s] round %u of %s%u, %sabout %.0f s left", bar, done + 1,
                          open ? "about " : "", expected, estimate,
                          commands * progress_left_s(result, expected));
}
