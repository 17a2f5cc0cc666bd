/* The engine of every comparison: one target, several variants, balanced rounds.
 *
 * It fills a result (result.h), which is all that judges and reports ever see:
 *
 *   experiment_init      takes the plan, the target and the variants
 *   experiment_check     the warm-up: the reference twice, then every variant once, their outputs
 *                        compared; each variant with the shim must leave calls on the statistics
 *                        page
 *   experiment_measure   the timed rounds, with the plain shim and without that page
 *   experiment_free      after any of these, whatever came of it
 *
 * Check and measure return false when no verdict can be given, and leave the reason and the exit
 * status for it in the experiment; rounds that were whole until then stay in the result. A signal
 * that is noted (base/interrupt.h) ends either early: the whole rounds are the result then. Nothing
 * is printed but progress and notes, so that a benchmark can go on with its next workload. Each is
 * called at most once, and measure works without a check: then every run has to end with status 0,
 * unless the plan ignores failures.
 *
 * There is one launcher (launch/launcher.h), so one experiment runs at a time; several may exist.
 */
#ifndef MEASURE_EXPERIMENT_H
#define MEASURE_EXPERIMENT_H

#include "base/say.h"
#include "base/terminal.h"
#include "launch/capture.h"
#include "launch/spool.h"
#include "measure/result.h"
#include "measure/schedule.h"
#include "target/target.h"

enum { EXPERIMENT_PILOT_ROUNDS = 8 };

struct experiment {
    struct result result; /* what is known so far */
    const struct target *target;
    const struct terminal *terminal; /* where progress is shown */
    struct spool spool;              /* standard input of every run */
    struct schedule schedule;
    struct capture checks[ROUNDS_VARIANTS_MAX]; /* the check's run of each variant */
    enum exit_status status;                    /* after a failure: what to end with */
    char *reason;                               /* and why, in a sentence; NULL: no failure */
};

/* Everything passed in must live as long as the experiment. The first variant is number 0. Ends the
 * program with a message when the plan's input or output cannot be used. */
void experiment_init(struct experiment *experiment, const struct plan *plan,
                     const struct target *target, const struct variant *variants,
                     unsigned variant_count, unsigned reference, const struct terminal *terminal);

bool experiment_check(struct experiment *experiment);
bool experiment_measure(struct experiment *experiment);

/* Measures several, at most ROUNDS_VARIANTS_MAX, whose rounds alternate in balanced and shuffled
 * order, so that round i of one can be compared with round i of another: all have as many rounds.
 * False when no verdict can be given on one of them, which has the reason then. */
bool experiment_measure_together(struct experiment *const *experiments, unsigned count);

void experiment_free(struct experiment *experiment);

#endif
