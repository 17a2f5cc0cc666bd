/* A comparison for programs: everything that was measured, with all raw rounds.
 *
 * The schema is "tagpool-compare", version REPORT_JSON_VERSION; the version rises when a member
 * changes its meaning or goes away, not when one is added. Times are in seconds, memory in bytes,
 * differences and thresholds as shares (-0.098 for 9.8 % less).
 *
 * Rounds, plan and findings are there to be read back (saved.h), and are written exactly. What the
 * rounds say (medians, differences, verdicts) is for other readers, to 12 digits.
 */
#ifndef REPORT_JSON_H
#define REPORT_JSON_H

#include "base/json.h"
#include "compare/session.h"

#include <stdio.h>

enum { REPORT_JSON_VERSION = 1 };

void report_json_print(FILE *out, const struct session *session);

#endif
