/* If this failed, what rests on a few samples would be shown as if it were exact, or as nothing. */
#include "tap.h"

#include "profile/estimate.h"

#include <string.h>

static void a_rough_share_has_one_digit_however_small(void) {
    static const struct {
        double share;
        const char *text;
    } cases[] = {{1, "~100 %"},      {0.423, "~40 %"},     {0.0951, "~10 %"},
                 {0.0032, "~0.3 %"}, {0.00014, "~0.01 %"}, {0, "~0 %"}};
    char text[ESTIMATE_TEXT_BYTES];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        estimate_format_share(true, cases[i].share, text);
        CHECK(strcmp(text, cases[i].text) == 0);
    }
    estimate_format_share(false, 0.4234, text);
    CHECK(strcmp(text, "42.3 %") == 0);
}

static void rough_counts_have_one_digit(void) {
    char text[ESTIMATE_TEXT_BYTES];
    estimate_format_count(true, 4711, text);
    CHECK(strcmp(text, "~5000") == 0);
    estimate_format_bytes(true, 4400000, text);
    CHECK(strcmp(text, "~4 MiB") == 0);
    estimate_format_count(false, 4711, text);
    CHECK(strcmp(text, "4711") == 0);
}

static void a_sum_is_as_rough_as_its_samples_are_few(void) {
    const struct profile_sites every = {0}, sampled = {.sample_bytes = 65536};
    CHECK(!estimate_is_sum_rough(&every, 1, 100));
    /* 100 blocks of 100 KB have a sample each, more or less; 1000 of 100 bytes have 1.5 in all. */
    CHECK(!estimate_is_sum_rough(&sampled, 100, 10000000));
    CHECK(estimate_is_sum_rough(&sampled, 1000, 100000));
    CHECK(!estimate_is_sum_rough(&sampled, 100000, 10000000));
    CHECK(estimate_is_sum_rough(&sampled, 10, 100000000));
    CHECK(!estimate_is_sum_rough(&sampled, 0, 0));
}

int main(void) {
    TAP_RUN(a_rough_share_has_one_digit_however_small);
    TAP_RUN(rough_counts_have_one_digit);
    TAP_RUN(a_sum_is_as_rough_as_its_samples_are_few);
    return tap_done();
}
