/* If this failed, results of several machines would be combined to a number that none of them
 * supports, an interval would promise too much, or a machine that differs would go unnamed. */
#include "tap.h"

#include "stats/combined.h"

#include <math.h>
#include <stdlib.h>

#include "random.h"

static bool near(double value, double expected, double tolerance) {
    return fabs(value - expected) <= tolerance;
}

/* From tables. */
static void the_quantiles_of_t_are_those_of_the_tables(void) {
    static const struct {
        unsigned freedom;
        double quantile;
    } cases[] = {{1, 12.706}, {2, 4.303},  {3, 3.182},  {4, 2.776},  {5, 2.571},
                 {9, 2.262},  {10, 2.228}, {30, 2.042}, {120, 1.980}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK_SAY(near(combined_t_quantile(0.05, cases[i].freedom), cases[i].quantile, 0.0006),
                  "%u: %.4f", cases[i].freedom, combined_t_quantile(0.05, cases[i].freedom));
    CHECK(near(combined_t_quantile(0.01, 5), 4.032, 0.0006));
}

/* By hand: weights 1 / .01 = 100 each; the mean is .2, Q = 100 (.01 + 0 + .01) = 2 = k - 1. */
static void strata_that_agree_are_averaged(void) {
    struct combined_stratum strata[] = {{.1, .1, false}, {.2, .1, false}, {.3, .1, false}};
    struct combined combined = combined_make(strata, 3);
    CHECK(near(combined.all.estimate, .2, 1e-9) && near(combined.tau, 0, 1e-7));
    CHECK(near(combined.error, .1 / sqrt(3), 1e-9));
    CHECK(near(combined.all.low, .2 - 4.3027 * .1 / sqrt(3), 1e-4));
    CHECK(combined.another.exists && combined.another.low < combined.all.low);
}

/* Q = 10000 * 2 * .01 = 200; tau^2 = (200 - 2) / (30000 - 10000) = .0099. */
static void strata_that_differ_widen_the_interval(void) {
    struct combined_stratum strata[] = {{.1, .01, false}, {.2, .01, false}, {.3, .01, false}};
    struct combined combined = combined_make(strata, 3);
    CHECK(near(combined.tau, sqrt(.0099), 1e-6));
    CHECK(near(combined.error, .1 / sqrt(3), 1e-4));
    for (int i = 0; i < 3; i++)
        CHECK(!strata[i].outlying);
}

static void a_precise_stratum_weighs_more_where_they_agree(void) {
    struct combined_stratum strata[] = {{.1, .01, false}, {.11, .1, false}};
    struct combined combined = combined_make(strata, 2);
    CHECK(combined.all.estimate < .1002 && combined.all.exists && !combined.another.exists);
}

static void a_single_stratum_stays_what_it_is(void) {
    struct combined_stratum stratum = {.1, .02, false};
    struct combined combined = combined_make(&stratum, 1);
    CHECK(combined.all.estimate == .1 && combined.error == .02 && !combined.all.exists);
}

static void the_one_that_differs_is_found(void) {
    struct combined_stratum strata[] = {
        {-.2, .01, false}, {-.21, .01, false}, {-.19, .01, false}, {.3, .01, false}};
    combined_make(strata, 4);
    CHECK(!strata[0].outlying && !strata[1].outlying && !strata[2].outlying);
    CHECK(strata[3].outlying);
    strata[3].estimate = -.22;
    combined_make(strata, 4);
    CHECK(!strata[3].outlying);
}

static void what_never_varies_does_not_divide_by_zero(void) {
    struct combined_stratum strata[] = {{.1, 0, false}, {.1, 0, false}, {.1, 0, false}};
    struct combined combined = combined_make(strata, 3);
    CHECK(near(combined.all.estimate, .1, 1e-12) && near(combined.all.low, .1, 1e-4));
}

static double normal(uint64_t *random) {
    double sum = 0;
    for (int i = 0; i < 12; i++)
        sum += (double)random_below(random, 1000000) / 1e6;
    return sum - 6;
}

/* 2000 sessions of five machines whose truths differ: 95 % of the intervals hold the common one. */
static void the_interval_holds_the_truth_as_often_as_it_says(void) {
    uint64_t random = 7;
    unsigned held = 0, held_another = 0, outlying = 0;
    for (int session = 0; session < 2000; session++) {
        struct combined_stratum strata[5];
        for (int i = 0; i < 5; i++)
            strata[i] = (struct combined_stratum){
                .estimate = .3 + .05 * normal(&random) + .02 * normal(&random), .error = .02};
        struct combined combined = combined_make(strata, 5);
        for (int i = 0; i < 5; i++)
            outlying += strata[i].outlying;
        held += combined.all.low <= .3 && .3 <= combined.all.high;
        double another = .3 + .05 * normal(&random);
        held_another += combined.another.low <= another && another <= combined.another.high;
    }
    CHECK_SAY(held > 1860 && held < 1960, "%u of 2000", held);
    CHECK_SAY(outlying < 120, "%u of 2000 sessions have one that is taken to differ", outlying);
    CHECK_SAY(held_another > 1840, "%u of 2000", held_another);
}

int main(void) {
    TAP_RUN(the_quantiles_of_t_are_those_of_the_tables);
    TAP_RUN(strata_that_agree_are_averaged);
    TAP_RUN(strata_that_differ_widen_the_interval);
    TAP_RUN(a_precise_stratum_weighs_more_where_they_agree);
    TAP_RUN(a_single_stratum_stays_what_it_is);
    TAP_RUN(the_one_that_differs_is_found);
    TAP_RUN(what_never_varies_does_not_divide_by_zero);
    TAP_RUN(the_interval_holds_the_truth_as_often_as_it_says);
    return tap_done();
}
