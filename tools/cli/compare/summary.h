/* The finished comparison in a few words, for who reads one line. */
#ifndef COMPARE_SUMMARY_H
#define COMPARE_SUMMARY_H

#include "compare/comparison.h"

/* What the speed of a variant is told by: CPU time, or wall time where only that says something. */
enum metric summary_metric(const struct comparison *comparison, unsigned variant);

/* "2.5 times as fast (CPU time), 9 % less memory", in a new string. */
char *summary_text(const struct comparison *comparison, unsigned variant);

/* Where the medians of a time contradict its difference, why both are right, in a new string:
 * differences are paired, medians are not. NULL where they agree. */
char *summary_paired_text(const struct comparison *comparison, unsigned variant);

#endif
