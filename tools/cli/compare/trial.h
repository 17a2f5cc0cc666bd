/* A short comparison by itself, from which the advice of a profile is taken.
 *
 * It is a comparison like any other, with the system's allocator and tagpool, so that the advice
 * and `tagpool compare` agree: same rounds, same verdicts, same reasons. A program with an arena
 * that its environment can switch off (target/arena.h) also runs so, under tagpool, and is judged
 * against the program as it is by default.
 */
#ifndef COMPARE_TRIAL_H
#define COMPARE_TRIAL_H

#include "compare/comparison.h"
#include "launch/spool.h"
#include "measure/experiment.h"
#include "target/variants.h"

struct trial_plan {
    unsigned runs;     /* exactly so many rounds; 0: as many as the time allows */
    double duration_s; /* of the rounds */
    bool always;       /* whatever a round takes, and however few requests there are */
};

/* While it exists: the comparison refers to the rest. */
struct trial {
    struct variants variants;
    struct experiment experiment;
    struct comparison comparison;
};

/* Tries the program of the profile, with the input of `spool` in each run, and completes the
 * profile's advice: the verdict, or why there is none. True when there is a comparison, which is
 * then to be freed. */
bool trial_run(struct trial *trial, const struct trial_plan *plan, struct profile *profile,
               const struct target *target, const struct spool *spool,
               const struct terminal *terminal);

void trial_free(struct trial *trial);

/* For a profile without a trial: says `why` there is none. */
void trial_skip(struct profile *profile, const char *why);

#endif
