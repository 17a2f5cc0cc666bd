/* Does the shim work for a program? Each finding is a line on standard output that begins with
 * "ok", "note" (worth knowing) or "fail" (tagpool cannot serve it). */
#ifndef MEASURE_SUITABILITY_H
#define MEASURE_SUITABILITY_H

#include "launch/service.h"

#include <stdbool.h>

/* One such line, of what somebody else has found. */
__attribute__((format(printf, 2, 3))) void suitability_tell(const char *kind, const char *format,
                                                            ...);

/* What can be told without running it. False when something fails. */
bool suitability_look(const struct target *target);

/* Runs it twice without the shim and once with it: does it do the same, and what do the pools
 * serve? `input` is for spool_open. `service` if it is one, else NULL. False when it does not work.
 */
bool suitability_run(const struct target *target, const char *input, bool ignore_failure,
                     struct service *service);

#endif
