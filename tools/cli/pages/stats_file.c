#include "pages/stats_file.h"

#include "base/memory.h"
#include "pages/shared_file.h"

#include <stdlib.h>
#include <string.h>

/* ---- the file ---- */

static const struct tagpool_stats_head stats_file_head = {
    .magic = TAGPOOL_STATS_MAGIC,
    .version = TAGPOOL_STATS_VERSION,
    .head_bytes = sizeof(struct tagpool_stats_head),
    .row_bytes = sizeof(struct tagpool_stats_row),
    .row_count = TAGPOOL_STATS_ROWS,
};

static const struct shared_content stats_file_content = {
    .kind = "stats",
    .head = &stats_file_head,
    .head_bytes = sizeof stats_file_head,
    .bytes = sizeof(struct tagpool_stats_page),
};

void stats_file_create(struct stats_file *file) {
    struct shared_file shared;
    shared_file_create(&shared, &stats_file_content);
    file->path = shared.path;
}

void stats_file_reset(struct stats_file *file) {
    shared_file_reset(&(struct shared_file){file->path}, &stats_file_content);
}

void stats_file_remove(struct stats_file *file) {
    shared_file_remove(&(struct shared_file){file->path});
    file->path = NULL;
}

/* ---- the reader ---- */

static uint64_t stats_sum(uint64_t left, uint64_t right) {
    uint64_t sum;
    return __builtin_add_overflow(left, right, &sum) ? UINT64_MAX : sum;
}

static uint64_t stats_product(uint64_t left, uint64_t right) {
    uint64_t product;
    return __builtin_mul_overflow(left, right, &product) ? UINT64_MAX : product;
}

static void stats_add_counters(struct tagpool_stats_counters *sum,
                               const struct tagpool_stats_counters *counters) {
    uint64_t *into = (uint64_t *)sum;
    const uint64_t *from = (const uint64_t *)counters;
    for (size_t i = 0; i < sizeof *sum / sizeof *into; i++)
        into[i] = stats_sum(into[i], from[i]);
}

static void stats_read_row(const struct tagpool_stats_row *row, struct stats_process *process) {
    *process = (struct stats_process){
        .pid = row->pid,
        .state = row->state == TAGPOOL_STATS_ENDED ? TAGPOOL_STATS_ENDED : TAGPOOL_STATS_RUNNING,
        .strategy = row->strategy,
        .threads = row->threads,
        .faults = row->faults,
        .leaked_blocks = row->leaked_blocks,
        .leaked_bytes = row->leaked_bytes,
        .pool_bytes = stats_product(row->slabs, row->slab_bytes),
        .pool_bytes_peak = stats_product(row->slabs_peak, row->slab_bytes),
        .pool_bytes_kept = stats_product(row->slabs_warm, row->slab_bytes),
        .live_bytes = row->live_bytes,
        .live_ns = row->live_ns,
        .pool_calls_least = row->calls_least,
        .pid_namespace = row->pid_namespace,
        .counters = row->total,
    };
    stats_add_counters(&process->counters, &row->beyond);
    memcpy(process->class_bytes, row->class_bytes, sizeof process->class_bytes);
    for (unsigned lane = 0; lane < TAGPOOL_STATS_LANES; lane++)
        stats_add_counters(&process->counters, &row->lanes[lane]);
    /* The name goes to a terminal: printable bytes only. */
    for (unsigned i = 0; i + 1 < sizeof process->name && row->name[i] != '\0'; i++)
        process->name[i] = row->name[i] >= ' ' && row->name[i] <= '~' ? row->name[i] : '?';
}

const char *stats_file_parse(const void *page, size_t bytes, struct stats_summary *summary) {
    struct tagpool_stats_head head;
    *summary = (struct stats_summary){0};
    if (bytes < sizeof head)
        return "the statistics file is shorter than its head";
    memcpy(&head, page, sizeof head);
    if (head.magic != TAGPOOL_STATS_MAGIC)
        return "the statistics file does not begin with its magic number";
    if (head.version != TAGPOOL_STATS_VERSION)
        return "the statistics file has another version; library and program must be of one "
               "release";
    if (head.head_bytes != sizeof head || head.row_bytes != sizeof(struct tagpool_stats_row) ||
        (head.row_count != TAGPOOL_STATS_ROWS && head.row_count != 1))
        return "the statistics file has another layout; library and program must be of one release";
    if (bytes < sizeof head + head.row_count * sizeof(struct tagpool_stats_row))
        return "the statistics file is cut short";
    summary->is_own = head.row_count == 1;
    summary->processes_missed = head.rows_missed;
    summary->missed_ended = head.missed_ended;
    summary->missed_faults = head.missed_faults;
    summary->missed_leaked_blocks = head.missed_leaked_blocks;
    summary->missed_leaked_bytes = head.missed_leaked_bytes;
    summary->processes = memory_array(TAGPOOL_STATS_ROWS, sizeof *summary->processes);
    const char *rows = (const char *)page + sizeof head;
    for (unsigned i = 0; i < head.row_count; i++) {
        struct tagpool_stats_row row;
        memcpy(&row, rows + i * sizeof row, sizeof row);
        if (row.state != TAGPOOL_STATS_FREE)
            stats_read_row(&row, &summary->processes[summary->process_count++]);
    }
    return NULL;
}

const char *stats_file_read(const char *path, struct stats_summary *summary) {
    size_t bytes;
    *summary = (struct stats_summary){0};
    char *page = shared_file_read(path, sizeof(struct tagpool_stats_page), &bytes);
    if (page == NULL)
        return "the statistics file cannot be opened";
    const char *fault = stats_file_parse(page, bytes, summary);
    free(page);
    return fault;
}

void stats_summary_free(struct stats_summary *summary) {
    free(summary->processes);
    *summary = (struct stats_summary){0};
}

uint64_t stats_process_pool_calls(const struct stats_process *process) {
    uint64_t calls = 0;
    for (unsigned i = 0; i < TAGPOOL_STATS_CLASSES; i++)
        calls = stats_sum(calls, process->counters.pool_calls[i]);
    return calls;
}

uint64_t stats_process_pool_calls_so_far(const struct stats_process *process) {
    uint64_t calls = stats_process_pool_calls(process);
    return calls > process->pool_calls_least ? calls : process->pool_calls_least;
}

uint64_t stats_process_calls(const struct stats_process *process) {
    const struct tagpool_stats_counters *counters = &process->counters;
    uint64_t calls = stats_process_pool_calls(process);
    calls = stats_sum(calls, counters->large_calls);
    calls = stats_sum(calls, counters->fallback_calls);
    return stats_sum(calls, counters->direct_calls);
}

uint64_t stats_summary_calls(const struct stats_summary *summary) {
    uint64_t calls = 0;
    for (unsigned i = 0; i < summary->process_count; i++)
        calls = stats_sum(calls, stats_process_calls(&summary->processes[i]));
    return calls;
}
