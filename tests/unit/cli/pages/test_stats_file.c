/* If this failed, a target that scribbles over its statistics could crash tagpool, or a run without
 * the shim could be taken for one with it. */
#include "tap.h"

#include "base/randomness.h"
#include "pages/stats_file.h"

#include <unistd.h>

static struct tagpool_stats_page page;

static void fill_head(void) {
    memset(&page, 0, sizeof page);
    page.head = (struct tagpool_stats_head){
        .magic = TAGPOOL_STATS_MAGIC,
        .version = TAGPOOL_STATS_VERSION,
        .head_bytes = sizeof page.head,
        .row_bytes = sizeof page.rows[0],
        .row_count = TAGPOOL_STATS_ROWS,
    };
}

static void a_new_page_is_sound_and_shows_no_calls(void) {
    struct stats_file file;
    struct stats_summary summary;
    stats_file_create(&file);
    const char *fault = stats_file_read(file.path, &summary);
    CHECK_SAY(fault == NULL, "%s", fault);
    CHECK(summary.process_count == 0);
    CHECK(stats_summary_calls(&summary) == 0);
    stats_summary_free(&summary);
    char path[256];
    snprintf(path, sizeof path, "%s", file.path);
    stats_file_remove(&file);
    CHECK(access(path, F_OK) != 0);
    CHECK(stats_file_read(path, &summary) != NULL);
}

static void lanes_and_the_total_are_added_up(void) {
    struct stats_summary summary;
    fill_head();
    struct tagpool_stats_row *row = &page.rows[5];
    row->state = TAGPOOL_STATS_ENDED;
    row->pid = 4711;
    row->slab_bytes = 65536;
    row->slabs_peak = 3;
    strcpy(row->name, "parser");
    row->total.pool_calls[2] = 100;
    row->lanes[0].pool_calls[2] = 10;
    row->lanes[TAGPOOL_STATS_LANES - 1].pool_calls[71] = 1;
    row->lanes[1].large_calls = 7;
    row->lanes[2].direct_calls = 5;
    row->total.fallback_calls = 3;
    row->total.foreign_frees = 1000;
    CHECK(stats_file_parse(&page, sizeof page, &summary) == NULL);
    CHECK(summary.process_count == 1);
    const struct stats_process *process = &summary.processes[0];
    CHECK(process->pid == 4711 && process->state == TAGPOOL_STATS_ENDED);
    CHECK(strcmp(process->name, "parser") == 0);
    CHECK(process->counters.pool_calls[2] == 110);
    CHECK(stats_process_pool_calls(process) == 111);
    CHECK(stats_process_calls(process) == 126);
    CHECK(stats_summary_calls(&summary) == 126);
    CHECK(process->pool_bytes_peak == 3 * 65536);
    stats_summary_free(&summary);
}

static void a_wrong_head_is_refused_with_a_reason(void) {
    struct stats_summary summary;
    uint64_t *words = (uint64_t *)&page.head;
    for (int word = 0; word < 5; word++) {
        fill_head();
        words[word]++;
        CHECK_SAY(stats_file_parse(&page, sizeof page, &summary) != NULL,
                  "a head with a wrong word %d is taken", word);
        CHECK(summary.process_count == 0);
    }
}

static void a_page_that_is_cut_short_is_refused(void) {
    static const size_t lengths[] = {0, 1, 63, 64, 65, 4096, sizeof page - 1};
    struct stats_summary summary;
    fill_head();
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        CHECK_SAY(stats_file_parse(&page, lengths[i], &summary) != NULL, "%zu bytes are taken",
                  lengths[i]);
    CHECK(stats_file_parse(&page, sizeof page, &summary) == NULL);
    stats_summary_free(&summary);
}

static void rubbish_behind_a_sound_head_is_read_without_harm(void) {
    struct randomness randomness = {1};
    for (int trial = 0; trial < 4; trial++) {
        struct stats_summary summary;
        struct tagpool_stats_head head;
        fill_head();
        head = page.head;
        unsigned char *bytes = (unsigned char *)&page;
        for (size_t i = 0; i < sizeof page; i++)
            bytes[i] = trial == 0 ? 0xff : (unsigned char)randomness_next(&randomness);
        page.head = head;
        CHECK(stats_file_parse(&page, sizeof page, &summary) == NULL);
        CHECK(summary.process_count == TAGPOOL_STATS_ROWS);
        for (unsigned i = 0; i < summary.process_count; i++) {
            const struct stats_process *process = &summary.processes[i];
            CHECK(strlen(process->name) < sizeof process->name);
            for (const char *p = process->name; *p != '\0'; p++)
                CHECK(*p >= ' ' && *p <= '~');
        }
        /* Sums stop at the end of the range; wrapping could come out as "no calls". */
        CHECK(stats_summary_calls(&summary) == UINT64_MAX);
        stats_summary_free(&summary);
    }
}

int main(void) {
    TAP_RUN(a_new_page_is_sound_and_shows_no_calls);
    TAP_RUN(lanes_and_the_total_are_added_up);
    TAP_RUN(a_wrong_head_is_refused_with_a_reason);
    TAP_RUN(a_page_that_is_cut_short_is_refused);
    TAP_RUN(rubbish_behind_a_sound_head_is_read_without_harm);
    return tap_done();
}
