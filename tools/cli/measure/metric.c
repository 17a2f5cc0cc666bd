#include "measure/metric.h"

#include "base/size.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define METRIC_UNIT_SECONDS METRIC_SECONDS
#define METRIC_UNIT_BYTES   METRIC_BYTES
#define METRIC_UNIT_COUNT   METRIC_COUNTED

#define METRIC_ENTRY(ID, KEY, TITLE, UNIT, DECIDES, LESS, MORE)                                    \
    [METRIC_##ID] = {.key = KEY,                                                                   \
                     .title = TITLE,                                                               \
                     .unit = METRIC_UNIT_##UNIT,                                                   \
                     .decides = DECIDES,                                                           \
                     .less = LESS,                                                                 \
                     .more = MORE,                                                                 \
                     .better = NUMBER_LOWER_IS_BETTER},
const struct metric_about metric_about[METRIC_COUNT] = {METRICS(METRIC_ENTRY)};

const char *const metric_unit_names[] = {"seconds", "bytes", "count", "number", NULL};

struct metric_about metric_own(const char *name, enum metric_unit unit, enum number_better better,
                               bool decides, const char *pattern) {
    bool bytes = unit == METRIC_BYTES;
    return (struct metric_about){.key = name,
                                 .title = name,
                                 .unit = unit,
                                 .decides = decides,
                                 .less = bytes ? "smaller" : "lower",
                                 .more = bytes ? "larger" : "higher",
                                 .better = better,
                                 .pattern = pattern};
}

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
    abort(); /* only the METRIC_COUNT ones that each run has */
}

double metric_value(enum metric metric, const struct launch_result *result) {
    double value = metric_raw(metric, result);
    double least = metric_about[metric].unit == METRIC_SECONDS ? 1e-6 : 1;
    return value > least ? value : least;
}

const char *const metric_time_units[] = {"auto", "microsecond", "millisecond", "second",
                                         "us",   "ms",          "s",           NULL};

static unsigned metric_time_unit; /* 0: auto; 1, 2, 3: us, ms, s */

void metric_show_times_in(unsigned unit) {
    metric_time_unit = unit > 3 ? unit - 3 : unit;
}

static void metric_format_time(double seconds, char *text, size_t text_bytes) {
    unsigned unit = metric_time_unit;
    if (unit == 0)
        unit = seconds < 1e-3 ? 1 : seconds < 1 ? 2 : 3;
    if (unit == 1)
        snprintf(text, text_bytes, "%.0f us", seconds * 1e6);
    else if (unit == 2)
        snprintf(text, text_bytes, seconds < 0.1 ? "%.2f ms" : "%.1f ms", seconds * 1e3);
    else
        snprintf(text, text_bytes, seconds < 100 ? "%.3f s" : "%.1f s", seconds);
}

void metric_format(enum metric metric, double value, char *text, size_t text_bytes) {
    metric_format_about(&metric_about[metric], value, text, text_bytes);
}

/* Four digits that count, and no power of ten where it can be helped. */
static void metric_format_number(double value, char *text, size_t text_bytes) {
    if (fabs(value) >= 1000 && fabs(value) < 1e12)
        snprintf(text, text_bytes, "%.0f", value);
    else
        snprintf(text, text_bytes, "%.4g", value);
}

void metric_format_about(const struct metric_about *about, double value, char *text,
                         size_t text_bytes) {
    const char *unit;
    switch (about->unit) {
    case METRIC_SECONDS:
        metric_format_time(value, text, text_bytes);
        return;
    case METRIC_BYTES:
        unit = size_unit(&value);
        snprintf(text, text_bytes, value < 100 ? "%.2f %s" : "%.0f %s", value, unit);
        return;
    case METRIC_COUNTED:
        snprintf(text, text_bytes, "%.0f", value);
        return;
    case METRIC_NUMBER:
        metric_format_number(value, text, text_bytes);
        return;
    }
}
