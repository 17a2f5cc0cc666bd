/* What is measured of every run, each metric written once.
 *
 * The list has what is known of any program. A result may have more: numbers that its program
 * prints, or what the way of measuring brings. They follow as METRIC_COUNT, METRIC_COUNT + 1 ...,
 * and rounds.h keeps them.
 *
 * X(ID, KEY, TITLE, UNIT, DECIDES, LESS, MORE)
 *   KEY      its name in JSON;  TITLE in tables
 *   DECIDES  the verdict on a program rests on it: time does, the others inform
 *   LESS     how a lower value is called, MORE a higher one
 */
#ifndef MEASURE_METRIC_H
#define MEASURE_METRIC_H

#include "base/args.h"
#include "launch/launcher.h"
#include "launch/numbers.h"

#include <stddef.h>

#define METRICS(X)                                                                                 \
    X(WALL, "wall_seconds", "wall", SECONDS, true, "faster", "slower")                             \
    X(CPU, "cpu_seconds", "cpu", SECONDS, true, "faster", "slower")                                \
    X(PEAK, "peak_memory_bytes", "peak memory", BYTES, false, "smaller", "larger")                 \
    X(FAULTS, "page_faults", "page faults", COUNT, false, "fewer", "more")

#define METRIC_ID(ID, ...) METRIC_##ID,
enum metric { METRICS(METRIC_ID) METRIC_COUNT };
#undef METRIC_ID

enum { METRICS_OWN_MAX = NUMBERS_MAX + 4, METRICS_MAX = METRIC_COUNT + METRICS_OWN_MAX };

enum metric_unit { METRIC_SECONDS, METRIC_BYTES, METRIC_COUNTED, METRIC_NUMBER };

struct metric_about {
    const char *key;
    const char *title;
    enum metric_unit unit;
    bool decides;
    const char *less;
    const char *more;
    enum number_better better;
    const char *pattern; /* that finds it in the output; NULL: it comes from elsewhere */
};

extern const struct metric_about metric_about[METRIC_COUNT];

/* A metric of one's own, called NAME everywhere. */
struct metric_about metric_own(const char *name, enum metric_unit unit, enum number_better better,
                               bool decides, const char *pattern);

/* In seconds, bytes or as a count. Never 0, so that ratios exist: what is too little to be seen
 * counts as its unit's least. */
double metric_value(enum metric metric, const struct launch_result *result);

/* Units that times can be shown in: hyperfine's words, and short ones; NULL-ended. */
extern const char *const metric_time_units[];

/* A row of a command's options; the field is an unsigned for metric_show_times_in(). */
#define METRIC_OPTION_TIME_UNIT(REQUEST, FIELD)                                                    \
    {                                                                                              \
        'u', "time-unit", "UNIT",                                                                  \
            "show times in microsecond, millisecond or second, or us, ms,\ns (default: auto)",     \
            ARGS_CHOICE(REQUEST, FIELD, metric_time_units)                                         \
    }

/* From here on, everywhere: by a place in metric_time_units; 0: whatever suits the value. */
void metric_show_times_in(unsigned unit);

/* "12.31 ms", "4.2 MiB", "512". */
void metric_format(enum metric metric, double value, char *text, size_t text_bytes);

/* The same of any metric. */
void metric_format_about(const struct metric_about *about, double value, char *text,
                         size_t text_bytes);

/* "seconds", "bytes", "count", "number"; NULL-ended, by enum metric_unit. */
extern const char *const metric_unit_names[];

#endif
