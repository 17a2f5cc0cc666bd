/* A profile: what a program allocates, in plain numbers.
 *
 * It is made once, from the page of a run (profile/page.h) or from a saved profile
 * (profile/json.h). The table, the JSON and the charts of the page all read it here, so that they
 * cannot disagree.
 */
#ifndef PROFILE_PROFILE_H
#define PROFILE_PROFILE_H

#include "launch/proxy.h"
#include "measure/machine.h"
#include "profile/advice.h"
#include "profile/sites.h"

struct profile {
    const char *title; /* the command as typed, or --name */
    char **command;
    const char *version; /* of the tagpool that measured it */
    struct machine machine;
    struct proxy_result profiled; /* the run with every call counted */
    struct proxy_result plain;    /* the run without */
    bool has_plain;
    double slowdown; /* profiled / plain wall time; NAN when there is no plain run */
    /* Sizes, lifetimes, chains and counters of all processes and of each; of each also its live
     * memory over time. */
    struct profile_summary summary;
    struct advice advice;
    /* NULL: not asked for. Where they are from a sample, all that was counted is. */
    struct profile_sites *sites;
};

#endif
