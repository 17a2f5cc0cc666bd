/* If this failed, a loss would be shown in the colour of a gain, or a result that proves nothing in
 * the colour of one that does. */
#include "tap.h"

#include "compare/comparison.h"

static void a_verdict_has_its_word_its_colour_and_its_class(void) {
    static const struct {
        enum paired_verdict verdict;
        const char *time, *memory, *class;
        enum terminal_colour colour;
    } cases[] = {
        {PAIRED_FASTER, "faster", "smaller", "gain", TERMINAL_GOOD},
        {PAIRED_SLIGHTLY_FASTER, "slightly faster", "slightly smaller", "gain", TERMINAL_GOOD},
        {PAIRED_NO_DIFFERENCE, "no meaningful difference", "no meaningful difference", "none",
         TERMINAL_PLAIN},
        {PAIRED_SLIGHTLY_SLOWER, "slightly slower", "slightly larger", "loss", TERMINAL_BAD},
        {PAIRED_SLOWER, "slower", "larger", "loss", TERMINAL_BAD},
        {PAIRED_INCONCLUSIVE, "inconclusive", "inconclusive", "none", TERMINAL_PLAIN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum paired_verdict verdict = cases[i].verdict;
        char text[32];
        CHECK_SAY(
            strcmp(comparison_verdict_word(&metric_about[METRIC_CPU], verdict, text, sizeof text),
                   cases[i].time) == 0,
            "%s", cases[i].time);
        CHECK_SAY(
            strcmp(comparison_verdict_word(&metric_about[METRIC_PEAK], verdict, text, sizeof text),
                   cases[i].memory) == 0,
            "%s", cases[i].memory);
        CHECK_SAY(comparison_verdict_colour(&metric_about[METRIC_CPU], verdict) == cases[i].colour,
                  "%s", cases[i].time);
        CHECK_SAY(strcmp(comparison_verdict_class(&metric_about[METRIC_CPU], verdict),
                         cases[i].class) == 0,
                  "%s", cases[i].time);
    }
}

static void of_a_number_more_may_be_the_gain(void) {
    static const struct {
        enum number_better better;
        const char *less, *more;
    } cases[] = {
        {NUMBER_LOWER_IS_BETTER, "gain", "loss"},
        {NUMBER_HIGHER_IS_BETTER, "loss", "gain"},
        {NUMBER_NEITHER_IS_BETTER, "none", "none"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[32];
        struct metric_about about = metric_own("rate", METRIC_NUMBER, cases[i].better, true, NULL);
        CHECK(strcmp(comparison_verdict_class(&about, PAIRED_FASTER), cases[i].less) == 0);
        CHECK(strcmp(comparison_verdict_class(&about, PAIRED_SLIGHTLY_SLOWER), cases[i].more) == 0);
        CHECK(strcmp(comparison_verdict_class(&about, PAIRED_NO_DIFFERENCE), "none") == 0);
        CHECK(strcmp(comparison_verdict_word(&about, PAIRED_SLIGHTLY_SLOWER, text, sizeof text),
                     "slightly higher") == 0);
    }
}

/* It has no analysis of its own, whichever place it has. */
static void the_reference_has_its_median_from_another_variant(void) {
    struct result result = {.rounds = {.variant_count = 2}};
    static struct comparison comparison;
    comparison.result = &result;
    comparison.analyses[0][METRIC_CPU].reference = 1;
    comparison.analyses[1][METRIC_CPU].reference = 2;
    CHECK(comparison_reference(&comparison, METRIC_CPU) == 2);
    result.rounds.reference = 1;
    CHECK(comparison_reference(&comparison, METRIC_CPU) == 1);
}

int main(void) {
    TAP_RUN(a_verdict_has_its_word_its_colour_and_its_class);
    TAP_RUN(of_a_number_more_may_be_the_gain);
    TAP_RUN(the_reference_has_its_median_from_another_variant);
    return tap_done();
}
