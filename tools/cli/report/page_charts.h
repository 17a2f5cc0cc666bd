/* The charts of a page: each writes one <figure>, and nothing where there is no data for it.
 *
 * Every mark has its numbers in words, in a <title>, for a pointer that rests on it and for who
 * cannot see it.
 */
#ifndef REPORT_PAGE_CHARTS_H
#define REPORT_PAGE_CHARTS_H

#include "compare/session.h"

#include <stdio.h>

/* Each variant's difference with its interval, metric by metric, on one axis. */
void page_differences(FILE *out, const struct comparison *comparison);

/* One metric: each round's difference, as a dot in the row of its variant. */
void page_rounds(FILE *out, const struct comparison *comparison, enum metric metric);

/* Where an option was scanned: time over its value, beside the reference. */
void page_scan(FILE *out, const struct comparison *comparison);

/* All commands beside each other: tables, and where a parameter was varied, lines over its value.
 */
void page_session(FILE *out, const struct session *session);

/* Of a profile: requests by size, freed blocks by size and lifetime, live memory over time. */
void page_profile_sizes(FILE *out, const struct profile *profile);
void page_profile_lifetimes(FILE *out, const struct profile *profile);
void page_profile_live(FILE *out, const struct profile *profile);

#endif
