/* What was asked for of a measurement: how many rounds, how precise, with which input. */
#ifndef MEASURE_PLAN_H
#define MEASURE_PLAN_H

#include "launch/numbers.h"

#include <stdbool.h>
#include <stdint.h>

enum { PLAN_LEAST_ROUNDS = 10, PLAN_MOST_ROUNDS = 1000 };

struct service; /* launch/service.h */

struct plan {
    unsigned runs;       /* exactly so many rounds; 0: as many as the precision needs */
    unsigned min_runs;   /* never fewer, whatever the time; 0: PLAN_LEAST_ROUNDS if there is time */
    unsigned max_runs;   /* never more */
    unsigned warmups;    /* rounds discarded after the check */
    double duration_s;   /* no new round begins after this time */
    double min_time_s;   /* rounds go on for so long at least, but not beyond max_runs */
    double threshold;    /* differences up to this share do not matter */
    double precision;    /* wanted half-width of the intervals, as a share */
    uint64_t seed;       /* of the order of the variants and of the padding */
    bool counted;        /* with the processor's counters */
    bool ignore_failure; /* accept targets that end with another status than 0 */
    const char *setup;   /* shell commands, as in hook.h; NULL: none */
    const char *prepare;
    const char *conclude;
    const char *cleanup;
    const char *input;       /* as in spool_open */
    const char *output;      /* "null", "pipe", "inherit" or the path of a file */
    bool output_to_error;    /* "inherit" is standard error: results go to standard output */
    const char *scan;        /* "retain=0,16M": one variant for each value; NULL: none */
    struct service *service; /* the target is one, and this loads it; NULL: it ends by itself */
    const struct numbers *numbers; /* looked for in the output of every run; NULL: none */
};

#endif
