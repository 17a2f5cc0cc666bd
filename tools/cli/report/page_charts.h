/* The charts of a page: each writes one <figure>, and nothing where there is no data for it.
 *
 * Every mark has its numbers in words, in a <title>, for a pointer that rests on it and for who
 * cannot see it.
 */
#ifndef REPORT_PAGE_CHARTS_H
#define REPORT_PAGE_CHARTS_H

#include "compare/comparison.h"

#include <stdio.h>

/* "Wall time", "CPU time", "Peak memory": a metric in a heading. */
const char *html_metric_title(enum metric metric);

/* One metric: each variant's difference with its interval, on a common scale. */
void html_chart_differences(FILE *out, const struct comparison *comparison, enum metric metric);

/* One metric: each round's difference of each variant, as a dot. */
void html_chart_rounds(FILE *out, const struct comparison *comparison, enum metric metric);

/* Of a profile, as profile/table.h describes it. */
void html_chart_sizes(FILE *out, const struct json_value *profile);
void html_chart_lifetimes(FILE *out, const struct json_value *profile);
void html_chart_live(FILE *out, const struct json_value *profile);

#endif
