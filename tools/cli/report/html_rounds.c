#include "base/html.h"
#include "report/html_charts.h"

#include <math.h>

enum { ROUNDS_ROW_PIXELS = 22, ROUNDS_AXIS_PIXELS = 22, ROUNDS_PLOT_PIXELS = 150 };
enum { ROUNDS_TEXT_BYTES = 96 };

/* The variants' colours come from this many classes, v0, v1 ... */
enum { ROUNDS_COLOURS = 6 };

/* The variant's colour: the reference has none. */
static unsigned rounds_colour(const struct comparison *comparison, unsigned variant) {
    unsigned reference = comparison->result->rounds.reference;
    return (variant - (variant > reference)) % ROUNDS_COLOURS;
}

static double rounds_percent(double difference) {
    return 100 * paired_share(difference);
}

/* A scale for values that holds 0 and the noise threshold too, with some air. */
static struct html_scale rounds_scale(double low, double high, double threshold) {
    low = fmin(low, -1.5 * threshold);
    high = fmax(high, 1.5 * threshold);
    double air = 0.04 * (high - low);
    return (struct html_scale){.low = low - air, .high = high + air, .start = 0, .stop = 100};
}

const char *html_metric_title(enum metric metric) {
    static const char *const titles[METRIC_COUNT] = {
        [METRIC_WALL] = "Wall time",
        [METRIC_CPU] = "CPU time",
        [METRIC_PEAK] = "Peak memory",
        [METRIC_FAULTS] = "Page faults",
    };
    return titles[metric];
}

/* ---- differences ---- */

static struct html_scale rounds_scale_of_intervals(const struct comparison *comparison,
                                                   enum metric metric) {
    const struct rounds *rounds = &comparison->result->rounds;
    double low = 0, high = 0;
    for (unsigned i = 0; i < rounds->variant_count; i++) {
        if (i == rounds->reference)
            continue;
        const struct paired_interval *difference = &comparison->analyses[i][metric].difference;
        low =
            fmin(low, rounds_percent(difference->exists ? difference->low : difference->estimate));
        high = fmax(high,
                    rounds_percent(difference->exists ? difference->high : difference->estimate));
    }
    return rounds_scale(low, high, 100 * comparison->result->plan.threshold);
}

/* The grid along the width, with its labels below `height`. */
static void rounds_print_grid(FILE *out, const struct html_scale *scale, int height) {
    double ticks[HTML_TICKS_MAX];
    unsigned count = html_ticks(scale->low, scale->high, 6, ticks);
    for (unsigned i = 0; i < count; i++) {
        double x = html_place(scale, ticks[i]);
        bool zero = fabs(ticks[i]) < 1e-9;
        const char *anchor = x < 6 ? "start" : x > 94 ? "end" : "middle";
        fprintf(out,
                "<line class=\"%s\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"0\" y2=\"%d\"/>"
                "<text x=\"%.2f%%\" y=\"%d\" text-anchor=\"%s\">%s%g %%</text>",
                zero ? "zero" : "grid", x, x, height, x, height + 16, anchor,
                ticks[i] > 0 && !zero ? "+" : "", zero ? 0 : ticks[i]);
    }
}

static void rounds_print_interval(FILE *out, const struct comparison *comparison, unsigned variant,
                                  enum metric metric, const struct html_scale *scale, int y) {
    const struct analysis *analysis = &comparison->analyses[variant][metric];
    const struct paired_interval *difference = &analysis->difference;
    char text[ROUNDS_TEXT_BYTES];
    comparison_format_difference(analysis, text, sizeof text);
    fprintf(out, "<g class=\"v%u\"><title>", rounds_colour(comparison, variant));
    html_format(out, "%s: %s", comparison->result->variants[variant].name, text);
    fputs("</title>", out);
    if (difference->exists)
        fprintf(out, "<line class=\"interval\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%d\" y2=\"%d\"/>",
                html_place(scale, rounds_percent(difference->low)),
                html_place(scale, rounds_percent(difference->high)), y, y);
    fprintf(out, "<circle class=\"mark\" cx=\"%.2f%%\" cy=\"%d\" r=\"5\"/></g>",
            html_place(scale, rounds_percent(difference->estimate)), y);
}

/* The numbers of a row: name, median, difference, verdict. */
static void rounds_print_numbers(FILE *out, const struct comparison *comparison, unsigned variant,
                                 enum metric metric) {
    const struct analysis *analysis = &comparison->analyses[variant][metric];
    char value[ROUNDS_TEXT_BYTES], difference[ROUNDS_TEXT_BYTES], word[ROUNDS_TEXT_BYTES];
    metric_format(metric, analysis->value, value, sizeof value);
    comparison_format_difference(analysis, difference, sizeof difference);
    fprintf(out, "<li><span class=\"name v%u\">", rounds_colour(comparison, variant));
    html_text(out, comparison->result->variants[variant].name);
    fprintf(out, "</span><span class=\"value\">%s</span><span class=\"difference\">%s</span>",
            value, difference);
    fprintf(out, "<span class=\"verdict %s\">%s</span></li>\n",
            comparison_verdict_class(analysis->verdict),
            comparison_verdict_word(metric, analysis->verdict, word, sizeof word));
}

static void rounds_print_heading(FILE *out, const struct comparison *comparison,
                                 enum metric metric) {
    const struct rounds *rounds = &comparison->result->rounds;
    char value[ROUNDS_TEXT_BYTES];
    metric_format(metric, comparison_reference(comparison, metric), value, sizeof value);
    fprintf(out,
            "<figcaption><b>%s</b></figcaption>\n<ul class=\"numbers\">\n"
            "<li><span class=\"name reference\">",
            html_metric_title(metric));
    html_text(out, comparison->result->variants[rounds->reference].name);
    fprintf(out,
            "</span><span class=\"value\">%s</span><span class=\"difference\">reference"
            "</span><span></span></li>\n",
            value);
    for (unsigned i = 0; i < rounds->variant_count; i++)
        if (i != rounds->reference)
            rounds_print_numbers(out, comparison, i, metric);
    fputs("</ul>\n", out);
}

void html_chart_differences(FILE *out, const struct comparison *comparison, enum metric metric) {
    const struct rounds *rounds = &comparison->result->rounds;
    struct html_scale scale = rounds_scale_of_intervals(comparison, metric);
    double threshold = 100 * comparison->result->plan.threshold;
    int height = (int)(rounds->variant_count - 1) * ROUNDS_ROW_PIXELS + 6;
    fputs("<figure class=\"differences\">\n", out);
    rounds_print_heading(out, comparison, metric);
    fprintf(out, "<svg class=\"chart\" width=\"100%%\" height=\"%d\" role=\"img\" aria-label=\"%s",
            height + ROUNDS_AXIS_PIXELS, html_metric_title(metric));
    fputs(", difference from the reference\">", out);
    fprintf(out,
            "<rect class=\"noise\" x=\"%.2f%%\" width=\"%.2f%%\" y=\"0\" height=\"%d\">"
            "<title>noise threshold</title></rect>",
            html_place(&scale, -threshold),
            html_place(&scale, threshold) - html_place(&scale, -threshold), height);
    rounds_print_grid(out, &scale, height);
    int y = 3 + ROUNDS_ROW_PIXELS / 2;
    for (unsigned i = 0; i < rounds->variant_count; i++) {
        if (i == rounds->reference)
            continue;
        rounds_print_interval(out, comparison, i, metric, &scale, y);
        y += ROUNDS_ROW_PIXELS;
    }
    fputs("</svg>\n</figure>\n", out);
}

/* ---- rounds ---- */

static double rounds_difference(const struct rounds *rounds, unsigned index, unsigned variant,
                                enum metric metric) {
    const struct launch_result *results = rounds->items[index].results;
    double ratio =
        metric_value(metric, &results[variant]) / metric_value(metric, &results[rounds->reference]);
    return 100 * (ratio - 1);
}

static struct html_scale rounds_scale_of_rounds(const struct comparison *comparison,
                                                enum metric metric) {
    const struct rounds *rounds = &comparison->result->rounds;
    double low = 0, high = 0;
    for (unsigned i = 0; i < rounds->count; i++)
        for (unsigned variant = 0; variant < rounds->variant_count; variant++) {
            double difference = rounds_difference(rounds, i, variant, metric);
            low = fmin(low, difference);
            high = fmax(high, difference);
        }
    struct html_scale scale = rounds_scale(low, high, 100 * comparison->result->plan.threshold);
    scale.start = ROUNDS_PLOT_PIXELS;
    scale.stop = 0;
    return scale;
}

/* Labels of a vertical scale in a column of their own, and the lines across the plot. */
static void rounds_print_levels(FILE *out, const struct html_scale *scale) {
    double ticks[HTML_TICKS_MAX];
    unsigned count = html_ticks(scale->low, scale->high, 5, ticks);
    fprintf(out, "<svg class=\"levels\" height=\"%d\" aria-hidden=\"true\">", ROUNDS_PLOT_PIXELS);
    for (unsigned i = 0; i < count; i++)
        fprintf(out, "<text x=\"100%%\" y=\"%.1f\" text-anchor=\"end\">%s%g %%</text>",
                fmin(fmax(html_place(scale, ticks[i]) + 4, 10), ROUNDS_PLOT_PIXELS - 1.0),
                ticks[i] > 1e-9 ? "+" : "", fabs(ticks[i]) < 1e-9 ? 0 : ticks[i]);
    fprintf(out,
            "</svg>\n<svg class=\"chart\" width=\"100%%\" height=\"%d\" role=\"img\" "
            "aria-label=\"each round's difference from the reference\">",
            ROUNDS_PLOT_PIXELS + ROUNDS_AXIS_PIXELS);
    for (unsigned i = 0; i < count; i++)
        fprintf(out, "<line class=\"%s\" x1=\"0\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/>",
                fabs(ticks[i]) < 1e-9 ? "zero" : "grid", html_place(scale, ticks[i]),
                html_place(scale, ticks[i]));
}

static void rounds_print_dots(FILE *out, const struct comparison *comparison, unsigned variant,
                              enum metric metric, const struct html_scale *scale) {
    const struct rounds *rounds = &comparison->result->rounds;
    double estimate = rounds_percent(comparison->analyses[variant][metric].difference.estimate);
    fprintf(out,
            "<g class=\"v%u\"><line class=\"estimate\" x1=\"0\" x2=\"100%%\" y1=\"%.1f\" "
            "y2=\"%.1f\"/>",
            rounds_colour(comparison, variant), html_place(scale, estimate),
            html_place(scale, estimate));
    for (unsigned i = 0; i < rounds->count; i++) {
        double difference = rounds_difference(rounds, i, variant, metric);
        fprintf(out, "<circle class=\"dot\" cx=\"%.2f%%\" cy=\"%.1f\" r=\"%s\"><title>",
                100 * (i + 0.5) / rounds->count, html_place(scale, difference),
                rounds->count > 60 ? "2" : "3");
        html_format(out, "%s, round %u: %+.1f %%", comparison->result->variants[variant].name,
                    i + 1, difference);
        fputs("</title></circle>", out);
    }
    fputs("</g>", out);
}

void html_chart_rounds(FILE *out, const struct comparison *comparison, enum metric metric) {
    const struct rounds *rounds = &comparison->result->rounds;
    struct html_scale scale = rounds_scale_of_rounds(comparison, metric);
    fprintf(out, "<figure class=\"rounds\">\n<figcaption><b>%s, round by round</b>",
            html_metric_title(metric));
    for (unsigned i = 0; i < rounds->variant_count; i++) {
        if (i == rounds->reference)
            continue;
        fprintf(out, " <span class=\"key v%u\">", rounds_colour(comparison, i));
        html_text(out, comparison->result->variants[i].name);
        fputs("</span>", out);
    }
    fputs("</figcaption>\n<div class=\"plot\">", out);
    rounds_print_levels(out, &scale);
    for (unsigned i = 0; i < rounds->variant_count; i++)
        if (i != rounds->reference)
            rounds_print_dots(out, comparison, i, metric, &scale);
    fprintf(out,
            "<text x=\"0\" y=\"%d\">round 1</text><text x=\"100%%\" y=\"%d\" "
            "text-anchor=\"end\">%u</text></svg></div>\n</figure>\n",
            ROUNDS_PLOT_PIXELS + 16, ROUNDS_PLOT_PIXELS + 16, rounds->count);
}
