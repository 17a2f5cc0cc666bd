#include "compare/summary.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

enum metric summary_metric(const struct comparison *comparison, unsigned variant) {
    enum paired_verdict cpu = comparison->analyses[variant][METRIC_CPU].verdict;
    return cpu == PAIRED_INCONCLUSIVE || cpu == PAIRED_NO_DIFFERENCE ? METRIC_WALL : METRIC_CPU;
}

static bool summary_is_less(enum paired_verdict verdict) {
    return verdict == PAIRED_FASTER || verdict == PAIRED_SLIGHTLY_FASTER;
}

/* "2.5 times as fast", "takes 12 % more time". */
static char *summary_speed(const struct analysis *analysis) {
    double factor = exp(-analysis->difference.estimate);
    if (analysis->verdict == PAIRED_NO_DIFFERENCE)
        return memory_copy("as fast");
    if (analysis->verdict == PAIRED_INCONCLUSIVE)
        return memory_copy("whether it is faster is not settled");
    if (summary_is_less(analysis->verdict))
        return memory_format(factor < 2 ? "%.2f times as fast" : "%.1f times as fast", factor);
    return memory_format("takes %.0f %% more time", fmax(100 * (1 / factor - 1), 1));
}

/* "9 % less memory"; NULL when nothing is known of it. */
static char *summary_memory(const struct analysis *analysis) {
    double percent = 100 * fabs(paired_share(analysis->difference.estimate));
    if (analysis->verdict == PAIRED_INCONCLUSIVE)
        return NULL;
    if (analysis->verdict == PAIRED_NO_DIFFERENCE)
        return memory_copy("as much memory");
    return memory_format("%.0f %% %s memory", fmax(percent, 1),
                         summary_is_less(analysis->verdict) ? "less" : "more");
}

char *summary_text(const struct comparison *comparison, unsigned variant) {
    enum metric metric = summary_metric(comparison, variant);
    const struct analysis *analyses = comparison->analyses[variant];
    char *speed = summary_speed(&analyses[metric]);
    char *memory = summary_memory(&analyses[METRIC_PEAK]);
    bool settled = analyses[metric].verdict != PAIRED_INCONCLUSIVE;
    char *text = memory_format("%s%s%s%s", speed,
                               !settled               ? ""
                               : metric == METRIC_CPU ? " (CPU time)"
                                                      : " (wall time)",
                               memory != NULL ? ", " : "", memory != NULL ? memory : "");
    free(speed);
    free(memory);
    return text;
}

/* Would the medians alone say something that the paired differences do not? */
static bool summary_contradicts(const struct analysis *analysis, double threshold) {
    double unpaired = log(analysis->value / analysis->reference);
    const struct paired_interval *difference = &analysis->difference;
    bool opposite =
        unpaired * difference->estimate < 0 && fabs(unpaired - difference->estimate) > threshold;
    if (analysis->exact)
        return false;
    if (!difference->exists)
        return opposite;
    return opposite || unpaired < difference->low - threshold ||
           unpaired > difference->high + threshold;
}

char *summary_paired_text(const struct comparison *comparison, unsigned variant) {
    for (int metric = 0; metric < METRIC_COUNT; metric++) {
        const struct analysis *analysis = &comparison->analyses[variant][metric];
        if (metric_about[metric].unit != METRIC_SECONDS ||
            !summary_contradicts(analysis, comparison->result->plan.threshold))
            continue;
        return memory_format(
            "differences are paired, round by round, and medians are not: by its medians the %s "
            "time of %s would differ by %+.1f %%, but in the median round it differs by %+.1f %%",
            metric_about[metric].title, comparison->result->variants[variant].name,
            100 * (analysis->value / analysis->reference - 1),
            100 * paired_share(analysis->middle));
    }
    return NULL;
}
