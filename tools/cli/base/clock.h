/* The clocks that measurements are made with: how far each has come, for differences.
 *
 * None can be set, and none goes back.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* The time that passes for everybody, since some point in the past. */
uint64_t clock_wall_ns(void);
double clock_wall_s(void);

/* CPU time of the calling thread: what others take of a busy machine is not in it. */
uint64_t clock_thread_ns(void);

#endif
