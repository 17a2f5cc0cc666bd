/* Words and classes that the parts of the page share. */
#ifndef REPORT_PAGE_WORDS_H
#define REPORT_PAGE_WORDS_H

#include "compare/comparison.h"

/* "Wall time", "CPU time", "Peak memory": a metric in a heading. */
void page_words_metric(FILE *out, const struct comparison *comparison, enum metric metric);

/* The number of the variant's colour class: v0, v1 ... The reference has none. */
unsigned page_words_colour(const struct comparison *comparison, unsigned variant);

#endif
