/* Call stacks as flamegraph.pl, inferno and speedscope read them: a stack a line, the outermost
 * function first, semicolons between, a blank and a number.
 *
 *   main;parse;value;node 4711
 *
 * Functions that were inlined stand as frames of their own. What has no name is module+offset, and
 * a stack that is not known "[unknown]". A stack of as many frames as are kept begins with
 * "[deeper]", because its outer ones may be missing.
 */
#ifndef PROFILE_FOLDED_H
#define PROFILE_FOLDED_H

#include "profile/sites.h"

#include <stdio.h>

struct folded_line {
    char *stack;
    struct profile_counts counts;
};

struct folded {
    struct folded_line *lines; /* by their text, each once */
    size_t count;
};

void folded_make(struct folded *folded, const struct profile_sites *sites);
void folded_free(struct folded *folded);

/* Those with none of the rank are left out. */
void folded_print(FILE *out, const struct folded *folded, enum profile_rank rank);

#endif
