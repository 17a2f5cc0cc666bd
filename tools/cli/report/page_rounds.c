#include "base/html.h"
#include "report/page_charts.h"
#include "report/page_words.h"

#include <math.h>

enum { PAGE_ROUNDS_ROW_PIXELS = 84, PAGE_ROUNDS_AXIS_PIXELS = 20, PAGE_ROUNDS_TICKS = 4 };

static double page_rounds_difference(const struct rounds *rounds, unsigned index, unsigned variant,
                                     enum metric metric) {
    double ratio = rounds_value(rounds, index, variant, metric) /
                   rounds_value(rounds, index, rounds->reference, metric);
    return 100 * (ratio - 1);
}

/* One scale for all variants, from the foot of a row to its top, that holds 0 and the noise
 * threshold too. */
static struct html_scale page_rounds_scale(const struct comparison *comparison,
                                           enum metric metric) {
    const struct rounds *rounds = &comparison->result->rounds;
    double threshold = 100 * comparison->result->plan.threshold;
    double low = -1.5 * threshold, high = 1.5 * threshold;
    for (unsigned i = 0; i < rounds->count; i++)
        for (unsigned variant = 0; variant < rounds->variant_count; variant++) {
            double difference = page_rounds_difference(rounds, i, variant, metric);
            low = fmin(low, difference);
            high = fmax(high, difference);
        }
    return (struct html_scale){
        .low = low, .high = high, .start = PAGE_ROUNDS_ROW_PIXELS - 6, .stop = 6};
}

/* Labels of the scale in a column of their own, and the lines across the row. */
static void page_rounds_print_levels(FILE *out, const struct html_scale *scale) {
    double ticks[HTML_TICKS_MAX];
    unsigned count = html_ticks(scale->low, scale->high, PAGE_ROUNDS_TICKS, ticks);
    fprintf(out, "<svg class=\"levels\" height=\"%d\" aria-hidden=\"true\">",
            PAGE_ROUNDS_ROW_PIXELS);
    for (unsigned i = 0; i < count; i++)
        fprintf(out, "<text x=\"100%%\" y=\"%.1f\" text-anchor=\"end\">%s%g %%</text>",
                fmin(fmax(html_place(scale, ticks[i]) + 4, 10), PAGE_ROUNDS_ROW_PIXELS - 1.0),
                ticks[i] > 1e-9 ? "+" : "", fabs(ticks[i]) < 1e-9 ? 0 : ticks[i]);
    fprintf(out,
            "</svg>\n<svg class=\"chart row\" width=\"100%%\" height=\"%d\" role=\"img\" "
            "aria-label=\"each round's difference from the reference\">",
            PAGE_ROUNDS_ROW_PIXELS);
    for (unsigned i = 0; i < count; i++)
        fprintf(out, "<line class=\"%s\" x1=\"0\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/>",
                fabs(ticks[i]) < 1e-9 ? "zero" : "grid", html_place(scale, ticks[i]),
                html_place(scale, ticks[i]));
}

/* The variant's row: its name, and a dot a round. */
static void page_rounds_print_row(FILE *out, const struct comparison *comparison, unsigned variant,
                                  enum metric metric, const struct html_scale *scale) {
    const struct rounds *rounds = &comparison->result->rounds;
    const char *name = comparison->result->variants[variant].name;
    unsigned colour = page_words_colour(comparison, variant);
    double estimate = 100 * paired_share(comparison->analyses[variant][metric].difference.estimate);
    fprintf(out, "<div class=\"key v%u\">", colour);
    html_text(out, name);
    fputs("</div>\n<div class=\"plot\">", out);
    page_rounds_print_levels(out, scale);
    fprintf(out,
            "<g class=\"v%u\"><line class=\"estimate\" x1=\"0\" x2=\"100%%\" y1=\"%.1f\" "
            "y2=\"%.1f\"/>",
            colour, html_place(scale, estimate), html_place(scale, estimate));
    for (unsigned i = 0; i < rounds->count; i++) {
        double difference = page_rounds_difference(rounds, i, variant, metric);
        fprintf(out, "<circle class=\"dot\" cx=\"%.2f%%\" cy=\"%.1f\" r=\"%s\"><title>",
                100 * (i + 0.5) / rounds->count, html_place(scale, difference),
                rounds->count > 60 ? "2" : "3");
        html_format(out, "%s, round %u: %+.1f %%", name, i + 1, difference);
        fputs("</title></circle>", out);
    }
    fputs("</g></svg></div>\n", out);
}

void page_rounds(FILE *out, const struct comparison *comparison, enum metric metric) {
    const struct rounds *rounds = &comparison->result->rounds;
    struct html_scale scale = page_rounds_scale(comparison, metric);
    fputs("<figure class=\"rounds\">\n<figcaption><b>", out);
    page_words_metric(out, comparison, metric);
    fputs(", round by round</b> against the reference in the same round; dashed: the "
          "estimate</figcaption>\n",
          out);
    for (unsigned i = 0; i < rounds->variant_count; i++)
        if (i != rounds->reference)
            page_rounds_print_row(out, comparison, i, metric, &scale);
    fprintf(out,
            "<div class=\"plot\"><span></span><svg class=\"chart\" width=\"100%%\" height=\"%d\">"
            "<text x=\"0\" y=\"14\">round 1</text><text x=\"100%%\" y=\"14\" "
            "text-anchor=\"end\">round %u</text></svg></div>\n</figure>\n",
            PAGE_ROUNDS_AXIS_PIXELS, rounds->count);
}
