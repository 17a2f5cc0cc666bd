/* A line chart: a metric over the values of a parameter, one line for each series.
 *
 * Values that are numbers in order, "10" or "16M", have their places by size, on a logarithmic axis
 * where they span more than a factor of 20; others stand side by side.
 */
#ifndef REPORT_PAGE_LINES_H
#define REPORT_PAGE_LINES_H

#include "measure/metric.h"

#include <stdio.h>

enum { PAGE_LINES_POINTS_MAX = 16, PAGE_LINES_SERIES_MAX = 16 };

struct page_lines {
    const struct metric_about *about;
    const char *parameter; /* what varies */
    unsigned count;        /* of values */
    const char *values[PAGE_LINES_POINTS_MAX];
    unsigned series_count;
    struct page_lines_series {
        const char *name;
        int colour; /* as in the classes v0, v1 ...; -1: none, for the reference */
        double medians[PAGE_LINES_POINTS_MAX];
        double lows[PAGE_LINES_POINTS_MAX], highs[PAGE_LINES_POINTS_MAX]; /* of the bars */
    } series[PAGE_LINES_SERIES_MAX];
};

/* Adds a series without its points. */
struct page_lines_series *page_lines_add(struct page_lines *lines, const char *name, int colour);

/* A point: the median of the values and half of them, from quarter to quarter. */
void page_lines_point(struct page_lines_series *series, unsigned place, const double *values,
                      unsigned count);

void page_lines_print(FILE *out, const struct page_lines *lines);

#endif
