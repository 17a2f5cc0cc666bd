/* A finished comparison: what every kind of report is made from.
 *
 * The analyses are made once here, so that the table, the JSON file and the exit status cannot
 * disagree. A comparison is filled in this order, and only read after that:
 *
 *   comparison_make    the analyses, from the result
 *   the owner          machine, steal and the target's findings
 *   probe.h            headroom, counted, profile, loading_s, as far as they are wanted
 *   judge.h            the reasons, which look at all of these
 *
 * report/saved.h fills one from a file instead. The result, the title and the profile are somebody
 * else's and live longer. Functions that return a char * return a new string, for free(); those
 * that take a variant do not take the reference, unless they say so.
 */
#ifndef COMPARE_COMPARISON_H
#define COMPARE_COMPARISON_H

#include "base/say.h"
#include "base/terminal.h"
#include "compare/reasons.h"
#include "measure/analysis.h"
#include "measure/counted.h"
#include "measure/headroom.h"
#include "measure/machine.h"
#include "measure/result.h"
#include "profile/profile.h"

struct comparison {
    const char *title; /* the command as typed, or --name */
    const struct result *result;
    struct analysis analyses[ROUNDS_VARIANTS_MAX][METRICS_MAX]; /* not of the reference */
    /* What comparison_make leaves empty; a report leaves out what is still empty. */
    struct machine machine;
    double steal;     /* share of the processors' time that went to other guests; -1: not known */
    double loading_s; /* what loading the shim takes; 0: not measured */
    struct headroom headroom;
    struct counted counted;
    struct reasons reasons;
    const struct profile *profile; /* NULL: none was made */
    bool with_moments;             /* mean, deviation and so on are to be in reports for people */
};

/* Of a result with a round at least. */
void comparison_make(struct comparison *comparison, const struct result *result, const char *title);

/* The reference's median, in the metric's unit. */
double comparison_reference(const struct comparison *comparison, enum metric metric);

/* "faster", "slightly larger", "no meaningful difference", "inconclusive". Made in `text` if it has
 * to be made; 32 bytes are enough. */
const char *comparison_verdict_word(const struct metric_about *about, enum paired_verdict verdict,
                                    char *text, size_t text_bytes);

/* How a verdict looks: its colour on a terminal; its class on a page, "gain", "loss" or "none". */
enum terminal_colour comparison_verdict_colour(const struct metric_about *about,
                                               enum paired_verdict verdict);
const char *comparison_verdict_class(const struct metric_about *about, enum paired_verdict verdict);

/* "-9.8 % [-11.2 ... -8.6]", "-2.7 % exact", "same"; without an interval "-9.8 %". */
void comparison_format_difference(const struct analysis *analysis, char *text, size_t text_bytes);

/* Is a variant judged by --fail-if-slower and --strict? Those with the shim are, or all when none
 * has it; the reference never is. */
bool comparison_judges(const struct comparison *comparison, unsigned variant);

/* "allocation is 14 % [12 ... 16] of the CPU time, so at most 1.16x [1.14 ... 1.19] by faster
 * calls; tagpool 1.11x, 71 % of what is possible", in a new string; NULL when the headroom was not
 * measured. */
char *comparison_headroom_text(const struct comparison *comparison);

/* "instructions -12.3 % [-12.4 ... -12.1], cache misses ..." of a variant, in a new string; NULL
 * when nothing was counted. */
char *comparison_counted_text(const struct comparison *comparison, unsigned variant);

/* "instructions, cycles: not available here (No such file or directory)", in a new string; NULL
 * when all were counted, or none was asked for. */
char *comparison_uncounted_text(const struct comparison *comparison);

/* What is said about a variant: "wall time faster, -9.8 % [-11.2 ... -8.6]; cpu time faster, ...",
 * in a new string. */
char *comparison_sentence(const struct comparison *comparison, unsigned variant);

/* How far the intervals of time reach, or why there are none, in a new string. */
char *comparison_resolution_text(const struct comparison *comparison);

/* Is a gain proven in a metric that decides, of the variant, or of the reference if only that has
 * the shim? */
bool comparison_gains(const struct comparison *comparison, unsigned variant);

/* What makes a comparison fail; a negative share: nothing was asked for. */
struct comparison_limits {
    double slower_share; /* proven to be slower by that, in wall or CPU time */
    double worse_share;  /* or proven to be worse by that, in any metric that decides */
    bool strict;         /* one of these metrics is inconclusive */
};

/* The exit status: STATUS_REGRESSION if a judged variant, or the reference if only that has the
 * shim, is beyond a share, STATUS_INCONCLUSIVE as `strict` says, else STATUS_DONE. */
enum exit_status comparison_status(const struct comparison *comparison,
                                   const struct comparison_limits *limits);

#endif
