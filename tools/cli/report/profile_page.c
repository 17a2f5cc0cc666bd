#include "report/profile_page.h"

#include "base/html.h"
#include "measure/metric.h"
#include "report/flame.h"
#include "report/flame_parts.h"
#include "report/page_charts.h"
#include "report/page_style.h"

#include <inttypes.h>
#include <stdlib.h>
#include <tagpool/version.h>

enum { PROFILE_PAGE_SITES = 10, PROFILE_PAGE_TEXT_BYTES = 32 };

static void profile_page_print_cost(FILE *out, const struct profile *profile) {
    char bytes[PROFILE_PAGE_TEXT_BYTES];
    bool sampled = profile->sites != NULL && profile->sites->sample_bytes != 0;
    if (sampled) {
        metric_format(METRIC_PEAK, (double)profile->sites->sample_bytes, bytes, sizeof bytes);
        html_format(out, "estimates from a sample, a point every %s on average", bytes);
    } else {
        fputs("every call was counted", out);
    }
    if (profile->has_plain)
        html_format(out, "; the run took %.2f times as long as without", profile->slowdown);
}

static void profile_page_print_head(FILE *out, const struct profile *profile) {
    fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
          "<meta name=\"generator\" content=\"tagpool " TAGPOOL_VERSION "\">\n<title>tagpool: ",
          out);
    html_text(out, profile->title);
    fprintf(out, "</title>\n<style>\n%s%s</style>\n</head>\n<body>\n<header>\n<h1>", page_style,
            flame_style);
    html_text(out, profile->title);
    fputs("</h1>\n<p>", out);
    html_format(out, "what it allocates: %" PRIu64 " requests; ", profile->advice.requests);
    profile_page_print_cost(out, profile);
    if (profile->machine.date != NULL)
        html_format(out, "; %s", profile->machine.date);
    fputs("</p>\n</header>\n", out);
}

/* ---- sites ---- */

static void profile_page_print_stack(FILE *out, const struct profile_sites *sites,
                                     const struct profile_site *site) {
    fputs("<ol>", out);
    for (uint32_t i = 0; i < site->frame_count; i++)
        for (unsigned j = 0; j < symbols_line_count(&sites->symbols, site->frames[i]); j++) {
            char *line = symbols_line(&sites->symbols, site->frames[i], j);
            fputs("<li><code>", out);
            html_text(out, line);
            fputs("</code></li>\n", out);
            free(line);
        }
    fputs("</ol></details>\n", out);
}

static void profile_page_print_site(FILE *out, const struct profile_sites *sites,
                                    const struct profile_site *site, enum profile_rank rank) {
    uint64_t counted = profile_rank_count(&site->counts, rank);
    double all = (double)profile_rank_count(&sites->total, rank);
    char value[PROFILE_PAGE_TEXT_BYTES], bytes[PROFILE_PAGE_TEXT_BYTES];
    char peak[PROFILE_PAGE_TEXT_BYTES];
    char *place = profile_site_place(sites, site);
    metric_format(METRIC_PEAK, (double)site->counts.bytes, bytes, sizeof bytes);
    metric_format(METRIC_PEAK, (double)site->counts.peak_bytes, peak, sizeof peak);
    if (rank == PROFILE_RANK_BYTES || rank == PROFILE_RANK_PEAK)
        metric_format(METRIC_PEAK, (double)counted, value, sizeof value);
    else
        snprintf(value, sizeof value, "%" PRIu64, counted);
    fprintf(out, "<details><summary><span>%s</span><span>%.1f&nbsp;%%</span><code>", value,
            100 * (double)counted / all);
    html_text(out, place);
    fprintf(out,
            "</code></summary><p class=\"counts\">%" PRIu64 " calls, %s; at the peak %s in %" PRIu64
            " blocks; %" PRIu64 " short-lived</p>",
            site->counts.calls, bytes, peak, site->counts.peak_blocks, site->counts.short_blocks);
    profile_page_print_stack(out, sites, site);
    free(place);
}

static void profile_page_print_sites(FILE *out, const struct profile_sites *sites) {
    fputs("<h2>Where it allocates</h2>\n", out);
    flame_print(out, sites);
    for (int rank = 0; rank < PROFILE_RANK_COUNT; rank++) {
        const struct profile_site *top[PROFILE_PAGE_SITES];
        size_t count = profile_sites_top(sites, (enum profile_rank)rank, top, PROFILE_PAGE_SITES);
        if (count == 0)
            continue;
        fprintf(out, "<section class=\"sites\">\n<h2>Sites %s</h2>\n", profile_rank_titles[rank]);
        for (size_t i = 0; i < count; i++)
            profile_page_print_site(out, sites, top[i], (enum profile_rank)rank);
        fputs("</section>\n", out);
    }
}

void profile_page_print(FILE *out, const struct profile *profile) {
    profile_page_print_head(out, profile);
    if (profile->sites != NULL)
        profile_page_print_sites(out, profile->sites);
    fputs("<h2>What it allocates</h2>\n", out);
    page_profile_sizes(out, profile);
    page_profile_lifetimes(out, profile);
    page_profile_live(out, profile);
    fputs("<footer>Made by tagpool " TAGPOOL_VERSION ". In the list of sites recursion is folded: "
          "of a function that calls itself the innermost frame stands alone.</footer>\n"
          "</body>\n</html>\n",
          out);
}
