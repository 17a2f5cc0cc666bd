/* If this failed, the one line that everybody reads would contradict the table above it. */
#include "tap.h"

#include "compare/summary.h"

#include <math.h>
#include <stdlib.h>

static const struct variant variants[] = {{.name = "system"}, {.name = "tagpool", .shim = true}};

/* The shares by which times and memory differ, and their verdicts. */
static void make(struct comparison *comparison, struct result *result, double cpu,
                 enum paired_verdict cpu_verdict, double memory,
                 enum paired_verdict memory_verdict) {
    *result = (struct result){
        .plan.threshold = 0.01, .variants = variants, .rounds = {.variant_count = 2}};
    *comparison = (struct comparison){.result = result};
    for (int metric = 0; metric < METRIC_COUNT; metric++) {
        bool is_memory = metric == METRIC_PEAK;
        comparison->analyses[1][metric] = (struct analysis){
            .reference = 1,
            .value = 1 + (is_memory ? memory : cpu),
            .difference.estimate = log1p(is_memory ? memory : cpu),
            .verdict = is_memory ? memory_verdict : cpu_verdict,
        };
    }
}

static void it_says_how_fast_and_how_large(void) {
    static const struct {
        double cpu;
        enum paired_verdict cpu_verdict;
        double memory;
        enum paired_verdict memory_verdict;
        const char *text;
    } cases[] = {
        {-0.6, PAIRED_FASTER, -0.09, PAIRED_FASTER,
         "2.5 times as fast (CPU time), 9 % less memory"},
        {-0.2, PAIRED_FASTER, 0.05, PAIRED_SLOWER,
         "1.25 times as fast (CPU time), 5 % more memory"},
        {0.25, PAIRED_SLOWER, 0, PAIRED_NO_DIFFERENCE,
         "takes 25 % more time (CPU time), as much memory"},
        {0, PAIRED_NO_DIFFERENCE, 0, PAIRED_NO_DIFFERENCE, "as fast (wall time), as much memory"},
        {0.1, PAIRED_INCONCLUSIVE, 0, PAIRED_INCONCLUSIVE, "whether it is faster is not settled"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static struct comparison comparison;
        struct result result;
        make(&comparison, &result, cases[i].cpu, cases[i].cpu_verdict, cases[i].memory,
             cases[i].memory_verdict);
        char *text = summary_text(&comparison, 1);
        CHECK_SAY(strcmp(text, cases[i].text) == 0, "case %zu: %s", i, text);
        free(text);
    }
}

static void medians_that_contradict_the_difference_get_a_word(void) {
    static struct comparison comparison;
    struct result result;
    make(&comparison, &result, -0.078, PAIRED_INCONCLUSIVE, 0, PAIRED_NO_DIFFERENCE);
    struct analysis *wall = &comparison.analyses[1][METRIC_WALL];
    CHECK(summary_paired_text(&comparison, 1) == NULL);
    wall->difference = (struct paired_interval){log1p(0.01), log1p(-0.2), log1p(0.3), true};
    wall->middle = log1p(0.009);
    char *text = summary_paired_text(&comparison, 1);
    CHECK(text != NULL && strstr(text, "wall time of tagpool would differ by -7.8 %") != NULL &&
          strstr(text, "in the median round it differs by +0.9 %") != NULL);
    free(text);
    wall->difference = (struct paired_interval){log1p(-0.07), log1p(-0.09), log1p(-0.06), true};
    CHECK(summary_paired_text(&comparison, 1) == NULL);
    wall->difference = (struct paired_interval){log1p(-0.04), log1p(-0.05), log1p(-0.03), true};
    text = summary_paired_text(&comparison, 1);
    CHECK(text != NULL);
    free(text);
}

int main(void) {
    TAP_RUN(it_says_how_fast_and_how_large);
    TAP_RUN(medians_that_contradict_the_difference_get_a_word);
    return tap_done();
}
