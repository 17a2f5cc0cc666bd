#include "pages/profile_file.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <tagpool/options.h>

static const struct tagpool_profile_head profile_file_head = {
    .magic = TAGPOOL_PROFILE_MAGIC,
    .version = TAGPOOL_PROFILE_VERSION,
    .head_bytes = sizeof(struct tagpool_profile_head),
    .row_bytes = sizeof(struct tagpool_profile_row),
    .row_count = TAGPOOL_PROFILE_ROWS,
};

void profile_file_create(struct shared_file *file) {
    shared_file_create(file, &(struct shared_content){
                                 .kind = "profile",
                                 .head = &profile_file_head,
                                 .head_bytes = sizeof profile_file_head,
                                 .bytes = sizeof(struct tagpool_profile_page),
                             });
}

/* ---- adding up ---- */

static uint64_t profile_file_sum(uint64_t left, uint64_t right) {
    uint64_t sum;
    return __builtin_add_overflow(left, right, &sum) ? UINT64_MAX : sum;
}

static void profile_file_add(uint64_t *into, const uint64_t *from, size_t count) {
    for (size_t i = 0; i < count; i++)
        into[i] = profile_file_sum(into[i], from[i]);
}

static void profile_file_add_row(struct tagpool_profile_row *total,
                                 const struct tagpool_profile_row *row) {
    total->threads = profile_file_sum(total->threads, row->threads);
    total->calls = profile_file_sum(total->calls, row->calls);
#define PROFILE_FILE_ADD(NAME, HELP) total->NAME = profile_file_sum(total->NAME, row->NAME);
    TAGPOOL_PROFILE_COUNTERS(PROFILE_FILE_ADD)
#undef PROFILE_FILE_ADD
    profile_file_add(total->chains, row->chains, TAGPOOL_PROFILE_CHAINS);
    for (unsigned i = 0; i < TAGPOOL_PROFILE_SIZES; i++) {
        struct tagpool_profile_size *size = &total->sizes[i];
        size->calls = profile_file_sum(size->calls, row->sizes[i].calls);
        size->bytes = profile_file_sum(size->bytes, row->sizes[i].bytes);
        size->live = profile_file_sum(size->live, row->sizes[i].live);
        if (row->sizes[i].live_peak > size->live_peak)
            size->live_peak = row->sizes[i].live_peak;
    }
    for (unsigned i = 0; i < TAGPOOL_PROFILE_LIFE_SIZES; i++) {
        profile_file_add(total->life_calls[i], row->life_calls[i], TAGPOOL_PROFILE_LIFE_STEPS);
        profile_file_add(total->life_us[i], row->life_us[i], TAGPOOL_PROFILE_LIFE_STEPS);
    }
}

/* ---- reading ---- */

static int profile_file_by_calls(const void *left, const void *right) {
    const struct tagpool_profile_row *a = left;
    const struct tagpool_profile_row *b = right;
    if (a->calls != b->calls)
        return a->calls < b->calls ? 1 : -1;
    return (a->pid > b->pid) - (a->pid < b->pid);
}

static void profile_file_read_row(const char *from, struct tagpool_profile_row *row) {
    memcpy(row, from, sizeof *row);
    if (row->sample_count > TAGPOOL_PROFILE_SAMPLES)
        row->sample_count = TAGPOOL_PROFILE_SAMPLES;
    if (row->seen_ns < row->start_ns)
        row->seen_ns = row->start_ns;
    /* The name goes to a terminal: printable bytes only. */
    row->name[sizeof row->name - 1] = '\0';
    for (char *p = row->name; *p != '\0'; p++)
        if (*p < ' ' || *p > '~')
            *p = '?';
}

const char *profile_file_parse(const void *page, size_t bytes, struct profile_summary *summary) {
    struct tagpool_profile_head head;
    *summary = (struct profile_summary){0};
    if (bytes < sizeof head)
        return "the profile is shorter than its head";
    memcpy(&head, page, sizeof head);
    if (head.magic != TAGPOOL_PROFILE_MAGIC)
        return "the profile does not begin with its magic number";
    if (head.version != TAGPOOL_PROFILE_VERSION || head.head_bytes != sizeof head ||
        head.row_bytes != sizeof(struct tagpool_profile_row) ||
        head.row_count != TAGPOOL_PROFILE_ROWS)
        return "the profile has another layout; library and program must be of one release";
    if (bytes < sizeof(struct tagpool_profile_page))
        return "the profile is cut short";
    summary->processes_missed = head.rows_missed;
    summary->processes = memory_array(TAGPOOL_PROFILE_ROWS, sizeof *summary->processes);
    const char *rows = (const char *)page + sizeof head;
    for (unsigned i = 0; i < TAGPOOL_PROFILE_ROWS; i++) {
        struct tagpool_profile_row *row = &summary->processes[summary->process_count];
        profile_file_read_row(rows + i * sizeof *row, row);
        if (row->state == TAGPOOL_PROFILE_FREE)
            continue;
        profile_file_add_row(&summary->total, row);
        summary->process_count++;
    }
    qsort(summary->processes, summary->process_count, sizeof *summary->processes,
          profile_file_by_calls);
    return NULL;
}

const char *profile_file_read(const char *path, struct profile_summary *summary) {
    size_t bytes;
    *summary = (struct profile_summary){0};
    char *page = shared_file_read(path, sizeof(struct tagpool_profile_page), &bytes);
    if (page == NULL)
        return "the profile cannot be opened";
    const char *fault = profile_file_parse(page, bytes, summary);
    free(page);
    return fault;
}

void profile_file_free(struct profile_summary *summary) {
    free(summary->processes);
    *summary = (struct profile_summary){0};
}

/* The requests for at most so many bytes, the limit of a bin. */
static uint64_t profile_file_count(const struct tagpool_profile_row *row, uint64_t bytes_most) {
    uint64_t calls = 0;
    for (unsigned i = 0; i < TAGPOOL_PROFILE_SIZES; i++)
        if (tagpool_profile_size_limit(i) <= bytes_most)
            calls = profile_file_sum(calls, row->sizes[i].calls);
    return calls;
}

uint64_t profile_file_requests(const struct tagpool_profile_row *row) {
    return profile_file_count(row, UINT64_MAX);
}

uint64_t profile_file_node_requests(const struct tagpool_profile_row *row) {
    return profile_file_count(row, TAGPOOL_NODE_MAX);
}
