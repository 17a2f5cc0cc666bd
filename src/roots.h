/* Where a program keeps its pointers, beside its blocks: in its variables, on the stacks of its
 * threads, in their registers, and in memory that it mapped itself. For the end of the process.
 */
#ifndef ROOTS_H
#define ROOTS_H

#include "base.h"

/* Show all of it to `visit`, and call `last` when it was all shown; meanwhile all other threads are
 * halted. Of the calling thread's stack, what lies above `stack`. The number of threads that could
 * not be halted: what only they keep may not be shown. The functions must not allocate or wait. */
unsigned roots_each(const void *stack,
                    void (*visit)(const void *start, const void *end, void *context),
                    void (*last)(void *context), void *context);

#endif
