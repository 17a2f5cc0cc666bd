/* If this failed, a program and a library of two releases would read each other's pages and traces
 * wrongly: where a layout is not what it was, its version must be another. After a change, raise
 * the version in include/tagpool/ and write both down here. */
#include "tap.h"

#include <stddef.h>
#include <tagpool/profile_page.h>
#include <tagpool/stats_page.h>
#include <tagpool/trace_file.h>

static void the_statistics_page_is_that_of_its_version(void) {
    CHECK(TAGPOOL_STATS_VERSION == 4);
    CHECK(sizeof(struct tagpool_stats_row) == 7784);
    CHECK(offsetof(struct tagpool_stats_row, class_bytes) == 120);
    CHECK(offsetof(struct tagpool_stats_row, total) == 824);
    CHECK(sizeof(struct tagpool_stats_counters) == 696);
}

static void the_profile_page_is_that_of_its_version(void) {
    CHECK(TAGPOOL_PROFILE_VERSION == 1);
    CHECK(sizeof(struct tagpool_profile_row) == 39568);
    CHECK(sizeof(struct tagpool_profile_size) == 32);
    CHECK(sizeof(struct tagpool_profile_sample) == 40);
}

static void the_trace_file_is_that_of_its_version(void) {
    CHECK(TAGPOOL_TRACE_VERSION == 1);
    CHECK(sizeof(struct tagpool_trace_head) == 296);
}

int main(void) {
    TAP_RUN(the_statistics_page_is_that_of_its_version);
    TAP_RUN(the_profile_page_is_that_of_its_version);
    TAP_RUN(the_trace_file_is_that_of_its_version);
    return tap_done();
}
