#include "measure/metric.h"

#include <stdio.h>

#define METRIC_UNIT_SECONDS METRIC_SECONDS
#define METRIC_UNIT_BYTES   METRIC_BYTES
#define METRIC_UNIT_COUNT   METRIC_COUNTED

#define METRIC_ENTRY(ID, KEY, TITLE, UNIT, DECIDES, LESS, MORE)                                    \
    [METRIC_##ID] = {KEY, TITLE, METRIC_UNIT_##UNIT, DECIDES, LESS, MORE},
const struct metric_about metric_about[METRIC_COUNT] = {METRICS(METRIC_ENTRY)};

static double metric_raw(enum metric metric, const struct launch_result *result) {
    switch (metric) {
    case METRIC_WALL:
        return (double)result->wall_ns * 1e-9;
    case METRIC_CPU:
        return (double)(result->user_us + result->system_us) * 1e-6;
    case METRIC_PEAK:
        return (double)result->peak_kib * 1024;
    case METRIC_FAULTS:
        return (double)(result->minor_faults + result->major_faults);
    case METRIC_COUNT:
        break;
    }
    return 0;
}

double metric_value(enum metric metric, const struct launch_result *result) {
    double value = metric_raw(metric, result);
    double least = metric_about[metric].unit == METRIC_SECONDS ? 1e-6 : 1;
    return value > least ? value : least;
}

void metric_format(enum metric metric, double value, char *text, size_t text_bytes) {
    static const char *const binary[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t step = 0;
    switch (metric_about[metric].unit) {
    case METRIC_SECONDS:
        if (value < 1e-3)
            snprintf(text, text_bytes, "%.0f us", value * 1e6);
        else if (value < 1)
            snprintf(text, text_bytes, value < 0.1 ? "%.2f ms" : "%.1f ms", value * 1e3);
        else
            snprintf(text, text_bytes, value < 100 ? "%.3f s" : "%.1f s", value);
        return;
    case METRIC_BYTES:
        for (; value >= 1024 && step + 1 < sizeof binary / sizeof binary[0]; step++)
            value /= 1024;
        snprintf(text, text_bytes, value < 100 ? "%.2f %s" : "%.0f %s", value, binary[step]);
        return;
    case METRIC_COUNTED:
        snprintf(text, text_bytes, "%.0f", value);
        return;
    }
}
