/* What is measured of every run, each metric written once.
 *
 * X(ID, KEY, TITLE, UNIT, DECIDES, LESS, MORE)
 *   KEY      its name in JSON;  TITLE in tables
 *   DECIDES  the verdict on a program rests on it: time does, the others inform
 *   LESS     how a lower value is called, MORE a higher one
 */
#ifndef MEASURE_METRIC_H
#define MEASURE_METRIC_H

#include "launch/launcher.h"

#include <stddef.h>

#define METRICS(X)                                                                                 \
    X(WALL, "wall_seconds", "wall", SECONDS, true, "faster", "slower")                             \
    X(CPU, "cpu_seconds", "cpu", SECONDS, true, "faster", "slower")                                \
    X(PEAK, "peak_memory_bytes", "peak memory", BYTES, false, "smaller", "larger")                 \
    X(FAULTS, "page_faults", "page faults", COUNT, false, "fewer", "more")

#define METRIC_ID(ID, ...) METRIC_##ID,
enum metric { METRICS(METRIC_ID) METRIC_COUNT };
#undef METRIC_ID

enum metric_unit { METRIC_SECONDS, METRIC_BYTES, METRIC_COUNTED };

struct metric_about {
    const char *key;
    const char *title;
    enum metric_unit unit;
    bool decides;
    const char *less;
    const char *more;
};

extern const struct metric_about metric_about[METRIC_COUNT];

/* In seconds, bytes or as a count. Never 0, so that ratios exist: what is too little to be seen
 * counts as its unit's least. */
double metric_value(enum metric metric, const struct launch_result *result);

/* "12.31 ms", "4.2 MiB", "512". */
void metric_format(enum metric metric, double value, char *text, size_t text_bytes);

#endif
