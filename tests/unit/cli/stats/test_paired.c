/* If this failed, verdicts of `tagpool compare` would rest on wrong intervals. The values of k and
 * the worked example are those of tables and textbooks, not of this program. */
#include "tap.h"

#include "base/randomness.h"
#include "stats/paired.h"

#include <math.h>

static bool close_to(double left, double right) {
    return fabs(left - right) < 1e-9;
}

static void the_rank_of_the_interval_agrees_with_the_tables(void) {
    static const struct {
        unsigned n, k;
    } table[] = {{6, 1},   {7, 3},   {8, 4},   {9, 6},    {10, 9},
                 {12, 14}, {15, 26}, {20, 53}, {30, 138}, {40, 265}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        CHECK_SAY(paired_signed_rank_k(table[i].n, 0.95) == table[i].k, "k is %u for n = %u",
                  paired_signed_rank_k(table[i].n, 0.95), table[i].n);
}

static void below_six_rounds_there_is_no_interval(void) {
    double differences[6] = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6};
    for (unsigned n = 1; n < PAIRED_ROUNDS_FOR_INTERVAL; n++) {
        struct paired_interval interval = paired_estimate(differences, n);
        CHECK(paired_signed_rank_k(n, 0.95) == 0);
        CHECK(!interval.exists);
        CHECK(paired_judge(&interval, 0.01) == PAIRED_INCONCLUSIVE);
        CHECK(paired_rounds_to_settle(&interval, n, 0.01) == 6);
    }
    CHECK(paired_estimate(differences, 6).exists);
}

static void the_normal_approximation_continues_the_exact_ranks(void) {
    /* 60 is the last exact value. A normal approximation is within one rank there. */
    unsigned exact = paired_signed_rank_k(60, 0.95);
    unsigned step = exact - paired_signed_rank_k(59, 0.95);
    unsigned next = paired_signed_rank_k(61, 0.95) - exact;
    CHECK_SAY(next + 2 >= step && next <= step + 2, "k rises by %u, then by %u", step, next);
    CHECK(paired_signed_rank_k(1000, 0.95) > 0);
}

static void the_estimate_is_the_median_of_the_walsh_averages(void) {
    /* Walsh averages of 1, 2, 6: 1, 1.5, 2, 3.5, 4, 6. */
    const double three[] = {6, 1, 2};
    CHECK(close_to(paired_estimate(three, 3).estimate, 2.75));
    /* With k = 1 the interval of six values reaches from the least to the greatest. */
    const double six[] = {3, -1, 4, 1, 5, 9};
    struct paired_interval interval = paired_estimate(six, 6);
    CHECK(interval.exists && close_to(interval.low, -1) && close_to(interval.high, 9));
    CHECK(close_to(interval.estimate, 3.5));
}

static void darwins_maize_gives_the_interval_of_its_sorted_averages(void) {
    /* Fisher's example: differences of 15 pairs of plants, in eighths of an inch. Of the 120 sorted
     * averages the 26th is 4, the 60th and 61st are 24.5 and 25.5, and the 95th is 41.5. */
    const double maize[] = {49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48};
    struct paired_interval interval = paired_estimate(maize, 15);
    CHECK(close_to(interval.estimate, 25));
    CHECK(interval.exists && close_to(interval.low, 4) && close_to(interval.high, 41.5));
}

static void the_depression_scale_gives_the_published_estimate_and_interval(void) {
    /* Hollander and Wolfe, Nonparametric Statistical Methods (1973), pp. 27-33 (Salsburg's data):
     * nine patients before and after a tranquillizer. They publish the estimate -0.46 and the
     * interval [-0.786 ... -0.010] at 96.1 %, which is the exact confidence of k = 6 at n = 9. */
    const double before[] = {1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30};
    const double after[] = {0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29};
    double differences[9];
    for (int i = 0; i < 9; i++)
        differences[i] = after[i] - before[i];
    struct paired_interval interval = paired_estimate(differences, 9);
    CHECK_SAY(close_to(interval.estimate, -0.46), "the estimate is %g", interval.estimate);
    CHECK_SAY(interval.exists && close_to(interval.low, -0.786) && close_to(interval.high, -0.010),
              "the interval is [%g ... %g]", interval.low, interval.high);
}

static void the_interval_holds_the_truth_as_often_as_it_says(void) {
    /* Heavy tails (a normal value that is now and then ten times as large) about a truth of 0.03.
     */
    enum { TRIALS = 2000, ROUNDS = 12 };
    struct randomness randomness = {20240229};
    unsigned held = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
        double differences[ROUNDS];
        for (int i = 0; i < ROUNDS; i++) {
            double noise = 0;
            for (int j = 0; j < 12; j++)
                noise += randomness_fraction(&randomness) - 0.5;
            if (randomness_below(&randomness, 10) == 0)
                noise *= 10;
            differences[i] = 0.03 + 0.01 * noise;
        }
        struct paired_interval interval = paired_estimate(differences, ROUNDS);
        held += interval.low <= 0.03 && 0.03 <= interval.high;
    }
    /* The exact coverage at n = 12 is 0.958; three standard errors of 2000 trials are 0.013. */
    double share = (double)held / TRIALS;
    CHECK_SAY(share > 0.944 && share < 0.972, "held the truth in %.3f of the trials", share);
}

static void each_verdict_is_given_where_its_interval_lies(void) {
    static const struct {
        double low, high; /* as shares */
        enum paired_verdict verdict;
    } cases[] = {
        {-0.112, -0.086, PAIRED_FASTER},         {-0.02, -0.0101, PAIRED_FASTER},
        {-0.02, -0.005, PAIRED_SLIGHTLY_FASTER}, {-0.009, 0.009, PAIRED_NO_DIFFERENCE},
        {-0.009, -0.001, PAIRED_NO_DIFFERENCE},  {0.001, 0.009, PAIRED_NO_DIFFERENCE},
        {0.005, 0.02, PAIRED_SLIGHTLY_SLOWER},   {0.0101, 0.02, PAIRED_SLOWER},
        {-0.02, 0.001, PAIRED_INCONCLUSIVE},     {-0.02, 0.02, PAIRED_INCONCLUSIVE},
        {-0.001, 0.02, PAIRED_INCONCLUSIVE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct paired_interval interval = {0, log1p(cases[i].low), log1p(cases[i].high), true};
        CHECK_SAY(paired_judge(&interval, 0.01) == cases[i].verdict, "[%g ... %g] is judged as %d",
                  cases[i].low, cases[i].high, (int)paired_judge(&interval, 0.01));
    }
}

static void rounds_are_planned_by_the_spread(void) {
    CHECK(paired_rounds_for(0.05, 0.01, 1000) == 144);
    CHECK(paired_rounds_for(0.5, 0.01, 1000) == 1000);
    CHECK(paired_rounds_for(0, 0.01, 1000) == 0);
    /* The middle half of 1..7 lies within 2 of 4. */
    const double values[] = {7, 1, 4, 2, 6, 3, 5};
    CHECK(close_to(paired_sigma(values, 7), 1.4826 * 2));
}

static void an_inconclusive_result_says_what_would_settle_it(void) {
    struct paired_interval interval = {0.005, -0.015, 0.025, true};
    /* The half-width is 0.02 and has to come down to 0.005: 16 times the rounds. */
    CHECK(paired_rounds_to_settle(&interval, 10, 0.01) == 160);
    struct paired_interval large = {0.03, -0.01, 0.07, true};
    CHECK(paired_rounds_to_settle(&large, 10, 0.01) == 18);
}

static void an_order_effect_is_found_and_calm_rounds_have_none(void) {
    double shifted[20], calm[20];
    bool first[20];
    struct randomness randomness = {7};
    for (int i = 0; i < 20; i++) {
        double noise = (randomness_fraction(&randomness) - 0.5) * 0.01;
        first[i] = i % 4 < 2;
        calm[i] = noise;
        shifted[i] = noise + (first[i] ? 0.02 : -0.02);
    }
    struct paired_order order = paired_order_effect(shifted, first, 20);
    CHECK(order.significant && fabs(order.effect - 0.02) < 0.004);
    CHECK(!paired_order_effect(calm, first, 20).significant);
    memset(first, 0, sizeof first);
    CHECK(!paired_order_effect(shifted, first, 20).significant);
}

static void a_trend_shows_as_autocorrelation(void) {
    double rising[30], alternating[30];
    const double constant[3] = {1, 1, 1};
    for (int i = 0; i < 30; i++) {
        rising[i] = i;
        alternating[i] = i % 2;
    }
    CHECK(paired_autocorrelation(rising, 30) > 0.8);
    CHECK(paired_autocorrelation(alternating, 30) < -0.8);
    CHECK(paired_autocorrelation(constant, 3) == 0);
}

int main(void) {
    TAP_RUN(the_rank_of_the_interval_agrees_with_the_tables);
    TAP_RUN(below_six_rounds_there_is_no_interval);
    TAP_RUN(the_normal_approximation_continues_the_exact_ranks);
    TAP_RUN(the_estimate_is_the_median_of_the_walsh_averages);
    TAP_RUN(darwins_maize_gives_the_interval_of_its_sorted_averages);
    TAP_RUN(the_depression_scale_gives_the_published_estimate_and_interval);
    TAP_RUN(the_interval_holds_the_truth_as_often_as_it_says);
    TAP_RUN(each_verdict_is_given_where_its_interval_lies);
    TAP_RUN(rounds_are_planned_by_the_spread);
    TAP_RUN(an_inconclusive_result_says_what_would_settle_it);
    TAP_RUN(an_order_effect_is_found_and_calm_rounds_have_none);
    TAP_RUN(a_trend_shows_as_autocorrelation);
    return tap_done();
}
