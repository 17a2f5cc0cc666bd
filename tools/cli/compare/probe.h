/* Runs beside a comparison, which are never timed as part of it: what the program allocates, what
 * allocation costs it, what loading the shim costs.
 *
 * Each takes the experiment whose result the comparison is about, after its rounds, and runs the
 * reference with libtagpool-trace.so in front. A probe that fails is a note on standard error and
 * an empty result: the comparison stands without it.
 */
#ifndef COMPARE_PROBE_H
#define COMPARE_PROBE_H

#include "compare/comparison.h"
#include "measure/experiment.h"

enum probe_headroom { PROBE_IF_CHEAP, PROBE_ALWAYS, PROBE_NEVER };

/* What is probed besides what costs next to nothing. */
struct probe_wishes {
    enum probe_headroom headroom;
    double share;  /* of the time of the rounds: what is cheap enough */
    bool counters; /* whatever they take; without it, where there are any and they are cheap */
    bool profile;
};

/* Each of the probes below, as far as it is wished or costs little. What loading the shim costs may
 * be in the comparison already, from another one of the session. */
void probe_all(struct comparison *comparison, const struct experiment *experiment,
               const struct probe_wishes *wishes);

/* By inflation: headroom.h. Not measured when the reference has the shim. */
void probe_headroom(struct comparison *comparison, const struct experiment *experiment,
                    unsigned rounds);

/* By the processor's counters: counted.h. Not of a service. */
void probe_counters(struct comparison *comparison, const struct experiment *experiment);

/* What the program allocates; NULL when it could not be seen. It lives as long as the program. */
const struct profile *probe_profile(const struct comparison *comparison,
                                    const struct experiment *experiment);

/* Seconds by which the shim lengthens the start of a program that does nothing. */
double probe_loading(const struct experiment *experiment);

#endif
