/* The time of a call. */
#ifndef CLOCK_H
#define CLOCK_H

#include "base.h"

/* Nanoseconds of a clock that only goes forward, CLOCK_MONOTONIC. From any thread; allocates
 * nothing, takes no lock, leaves errno alone. */
uint64_t clock_ns(void);

#endif
