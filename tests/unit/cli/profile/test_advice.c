/* If this failed, a profile would sort sizes and lifetimes wrongly, advise what its numbers do not
 * say, or crash on what a target left in its page. */
#include "tap.h"

#include "base/randomness.h"
#include "profile/advice.h"

#include <tagpool/options.h>

#include <math.h>

static struct tagpool_profile_page page;

static void clear_page(void) {
    memset(&page, 0, sizeof page);
    page.head = (struct tagpool_profile_head){
        .magic = TAGPOOL_PROFILE_MAGIC,
        .version = TAGPOOL_PROFILE_VERSION,
        .head_bytes = sizeof page.head,
        .row_bytes = sizeof page.rows[0],
        .row_count = TAGPOOL_PROFILE_ROWS,
    };
}

static void a_size_lies_in_the_bin_whose_limit_is_the_next_above_it(void) {
    const uint64_t sizes[] = {0,         1,    16,   17,   1008, 1009,       1024,
                              1025,      2048, 2049, 4096, 4097, 1ULL << 30, (1ULL << 30) + 1,
                              1ULL << 47};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        unsigned bin = tagpool_profile_size_bin(sizes[i]);
        CHECK_SAY(tagpool_profile_size_limit(bin) >= sizes[i], "size %llu",
                  (unsigned long long)sizes[i]);
        CHECK_SAY(bin == 0 || tagpool_profile_size_limit(bin - 1) < sizes[i], "size %llu",
                  (unsigned long long)sizes[i]);
    }
    CHECK(tagpool_profile_size_limit(TAGPOOL_PROFILE_STEPS - 1) == 1024);
    CHECK(tagpool_profile_size_bin(UINT64_MAX) == TAGPOOL_PROFILE_SIZES - 1);
}

static void lifetimes_lie_in_bins_of_powers_of_two(void) {
    CHECK(tagpool_profile_life_size(0) == 0 && tagpool_profile_life_size(16) == 0);
    CHECK(tagpool_profile_life_size(17) == 1 && tagpool_profile_life_size(32) == 1);
    CHECK(tagpool_profile_life_size(33) == 2);
    CHECK(tagpool_profile_life_size(UINT64_MAX) == TAGPOOL_PROFILE_LIFE_SIZES - 1);
    CHECK(tagpool_profile_log_bin(0, 40) == 0 && tagpool_profile_log_bin(1, 40) == 1);
    CHECK(tagpool_profile_log_bin(2, 40) == 2 && tagpool_profile_log_bin(3, 40) == 2);
    CHECK(tagpool_profile_log_bin(4, 40) == 3);
    CHECK(tagpool_profile_log_bin(UINT64_MAX, 40) == 39);
}

static void processes_are_added_up_and_the_busiest_comes_first(void) {
    struct profile_summary summary;
    clear_page();
    for (int i = 0; i < 3; i++) {
        struct tagpool_profile_row *row = &page.rows[i * 7];
        row->state = TAGPOOL_PROFILE_ENDED;
        row->pid = (uint64_t)i;
        row->calls = i == 1 ? 100 : 10;
        row->free_calls = 4;
        row->sizes[2] = (struct tagpool_profile_size){5, 100, 1, 3 + (uint64_t)i};
        row->life_us[0][1] = 2;
    }
    CHECK(profile_file_parse(&page, sizeof page, &summary) == NULL);
    CHECK(summary.process_count == 3 && summary.processes[0].pid == 1);
    CHECK(summary.total.calls == 120 && summary.total.free_calls == 12);
    CHECK(summary.total.sizes[2].calls == 15 && summary.total.sizes[2].live_peak == 5);
    CHECK(summary.total.life_us[0][1] == 6);
    CHECK(profile_file_requests(&summary.total) == 15);
    profile_file_free(&summary);
}

static void a_page_of_another_layout_is_refused(void) {
    struct profile_summary summary;
    for (int field = 0; field < 5; field++) {
        clear_page();
        ((uint64_t *)&page.head)[field]++;
        CHECK_SAY(profile_file_parse(&page, sizeof page, &summary) != NULL, "field %d", field);
        profile_file_free(&summary);
    }
    clear_page();
    for (size_t bytes = 0; bytes < sizeof page; bytes = bytes * 2 + 1)
        CHECK(profile_file_parse(&page, bytes, &summary) != NULL);
    CHECK(profile_file_parse(&page, sizeof page - 1, &summary) != NULL);
}

static void rubbish_in_the_rows_does_no_harm(void) {
    struct randomness randomness = {.state = 3};
    struct profile_summary summary;
    struct advice advice;
    clear_page();
    uint64_t *words = (uint64_t *)page.rows;
    for (size_t i = 0; i * sizeof *words < sizeof page.rows; i++)
        words[i] = i % 3 == 0 ? UINT64_MAX : randomness_next(&randomness);
    CHECK(profile_file_parse(&page, sizeof page, &summary) == NULL);
    CHECK(summary.process_count == TAGPOOL_PROFILE_ROWS);
    for (unsigned i = 0; i < summary.process_count; i++) {
        const struct tagpool_profile_row *row = &summary.processes[i];
        CHECK(row->sample_count <= TAGPOOL_PROFILE_SAMPLES && row->seen_ns >= row->start_ns);
        CHECK(memchr(row->name, '\0', sizeof row->name) != NULL);
        CHECK(strpbrk(row->name, "\033\n") == NULL);
    }
    advice_make(&summary, 1, &advice);
    CHECK(advice.node_max <= TAGPOOL_NODE_MAX);
    profile_file_free(&summary);
}

/* One process whose requests are `calls` of `bytes` each in the bin. */
static void ask(struct profile_summary *summary, uint64_t bytes, uint64_t calls, uint64_t peak) {
    struct tagpool_profile_size *size = &summary->total.sizes[tagpool_profile_size_bin(bytes)];
    size->calls += calls;
    size->bytes += calls * bytes;
    size->live_peak += peak;
    summary->total.calls += 2 * calls;
}

static void node_max_leaves_out_the_rarest_hundredth(void) {
    struct profile_summary summary = {0};
    struct advice advice;
    ask(&summary, 24, 98000, 10);
    ask(&summary, 200, 1500, 10);
    ask(&summary, 900, 500, 10);
    advice_make(&summary, 0, &advice);
    CHECK_SAY(advice.node_max == 208, "node_max=%llu", (unsigned long long)advice.node_max);
    CHECK(fabs(advice.served_share - 0.995) < 1e-9 && advice.node_share == 1);
    ask(&summary, 300, 30000, 10);
    advice_make(&summary, 0, &advice);
    CHECK_SAY(advice.node_max == 304, "node_max=%llu, and 304 is the class of 300",
              (unsigned long long)advice.node_max);
}

/* 64 bytes: a slot of 64 here, a chunk of 80 there. 40,960 of them are 640 whole pages. */
static void waste_is_what_slots_and_chunks_hold_beyond_the_request(void) {
    struct profile_summary summary = {0};
    struct advice advice;
    ask(&summary, 64, 1000000, 40960);
    advice_make(&summary, 0, &advice);
    CHECK(advice.node_max == 64 && advice.live_bytes == 64 * 40960);
    CHECK_SAY(advice.waste == 0, "waste %g", advice.waste);
    CHECK_SAY(fabs(advice.system_waste - 0.25) < 1e-9, "system's waste %g", advice.system_waste);
}

static void few_requests_need_no_trial(void) {
    struct profile_summary few = {0}, enough = {0};
    struct advice advice;
    ask(&few, 32, ADVICE_LEAST_REQUESTS - 1, 1);
    advice_make(&few, 1, &advice);
    CHECK(advice.verdict == ADVICE_NO_CALLS);
    ask(&enough, 100000, ADVICE_LEAST_REQUESTS, 1);
    advice_make(&enough, 1, &advice);
    CHECK(advice.verdict == ADVICE_UNTRIED && advice.large_share == 1);
}

static void the_verdict_is_that_of_the_measured_times(void) {
    static const struct {
        enum paired_verdict wall, cpu;
        enum advice_verdict verdict;
    } cases[] = {
        {PAIRED_FASTER, PAIRED_FASTER, ADVICE_FASTER},
        {PAIRED_INCONCLUSIVE, PAIRED_FASTER, ADVICE_FASTER},
        {PAIRED_SLIGHTLY_FASTER, PAIRED_NO_DIFFERENCE, ADVICE_FASTER},
        {PAIRED_SLOWER, PAIRED_INCONCLUSIVE, ADVICE_SLOWER},
        {PAIRED_NO_DIFFERENCE, PAIRED_SLIGHTLY_SLOWER, ADVICE_SLOWER},
        {PAIRED_SLOWER, PAIRED_FASTER, ADVICE_INCONCLUSIVE},
        {PAIRED_NO_DIFFERENCE, PAIRED_NO_DIFFERENCE, ADVICE_SAME},
        {PAIRED_NO_DIFFERENCE, PAIRED_INCONCLUSIVE, ADVICE_INCONCLUSIVE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct analysis trial[METRIC_COUNT] = {[METRIC_WALL].verdict = cases[i].wall,
                                               [METRIC_CPU].verdict = cases[i].cpu,
                                               [METRIC_PEAK].verdict = PAIRED_SLOWER};
        CHECK_SAY(advice_judge(trial) == cases[i].verdict, "case %zu: %s", i,
                  advice_verdict_words[advice_judge(trial)]);
    }
}

int main(void) {
    TAP_RUN(a_size_lies_in_the_bin_whose_limit_is_the_next_above_it);
    TAP_RUN(lifetimes_lie_in_bins_of_powers_of_two);
    TAP_RUN(processes_are_added_up_and_the_busiest_comes_first);
    TAP_RUN(a_page_of_another_layout_is_refused);
    TAP_RUN(rubbish_in_the_rows_does_no_harm);
    TAP_RUN(node_max_leaves_out_the_rarest_hundredth);
    TAP_RUN(waste_is_what_slots_and_chunks_hold_beyond_the_request);
    TAP_RUN(few_requests_need_no_trial);
    TAP_RUN(the_verdict_is_that_of_the_measured_times);
    return tap_done();
}
