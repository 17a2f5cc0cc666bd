/* If this failed, the sentence on what can be gained would contradict itself or the verdict: a gain
 * beyond what is possible at most, or a part of it that no verdict proves. */
#include "tap.h"

#include "compare/comparison.h"

#include <math.h>
#include <stdlib.h>

#define CEILING                                                                                    \
    "allocation is 20 % [10 ... 30] of the CPU time, so at most 1.25x [1.11 ... 1.43] by faster "  \
    "calls; "
#define BOUND "allocation is at most 30 % of the CPU time, so at most 1.43x by faster calls; "

static void it_agrees_with_the_verdict_and_with_itself(void) {
    static const struct variant variants[] = {{.name = "system"},
                                              {.name = "tagpool", .shim = true}};
    static const struct headroom wide = {.measured = true, .share = 0.2, .low = 0.1, .high = 0.3};
    static const struct headroom open = {.measured = true, .share = 0.12, .high = 0.3};
    static const struct headroom none = {.measured = true};
    static const struct {
        const struct headroom *headroom;
        double low, estimate, high; /* of the CPU time, as shares */
        enum paired_verdict verdict;
        const char *text;
    } cases[] = {
        {&wide, -0.11, -0.1, -0.09, PAIRED_FASTER,
         CEILING "tagpool 1.11x, 50 % of what is possible"},
        {&wide, -0.26, -0.25, -0.24, PAIRED_FASTER,
         CEILING "tagpool 1.33x, all of what is possible"},
        {&wide, -0.45, -0.4, -0.35, PAIRED_FASTER,
         CEILING "tagpool 1.67x: besides faster calls it saves page faults or cache misses"},
        {&wide, -0.45, -0.35, -0.2, PAIRED_FASTER,
         CEILING "tagpool 1.54x: besides faster calls it may save page faults or cache misses"},
        {&wide, -0.3, -0.1, 0.1, PAIRED_INCONCLUSIVE,
         CEILING "tagpool 1.11x, which is not settled"},
        {&wide, -0.6, -0.5, 0.1, PAIRED_INCONCLUSIVE,
         CEILING "tagpool 2.00x, which is not settled"},
        {&wide, -0.01, -0.005, 0, PAIRED_NO_DIFFERENCE, CEILING "tagpool 1.01x"},
        {&wide, 0.2, 0.25, 0.3, PAIRED_SLOWER, CEILING "tagpool 0.80x"},
        {&open, -0.11, -0.1, -0.09, PAIRED_FASTER, BOUND "tagpool 1.11x"},
        {&open, -0.45, -0.4, -0.35, PAIRED_FASTER,
         BOUND "tagpool 1.67x: besides faster calls it saves page faults or cache misses"},
        {&none, -0.11, -0.1, -0.09, PAIRED_FASTER,
         "allocation is at most 0 % of the CPU time, so at most 1.00x by faster calls; "
         "tagpool 1.11x: besides faster calls it saves page faults or cache misses"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static struct comparison comparison;
        struct result result = {.variants = variants, .rounds = {.variant_count = 2}};
        comparison = (struct comparison){.result = &result, .headroom = *cases[i].headroom};
        comparison.analyses[1][METRIC_CPU] =
            (struct analysis){.verdict = cases[i].verdict,
                              .difference = {.exists = true,
                                             .estimate = log1p(cases[i].estimate),
                                             .low = log1p(cases[i].low),
                                             .high = log1p(cases[i].high)}};
        char *text = comparison_headroom_text(&comparison);
        CHECK_SAY(strcmp(text, cases[i].text) == 0, "case %zu: %s", i, text);
        free(text);
    }
}

int main(void) {
    TAP_RUN(it_agrees_with_the_verdict_and_with_itself);
    return tap_done();
}
