#include "report/profile_page.h"

#include "base/html.h"
#include "base/memory.h"
#include "profile/estimate.h"
#include "report/flame.h"
#include "report/flame_parts.h"
#include "report/page_charts.h"
#include "report/page_style.h"

#include <inttypes.h>
#include <stdlib.h>
#include <tagpool/version.h>

enum { PROFILE_PAGE_SITES = 10 };

/* Do all counts rest on a few samples? */
static bool profile_page_is_rough(const struct profile *profile) {
    return profile->sites != NULL && estimate_is_rough(profile->sites, &profile->sites->total);
}

static void profile_page_print_cost(FILE *out, const struct profile *profile) {
    char *basis = profile->sites != NULL ? estimate_basis(profile->sites)
                                         : memory_copy("every call was counted");
    html_format(out, "%s", basis);
    free(basis);
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
    char requests[ESTIMATE_TEXT_BYTES];
    estimate_format_count(profile_page_is_rough(profile), profile->advice.requests, requests);
    html_format(out, "what it allocates: %s request%s; ", requests,
                profile->advice.requests == 1 ? "" : "s");
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
    bool rough = estimate_is_rough(sites, &site->counts);
    char value[ESTIMATE_TEXT_BYTES], share[ESTIMATE_TEXT_BYTES], calls[ESTIMATE_TEXT_BYTES];
    char bytes[ESTIMATE_TEXT_BYTES], peak[ESTIMATE_TEXT_BYTES], blocks[ESTIMATE_TEXT_BYTES];
    char short_lived[ESTIMATE_TEXT_BYTES];
    char *place = profile_site_place(sites, site);
    estimate_format_count(rough, site->counts.calls, calls);
    estimate_format_bytes(rough, site->counts.bytes, bytes);
    estimate_format_bytes(rough, site->counts.peak_bytes, peak);
    estimate_format_count(rough, site->counts.peak_blocks, blocks);
    estimate_format_count(rough, site->counts.short_blocks, short_lived);
    estimate_format_share(rough, (double)counted / all, share);
    if (profile_rank_is_bytes[rank])
        estimate_format_bytes(rough, counted, value);
    else
        estimate_format_count(rough, counted, value);
    fprintf(out, "<details><summary><span>%s</span><span>%s</span><code>", value, share);
    html_text(out, place);
    fprintf(out,
            "</code></summary><p class=\"counts\">%s call%s, %s; at the peak %s in %s block%s; %s "
            "short-lived</p>",
            calls, site->counts.calls == 1 ? "" : "s", bytes, peak, blocks,
            site->counts.peak_blocks == 1 ? "" : "s", short_lived);
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
    if (!profile_page_is_rough(profile)) {
        fputs("<h2>What it allocates</h2>\n", out);
        page_profile_sizes(out, profile);
        page_profile_lifetimes(out, profile);
        page_profile_live(out, profile);
    }
    fputs("<footer>Made by tagpool " TAGPOOL_VERSION ". In the list of sites recursion is folded: "
          "of a function that calls itself the innermost frame stands alone.</footer>\n"
          "</body>\n</html>\n",
          out);
}
