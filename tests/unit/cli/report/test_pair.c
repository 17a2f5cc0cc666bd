/* If this failed, --fail-if-slower would stop a build that has not become slower, or let one pass
 * that has. */
#include "tap.h"

#include "report/pair.h"

#include <math.h>

/* [low ... high], shares, about their middle; no interval if low > high. */
static struct paired_interval interval(double low, double high) {
    return (struct paired_interval){.estimate = log1p((low + high) / 2),
                                    .low = log1p(low),
                                    .high = log1p(high),
                                    .exists = low <= high};
}

enum { SYSTEM, TAGPOOL, JEMALLOC, VARIANTS };

static const struct variant variants[VARIANTS] = {
    {.name = "system"}, {.name = "tagpool", .shim = true}, {.name = "jemalloc"}};

/* One difference among others of no meaning; what it ends with, without and with --strict. */
static const struct status_case {
    const char *what;
    unsigned variant;
    enum metric metric;
    double low, high, fail_share;
    enum exit_status status, strict_status;
} status_cases[] = {
    {"all of it beyond", TAGPOOL, METRIC_WALL, 0.06, 0.1, 0.05, STATUS_REGRESSION,
     STATUS_REGRESSION},
    {"CPU time too", TAGPOOL, METRIC_CPU, 0.06, 0.1, 0.05, STATUS_REGRESSION, STATUS_REGRESSION},
    {"the low end not", TAGPOOL, METRIC_WALL, 0.04, 0.1, 0.05, STATUS_DONE, STATUS_DONE},
    {"nobody asked", TAGPOOL, METRIC_WALL, 0.06, 0.1, -1, STATUS_DONE, STATUS_DONE},
    {"no interval", TAGPOOL, METRIC_WALL, 0.2, 0.1, 0.05, STATUS_DONE, STATUS_INCONCLUSIVE},
    {"more memory", TAGPOOL, METRIC_PEAK, 0.6, 0.7, 0.05, STATUS_DONE, STATUS_DONE},
    {"uncertain memory", TAGPOOL, METRIC_PEAK, -0.6, 0.7, 0.05, STATUS_DONE, STATUS_DONE},
    {"another allocator", JEMALLOC, METRIC_WALL, 0.6, 0.7, 0.05, STATUS_DONE, STATUS_DONE},
    {"an uncertain one", JEMALLOC, METRIC_WALL, -0.6, 0.7, 0.05, STATUS_DONE, STATUS_DONE},
};

static struct analysis analysis_of(double low, double high) {
    struct analysis analysis = {.difference = interval(low, high)};
    analysis.verdict = paired_judge(&analysis.difference, 0.01);
    return analysis;
}

static void check_comparison(const struct status_case *status_case) {
    static struct result result = {.variants = variants, .rounds = {.variant_count = VARIANTS}};
    static struct comparison comparison;
    comparison = (struct comparison){.result = &result};
    for (int variant = TAGPOOL; variant < VARIANTS; variant++)
        for (int metric = 0; metric < METRIC_COUNT; metric++)
            comparison.analyses[variant][metric] = analysis_of(-0.005, 0.005);
    comparison.analyses[status_case->variant][status_case->metric] =
        analysis_of(status_case->low, status_case->high);
    struct comparison_limits limits = {.slower_share = status_case->fail_share, .worse_share = -1};
    CHECK_SAY(comparison_status(&comparison, &limits) == status_case->status, "%s",
              status_case->what);
    limits.strict = true;
    CHECK_SAY(comparison_status(&comparison, &limits) == status_case->strict_status, "%s, --strict",
              status_case->what);
}

/* A number of the program's own, of which more or less is better, or nobody knows. */
static void a_comparison_fails_on_a_number_that_is_worse(void) {
    static const struct {
        const char *what;
        enum number_better better;
        double low, high;
        enum exit_status worse, slower;
    } cases[] = {
        {"a lower rate", NUMBER_HIGHER_IS_BETTER, -0.2, -0.1, STATUS_REGRESSION, STATUS_DONE},
        {"a higher rate", NUMBER_HIGHER_IS_BETTER, 0.1, 0.2, STATUS_DONE, STATUS_DONE},
        {"perhaps a lower rate", NUMBER_HIGHER_IS_BETTER, -0.2, -0.04, STATUS_DONE, STATUS_DONE},
        {"a higher latency", NUMBER_LOWER_IS_BETTER, 0.1, 0.2, STATUS_REGRESSION, STATUS_DONE},
        {"a lower latency", NUMBER_LOWER_IS_BETTER, -0.2, -0.1, STATUS_DONE, STATUS_DONE},
        {"another number", NUMBER_NEITHER_IS_BETTER, 0.1, 0.2, STATUS_DONE, STATUS_DONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct result result = {.variants = variants, .rounds = {.variant_count = 2}};
        static struct comparison comparison;
        bool decides = cases[i].better != NUMBER_NEITHER_IS_BETTER;
        struct metric_about about =
            metric_own("rate", METRIC_NUMBER, cases[i].better, decides, NULL);
        rounds_own(&result.rounds, &about);
        comparison = (struct comparison){.result = &result};
        for (int metric = 0; metric < METRIC_COUNT; metric++)
            comparison.analyses[TAGPOOL][metric] = analysis_of(-0.005, 0.005);
        comparison.analyses[TAGPOOL][METRIC_COUNT] = analysis_of(cases[i].low, cases[i].high);
        struct comparison_limits worse = {.slower_share = -1, .worse_share = 0.05};
        struct comparison_limits slower = {.slower_share = 0.05, .worse_share = -1};
        CHECK_SAY(comparison_status(&comparison, &worse) == cases[i].worse, "%s", cases[i].what);
        CHECK_SAY(comparison_status(&comparison, &slower) == cases[i].slower, "%s", cases[i].what);
    }
}

static void a_comparison_fails_on_what_is_proven_of_the_shim(void) {
    for (size_t i = 0; i < sizeof status_cases / sizeof status_cases[0]; i++)
        check_comparison(&status_cases[i]);
}

static void a_change_fails_only_if_it_is_proven_and_not_of_the_reference(void) {
    static const struct {
        const char *what;
        struct pair_change change;
        double low, high, fail_share;
        enum exit_status status;
    } cases[] = {
        {"the whole interval beyond", {.metric = METRIC_WALL}, 0.06, 0.1, 0.05, STATUS_REGRESSION},
        {"the estimate beyond, the low end not",
         {.metric = METRIC_CPU},
         0.04,
         0.1,
         0.05,
         STATUS_DONE},
        {"the reference itself",
         {.metric = METRIC_CPU, .reference = true},
         0.06,
         0.1,
         0.05,
         STATUS_DONE},
        {"memory", {.metric = METRIC_PEAK}, 0.06, 0.1, 0.05, STATUS_DONE},
        {"no interval", {.metric = METRIC_WALL}, 0.2, 0.1, 0.05, STATUS_DONE},
        {"nobody asked", {.metric = METRIC_WALL}, 0.06, 0.1, -1, STATUS_DONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static struct pair pair;
        pair = (struct pair){.count = 2};
        pair.changes[0] = (struct pair_change){.change = interval(-0.005, 0.005)};
        pair.changes[1] = cases[i].change;
        pair.changes[1].change = interval(cases[i].low, cases[i].high);
        CHECK_SAY(pair_status(&pair, cases[i].fail_share) == cases[i].status, "%s", cases[i].what);
    }
}

/* One result of two variants; every run of the second takes `ratio` times the first one's time. */
static void make_saved(struct saved *saved, double threshold, double ratio) {
    enum { ROUNDS = 8 };
    saved->variants[0].name = "system";
    saved->variants[1] = (struct variant){.name = "tagpool", .shim = true};
    saved->result = (struct result){
        .plan.threshold = threshold, .variants = saved->variants, .rounds.variant_count = 2};
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct round *round = rounds_add(&saved->result.rounds);
        round->order[1] = 1;
        round->results[0].wall_ns = 1000000000;
        round->results[1].wall_ns = (uint64_t)(1e9 * ratio * (1 + 0.0001 * i));
    }
    comparison_make(&saved->comparison, &saved->result, "title");
}

static void two_results_are_compared_by_the_wider_threshold(void) {
    static struct saved narrow, wide;
    static struct pair pair;
    make_saved(&narrow, 0.01, 1);
    make_saved(&wide, 0.2, 1.1);
    for (int turn = 0; turn < 2; turn++) {
        pair_make(&pair, turn == 0 ? &narrow : &wide, turn == 0 ? &wide : &narrow);
        CHECK(pair.threshold == 0.2 && pair.count == 2 * METRIC_COUNT);
        CHECK(pair.changes[1].metric == METRIC_WALL && !pair.changes[1].reference);
        CHECK(fabs(fabs(paired_share(pair.changes[1].change.estimate)) - 0.1) < 0.02);
        CHECK(pair.changes[1].verdict == PAIRED_NO_DIFFERENCE);
        CHECK(pair.changes[0].reference && !pair.changes[0].change.exists);
    }
    rounds_free(&narrow.result.rounds);
    rounds_free(&wide.result.rounds);
}

/* What is printed of a value, at the bounds between units. */
static void values_are_printed_in_their_units(void) {
    static const struct {
        enum metric metric;
        double value;
        const char *text;
    } cases[] = {
        {METRIC_WALL, 0.000999, "999 us"},   {METRIC_CPU, 0.001, "1.00 ms"},
        {METRIC_CPU, 0.09876, "98.76 ms"},   {METRIC_CPU, 0.1234, "123.4 ms"},
        {METRIC_WALL, 1.5, "1.500 s"},       {METRIC_WALL, 123.45, "123.5 s"},
        {METRIC_PEAK, 1000, "1000 B"},       {METRIC_PEAK, 1023, "1023 B"},
        {METRIC_PEAK, 1024, "1.00 KiB"},     {METRIC_PEAK, 50 << 20, "50.00 MiB"},
        {METRIC_PEAK, 200 << 20, "200 MiB"}, {METRIC_PEAK, 0x1p40, "1.00 TiB"},
        {METRIC_PEAK, 0x1p51, "2048 TiB"},   {METRIC_FAULTS, 12345, "12345"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[32];
        metric_format(cases[i].metric, cases[i].value, text, sizeof text);
        CHECK_SAY(strcmp(text, cases[i].text) == 0, "%g is \"%s\", not \"%s\"", cases[i].value,
                  text, cases[i].text);
    }
}

int main(void) {
    TAP_RUN(a_comparison_fails_on_what_is_proven_of_the_shim);
    TAP_RUN(a_comparison_fails_on_a_number_that_is_worse);
    TAP_RUN(a_change_fails_only_if_it_is_proven_and_not_of_the_reference);
    TAP_RUN(two_results_are_compared_by_the_wider_threshold);
    TAP_RUN(values_are_printed_in_their_units);
    return tap_done();
}
