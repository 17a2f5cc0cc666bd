/* The line of progress while rounds are measured: how far it is, what is known so far, and how long
 * it takes yet.
 */
#ifndef MEASURE_PROGRESS_H
#define MEASURE_PROGRESS_H

#include "base/terminal.h"
#include "measure/result.h"

/* The rounds that the spread so far and the time of the plan ask for, where it leaves that open; at
 * least `goal`, the number after which the next decision falls. */
unsigned progress_expect(const struct result *result, unsigned goal);

/* Seconds that the rest of `expected` rounds takes, as far as the time of the plan allows. */
double progress_left_s(const struct result *result, unsigned expected);

/* `commands` take turns, round by round, each about as long as this one. */
void progress_show(const struct terminal *terminal, const struct result *result, unsigned goal,
                   unsigned commands);

#endif
