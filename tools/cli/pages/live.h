/* Processes that run with the library now, and the statistics page that each keeps.
 *
 * A page is found by the mapping that the process has of it, as the system tells, not by its name.
 * So what an ended process left behind, or another one that got its number, is never taken for it.
 */
#ifndef PAGES_LIVE_H
#define PAGES_LIVE_H

#include "pages/stats_file.h"

#include <stdint.h>

enum live_state {
    LIVE_KEPT,       /* it keeps statistics */
    LIVE_GONE,       /* there is no such process */
    LIVE_HIDDEN,     /* it may not be looked at: it is another user's */
    LIVE_WITHOUT,    /* it does not run with the library */
    LIVE_NOT_KEPT,   /* it does, but keeps no statistics */
    LIVE_UNREADABLE, /* it keeps some that cannot be read: `fault` says why */
};

struct live_process {
    int pid;
    enum live_state state;
    const char *fault;
    char name[TAGPOOL_STATS_NAME_BYTES]; /* printable; "" if not known */
    struct stats_process page;           /* of LIVE_KEPT; and what the system knows of it: */
    uint64_t minor_faults;
    uint64_t major_faults;
    uint64_t resident_bytes;
    double live_age_s; /* since its live bytes were counted; negative: they were not yet */
};

struct live {
    struct live_process *items;
    unsigned count;
    unsigned hidden; /* processes that may not be looked at */
};

/* Looks at one process. */
void live_look(struct live_process *process, int pid);

/* Looks at all processes: those that run with the library, in the order of their numbers. */
void live_look_at_all(struct live *live);

void live_free(struct live *live);

/* Removes the pages in a directory that no process has any more. The number of them; -1 with errno
 * if the directory cannot be read. What may belong to a process that cannot be seen stays. */
int live_prune(const char *directory);

#endif
