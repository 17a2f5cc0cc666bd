/* Charts of characters: bars and columns, with block elements on a terminal that shows UTF-8, with
 * '#' elsewhere. */
#ifndef BASE_CHART_H
#define BASE_CHART_H

#include <stdbool.h>
#include <stdio.h>

/* Does `out` lead to a terminal whose locale is UTF-8? */
bool chart_is_utf8(FILE *out);

/* A bar of `share` (0 to 1) of `width` characters; nothing behind its end. */
void chart_bar(FILE *out, bool utf8, double share, unsigned width);

/* Columns of values from 0 to `most`, `height` lines high, each line behind `margin` blanks. */
void chart_columns(FILE *out, bool utf8, const double *values, unsigned count, double most,
                   unsigned height, unsigned margin);

#endif
