#include "report/page_lines.h"

#include "base/html.h"
#include "base/memory.h"
#include "base/size.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_LINES_PIXELS = 200, PAGE_LINES_AXIS_PIXELS = 20, PAGE_LINES_TICKS = 5 };
#define PAGE_LINES_LOGARITHMIC_FROM 20

/* ---- the data ---- */

struct page_lines_series *page_lines_add(struct page_lines *lines, const char *name, int colour) {
    struct page_lines_series *series = &lines->series[lines->series_count++];
    *series = (struct page_lines_series){.name = name, .colour = colour};
    return series;
}

static int page_lines_order_of(const void *left, const void *right) {
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Between the two values next to it. */
static double page_lines_quantile(const double *sorted, unsigned count, double share) {
    double place = share * (count - 1);
    unsigned below = (unsigned)place;
    unsigned above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

void page_lines_point(struct page_lines_series *series, unsigned place, const double *values,
                      unsigned count) {
    double *sorted = memory_array(count, sizeof *sorted);
    memcpy(sorted, values, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, page_lines_order_of);
    series->lows[place] = page_lines_quantile(sorted, count, 0.25);
    series->medians[place] = page_lines_quantile(sorted, count, 0.5);
    series->highs[place] = page_lines_quantile(sorted, count, 0.75);
    free(sorted);
}

/* ---- the axes ---- */

struct page_lines_axes {
    bool logarithmic;
    double places[PAGE_LINES_POINTS_MAX]; /* of the values, in percent of the width */
    struct html_scale y;
};

/* "16M" is 16777216; not a number for what is none. */
static double page_lines_number(const char *text) {
    char *end;
    uint64_t bytes;
    if (size_read(text, &bytes))
        return (double)bytes;
    double number = strtod(text, &end);
    return end == text || *end != '\0' ? NAN : number;
}

static void page_lines_place(const struct page_lines *lines, struct page_lines_axes *axes) {
    double numbers[PAGE_LINES_POINTS_MAX] = {0};
    bool ordered = lines->count > 1;
    for (unsigned i = 0; i < lines->count; i++) {
        numbers[i] = page_lines_number(lines->values[i]);
        ordered = ordered && !isnan(numbers[i]) && (i == 0 || numbers[i] > numbers[i - 1]);
    }
    axes->logarithmic = ordered && numbers[0] > 0 &&
                        numbers[lines->count - 1] / numbers[0] > PAGE_LINES_LOGARITHMIC_FROM;
    for (unsigned i = 0; i < lines->count; i++)
        numbers[i] = !ordered ? i : axes->logarithmic ? log(numbers[i]) : numbers[i];
    double span = lines->count > 1 ? numbers[lines->count - 1] - numbers[0] : 0;
    for (unsigned i = 0; i < lines->count; i++)
        axes->places[i] = span > 0 ? 4 + 92 * (numbers[i] - numbers[0]) / span : 50;
}

static void page_lines_make_axes(const struct page_lines *lines, struct page_lines_axes *axes) {
    double high = 0;
    for (unsigned i = 0; i < lines->series_count; i++)
        for (unsigned place = 0; place < lines->count; place++)
            high = fmax(high, lines->series[i].highs[place]);
    *axes = (struct page_lines_axes){.y = {.low = 0,
                                           .high = high > 0 ? 1.05 * high : 1,
                                           .start = PAGE_LINES_PIXELS - 2,
                                           .stop = 6}};
    page_lines_place(lines, axes);
}

/* ---- the chart ---- */

/* Round values, in the unit that they are shown in. */
static unsigned page_lines_levels(const struct page_lines *lines,
                                  const struct page_lines_axes *axes,
                                  double ticks[HTML_TICKS_MAX]) {
    double unit = 1;
    while (lines->about->unit == METRIC_BYTES && axes->y.high / unit >= 1024)
        unit *= 1024;
    unsigned count = html_ticks(axes->y.low, axes->y.high / unit, PAGE_LINES_TICKS, ticks);
    for (unsigned i = 0; i < count; i++)
        ticks[i] *= unit;
    return count;
}

static void page_lines_print_levels(FILE *out, const struct page_lines *lines,
                                    const struct page_lines_axes *axes) {
    double ticks[HTML_TICKS_MAX];
    char text[64];
    unsigned count = page_lines_levels(lines, axes, ticks);
    fprintf(out, "<svg class=\"levels\" height=\"%d\" aria-hidden=\"true\">", PAGE_LINES_PIXELS);
    for (unsigned i = 0; i < count; i++) {
        metric_format_about(lines->about, ticks[i], text, sizeof text);
        fprintf(out, "<text x=\"100%%\" y=\"%.1f\" text-anchor=\"end\">%s</text>",
                fmin(html_place(&axes->y, ticks[i]) + 4, PAGE_LINES_PIXELS - 1.0),
                ticks[i] == 0 ? "0" : text);
    }
    fprintf(out,
            "</svg>\n<svg class=\"chart\" width=\"100%%\" height=\"%d\" role=\"img\" "
            "aria-label=\"a line for each allocator\">",
            PAGE_LINES_PIXELS);
    for (unsigned i = 0; i < count; i++)
        fprintf(out, "<line class=\"%s\" x1=\"0\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/>",
                ticks[i] == 0 ? "zero" : "grid", html_place(&axes->y, ticks[i]),
                html_place(&axes->y, ticks[i]));
}

static void page_lines_print_point(FILE *out, const struct page_lines *lines,
                                   const struct page_lines_axes *axes,
                                   const struct page_lines_series *series, unsigned place) {
    char text[64];
    double x = axes->places[place];
    metric_format_about(lines->about, series->medians[place], text, sizeof text);
    fprintf(out, "<line class=\"tick\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%.1f\" y2=\"%.1f\"/>", x, x,
            html_place(&axes->y, series->lows[place]), html_place(&axes->y, series->highs[place]));
    fprintf(out, "<circle class=\"mark\" cx=\"%.2f%%\" cy=\"%.1f\" r=\"4\"><title>", x,
            html_place(&axes->y, series->medians[place]));
    html_format(out, "%s, %s=%s: %s", series->name, lines->parameter, lines->values[place], text);
    fputs("</title></circle>", out);
}

static void page_lines_print_series(FILE *out, const struct page_lines *lines,
                                    const struct page_lines_axes *axes,
                                    const struct page_lines_series *series) {
    if (series->colour >= 0)
        fprintf(out, "<g class=\"v%d\">", series->colour);
    else
        fputs("<g>", out);
    for (unsigned i = 1; i < lines->count; i++)
        fprintf(out, "<line class=\"course\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%.1f\" y2=\"%.1f\"/>",
                axes->places[i - 1], axes->places[i], html_place(&axes->y, series->medians[i - 1]),
                html_place(&axes->y, series->medians[i]));
    for (unsigned i = 0; i < lines->count; i++)
        page_lines_print_point(out, lines, axes, series, i);
    fputs("</g>", out);
}

static void page_lines_print_keys(FILE *out, const struct page_lines *lines) {
    fputs("<p>", out);
    for (unsigned i = 0; i < lines->series_count; i++) {
        if (lines->series[i].colour >= 0)
            fprintf(out, "<span class=\"key v%d\">", lines->series[i].colour);
        else
            fputs("<span class=\"key\">", out);
        html_text(out, lines->series[i].name);
        fputs("</span>\n", out);
    }
    fputs("</p>\n", out);
}

void page_lines_print(FILE *out, const struct page_lines *lines) {
    struct page_lines_axes axes;
    page_lines_make_axes(lines, &axes);
    fputs("<figure class=\"lines\">\n<figcaption><b>", out);
    html_format(out, "%s over %s", lines->about->title, lines->parameter);
    fprintf(out, "</b> medians; bars hold the middle half of the runs%s</figcaption>\n",
            axes.logarithmic ? "; the axis is logarithmic" : "");
    page_lines_print_keys(out, lines);
    fputs("<div class=\"plot\">", out);
    page_lines_print_levels(out, lines, &axes);
    for (unsigned i = 0; i < lines->series_count; i++)
        page_lines_print_series(out, lines, &axes, &lines->series[i]);
    fprintf(out, "</svg>\n<span></span><svg class=\"chart\" width=\"100%%\" height=\"%d\">",
            PAGE_LINES_AXIS_PIXELS);
    for (unsigned i = 0; i < lines->count; i++) {
        fprintf(out, "<text x=\"%.2f%%\" y=\"14\" text-anchor=\"middle\">", axes.places[i]);
        html_text(out, lines->values[i]);
        fputs("</text>", out);
    }
    fputs("</svg></div>\n</figure>\n", out);
}
