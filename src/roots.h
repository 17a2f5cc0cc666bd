/* Where a program keeps its pointers, beside its blocks: in its variables, on the stacks of its
 * threads, in their registers, and in memory that it mapped itself. For the end of the process.
 */
#ifndef ROOTS_H
#define ROOTS_H

#include "base.h"

/* How to look at it. The functions must not allocate or wait. */
struct roots_look {
    void (*first)(void *context); /* before anything is shown */
    void (*visit)(const void *start, const void *end, void *context);
    void (*last)(void *context); /* when all was shown */
    void *context;
};

/* What could not be looked at: so many threads; memory other than the variables of modules; nothing
 * at all: then what was called did not come to an end. */
struct roots_unseen {
    unsigned threads;
    bool memory;
    bool all;
};

/* Show all of it; from before the first call to after the last all other threads are halted. Of the
 * calling thread's stack, what lies above `stack`. */
struct roots_unseen roots_each(const void *stack, const struct roots_look *look);

/* False where the system does not list the memory of the process: it may have shut itself in then,
 * and a filter of system calls may end it for what else is tried. */
bool roots_may_try(void);

/* Show what lies between two places, of a block. Some of its pages may be protected from the
 * program, which is shown a copy of them, or not be there at all, as what fork() was told to leave
 * out. From before the first call to after the last. */
void roots_show(const void *start, const void *end);

#endif
