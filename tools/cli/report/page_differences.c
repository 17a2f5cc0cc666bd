#include "base/html.h"
#include "report/page_charts.h"
#include "report/page_words.h"

#include <math.h>

enum { PAGE_DIFFERENCES_ROW_PIXELS = 44, PAGE_DIFFERENCES_AXIS_PIXELS = 20 };
enum { PAGE_DIFFERENCES_TEXT_BYTES = 96, PAGE_DIFFERENCES_TICKS = 7 };

/* ---- the axis ---- */

/* One axis for all metrics and variants, so that what is longer differs more. From half to twice
 * the reference it is linear in percent, beyond that logarithmic. */
struct page_differences_axis {
    bool logarithmic;
    struct html_scale scale;
    double threshold; /* a share */
    double ticks[HTML_TICKS_MAX];
    unsigned tick_count;
};

/* Where a difference lies, in percent of the width. Differences are logarithms. */
static double page_differences_place(const struct page_differences_axis *axis, double difference) {
    return html_place(&axis->scale,
                      axis->logarithmic ? difference : 100 * paired_share(difference));
}

/* Round shares that the labels of a logarithmic axis are taken from, the most welcome first. */
static void page_differences_find_ticks(struct page_differences_axis *axis) {
    static const double shares[] = {0,   -0.5,  1,  -0.75, 3, -0.9, 9,     -0.99, -0.2,
                                    0.5, -0.35, 99, 0.25,  5, 1.5,  -0.65, -0.1};
    double room = (axis->scale.high - axis->scale.low) / PAGE_DIFFERENCES_TICKS;
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        double place = log1p(shares[i]);
        bool fits = place >= axis->scale.low && place <= axis->scale.high;
        for (unsigned j = 0; j < axis->tick_count; j++)
            fits = fits && fabs(place - log1p(axis->ticks[j] / 100)) >= room;
        if (fits && axis->tick_count < HTML_TICKS_MAX)
            axis->ticks[axis->tick_count++] = 100 * shares[i];
    }
}

static void page_differences_make_axis(struct page_differences_axis *axis,
                                       const struct comparison *comparison) {
    const struct rounds *rounds = &comparison->result->rounds;
    double threshold = comparison->result->plan.threshold;
    double low = log1p(-fmin(1.5 * threshold, 0.5)), high = log1p(1.5 * threshold);
    for (unsigned i = 0; i < rounds->variant_count; i++)
        for (unsigned metric = 0; i != rounds->reference && metric < rounds_metrics(rounds);
             metric++) {
            const struct paired_interval *difference = &comparison->analyses[i][metric].difference;
            low = fmin(low, difference->exists ? difference->low : difference->estimate);
            high = fmax(high, difference->exists ? difference->high : difference->estimate);
        }
    *axis = (struct page_differences_axis){
        .logarithmic = low < log(0.5) || high > log(2),
        .scale = {.low = low, .high = high, .start = 3, .stop = 97},
        .threshold = threshold,
    };
    if (axis->logarithmic) {
        page_differences_find_ticks(axis);
        return;
    }
    axis->scale.low = 100 * paired_share(low);
    axis->scale.high = 100 * paired_share(high);
    axis->tick_count =
        html_ticks(axis->scale.low, axis->scale.high, PAGE_DIFFERENCES_TICKS, axis->ticks);
}

static bool page_differences_is_zero(double tick) {
    return fabs(tick) < 1e-9;
}

/* The start of a plot: the band that does not matter, and the lines of the axis. */
static void page_differences_print_plot(FILE *out, const struct page_differences_axis *axis) {
    double left = page_differences_place(axis, log1p(-fmin(axis->threshold, 0.99)));
    double right = page_differences_place(axis, log1p(axis->threshold));
    fprintf(out,
            "<svg class=\"chart\" width=\"100%%\" height=\"%d\" aria-hidden=\"true\">"
            "<rect class=\"noise\" x=\"%.2f%%\" width=\"%.2f%%\" y=\"0\" height=\"100%%\"/>",
            PAGE_DIFFERENCES_ROW_PIXELS, left, right - left);
    for (unsigned i = 0; i < axis->tick_count; i++) {
        double x = page_differences_place(axis, log1p(axis->ticks[i] / 100));
        fprintf(out, "<line class=\"%s\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"0\" y2=\"100%%\"/>",
                page_differences_is_zero(axis->ticks[i]) ? "zero" : "grid", x, x);
    }
}

static void page_differences_print_axis(FILE *out, const struct page_differences_axis *axis) {
    fprintf(out, "<li class=\"axis\"><svg class=\"chart\" width=\"100%%\" height=\"%d\">",
            PAGE_DIFFERENCES_AXIS_PIXELS);
    for (unsigned i = 0; i < axis->tick_count; i++) {
        double x = page_differences_place(axis, log1p(axis->ticks[i] / 100));
        bool zero = page_differences_is_zero(axis->ticks[i]);
        fprintf(out, "<text x=\"%.2f%%\" y=\"14\" text-anchor=\"%s\">%s%g %%</text>", x,
                x < 7    ? "start"
                : x > 93 ? "end"
                         : "middle",
                axis->ticks[i] > 0 && !zero ? "+" : "", zero ? 0 : axis->ticks[i]);
    }
    fputs("</svg></li>\n", out);
}

/* ---- the rows ---- */

static void page_differences_print_mark(FILE *out, const struct comparison *comparison,
                                        unsigned variant, enum metric metric,
                                        const struct page_differences_axis *axis) {
    const struct analysis *analysis = &comparison->analyses[variant][metric];
    const struct paired_interval *difference = &analysis->difference;
    int y = PAGE_DIFFERENCES_ROW_PIXELS / 2;
    char text[PAGE_DIFFERENCES_TEXT_BYTES];
    comparison_format_difference(analysis, text, sizeof text);
    page_differences_print_plot(out, axis);
    fprintf(out, "<g class=\"v%u\"><title>", page_words_colour(comparison, variant));
    html_format(out, "%s: %s", comparison->result->variants[variant].name, text);
    fputs("</title>", out);
    if (difference->exists)
        fprintf(out, "<line class=\"interval\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%d\" y2=\"%d\"/>",
                page_differences_place(axis, difference->low),
                page_differences_place(axis, difference->high), y, y);
    fprintf(out, "<circle class=\"mark\" cx=\"%.2f%%\" cy=\"%d\" r=\"5\"/></g></svg>",
            page_differences_place(axis, difference->estimate), y);
}

/* Name, median, difference with verdict, mark. */
static void page_differences_print_row(FILE *out, const struct comparison *comparison,
                                       unsigned variant, enum metric metric,
                                       const struct page_differences_axis *axis) {
    const struct metric_about *about = rounds_about(&comparison->result->rounds, metric);
    const struct analysis *analysis = &comparison->analyses[variant][metric];
    char value[PAGE_DIFFERENCES_TEXT_BYTES], difference[PAGE_DIFFERENCES_TEXT_BYTES];
    char word[PAGE_DIFFERENCES_TEXT_BYTES];
    metric_format_about(about, analysis->value, value, sizeof value);
    comparison_format_difference(analysis, difference, sizeof difference);
    fprintf(out, "<li><span class=\"name v%u\">", page_words_colour(comparison, variant));
    html_text(out, comparison->result->variants[variant].name);
    fprintf(out,
            "</span><span class=\"value\">%s</span><span class=\"difference\">%s "
            "<span class=\"verdict %s\">%s</span></span>",
            value, difference, comparison_verdict_class(about, analysis->verdict),
            comparison_verdict_word(about, analysis->verdict, word, sizeof word));
    page_differences_print_mark(out, comparison, variant, metric, axis);
    fputs("</li>\n", out);
}

static void page_differences_print_metric(FILE *out, const struct comparison *comparison,
                                          enum metric metric,
                                          const struct page_differences_axis *axis) {
    const struct rounds *rounds = &comparison->result->rounds;
    char value[PAGE_DIFFERENCES_TEXT_BYTES];
    metric_format_about(rounds_about(rounds, metric), comparison_reference(comparison, metric),
                        value, sizeof value);
    fputs("<figure class=\"differences\">\n<figcaption><b>", out);
    page_words_metric(out, comparison, metric);
    fputs(
        "</b></figcaption>\n<ul class=\"numbers\">\n<li class=\"reference\"><span class=\"name\">",
        out);
    html_text(out, comparison->result->variants[rounds->reference].name);
    fprintf(out,
            "</span><span class=\"value\">%s</span><span class=\"difference\">reference</span>",
            value);
    page_differences_print_plot(out, axis);
    fputs("</svg></li>\n", out);
    for (unsigned i = 0; i < rounds->variant_count; i++)
        if (i != rounds->reference)
            page_differences_print_row(out, comparison, i, metric, axis);
    page_differences_print_axis(out, axis);
    fputs("</ul>\n</figure>\n", out);
}

void page_differences(FILE *out, const struct comparison *comparison) {
    const struct result *result = comparison->result;
    struct page_differences_axis axis;
    page_differences_make_axis(&axis, comparison);
    fputs("<p class=\"about\">Medians, and how each variant differs from ", out);
    html_text(out, result->variants[result->rounds.reference].name);
    fprintf(out,
            ": a dot for the estimate, a line for its 95 %% interval; to the left is less. All "
            "charts have this one axis, which is %s. In the grey band, %.3g %% to either side, a "
            "difference does not matter.</p>\n",
            axis.logarithmic ? "logarithmic: equal steps are equal factors" : "linear",
            100 * axis.threshold);
    for (unsigned metric = 0; metric < rounds_metrics(&result->rounds); metric++)
        page_differences_print_metric(out, comparison, (enum metric)metric, &axis);
}
