/* Judges why a comparison came out as it did: the reasons that the rounds, the shim's counters, the
 * headroom, the profile and the machine give.
 *
 * Only a fresh result is judged: a saved one brings its reasons along, and its binary and our
 * environment need not be those that it was measured with.
 */
#ifndef COMPARE_JUDGE_H
#define COMPARE_JUDGE_H

#include "compare/comparison.h"

/* Adds them to the comparison, after everything else in it is filled in. */
void judge_reasons(struct comparison *comparison);

#endif
