#include "comparison.h"

#include <stdio.h>

void comparison_make(struct comparison *comparison, const struct experiment *experiment,
                     const char *title) {
    const struct rounds *rounds = &experiment->rounds;
    *comparison = (struct comparison){.title = title, .experiment = experiment};
    for (unsigned variant = 0; variant < rounds->variant_count; variant++)
        for (int metric = 0; metric < METRIC_COUNT; metric++)
            if (variant != rounds->reference)
                analysis_make(&comparison->analyses[variant][metric], rounds, variant,
                              (enum metric)metric, experiment->plan.threshold);
}

const char *comparison_verdict_word(enum metric metric, enum paired_verdict verdict, char *text,
                                    size_t text_bytes) {
    const struct metric_about *about = &metric_about[metric];
    switch (verdict) {
    case PAIRED_FASTER:
        return about->less;
    case PAIRED_SLOWER:
        return about->more;
    case PAIRED_SLIGHTLY_FASTER:
        snprintf(text, text_bytes, "slightly %s", about->less);
        return text;
    case PAIRED_SLIGHTLY_SLOWER:
        snprintf(text, text_bytes, "slightly %s", about->more);
        return text;
    case PAIRED_NO_DIFFERENCE:
        return "no meaningful difference";
    case PAIRED_INCONCLUSIVE:
        break;
    }
    return "inconclusive";
}

void comparison_format_difference(const struct analysis *analysis, char *text, size_t text_bytes) {
    const struct paired_interval *difference = &analysis->difference;
    double estimate = 100 * paired_share(difference->estimate);
    if (analysis->exact && estimate == 0)
        snprintf(text, text_bytes, "same");
    else if (analysis->exact)
        snprintf(text, text_bytes, "%+.1f %% exact", estimate);
    else if (!difference->exists)
        snprintf(text, text_bytes, "%+.1f %%", estimate);
    else
        snprintf(text, text_bytes, "%+.1f %% [%+.1f ... %+.1f]", estimate,
                 100 * paired_share(difference->low), 100 * paired_share(difference->high));
}

bool comparison_judges(const struct comparison *comparison, unsigned variant) {
    const struct experiment *experiment = comparison->experiment;
    unsigned reference = experiment->rounds.reference;
    bool any_shim = false;
    for (unsigned i = 0; i < experiment->rounds.variant_count; i++)
        any_shim = any_shim || (i != reference && experiment->variants[i].shim);
    return variant != reference && (!any_shim || experiment->variants[variant].shim);
}

enum exit_status comparison_status(const struct comparison *comparison, double fail_share,
                                   bool strict) {
    enum exit_status status = STATUS_DONE;
    for (unsigned i = 0; i < comparison->experiment->rounds.variant_count; i++) {
        if (!comparison_judges(comparison, i))
            continue;
        for (int metric = 0; metric < METRIC_COUNT; metric++) {
            const struct analysis *analysis = &comparison->analyses[i][metric];
            if (!metric_about[metric].decides)
                continue;
            if (fail_share >= 0 && analysis->difference.exists &&
                paired_share(analysis->difference.low) > fail_share)
                return STATUS_REGRESSION;
            if (strict && analysis->verdict == PAIRED_INCONCLUSIVE)
                status = STATUS_INCONCLUSIVE;
        }
    }
    return status;
}
