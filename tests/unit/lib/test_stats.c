/* If this failed, counts of ended threads would be lost or counted twice, or a page that is not one
 * would be written to. */
#include "stats.h"
#include "tap.h"

#include <fcntl.h>
#include <unistd.h>

static struct tagpool_stats_page page;
static char path[] = "/tmp/tagpool-unit-stats-XXXXXX";

static void write_page(uint64_t magic) {
    memset(&page, 0, sizeof page);
    page.head = (struct tagpool_stats_head){.magic = magic,
                                            .version = TAGPOOL_STATS_VERSION,
                                            .head_bytes = sizeof page.head,
                                            .row_bytes = sizeof page.rows[0],
                                            .row_count = TAGPOOL_STATS_ROWS};
    int file = open(path, O_WRONLY | O_CLOEXEC);
    CHECK(write(file, &page, sizeof page) == (ssize_t)sizeof page);
    close(file);
}

static void read_page(void) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(read(file, &page, sizeof page) == (ssize_t)sizeof page);
    close(file);
}

static void without_a_page_nothing_happens(void) {
    stats_start(NULL, 1, 0);
    CHECK(stats_claim_lane() == NULL);
    stats_note_slabs(1, 2, 0);
    stats_end();
    write_page(TAGPOOL_STATS_MAGIC + 1);
    stats_start(path, 1, 0);
    CHECK(stats_claim_lane() == NULL);
    read_page();
    CHECK(page.rows[0].state == TAGPOOL_STATS_FREE && page.head.rows_missed == 0);
}

static void lanes_are_claimed_and_added_up_when_they_retire(void) {
    struct tagpool_stats_counters *lanes[TAGPOOL_STATS_LANES];
    struct tagpool_stats_counters own = {.large_calls = 100};
    write_page(TAGPOOL_STATS_MAGIC);
    stats_start(path, 1, 0);
    for (size_t i = 0; i < TAGPOOL_STATS_LANES; i++) {
        lanes[i] = stats_claim_lane();
        CHECK(lanes[i] != NULL);
        lanes[i]->large_calls = i + 1;
    }
    CHECK(stats_claim_lane() == NULL); /* the thread beyond them counts privately */
    stats_retire(lanes[2]);
    stats_retire(&own);
    CHECK(own.large_calls == 0 && stats_claim_lane() == lanes[2]);
    read_page();
    const struct tagpool_stats_row *row = &page.rows[0];
    CHECK(row->state == TAGPOOL_STATS_RUNNING && row->pid == (uint64_t)getpid());
    CHECK(row->total.large_calls == 3 + 100 && row->lanes[2].large_calls == 0);
    CHECK(row->lanes[3].large_calls == 4 && row->threads == TAGPOOL_STATS_LANES + 2);
    CHECK(memchr(row->name, 0, sizeof row->name) != NULL && row->name[0] != '\0');
}

static void the_end_and_the_slabs_are_noted(void) {
    stats_note_slabs(5, 9, 3);
    stats_end();
    read_page();
    CHECK(page.rows[0].slabs == 5 && page.rows[0].slabs_warm == 3 && page.rows[0].slabs_peak == 9);
    CHECK(page.rows[0].state == TAGPOOL_STATS_ENDED);
}

/* What a census saw of a thread without a lane is in the total once the thread has ended. */
static void a_census_and_the_end_of_a_thread_do_not_count_it_twice(void) {
    struct tagpool_stats_counters own = {.large_calls = 100, .pool_calls = {7}};
    struct tagpool_stats_counters beyond = own;
    write_page(TAGPOOL_STATS_MAGIC);
    stats_start(path, 1, 0);
    beyond.large_calls += 50; /* of another such thread */
    stats_note_census(12345, 6789, &beyond);
    CHECK(stats_census_ns() == 12345 && !stats_is_lane(&own));
    own.large_calls += 10;
    stats_hold_calls();
    stats_retire(&own);
    read_page();
    const struct tagpool_stats_row *row = &page.rows[0];
    CHECK(row->live_bytes == 6789 && row->live_ns == 12345 && row->calls_least == 7);
    CHECK(row->total.large_calls == 110 && row->beyond.large_calls == 40);
    CHECK(row->total.pool_calls[0] == 7 && row->beyond.pool_calls[0] == 0);
}

static void a_directory_gets_a_page_that_goes_at_the_end(void) {
    char directory[] = "/tmp/tagpool-unit-stats-XXXXXX/";
    char own_path[128];
    directory[sizeof directory - 2] = '\0';
    CHECK(mkdtemp(directory) != NULL);
    directory[sizeof directory - 2] = '/';
    snprintf(own_path, sizeof own_path, "%s" TAGPOOL_STATS_PREFIX "%d" TAGPOOL_STATS_SUFFIX,
             directory, (int)getpid());
    stats_start(directory, 1, 0);
    CHECK(stats_is_kept() && stats_is_made(directory) && access(own_path, R_OK) == 0);
    stats_end();
    CHECK(access(own_path, F_OK) != 0 && rmdir(directory) == 0);
    stats_start("/nonexistent/", 1, 0);
    CHECK(!stats_is_kept() && !stats_is_made("/nonexistent/"));
}

int main(void) {
    close(mkstemp(path));
    TAP_RUN(without_a_page_nothing_happens);
    TAP_RUN(lanes_are_claimed_and_added_up_when_they_retire);
    TAP_RUN(the_end_and_the_slabs_are_noted);
    TAP_RUN(a_census_and_the_end_of_a_thread_do_not_count_it_twice);
    TAP_RUN(a_directory_gets_a_page_that_goes_at_the_end);
    unlink(path);
    return tap_done();
}
