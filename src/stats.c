#include "stats.h"

#include "os.h"
#include "size_class.h"

#include <stdatomic.h>
#include <string.h>

static struct tagpool_stats_page *page;
static struct tagpool_stats_row *row; /* of this process; NULL: without a page, or without room */
static uint64_t row_strategy;
static uint64_t row_tag_bytes;
static bool lane_claimed[TAGPOOL_STATS_LANES];

static_assert((int)SIZE_CLASS_ALL <= (int)TAGPOOL_STATS_CLASSES,
              "the page has room for every class");

static bool page_is_valid(const struct tagpool_stats_head *head) {
    return head->magic == TAGPOOL_STATS_MAGIC && head->version == TAGPOOL_STATS_VERSION &&
           head->head_bytes == sizeof(struct tagpool_stats_head) &&
           head->row_bytes == sizeof(struct tagpool_stats_row) &&
           head->row_count == TAGPOOL_STATS_ROWS;
}

/* Processes race for rows: the compare-and-swap decides. Relaxed: nothing else is published by it.
 */
static struct tagpool_stats_row *claim_row(void) {
    for (size_t i = 0; i < TAGPOOL_STATS_ROWS; i++) {
        uint64_t expected = TAGPOOL_STATS_FREE;
        if (__atomic_compare_exchange_n(&page->rows[i].state, &expected, TAGPOOL_STATS_RUNNING,
                                        false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            return &page->rows[i];
    }
    __atomic_fetch_add(&page->head.rows_missed, 1, __ATOMIC_RELAXED);
    return NULL;
}

static void open_row(void) {
    row = claim_row();
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

void stats_start(const char *path, uint64_t strategy, uint64_t tag_bytes) {
    if (path == NULL)
        return;
    row_strategy = strategy;
    row_tag_bytes = tag_bytes;
    page = os_map_shared(path, sizeof *page);
    if (page != NULL && page_is_valid(&page->head))
        open_row();
    else
        page = NULL;
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

void stats_retire(struct tagpool_stats_counters *counters) {
    if (row == NULL)
        return;
    /* The struct is all counters: add it up as an array of them. */
    uint64_t *total = (uint64_t *)&row->total;
    uint64_t *counts = (uint64_t *)counters;
    for (size_t i = 0; i < sizeof *counters / sizeof *counts; i++) {
        total[i] += counts[i];
        counts[i] = 0;
    }
    for (size_t i = 0; i < TAGPOOL_STATS_LANES; i++)
        if (counters == &row->lanes[i])
            lane_claimed[i] = false;
}

void stats_note_slabs(size_t taken, size_t taken_peak) {
    if (row == NULL)
        return;
    row->slabs = taken;
    row->slabs_peak = taken_peak;
}

void stats_count_fault(void) {
    if (page != NULL)
        __atomic_fetch_add(row != NULL ? &row->faults : &page->head.missed_faults, 1,
                           __ATOMIC_RELAXED);
}

void stats_note_leaks(uint64_t blocks, uint64_t bytes) {
    if (row != NULL) {
        row->leaked_blocks = blocks;
        row->leaked_bytes = bytes;
    } else if (page != NULL) {
        __atomic_fetch_add(&page->head.missed_leaked_blocks, blocks, __ATOMIC_RELAXED);
        __atomic_fetch_add(&page->head.missed_leaked_bytes, bytes, __ATOMIC_RELAXED);
    }
}

void stats_after_fork(void) {
    if (page != NULL)
        open_row();
}

void stats_end(void) {
    if (row != NULL)
        row->state = TAGPOOL_STATS_ENDED;
    else if (page != NULL)
        __atomic_fetch_add(&page->head.missed_ended, 1, __ATOMIC_RELAXED);
}
