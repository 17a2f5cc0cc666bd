/* The statistics page of a run: made here, filled in by the shim, read here.
 *
 * include/tagpool/stats_page.h has the layout. The reader works on a copy of the file and trusts
 * nothing in it: a target can write rubbish there. Sums are kept from wrapping, names are cut at
 * the end of their field.
 */
#ifndef PAGES_STATS_FILE_H
#define PAGES_STATS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <tagpool/stats_page.h>

struct stats_file {
    char *path; /* passed to the target in TAGPOOL_STATS */
};

/* Creates the file, allocated in full, and arranges that it does not outlive the program. Ends
 * the program with a message when no directory takes it. */
void stats_file_create(struct stats_file *file);
void stats_file_remove(struct stats_file *file);

/* Empties the page for another run. */
void stats_file_reset(struct stats_file *file);

/* One process as the reader sees it: a row whose lanes are added up. */
struct stats_process {
    uint64_t pid;
    enum tagpool_stats_state state;
    uint64_t strategy;
    uint64_t pool_bytes; /* of slabs in use */
    uint64_t pool_bytes_peak;
    uint64_t pool_bytes_kept; /* of empty slabs */
    uint64_t live_bytes;      /* at the last census, */
    uint64_t live_ns;         /* which was at this time of CLOCK_MONOTONIC; 0: there was none */
    uint64_t pool_calls_least;
    uint64_t pid_namespace;
    uint64_t threads;
    uint64_t faults;
    uint64_t leaked_blocks;
    uint64_t leaked_bytes;
    uint64_t class_bytes[TAGPOOL_STATS_CLASSES];
    char name[TAGPOOL_STATS_NAME_BYTES];
    struct tagpool_stats_counters counters;
};

struct stats_summary {
    struct stats_process *processes; /* those that claimed a row */
    unsigned process_count;
    bool is_own;               /* the page is one process's own */
    uint64_t processes_missed; /* those that found no free row; the rest is theirs */
    uint64_t missed_ended;     /* of them, those that left by exit() */
    uint64_t missed_faults;
    uint64_t missed_leaked_blocks;
    uint64_t missed_leaked_bytes;
};

/* NULL when the file could be read and its head is sound; otherwise a sentence that says what is
 * wrong with it. */
const char *stats_file_read(const char *path, struct stats_summary *summary);

/* The same for a page in memory of `bytes` bytes. */
const char *stats_file_parse(const void *page, size_t bytes, struct stats_summary *summary);

void stats_summary_free(struct stats_summary *summary);

/* Calls that the pool served, and all calls that reached the shim, over one process. */
uint64_t stats_process_pool_calls(const struct stats_process *process);
uint64_t stats_process_calls(const struct stats_process *process);

/* Of a process that still runs: the first, but never less than was seen before. */
uint64_t stats_process_pool_calls_so_far(const struct stats_process *process);

/* All calls over all processes: 0 means that the shim was not active. */
uint64_t stats_summary_calls(const struct stats_summary *summary);

#endif
