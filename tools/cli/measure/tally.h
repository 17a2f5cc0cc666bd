/* What the statistics page of one run adds up to, told on standard error. `path` is the page's,
 * `program` what the run was started as. */
#ifndef MEASURE_TALLY_H
#define MEASURE_TALLY_H

#include "base/say.h"

/* What the pools served, process by process. */
void tally_print(const char *path, const char *program);

/* The sum of faults and leaks over all processes. STATUS_DONE when nothing was found, STATUS_FOUND
 * when something was; another status when that cannot be told. */
enum exit_status tally_check(const char *path, const char *program);

#endif
