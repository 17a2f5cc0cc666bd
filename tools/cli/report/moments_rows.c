#include "report/moments_rows.h"

#include <stdio.h>

enum { MOMENTS_ROWS_TEXT_BYTES = 96 };

const char *const moments_rows_titles[MOMENTS_ROWS_CELLS + 1] = {
    "metric", "variant", "mean", "deviation", "minimum", "maximum", "outliers", NULL};

static void moments_rows_one(const struct result *result, enum metric metric, unsigned variant,
                             moments_rows_print *print, void *printer) {
    enum { NUMBERS = MOMENTS_ROWS_CELLS - MOMENTS_ROWS_WORDS, VALUES = NUMBERS - 1 };
    const struct metric_about *about = rounds_about(&result->rounds, metric);
    struct moments moments = analysis_moments(&result->rounds, variant, metric);
    const double values[VALUES] = {moments.mean, moments.deviation, moments.minimum,
                                   moments.maximum};
    char texts[NUMBERS][MOMENTS_ROWS_TEXT_BYTES];
    const char *cells[MOMENTS_ROWS_CELLS] = {variant == 0 ? about->title : "",
                                             result->variants[variant].name};
    for (int i = 0; i < VALUES; i++)
        metric_format_about(about, values[i], texts[i], sizeof texts[i]);
    snprintf(texts[VALUES], sizeof texts[VALUES], "%u of %u", moments.outliers,
             result->rounds.count);
    for (int i = 0; i < NUMBERS; i++)
        cells[MOMENTS_ROWS_WORDS + i] = texts[i];
    print(printer, cells);
}

void moments_rows_each(const struct comparison *comparison, moments_rows_print *print,
                       void *printer) {
    const struct result *result = comparison->result;
    for (unsigned metric = 0; metric < rounds_metrics(&result->rounds); metric++)
        for (unsigned i = 0; i < result->rounds.variant_count; i++)
            moments_rows_one(result, (enum metric)metric, i, print, printer);
}
