#include "base/html.h"
#include "report/page_charts.h"

#include <math.h>
#include <tagpool/options.h>
#include <tagpool/profile_page.h>

enum {
    PAGE_PROFILE_PLOT_PIXELS = 150,
    PAGE_PROFILE_AXIS_PIXELS = 22,
    PAGE_PROFILE_CELL_PIXELS = 16
};
enum { PAGE_PROFILE_TEXT_BYTES = 64, PAGE_PROFILE_LABELS = 6 };

/* ---- sizes ---- */

/* Every bin between the first and the last that was asked for: the profile leaves out empty ones.
 */
struct page_profile_bins {
    double calls[TAGPOOL_PROFILE_SIZES];
    unsigned first, end;
    double all;        /* calls */
    double most;       /* of the busiest bin */
    double node_bytes; /* what the advice calls a node */
};

static void page_profile_collect_bins(struct page_profile_bins *bins,
                                      const struct profile *profile) {
    *bins = (struct page_profile_bins){
        .first = TAGPOOL_PROFILE_SIZES,
        .node_bytes = (double)profile->advice.node_max,
    };
    for (unsigned bin = 0; bin < TAGPOOL_PROFILE_SIZES; bin++) {
        double calls = (double)profile->summary.total.sizes[bin].calls;
        if (calls <= 0)
            continue;
        bins->calls[bin] = calls;
        bins->all += calls;
        bins->most = fmax(bins->most, calls);
        bins->first = bin < bins->first ? bin : bins->first;
        bins->end = bin + 1;
    }
}

/* A column of labels beside the plot: `most` at its top, 0 at its foot. */
static void page_profile_print_levels(FILE *out, const char *most, const char *half) {
    fprintf(out,
            "<div class=\"plot\"><svg class=\"levels\" height=\"%d\" aria-hidden=\"true\">"
            "<text x=\"100%%\" y=\"11\" text-anchor=\"end\">%s</text>"
            "<text x=\"100%%\" y=\"%d\" text-anchor=\"end\">%s</text>"
            "<text x=\"100%%\" y=\"%d\" text-anchor=\"end\">0</text></svg>\n",
            PAGE_PROFILE_PLOT_PIXELS, most, PAGE_PROFILE_PLOT_PIXELS / 2 + 4, half,
            PAGE_PROFILE_PLOT_PIXELS - 1);
}

static void page_profile_print_frame(FILE *out, const char *label) {
    fprintf(out,
            "<svg class=\"chart\" width=\"100%%\" height=\"%d\" role=\"img\" aria-label=\"%s\">"
            "<line class=\"grid\" x1=\"0\" x2=\"100%%\" y1=\"0.5\" y2=\"0.5\"/>"
            "<line class=\"grid\" x1=\"0\" x2=\"100%%\" y1=\"%d\" y2=\"%d\"/>"
            "<line class=\"zero\" x1=\"0\" x2=\"100%%\" y1=\"%d\" y2=\"%d\"/>",
            PAGE_PROFILE_PLOT_PIXELS + PAGE_PROFILE_AXIS_PIXELS, label,
            PAGE_PROFILE_PLOT_PIXELS / 2, PAGE_PROFILE_PLOT_PIXELS / 2, PAGE_PROFILE_PLOT_PIXELS,
            PAGE_PROFILE_PLOT_PIXELS);
}

/* Where a bin begins and ends: by the logarithm of its limits. Size 0 and the sizes up to 16 take a
 * doubling each. */
static double page_profile_edge(unsigned bin) {
    return bin < 2 ? 1.0 + bin : log2((double)tagpool_profile_size_limit(bin - 1)) - 1;
}

/* The same as a percentage of the width. */
static double page_profile_place(const struct page_profile_bins *bins, unsigned bin) {
    double first = page_profile_edge(bins->first), end = page_profile_edge(bins->end);
    return 100 * (page_profile_edge(bin) - first) / (end - first);
}

static void page_profile_print_bin(FILE *out, const struct page_profile_bins *bins, unsigned bin) {
    double calls = bins->calls[bin];
    double limit = (double)tagpool_profile_size_limit(bin);
    double height = fmax(PAGE_PROFILE_PLOT_PIXELS * calls / bins->most, 1);
    double left = page_profile_place(bins, bin);
    char label[PAGE_PROFILE_TEXT_BYTES];
    if (calls <= 0)
        return;
    html_format_bytes(limit, label, sizeof label);
    fprintf(out,
            "<rect class=\"%s\" x=\"%.3f%%\" width=\"%.3f%%\" y=\"%.1f\" height=\"%.1f\"><title>"
            "up to %s bytes: %.0f requests, %.1f %%</title></rect>",
            limit <= bins->node_bytes ? "bar node" : "bar", left,
            0.92 * (page_profile_place(bins, bin + 1) - left), PAGE_PROFILE_PLOT_PIXELS - height,
            height, label, calls, 100 * calls / bins->all);
}

/* The limits of the bins that are powers of two, as many as there is room for. */
static void page_profile_print_sizes_axis(FILE *out, const struct page_profile_bins *bins) {
    double doublings = page_profile_edge(bins->end) - page_profile_edge(bins->first);
    unsigned step = (unsigned)doublings / PAGE_PROFILE_LABELS + 1;
    for (unsigned power = 4; power < 48; power += step) {
        char label[PAGE_PROFILE_TEXT_BYTES];
        unsigned bin = tagpool_profile_size_bin(UINT64_C(1) << power);
        if (bin < bins->first || bin >= bins->end)
            continue;
        double x = page_profile_place(bins, bin + 1);
        html_format_bytes((double)(UINT64_C(1) << power), label, sizeof label);
        fprintf(out,
                "<line class=\"tick\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%d\" y2=\"%d\"/>"
                "<text x=\"%.2f%%\" y=\"%d\" text-anchor=\"%s\">%s</text>",
                x, x, PAGE_PROFILE_PLOT_PIXELS, PAGE_PROFILE_PLOT_PIXELS + 4, x,
                PAGE_PROFILE_PLOT_PIXELS + 16, x > 94 ? "end" : "middle", label);
    }
}

/* What an axis along the width means, below it. */
static void page_profile_print_axis_title(FILE *out, const char *title) {
    fprintf(out, "<p class=\"axis-title\">%s</p>\n", title);
}

/* Labels below a row of `count` columns; `limit(i)` is what column i ends with. */
static void page_profile_print_label(FILE *out, size_t index, size_t count, int y,
                                     const char *label) {
    double x = 100 * ((double)index + 0.5) / (double)count;
    fprintf(out, "<text x=\"%.2f%%\" y=\"%d\" text-anchor=\"%s\">%s</text>", x, y,
            x < 4    ? "start"
            : x > 94 ? "end"
                     : "middle",
            label);
}

static bool page_profile_is_labelled(size_t index, size_t count) {
    size_t step = count / PAGE_PROFILE_LABELS + 1;
    return index % step == 0;
}

void page_profile_sizes(FILE *out, const struct profile *profile) {
    struct page_profile_bins bins;
    char label[PAGE_PROFILE_TEXT_BYTES], half[PAGE_PROFILE_TEXT_BYTES];
    page_profile_collect_bins(&bins, profile);
    if (bins.most <= 0)
        return;
    html_format_bytes(bins.node_bytes, label, sizeof label);
    fprintf(
        out,
        "<figure class=\"sizes\">\n<figcaption><b>Requests by size</b> <span class=\"key "
        "node\">up to %s bytes: %.0f %%</span> <span class=\"key large\">larger</span> share of "
        "the requests</figcaption>\n",
        label, 100 * profile->advice.served_share);
    snprintf(label, sizeof label, "%.3g %%", 100 * bins.most / bins.all);
    snprintf(half, sizeof half, "%.3g %%", 50 * bins.most / bins.all);
    page_profile_print_levels(out, label, half);
    page_profile_print_frame(out, "requests by size");
    for (unsigned bin = bins.first; bin < bins.end; bin++)
        page_profile_print_bin(out, &bins, bin);
    page_profile_print_sizes_axis(out, &bins);
    fputs("</svg></div>\n", out);
    page_profile_print_axis_title(out,
                                  "size asked for, in bytes (logarithmic); up to 1K a bar is 16 "
                                  "bytes, above that a doubling");
    fputs("</figure>\n", out);
}

/* ---- lifetimes ---- */

/* The part of the table that holds blocks. */
struct page_profile_cells {
    const uint64_t (*blocks)[TAGPOOL_PROFILE_LIFE_STEPS];
    unsigned first_row, end_row, first_column, end_column;
    double most;
};

static void page_profile_collect_cells(struct page_profile_cells *cells,
                                       const struct profile *profile) {
    *cells = (struct page_profile_cells){
        .blocks = profile->summary.total.life_calls,
        .first_row = TAGPOOL_PROFILE_LIFE_SIZES,
        .first_column = TAGPOOL_PROFILE_LIFE_STEPS,
    };
    for (unsigned row = 0; row < TAGPOOL_PROFILE_LIFE_SIZES; row++)
        for (unsigned column = 0; column < TAGPOOL_PROFILE_LIFE_STEPS; column++) {
            if (cells->blocks[row][column] == 0)
                continue;
            cells->first_row = row < cells->first_row ? row : cells->first_row;
            cells->end_row = row + 1;
            cells->first_column = column < cells->first_column ? column : cells->first_column;
            cells->end_column = column >= cells->end_column ? column + 1 : cells->end_column;
            cells->most = fmax(cells->most, (double)cells->blocks[row][column]);
        }
}

/* "16", "1K", or "more" in the last of `bins`, which has no limit. */
static void page_profile_format_limit(unsigned bin, unsigned bins, uint64_t limit, char *text,
                                      size_t text_bytes) {
    if (bin + 1 == bins)
        snprintf(text, text_bytes, "more");
    else
        html_format_bytes((double)limit, text, text_bytes);
}

static void page_profile_format_size(unsigned row, char *text, size_t text_bytes) {
    page_profile_format_limit(row, TAGPOOL_PROFILE_LIFE_SIZES, UINT64_C(16) << row, text,
                              text_bytes);
}

/* In requests; the scale is one of powers of two, as that of bytes. */
static void page_profile_format_life(unsigned column, char *text, size_t text_bytes) {
    page_profile_format_limit(column, TAGPOOL_PROFILE_LIFE_STEPS, UINT64_C(1) << column, text,
                              text_bytes);
}

/* Cells are shaded by the logarithm of their blocks: from 0.12 for one to 1 for the most. */
static double page_profile_shade(double blocks, double most) {
    return most > 1 ? 0.12 + 0.88 * log(blocks) / log(most) : 1;
}

/* The scale of the shades: round numbers of blocks up to the most. */
static void page_profile_print_shades(FILE *out, double most) {
    fputs("<div class=\"shades\"><span>blocks freed (logarithmic):</span>", out);
    uint64_t step = most > 1e6 ? 100 : 10;
    for (uint64_t count = 1; 2 * (double)count <= most; count *= step) {
        double blocks = (double)count;
        fprintf(out, "<span><i style=\"opacity:%.2f\"></i>%.0f</span>",
                page_profile_shade(blocks, most), blocks);
    }
    fprintf(out, "<span><i></i>%.0f at most</span></div>\n", most);
}

static void page_profile_print_cell(FILE *out, const struct page_profile_cells *cells, unsigned row,
                                    unsigned column) {
    double blocks = (double)cells->blocks[row][column];
    double width = 100.0 / (cells->end_column - cells->first_column);
    char size[PAGE_PROFILE_TEXT_BYTES], life[PAGE_PROFILE_TEXT_BYTES];
    if (blocks <= 0)
        return;
    page_profile_format_size(row, size, sizeof size);
    page_profile_format_life(column, life, sizeof life);
    fprintf(out,
            "<rect class=\"cell\" fill-opacity=\"%.2f\" x=\"%.3f%%\" width=\"%.3f%%\" y=\"%u\" "
            "height=\"%d\"><title>up to %s bytes, below %s requests: %.0f blocks</title></rect>",
            page_profile_shade(blocks, cells->most), (column - cells->first_column) * width,
            0.94 * width, (row - cells->first_row) * PAGE_PROFILE_CELL_PIXELS,
            PAGE_PROFILE_CELL_PIXELS - 1, size, life, blocks);
}

void page_profile_lifetimes(FILE *out, const struct profile *profile) {
    struct page_profile_cells cells;
    char label[PAGE_PROFILE_TEXT_BYTES];
    page_profile_collect_cells(&cells, profile);
    if (cells.most <= 0)
        return;
    int height = (int)(cells.end_row - cells.first_row) * PAGE_PROFILE_CELL_PIXELS;
    unsigned columns = cells.end_column - cells.first_column;
    fputs(
        "<figure class=\"lifetimes\">\n<figcaption><b>Size by lifetime</b> of the blocks that were "
        "freed</figcaption>\n",
        out);
    page_profile_print_shades(out, cells.most);
    fprintf(out,
            "<p class=\"level-title\">bytes, up to</p>\n<div class=\"plot\">"
            "<svg class=\"levels\" height=\"%d\" aria-hidden=\"true\">",
            height);
    for (unsigned row = cells.first_row; row < cells.end_row; row++) {
        page_profile_format_size(row, label, sizeof label);
        fprintf(out, "<text x=\"100%%\" y=\"%u\" text-anchor=\"end\">%s</text>",
                (row - cells.first_row) * PAGE_PROFILE_CELL_PIXELS + 12, label);
    }
    fprintf(out,
            "</svg>\n<svg class=\"chart\" width=\"100%%\" height=\"%d\" role=\"img\" "
            "aria-label=\"blocks by size and lifetime\">",
            height + PAGE_PROFILE_AXIS_PIXELS);
    for (unsigned row = cells.first_row; row < cells.end_row; row++)
        for (unsigned column = cells.first_column; column < cells.end_column; column++)
            page_profile_print_cell(out, &cells, row, column);
    for (unsigned column = 0; column < columns; column++) {
        page_profile_format_life(cells.first_column + column, label, sizeof label);
        if (page_profile_is_labelled(column, columns))
            page_profile_print_label(out, column, columns, height + 16, label);
    }
    fputs("</svg></div>\n", out);
    page_profile_print_axis_title(out, "lifetime: below so many requests until the block was freed "
                                       "(logarithmic)");
    fputs("</figure>\n", out);
}

/* ---- live memory ---- */

/* A line over the samples, on a canvas of 1000 by 1000 that is stretched to the plot. */
static void page_profile_print_path(FILE *out, const struct tagpool_profile_row *row, bool peaks) {
    double end_ns = fmax((double)row->samples[row->sample_count - 1].when_ns, 1);
    for (uint64_t i = 0; i < row->sample_count; i++) {
        const struct tagpool_profile_sample *sample = &row->samples[i];
        double bytes = (double)(peaks ? sample->bytes_peak : sample->bytes);
        fprintf(out, "%s%.1f %.1f", i == 0 ? "M" : "L", 1000 * (double)sample->when_ns / end_ns,
                1000 - 1000 * bytes / (double)row->peak_bytes);
    }
}

static void page_profile_print_live(FILE *out, const struct tagpool_profile_row *row) {
    double end_ns = fmax((double)row->samples[row->sample_count - 1].when_ns, 1);
    fprintf(out,
            "<svg viewBox=\"0 0 1000 1000\" preserveAspectRatio=\"none\" width=\"100%%\" "
            "height=\"%d\"><path class=\"area\" d=\"",
            PAGE_PROFILE_PLOT_PIXELS);
    page_profile_print_path(out, row, true);
    fprintf(out, "L%.1f 1000L%.1f 1000Z\"/><path class=\"line\" d=\"",
            1000 * (double)row->samples[row->sample_count - 1].when_ns / end_ns,
            1000 * (double)row->samples[0].when_ns / end_ns);
    page_profile_print_path(out, row, false);
    fputs("\"/></svg>", out);
}

void page_profile_live(FILE *out, const struct profile *profile) {
    const struct tagpool_profile_row *row = &profile->summary.processes[0];
    char peak[PAGE_PROFILE_TEXT_BYTES], half[PAGE_PROFILE_TEXT_BYTES];
    char exact[PAGE_PROFILE_TEXT_BYTES];
    if (profile->summary.process_count == 0 || row->sample_count < 2 || row->peak_bytes == 0)
        return;
    html_format_bytes((double)row->peak_bytes, peak, sizeof peak);
    html_format_bytes((double)row->peak_bytes / 2, half, sizeof half);
    metric_format(METRIC_PEAK, (double)row->peak_bytes, exact, sizeof exact);
    fputs("<figure class=\"live\">\n<figcaption><b>Live memory over time</b> ", out);
    html_text(out, row->name);
    fprintf(out, ", bytes asked for and not yet freed; at most %s in %.0f blocks</figcaption>\n",
            exact, (double)row->peak_blocks);
    page_profile_print_levels(out, peak, half);
    page_profile_print_frame(out, "live memory over time");
    page_profile_print_live(out, row);
    metric_format(METRIC_WALL, (double)row->samples[row->sample_count - 1].when_ns * 1e-9, exact,
                  sizeof exact);
    fprintf(out,
            "<text x=\"0\" y=\"%d\">0</text><text x=\"100%%\" y=\"%d\" text-anchor=\"end\">%s"
            "</text></svg></div>\n",
            PAGE_PROFILE_PLOT_PIXELS + 16, PAGE_PROFILE_PLOT_PIXELS + 16, exact);
    page_profile_print_axis_title(out, "time since the first call (linear)");
    fputs("</figure>\n", out);
}
