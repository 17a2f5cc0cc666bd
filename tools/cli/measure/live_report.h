/* What processes that run with the library do now, in every form. */
#ifndef MEASURE_LIVE_REPORT_H
#define MEASURE_LIVE_REPORT_H

#include "pages/live.h"

#include <stdio.h>

enum live_format { LIVE_TABLE, LIVE_JSON, LIVE_OPENMETRICS };

/* Their words; NULL-ended. */
extern const char *const live_formats[];

enum { LIVE_JSON_VERSION = 1 };

/* Prints those that keep statistics. `before` is what was seen `seconds` ago, for calls per second;
 * NULL: nothing was. */
void live_report_print(FILE *out, enum live_format format, const struct live *live,
                       const struct live *before, double seconds);

#endif
