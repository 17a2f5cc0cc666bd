/* Pieces of a page in HTML: text that is safe anywhere in it, and the geometry that charts share.
 *
 * A chart is an inline SVG as wide as its column, without a view box: places along its width are
 * percentages and text keeps its size, so that the same chart is readable on a phone and on a wide
 * screen. Heights are pixels.
 */
#ifndef BASE_HTML_H
#define BASE_HTML_H

#include <stddef.h>
#include <stdio.h>

/* Text as a text node or in a quoted attribute. */
void html_text(FILE *out, const char *text);

/* printf, and then as html_text. */
__attribute__((format(printf, 2, 3))) void html_format(FILE *out, const char *format, ...);

/* Round values within [low, high], at most `most` of them and at least two, into `ticks`; returns
 * how many. low < high. */
enum { HTML_TICKS_MAX = 12 };
unsigned html_ticks(double low, double high, unsigned most, double ticks[HTML_TICKS_MAX]);

/* A scale from values to percentages of the width, or to pixels of the height. */
struct html_scale {
    double low, high;   /* values */
    double start, stop; /* where they lie */
};

double html_place(const struct html_scale *scale, double value);

/* "48", "1K", "32K", "2M": a number of bytes in a label. */
void html_format_bytes(double bytes, char *text, size_t text_bytes);

#endif
