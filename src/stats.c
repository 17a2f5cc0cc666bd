#include "stats.h"

#include "os.h"
#include "shared.h"
#include "size_class.h"
#include "text.h"

#include <stdatomic.h>
#include <string.h>

/* A page of one row, which this process alone writes. */
struct own_page {
    struct tagpool_stats_head head;
    struct tagpool_stats_row row;
};
static_assert(offsetof(struct own_page, row) == offsetof(struct tagpool_stats_page, rows),
              "it is a page, but shorter");

static struct tagpool_stats_head *head; /* of the page; NULL: there is none */
static struct tagpool_stats_row *row;   /* of this process; NULL: without a page, or without room */
static uint64_t row_strategy;
static uint64_t row_tag_bytes;
static bool lane_claimed[TAGPOOL_STATS_LANES];
static SELDOM struct text directory; /* for pages of our own; of length 0: none */
static SELDOM char own_path[TEXT_BYTES + 64];

static_assert((int)SIZE_CLASS_ALL <= (int)TAGPOOL_STATS_CLASSES,
              "the page has room for every class");

static bool head_is_valid(void) {
    return head->magic == TAGPOOL_STATS_MAGIC && head->version == TAGPOOL_STATS_VERSION &&
           head->head_bytes == sizeof(struct tagpool_stats_head) &&
           head->row_bytes == sizeof(struct tagpool_stats_row) &&
           head->row_count == TAGPOOL_STATS_ROWS;
}

/* Processes race for rows: the compare-and-swap decides. Relaxed: nothing else is published by it.
 */
APART static struct tagpool_stats_row *claim_row(void) {
    struct tagpool_stats_page *page = (struct tagpool_stats_page *)head;
    for (size_t i = 0; i < TAGPOOL_STATS_ROWS; i++) {
        uint64_t expected = TAGPOOL_STATS_FREE;
        if (__atomic_compare_exchange_n(&page->rows[i].state, &expected, TAGPOOL_STATS_RUNNING,
                                        false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            return &page->rows[i];
    }
    __atomic_fetch_add(&head->rows_missed, 1, __ATOMIC_RELAXED);
    return NULL;
}

APART static void fill_row(void) {
    memset(lane_claimed, 0, sizeof lane_claimed);
    if (row == NULL)
        return;
    row->pid = os_process_id();
    row->strategy = row_strategy;
    row->slab_bytes = SLAB_BYTES;
    for (size_t i = SIZE_CLASS_FIRST; i < SIZE_CLASS_ALL; i++)
        row->class_bytes[i] = size_class_stride[i] - row_tag_bytes;
    os_program_name(row->name, sizeof row->name);
}

/* The path of this process's own page. */
APART static void make_own_path(void) {
    struct text name = {0};
    text_add(&name, TAGPOOL_STATS_PREFIX);
    text_add_number(&name, os_process_id());
    text_add(&name, TAGPOOL_STATS_SUFFIX);
    memcpy(own_path, directory.bytes, directory.length);
    memcpy(own_path + directory.length, name.bytes, name.length);
    own_path[directory.length + name.length] = '\0';
}

/* The magic number comes last: a reader believes the rest by it. Release, its reader is another
 * process. */
APART static void open_own_page(void) {
    make_own_path();
    struct own_page *page = shared_create(own_path, sizeof *page);
    head = page != NULL ? &page->head : NULL;
    row = page != NULL ? &page->row : NULL;
    fill_row();
    if (page == NULL)
        return;
    row->state = TAGPOOL_STATS_RUNNING;
    row->pid_namespace = os_process_namespace();
    head->version = TAGPOOL_STATS_VERSION;
    head->head_bytes = sizeof *head;
    head->row_bytes = sizeof *row;
    head->row_count = 1;
    __atomic_store_n(&head->magic, TAGPOOL_STATS_MAGIC, __ATOMIC_RELEASE);
}

static bool names_directory(const char *path) {
    size_t length = strlen(path);
    return length > 0 && path[0] == '/' && path[length - 1] == '/' && length < TEXT_BYTES;
}

AT_LOAD void stats_start(const char *path, uint64_t strategy, uint64_t tag_bytes) {
    if (path == NULL)
        return;
    row_strategy = strategy;
    row_tag_bytes = tag_bytes;
    if (names_directory(path)) {
        directory.length = 0;
        text_add(&directory, path);
        open_own_page();
        return;
    }
    head = shared_map(path, sizeof(struct tagpool_stats_page));
    if (head == NULL || !head_is_valid()) {
        head = NULL;
        return;
    }
    row = claim_row();
    fill_row();
}

bool stats_is_made(const char *path) {
    return path == NULL || !names_directory(path) || row != NULL;
}

bool stats_is_kept(void) {
    return row != NULL;
}

struct tagpool_stats_counters *stats_claim_lane(void) {
    if (row == NULL)
        return NULL;
    row->threads++;
    for (size_t i = 0; i < TAGPOOL_STATS_LANES; i++) {
        if (!lane_claimed[i]) {
            lane_claimed[i] = true;
            return &row->lanes[i];
        }
    }
    return NULL;
}

enum { COUNTS = sizeof(struct tagpool_stats_counters) / sizeof(uint64_t) };

bool stats_is_lane(const struct tagpool_stats_counters *counters) {
    return row != NULL && counters >= row->lanes && counters < row->lanes + TAGPOOL_STATS_LANES;
}

void stats_retire(struct tagpool_stats_counters *counters) {
    if (row == NULL)
        return;
    /* The struct is all counters: add it up as an array of them. What the last census saw of a
     * thread without a lane is in the total now. */
    bool is_lane = stats_is_lane(counters);
    uint64_t *total = (uint64_t *)&row->total;
    uint64_t *beyond = (uint64_t *)&row->beyond;
    uint64_t *counts = (uint64_t *)counters;
    for (size_t i = 0; i < COUNTS; i++) {
        total[i] += counts[i];
        if (!is_lane)
            beyond[i] -= counts[i] < beyond[i] ? counts[i] : beyond[i];
        counts[i] = 0;
    }
    for (size_t i = 0; i < TAGPOOL_STATS_LANES; i++)
        if (counters == &row->lanes[i])
            lane_claimed[i] = false;
}

void stats_note_slabs(size_t taken, size_t taken_peak, size_t warm) {
    if (row == NULL)
        return;
    row->slabs = taken;
    row->slabs_peak = taken_peak;
    row->slabs_warm = warm;
}

uint64_t stats_census_ns(void) {
    return row != NULL ? row->live_ns : 0;
}

void stats_note_census(uint64_t now_ns, uint64_t live_bytes,
                       const struct tagpool_stats_counters *beyond) {
    if (row == NULL)
        return;
    row->live_ns = now_ns;
    row->live_bytes = live_bytes;
    row->beyond = *beyond;
}

/* Other threads add to their lanes meanwhile: what is missed of that comes with the next reading.
 */
void stats_hold_calls(void) {
    if (row == NULL)
        return;
    uint64_t sum = 0;
    for (size_t i = 0; i < TAGPOOL_STATS_CLASSES; i++) {
        sum += row->total.pool_calls[i] + row->beyond.pool_calls[i];
        for (size_t lane = 0; lane < TAGPOOL_STATS_LANES; lane++)
            sum += __atomic_load_n(&row->lanes[lane].pool_calls[i], __ATOMIC_RELAXED);
    }
    if (sum > row->calls_least)
        row->calls_least = sum;
}

void stats_count_fault(void) {
    if (head != NULL)
        __atomic_fetch_add(row != NULL ? &row->faults : &head->missed_faults, 1, __ATOMIC_RELAXED);
}

APART void stats_note_leaks(uint64_t blocks, uint64_t bytes) {
    if (row != NULL) {
        row->leaked_blocks = blocks;
        row->leaked_bytes = bytes;
    } else if (head != NULL) {
        __atomic_fetch_add(&head->missed_leaked_blocks, blocks, __ATOMIC_RELAXED);
        __atomic_fetch_add(&head->missed_leaked_bytes, bytes, __ATOMIC_RELAXED);
    }
}

/* It stays mapped, but as memory of our own: heaps lead to its lanes. */
APART void stats_detach(void) {
    size_t bytes =
        directory.length == 0 ? sizeof(struct tagpool_stats_page) : sizeof(struct own_page);
    if (head != NULL)
        shared_detach(head, os_round_to_page(bytes));
}

/* Heaps of threads that the fork left behind lead to lanes of the parent's page. */
void stats_after_fork(void) {
    if (directory.length == 0) {
        if (head != NULL) {
            row = claim_row();
            fill_row();
        }
        return;
    }
    stats_detach();
    open_own_page();
}

void stats_end(void) {
    if (row != NULL)
        row->state = TAGPOOL_STATS_ENDED;
    else if (head != NULL)
        __atomic_fetch_add(&head->missed_ended, 1, __ATOMIC_RELAXED);
    if (head != NULL && directory.length != 0)
        shared_remove(own_path);
}
