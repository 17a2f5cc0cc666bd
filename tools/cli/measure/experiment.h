/* The engine of every comparison: one target, several variants, balanced rounds.
 *
 *   experiment_init      takes the plan, the target and the variants
 *   experiment_check     the warm-up: the reference twice, then every variant once, their outputs
 *                        compared; each variant with the shim must leave calls on the statistics
 *                        page
 *   experiment_measure   the timed rounds, with the plain shim and without that page
 *
 * Both return false when no verdict can be given, and leave the reason and the exit status for it
 * in the experiment. Nothing is printed but progress and notes, so that a benchmark can go on with
 * its next workload.
 */
#ifndef MEASURE_EXPERIMENT_H
#define MEASURE_EXPERIMENT_H

#include "base/say.h"
#include "base/terminal.h"
#include "launch/capture.h"
#include "launch/spool.h"
#include "measure/rounds.h"
#include "measure/schedule.h"
#include "target/target.h"
#include "target/variant.h"

enum { EXPERIMENT_PILOT_ROUNDS = 8, EXPERIMENT_LEAST_ROUNDS = 10, EXPERIMENT_MOST_ROUNDS = 1000 };

struct experiment_plan {
    unsigned runs; /* exactly so many rounds; 0: as many as the precision needs */
    unsigned
        min_runs; /* never fewer, whatever the time; 0: EXPERIMENT_LEAST_ROUNDS if there is time */
    unsigned max_runs; /* never more */
    unsigned warmups;  /* rounds discarded after the check */
    double duration_s; /* no new round begins after this time */
    double threshold;  /* differences up to this share do not matter */
    double precision;  /* wanted half-width of the intervals, as a share */
    uint64_t seed;
    bool counted;        /* with the processor's counters */
    bool ignore_failure; /* accept targets that end with another status than 0 */
    const char *prepare; /* a shell command before every run; NULL: none */
    const char *input;   /* as in spool_open */
    const char *output;  /* "null", "pipe", "inherit" or the path of a file */
};

/* What the statistics page said about a variant in the check. */
struct experiment_proof {
    uint64_t calls;           /* that reached the shim */
    uint64_t pool_calls;      /* that its pools served */
    uint64_t direct_calls;    /* that strategy=direct passed on; 0 with another strategy */
    uint64_t pool_bytes_peak; /* of the process whose pools were largest */
    unsigned processes;
    uint64_t missed; /* processes beyond those: their calls are not in the counts above */
};

struct experiment {
    struct experiment_plan plan;
    const struct target *target;
    const struct variant *variants;
    const struct terminal *terminal;
    const char
        *inherited_preload; /* LD_PRELOAD and TAGPOOL_OPTIONS of ours, which the variants get */
    const char *inherited_options; /* besides their own; NULL: not set */
    struct spool spool;
    struct schedule schedule;
    struct rounds rounds;
    struct capture checks[ROUNDS_VARIANTS_MAX]; /* the check's run of each variant */
    struct experiment_proof proofs[ROUNDS_VARIANTS_MAX];
    bool unstable[2]; /* the reference's standard output or error changes by itself: not compared */
    bool unstable_status;    /* and so does its exit status */
    bool out_of_time;        /* the duration ended the measurement, not the precision */
    double elapsed_s;        /* of the timed rounds */
    enum exit_status status; /* why no verdict can be given */
    char *reason;
};

/* Everything passed in must live as long as the experiment. The first variant is number 0. Ends the
 * program with a message when the plan's input or output cannot be used. */
void experiment_init(struct experiment *experiment, const struct experiment_plan *plan,
                     const struct target *target, const struct variant *variants,
                     unsigned variant_count, unsigned reference, const struct terminal *terminal);

bool experiment_check(struct experiment *experiment);
bool experiment_measure(struct experiment *experiment);
void experiment_free(struct experiment *experiment);

/* "exit status 3" or "signal 11 (Segmentation fault)", in a new string. */
char *experiment_describe_end(int wait_status);

#endif
