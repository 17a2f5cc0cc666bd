/* The processes below the calling one: what they use, and their end.
 *
 * A process that has PR_SET_CHILD_SUBREAPER set inherits those whose parents end, so nothing that
 * was started below it gets away.
 */
#ifndef LAUNCH_TREE_H
#define LAUNCH_TREE_H

#include <stdint.h>
#include <sys/types.h>

/* Of processes that live, and of those that they have waited for. */
struct tree_usage {
    unsigned processes;
    uint64_t cpu_ns; /* what ended processes used is known to the tick of the clock */
    uint64_t minor_faults;
    uint64_t major_faults;
};

/* Of those that live. */
struct tree_memory {
    uint64_t peak_bytes; /* the sum of the highest resident memory of each */
    uint64_t bytes;      /* resident now; what several share counts once */
};

/* All but `left_out` and what is below it (0: nobody). */
void tree_measure(pid_t left_out, struct tree_usage *usage);
void tree_measure_memory(pid_t left_out, struct tree_memory *memory);

/* Sends a signal to all of them. Their number. */
unsigned tree_signal(int number);

#endif
