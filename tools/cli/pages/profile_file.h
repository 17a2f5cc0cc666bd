/* The profile page of a run: made here, filled in by libtagpool-trace.so, read here.
 *
 * include/tagpool/profile_page.h has the layout. The reader works on a copy and trusts nothing in
 * it: counts are bounded where they index, sums are kept from wrapping, names are made printable.
 */
#ifndef PAGES_PROFILE_FILE_H
#define PAGES_PROFILE_FILE_H

#include "pages/shared_file.h"

#include <tagpool/profile_page.h>

void profile_file_create(struct shared_file *file);

struct profile_summary {
    struct tagpool_profile_row *processes; /* those that claimed a row, the busiest first */
    unsigned process_count;
    uint64_t processes_missed;
    /* What can be added up over processes is: counters, sizes, lifetimes, chains, threads, calls.
     * All else is 0; a size's live_peak is that of the process where it was highest. */
    struct tagpool_profile_row total;
};

/* NULL when the file could be read and its head is sound; otherwise a sentence that says what is
 * wrong with it. */
const char *profile_file_read(const char *path, struct profile_summary *summary);

/* The same for a page in memory of `bytes` bytes. */
const char *profile_file_parse(const void *page, size_t bytes, struct profile_summary *summary);

void profile_file_free(struct profile_summary *summary);

/* Calls that asked for memory, and those of them that asked for a node: at most
 * TAGPOOL_NODE_MAX bytes. */
uint64_t profile_file_requests(const struct tagpool_profile_row *row);
uint64_t profile_file_node_requests(const struct tagpool_profile_row *row);

#endif
