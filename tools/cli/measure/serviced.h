/* A service in an experiment: the launch that carries its load, its memory as metrics of the
 * measurement, and what stands in the way of a verdict.
 */
#ifndef MEASURE_SERVICED_H
#define MEASURE_SERVICED_H

#include "launch/service.h"
#include "measure/plan.h"
#include "measure/rounds.h"

/* Declares the memory after the load, and after settling if that is asked for. After the numbers
 * that the load prints (own.h). All of these do nothing without a service. */
void serviced_declare(struct rounds *rounds, const struct plan *plan);

/* Gives a launch the plan's service, with a new log. False with errno. */
bool serviced_begin(const struct plan *plan, struct launch *launch);

/* After the run. NULL, or why there is no verdict, in a new string. */
char *serviced_finish(const struct plan *plan, const struct launch_result *result);

/* Puts the memory into a round. */
void serviced_take(struct round *round, unsigned variant, const struct plan *plan,
                   const struct launch_result *result);

/* What is run to its end: the load, or the target itself. */
const char *serviced_runs(const struct plan *plan, const struct target *target);

#endif
