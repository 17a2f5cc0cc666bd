/* If this failed, mean, deviation or extremes would not be those of the runs, or one slow run would
 * pass for an ordinary one. */
#include "tap.h"

#include "stats/moments.h"

#include <math.h>

static void the_moments_are_those_of_the_values(void) {
    const double values[] = {2, 4, 4, 4, 5, 5, 7, 9};
    struct moments moments = moments_of(values, 8);
    CHECK(moments.mean == 5 && moments.minimum == 2 && moments.maximum == 9);
    /* 32 / 7 */
    CHECK(fabs(moments.deviation - 2.138089935) < 1e-8);
    CHECK(moments.outliers == 1);
}

static void a_single_value_has_no_deviation(void) {
    const double value = 3;
    struct moments moments = moments_of(&value, 1);
    CHECK(moments.mean == 3 && moments.minimum == 3 && moments.maximum == 3);
    CHECK(moments.deviation == 0 && moments.outliers == 0);
}

/* Median 10, deviation by its median 1.4826: 15.1 is within 3.5 of these, 15.3 beyond. */
static void what_is_far_off_is_an_outlier_on_either_side(void) {
    const double calm[] = {9, 9, 10, 11, 11, 15.1, 10},
                 far[] = {9, 9, 10, 11, 11, 15.3, 4.7, 10, 10};
    CHECK(moments_of(calm, 7).outliers == 0);
    CHECK(moments_of(far, 9).outliers == 2);
    const double equal[] = {5, 5, 5, 5, 6};
    CHECK(moments_of(equal, 5).outliers == 0);
}

int main(void) {
    TAP_RUN(the_moments_are_those_of_the_values);
    TAP_RUN(a_single_value_has_no_deviation);
    TAP_RUN(what_is_far_off_is_an_outlier_on_either_side);
    return tap_done();
}
