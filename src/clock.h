/* The time, without a system call where the kernel offers that: a program may have forbidden itself
 * all that its allocator need not make (seccomp(2)).
 *
 * From any thread; allocates nothing, takes no lock, leaves errno alone.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include "base.h"

/* Nanoseconds of a clock that only goes forward, CLOCK_MONOTONIC. */
uint64_t clock_ns(void);

/* The same in steps of some milliseconds, in less time; 0 where there is none. */
uint64_t clock_coarse_ns(void);

/* True if a look at it is a system call, which takes 50 times as long. */
bool clock_is_slow(void);

#endif
