/* If this failed, `tagpool report A.json B.json` would see changes that are none. The critical
 * values are those of the printed tables of Mann and Whitney's U, not of this program. */
#include "tap.h"

#include "base/randomness.h"
#include "stats/shift.h"

#include <math.h>

static void the_rank_agrees_with_the_tables_of_mann_and_whitney(void) {
    /* The largest U that is significant at 5 % (two-sided) is one below the rank: Siegel,
     * Nonparametric Statistics (1956), table K. */
    static const struct {
        unsigned n, m, critical;
    } table[] = {{4, 4, 0},   {5, 5, 2},    {6, 6, 5},    {7, 5, 5},    {8, 8, 13},
                 {9, 10, 20}, {10, 10, 23}, {12, 15, 49}, {15, 15, 64}, {20, 20, 127}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        unsigned k = shift_rank_k(table[i].n, table[i].m, 0.95);
        CHECK_SAY(k == table[i].critical + 1, "k is %u for %u and %u values, not %u", k, table[i].n,
                  table[i].m, table[i].critical + 1);
        CHECK(k == shift_rank_k(table[i].m, table[i].n, 0.95));
    }
    CHECK(shift_rank_k(3, 3, 0.95) == 0);
    CHECK(shift_rank_k(1, 30, 0.95) == 0);
}

static void the_normal_approximation_continues_the_exact_ranks(void) {
    unsigned exact = shift_rank_k(60, 60, 0.95);
    unsigned step = exact - shift_rank_k(59, 60, 0.95);
    unsigned next = shift_rank_k(61, 60, 0.95) - exact;
    CHECK_SAY(next + 3 >= step && next <= step + 3, "k rises by %u, then by %u", step, next);
}

static void the_permeability_of_the_membrane_has_its_published_shift(void) {
    /* Hollander and Wolfe, Nonparametric Statistical Methods (1973), p. 69: permeability constants
     * of the human chorioamnion at term and at 12 to 26 weeks. R's wilcox.test, which has
     * it as its example, gives the estimate 0.305. The interval runs from the 9th to the 42nd of
     * the 50 sorted differences. */
    const double term[] = {0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46};
    const double weeks[] = {1.15, 0.88, 0.90, 0.74, 1.21};
    struct paired_interval interval = shift_estimate(weeks, 5, term, 10);
    CHECK_SAY(fabs(interval.estimate - 0.305) < 1e-9, "the estimate is %g", interval.estimate);
    CHECK(shift_rank_k(5, 10, 0.95) == 9);
    CHECK_SAY(interval.exists && fabs(interval.low - -0.15) < 1e-9 &&
                  fabs(interval.high - 0.76) < 1e-9,
              "the interval is [%g ... %g]", interval.low, interval.high);
}

static void the_interval_holds_the_truth_as_often_as_it_says(void) {
    enum { TRIALS = 2000, ROUNDS = 10 };
    struct randomness randomness = {20240229};
    unsigned held = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
        double samples[2][ROUNDS];
        for (int i = 0; i < 2 * ROUNDS; i++) {
            double noise = 0;
            for (int j = 0; j < 12; j++)
                noise += randomness_fraction(&randomness) - 0.5;
            samples[i / ROUNDS][i % ROUNDS] = 0.01 * noise + (i < ROUNDS ? 0 : 0.03);
        }
        struct paired_interval interval = shift_estimate(samples[0], ROUNDS, samples[1], ROUNDS);
        held += interval.low <= 0.03 && 0.03 <= interval.high;
    }
    /* The exact coverage is 0.957; three standard errors of 2000 trials are 0.014. */
    double share = (double)held / TRIALS;
    CHECK_SAY(share > 0.943 && share < 0.971, "held the truth in %.3f of the trials", share);
}

int main(void) {
    TAP_RUN(the_rank_agrees_with_the_tables_of_mann_and_whitney);
    TAP_RUN(the_normal_approximation_continues_the_exact_ranks);
    TAP_RUN(the_permeability_of_the_membrane_has_its_published_shift);
    TAP_RUN(the_interval_holds_the_truth_as_often_as_it_says);
    return tap_done();
}
