#include "base/html.h"
#include "report/page_charts.h"

#include <math.h>
#include <tagpool/options.h>
#include <tagpool/profile_page.h>

enum { PROFILE_PLOT_PIXELS = 150, PROFILE_AXIS_PIXELS = 22, PROFILE_CELL_PIXELS = 16 };
enum { PROFILE_TEXT_BYTES = 64, PROFILE_LABELS = 6 };

/* ---- sizes ---- */

/* Every bin between the first and the last that was asked for: the profile leaves out empty ones.
 */
struct profile_bins {
    double calls[TAGPOOL_PROFILE_SIZES];
    unsigned first, end;
    double all;        /* calls */
    double most;       /* of the busiest bin */
    double node_bytes; /* what the advice calls a node */
};

static void profile_collect_bins(struct profile_bins *bins, const struct json_value *profile) {
    size_t count;
    const struct json_value *items = json_tree_items(profile, "total.sizes", &count);
    *bins = (struct profile_bins){
        .first = TAGPOOL_PROFILE_SIZES,
        .node_bytes = json_tree_number(profile, "advice.node_max", TAGPOOL_NODE_MAX),
    };
    for (size_t i = 0; i < count; i++) {
        unsigned bin = tagpool_profile_size_bin(json_tree_count(&items[i], "bytes_max"));
        double calls = json_tree_number(&items[i], "calls", 0);
        if (calls <= 0)
            continue;
        bins->calls[bin] += calls;
        bins->all += calls;
        bins->most = fmax(bins->most, bins->calls[bin]);
        bins->first = bin < bins->first ? bin : bins->first;
        bins->end = bin >= bins->end ? bin + 1 : bins->end;
    }
}

/* A column of labels beside the plot: `most` at its top, 0 at its foot. */
static void profile_print_levels(FILE *out, const char *most, const char *half) {
    fprintf(out,
            "<div class=\"plot\"><svg class=\"levels\" height=\"%d\" aria-hidden=\"true\">"
            "<text x=\"100%%\" y=\"11\" text-anchor=\"end\">%s</text>"
            "<text x=\"100%%\" y=\"%d\" text-anchor=\"end\">%s</text>"
            "<text x=\"100%%\" y=\"%d\" text-anchor=\"end\">0</text></svg>\n",
            PROFILE_PLOT_PIXELS, most, PROFILE_PLOT_PIXELS / 2 + 4, half, PROFILE_PLOT_PIXELS - 1);
}

static void profile_print_frame(FILE *out, const char *label) {
    fprintf(out,
            "<svg class=\"chart\" width=\"100%%\" height=\"%d\" role=\"img\" aria-label=\"%s\">"
            "<line class=\"grid\" x1=\"0\" x2=\"100%%\" y1=\"0.5\" y2=\"0.5\"/>"
            "<line class=\"grid\" x1=\"0\" x2=\"100%%\" y1=\"%d\" y2=\"%d\"/>"
            "<line class=\"zero\" x1=\"0\" x2=\"100%%\" y1=\"%d\" y2=\"%d\"/>",
            PROFILE_PLOT_PIXELS + PROFILE_AXIS_PIXELS, label, PROFILE_PLOT_PIXELS / 2,
            PROFILE_PLOT_PIXELS / 2, PROFILE_PLOT_PIXELS, PROFILE_PLOT_PIXELS);
}

static void profile_print_bin(FILE *out, const struct profile_bins *bins, unsigned bin) {
    double calls = bins->calls[bin];
    double limit = (double)tagpool_profile_size_limit(bin);
    double height = PROFILE_PLOT_PIXELS * calls / bins->most;
    double width = 100.0 / (bins->end - bins->first);
    char label[PROFILE_TEXT_BYTES];
    if (calls <= 0)
        return;
    height = fmax(height, 1);
    html_format_bytes(limit, label, sizeof label);
    fprintf(out,
            "<rect class=\"%s\" x=\"%.3f%%\" width=\"%.3f%%\" y=\"%.1f\" height=\"%.1f\"><title>"
            "up to %s bytes: %.0f requests, %.1f %%</title></rect>",
            limit <= bins->node_bytes ? "bar node" : "bar", (bin - bins->first + 0.1) * width,
            0.8 * width, PROFILE_PLOT_PIXELS - height, height, label, calls,
            100 * calls / bins->all);
}

/* Labels below a row of `count` columns; `limit(i)` is what column i ends with. */
static void profile_print_label(FILE *out, size_t index, size_t count, int y, const char *label) {
    double x = 100 * ((double)index + 0.5) / (double)count;
    fprintf(out, "<text x=\"%.2f%%\" y=\"%d\" text-anchor=\"%s\">%s</text>", x, y,
            x < 4    ? "start"
            : x > 94 ? "end"
                     : "middle",
            label);
}

static bool profile_is_labelled(size_t index, size_t count) {
    size_t step = count / PROFILE_LABELS + 1;
    return index % step == 0;
}

void html_chart_sizes(FILE *out, const struct json_value *profile) {
    struct profile_bins bins;
    char label[PROFILE_TEXT_BYTES], half[PROFILE_TEXT_BYTES];
    profile_collect_bins(&bins, profile);
    if (bins.most <= 0)
        return;
    html_format_bytes(bins.node_bytes, label, sizeof label);
    fprintf(out,
            "<figure class=\"sizes\">\n<figcaption><b>Requests by size</b> <span class=\"key "
            "node\">up to %s bytes: %.0f %%</span> <span class=\"key large\">larger</span> in "
            "steps of 16 bytes up to 1K, of powers of two above</figcaption>\n",
            label, 100 * json_tree_number(profile, "advice.served_share", 0));
    snprintf(label, sizeof label, "%.3g %%", 100 * bins.most / bins.all);
    snprintf(half, sizeof half, "%.3g %%", 50 * bins.most / bins.all);
    profile_print_levels(out, label, half);
    profile_print_frame(out, "requests by size");
    for (unsigned bin = bins.first; bin < bins.end; bin++)
        profile_print_bin(out, &bins, bin);
    for (unsigned i = 0; i < bins.end - bins.first; i++) {
        html_format_bytes((double)tagpool_profile_size_limit(bins.first + i), label, sizeof label);
        if (profile_is_labelled(i, bins.end - bins.first))
            profile_print_label(out, i, bins.end - bins.first, PROFILE_PLOT_PIXELS + 16, label);
    }
    fputs("</svg></div>\n</figure>\n", out);
}

/* ---- lifetimes ---- */

/* The part of the table that holds blocks. */
struct profile_table {
    const struct json_value *rows, *limits, *sizes;
    size_t row_count, limit_count, size_count;
    size_t first_row, end_row, first_column, end_column;
    double most;
};

static double profile_cell(const struct profile_table *table, size_t row, size_t column) {
    size_t count;
    const struct json_value *cells = json_tree_items(&table->rows[row], "", &count);
    return column < count ? json_tree_number(&cells[column], "", 0) : 0;
}

static bool profile_collect_table(struct profile_table *table, const struct json_value *profile) {
    *table = (struct profile_table){0};
    table->rows = json_tree_items(profile, "total.lifetimes.requests.blocks", &table->row_count);
    table->limits =
        json_tree_items(profile, "total.lifetimes.requests.limits", &table->limit_count);
    table->sizes = json_tree_items(profile, "total.lifetimes.size_limits", &table->size_count);
    table->first_row = table->row_count;
    table->first_column = table->limit_count;
    if (table->size_count != table->row_count)
        return false;
    for (size_t row = 0; row < table->row_count; row++)
        for (size_t column = 0; column < table->limit_count; column++) {
            double blocks = profile_cell(table, row, column);
            if (blocks <= 0)
                continue;
            table->first_row = row < table->first_row ? row : table->first_row;
            table->end_row = row + 1;
            table->first_column = column < table->first_column ? column : table->first_column;
            table->end_column = column >= table->end_column ? column + 1 : table->end_column;
            table->most = fmax(table->most, blocks);
        }
    return table->most > 0;
}

/* "16", "1K", or "more" behind the last limit. Both scales are powers of two. */
static void profile_format_limit(const struct json_value *limit, char *text, size_t text_bytes) {
    double number = json_tree_number(limit, "", INFINITY);
    if (isinf(number))
        snprintf(text, text_bytes, "more");
    else
        html_format_bytes(number, text, text_bytes);
}

/* Cells are shaded by the logarithm of their blocks: from 0.12 for one to 1 for the most. */
static void profile_print_cell(FILE *out, const struct profile_table *table, size_t row,
                               size_t column) {
    double blocks = profile_cell(table, row, column);
    double width = 100.0 / (double)(table->end_column - table->first_column);
    char size[PROFILE_TEXT_BYTES], life[PROFILE_TEXT_BYTES];
    if (blocks <= 0)
        return;
    double shade = table->most > 1 ? 0.12 + 0.88 * log(blocks) / log(table->most) : 1;
    profile_format_limit(&table->sizes[row], size, sizeof size);
    profile_format_limit(&table->limits[column], life, sizeof life);
    fprintf(out,
            "<rect class=\"cell\" fill-opacity=\"%.2f\" x=\"%.3f%%\" width=\"%.3f%%\" y=\"%zu\" "
            "height=\"%d\"><title>up to %s bytes, below %s requests: %.0f blocks</title></rect>",
            shade, (double)(column - table->first_column) * width, 0.94 * width,
            (row - table->first_row) * PROFILE_CELL_PIXELS, PROFILE_CELL_PIXELS - 1, size, life,
            blocks);
}

void html_chart_lifetimes(FILE *out, const struct json_value *profile) {
    struct profile_table table;
    char label[PROFILE_TEXT_BYTES];
    if (!profile_collect_table(&table, profile))
        return;
    int height = (int)(table.end_row - table.first_row) * PROFILE_CELL_PIXELS;
    size_t columns = table.end_column - table.first_column;
    fprintf(out,
            "<figure class=\"lifetimes\">\n<figcaption><b>Size by lifetime</b> down: bytes; to the "
            "right: requests made until the block was freed; the stronger the colour, the more "
            "blocks</figcaption>\n<div class=\"plot\">"
            "<svg class=\"levels\" height=\"%d\" aria-hidden=\"true\">",
            height);
    for (size_t row = table.first_row; row < table.end_row; row++) {
        profile_format_limit(&table.sizes[row], label, sizeof label);
        fprintf(out, "<text x=\"100%%\" y=\"%zu\" text-anchor=\"end\">%s</text>",
                (row - table.first_row) * PROFILE_CELL_PIXELS + 12, label);
    }
    fprintf(out,
            "</svg>\n<svg class=\"chart\" width=\"100%%\" height=\"%d\" role=\"img\" "
            "aria-label=\"blocks by size and lifetime\">",
            height + PROFILE_AXIS_PIXELS);
    for (size_t row = table.first_row; row < table.end_row; row++)
        for (size_t column = table.first_column; column < table.end_column; column++)
            profile_print_cell(out, &table, row, column);
    for (size_t column = 0; column < columns; column++) {
        profile_format_limit(&table.limits[table.first_column + column], label, sizeof label);
        if (profile_is_labelled(column, columns))
            profile_print_label(out, column, columns, height + 16, label);
    }
    fputs("</svg></div>\n</figure>\n", out);
}

/* ---- live memory ---- */

/* A line over the samples, on a canvas of 1000 by 1000 that is stretched to the plot. */
static void profile_print_path(FILE *out, const struct json_value *samples, size_t count,
                               const char *key, double end_s, double most) {
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s%.1f %.1f", i == 0 ? "M" : "L",
                1000 * json_tree_number(&samples[i], "seconds", 0) / end_s,
                1000 - 1000 * json_tree_number(&samples[i], key, 0) / most);
}

static void profile_print_live(FILE *out, const struct json_value *samples, size_t count,
                               double end_s, double most) {
    fprintf(out,
            "<svg viewBox=\"0 0 1000 1000\" preserveAspectRatio=\"none\" width=\"100%%\" "
            "height=\"%d\"><path class=\"area\" d=\"",
            PROFILE_PLOT_PIXELS);
    profile_print_path(out, samples, count, "peak_bytes", end_s, most);
    fprintf(out, "L%.1f 1000L%.1f 1000Z\"/><path class=\"line\" d=\"",
            1000 * json_tree_number(&samples[count - 1], "seconds", 0) / end_s,
            1000 * json_tree_number(&samples[0], "seconds", 0) / end_s);
    profile_print_path(out, samples, count, "bytes", end_s, most);
    fputs("\"/></svg>", out);
}

void html_chart_live(FILE *out, const struct json_value *profile) {
    size_t processes, count;
    const struct json_value *process = json_tree_items(profile, "processes", &processes);
    const struct json_value *samples = json_tree_items(process, "live.samples", &count);
    double most = json_tree_number(process, "live.peak_bytes", 0);
    char peak[PROFILE_TEXT_BYTES], half[PROFILE_TEXT_BYTES], exact[PROFILE_TEXT_BYTES];
    if (processes == 0 || count < 2 || most <= 0)
        return;
    double end_s = fmax(json_tree_number(&samples[count - 1], "seconds", 0), 1e-9);
    html_format_bytes(most, peak, sizeof peak);
    html_format_bytes(most / 2, half, sizeof half);
    metric_format(METRIC_PEAK, most, exact, sizeof exact);
    fputs("<figure class=\"live\">\n<figcaption><b>Live memory over time</b> ", out);
    html_text(out, json_tree_text(process, "name", ""));
    fprintf(out, ", bytes asked for and not yet freed; at most %s in %.0f blocks</figcaption>\n",
            exact, json_tree_number(process, "live.peak_blocks", 0));
    profile_print_levels(out, peak, half);
    profile_print_frame(out, "live memory over time");
    profile_print_live(out, samples, count, end_s, most);
    metric_format(METRIC_WALL, end_s, exact, sizeof exact);
    fprintf(out,
            "<text x=\"0\" y=\"%d\">0</text><text x=\"100%%\" y=\"%d\" text-anchor=\"end\">%s"
            "</text></svg></div>\n</figure>\n",
            PROFILE_PLOT_PIXELS + 16, PROFILE_PLOT_PIXELS + 16, exact);
}
