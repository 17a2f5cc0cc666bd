/* What the statistics page of one run adds up to, told on standard error. `path` is the page's,
 * `program` what the run was started as. */
#ifndef MEASURE_TALLY_H
#define MEASURE_TALLY_H

#include "base/say.h"

#include <stdint.h>

/* What the pools served, process by process. */
void tally_print(const char *path, const char *program);

/* What of the findings does not count, because the user knows it. */
struct tally_suppressed {
    uint64_t faults;
    uint64_t leaked_blocks;
    uint64_t leaked_bytes;
};

/* The sum of faults and leaks over all processes. STATUS_DONE when nothing was found, STATUS_FOUND
 * when something was; another status when that cannot be told. */
enum exit_status tally_check(const char *path, const char *program,
                             const struct tally_suppressed *suppressed);

#endif
