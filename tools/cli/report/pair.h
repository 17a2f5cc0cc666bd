/* Two saved comparisons of one program side by side: what changed from the first to the second.
 *
 * Variants are matched by their names. Of the reference its own time and memory are compared, of
 * the others how they stand to the reference: that holds even if the machine was busier once.
 */
#ifndef REPORT_PAIR_H
#define REPORT_PAIR_H

#include "base/say.h"
#include "base/terminal.h"
#include "report/saved.h"

enum { PAIR_ROWS = ROUNDS_VARIANTS_MAX * METRICS_MAX };

struct pair_change {
    enum metric metric;
    const char *variant;
    bool reference;
    double before, after;          /* the reference: medians; the others: shares, -0.098 */
    struct paired_interval change; /* of the logarithms */
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

/* STATUS_REGRESSION if wall or CPU time of a variant other than the reference is proven to have
 * grown by more than `fail_share` (negative: not asked for). */
enum exit_status pair_status(const struct pair *pair, double fail_share);

#endif
