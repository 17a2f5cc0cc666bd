/* A finished comparison: what every kind of report is made from.
 *
 * The analyses are made once here, so that the table, the JSON file and the exit status cannot
 * disagree.
 */
#ifndef TOOLS_COMPARISON_H
#define TOOLS_COMPARISON_H

#include "analysis.h"
#include "experiment.h"

struct comparison {
    const char *title; /* the command as typed, or --name */
    const struct experiment *experiment;
    struct analysis analyses[ROUNDS_VARIANTS_MAX][METRIC_COUNT]; /* not of the reference */
};

/* After experiment_measure. */
void comparison_make(struct comparison *comparison, const struct experiment *experiment,
                     const char *title);

/* "faster", "slightly larger", "no meaningful difference", "inconclusive". */
const char *comparison_verdict_word(enum metric metric, enum paired_verdict verdict, char *text,
                                    size_t text_bytes);

/* "-9.8 % [-11.2 ... -8.6]", "-2.7 % exact", "same". */
void comparison_format_difference(const struct analysis *analysis, char *text, size_t text_bytes);

/* Is a variant judged by --fail-if-slower and --strict? Those with the shim are, or all when none
 * has it. */
bool comparison_judges(const struct comparison *comparison, unsigned variant);

/* The exit status: STATUS_REGRESSION if a judged variant is proven to be slower than `fail_share`
 * (negative: not asked for), STATUS_INCONCLUSIVE if `strict` and wall or cpu time of one is
 * inconclusive, else STATUS_DONE. */
enum exit_status comparison_status(const struct comparison *comparison, double fail_share,
                                   bool strict);

#endif
