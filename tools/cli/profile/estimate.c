#include "profile/estimate.h"

#include "base/memory.h"
#include "base/size.h"
#include "measure/metric.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

bool estimate_is_rough(const struct profile_sites *sites, const struct profile_counts *counts) {
    return sites->sample_bytes != 0 && counts->samples < ESTIMATE_SAMPLES_FEW;
}

bool estimate_is_sum_rough(const struct profile_sites *sites, uint64_t calls, uint64_t bytes) {
    if (sites->sample_bytes == 0 || calls == 0)
        return false;
    double block_bytes = (double)bytes / (double)calls;
    double sampled_share = 1 - exp(-block_bytes / (double)sites->sample_bytes);
    return (double)calls * sampled_share < ESTIMATE_SAMPLES_FEW;
}

char *estimate_basis(const struct profile_sites *sites) {
    bool rough = estimate_is_rough(sites, &sites->total);
    uint64_t samples = sites->total.samples;
    char distance[ESTIMATE_TEXT_BYTES];
    if (sites->sample_bytes == 0)
        return memory_copy("every call was counted");
    metric_format(METRIC_PEAK, (double)sites->sample_bytes, distance, sizeof distance);
    return memory_format("%sestimates from %" PRIu64 " sample%s, a point every %s on average",
                         rough ? "rough " : "", samples, samples == 1 ? "" : "s", distance);
}

/* With one digit. */
static double estimate_round(double value) {
    double unit = value > 0 ? pow(10, floor(log10(value))) : 1;
    return round(value / unit) * unit;
}

void estimate_format_count(bool rough, uint64_t count, char text[ESTIMATE_TEXT_BYTES]) {
    if (rough)
        snprintf(text, ESTIMATE_TEXT_BYTES, "~%.0f", estimate_round((double)count));
    else
        snprintf(text, ESTIMATE_TEXT_BYTES, "%" PRIu64, count);
}

/* The digit is that of the unit which is shown. */
void estimate_format_bytes(bool rough, uint64_t bytes, char text[ESTIMATE_TEXT_BYTES]) {
    double value = (double)bytes;
    if (!rough) {
        metric_format(METRIC_PEAK, value, text, ESTIMATE_TEXT_BYTES);
        return;
    }
    const char *unit = size_unit(&value);
    snprintf(text, ESTIMATE_TEXT_BYTES, "~%.0f %s", estimate_round(value), unit);
}

void estimate_format_share(bool rough, double share, char text[ESTIMATE_TEXT_BYTES]) {
    double percent = estimate_round(100 * share);
    if (rough)
        snprintf(text, ESTIMATE_TEXT_BYTES, "~%.*f %%",
                 percent > 0 && percent < 1 ? (int)-floor(log10(percent)) : 0, percent);
    else
        snprintf(text, ESTIMATE_TEXT_BYTES, "%.1f %%", 100 * share);
}
