/* Two saved comparisons of one program side by side: what changed from the first to the second.
 *
 * Variants are matched by their names. What is compared is what was paired inside each session: how
 * a variant stands to the reference, which holds even if the machine was busier once. The times of
 * the reference itself are shown, but prove nothing: another session is another state of the
 * machine. Its memory and page faults do not depend on that, and are compared.
 */
#ifndef REPORT_PAIR_H
#define REPORT_PAIR_H

#include "base/say.h"
#include "base/terminal.h"
#include "report/saved.h"

enum { PAIR_ROWS = ROUNDS_VARIANTS_MAX * METRICS_MAX };

struct pair_change {
    enum metric metric;             /* in the first result */
    const struct metric_about *own; /* if it is one of its own, else NULL */
    const char *variant;
    bool reference;
    double before, after;          /* the reference: medians; the others: shares, -0.098 */
    struct paired_interval change; /* of the logarithms; none for a time of the reference */
    enum paired_verdict verdict;
};

struct pair {
    const struct saved *before, *after;
    double threshold; /* as in paired_judge */
    unsigned count;
    struct pair_change changes[PAIR_ROWS];
};

/* Their references must be of one name; variants that only one has are left out. */
void pair_make(struct pair *pair, const struct saved *before, const struct saved *after);

void pair_print(FILE *out, const struct terminal *terminal, const struct pair *pair);

/* Is there a variant other than the reference in both? Else nothing can be judged. */
bool pair_has_variant(const struct pair *pair);

/* STATUS_REGRESSION if wall or CPU time of a variant other than the reference is proven to have
 * grown by more than `fail_share` (negative: not asked for). */
enum exit_status pair_status(const struct pair *pair, double fail_share);

#endif
