/* What the statistics page of one run adds up to, told on standard error. `path` is the page's,
 * `program` what the run was started as. */
#ifndef MEASURE_TALLY_H
#define MEASURE_TALLY_H

#include "base/say.h"

#include <stdint.h>

/* What the pools served, process by process. */
void tally_print(const char *path, const char *program);

/* What a checked run has found, over all its processes. */
struct tally {
    const char *fault; /* why nothing can be told; NULL: it can */
    uint64_t calls;    /* that the library saw */
    uint64_t faults;
    uint64_t leaked_blocks;
    uint64_t leaked_bytes;
    uint64_t processes;
    uint64_t not_ended; /* processes whose leaks nobody counted */
};

void tally_read(const char *path, struct tally *tally);

/* What of the findings does not count, because the user knows it. */
struct tally_suppressed {
    uint64_t faults;
    uint64_t leaked_blocks;
    uint64_t leaked_bytes;
};

/* STATUS_FOUND when something was found, STATUS_DONE when nothing was, STATUS_CANNOT_RUN when the
 * library saw nothing of the program, STATUS_OWN_FAILURE when that cannot be told. */
enum exit_status tally_judge(const struct tally *tally, const struct tally_suppressed *suppressed);

/* The same, told; `wait_status` is how the program ended. */
void tally_tell(const struct tally *tally, const struct tally_suppressed *suppressed,
                const char *program, int wait_status);

#endif
