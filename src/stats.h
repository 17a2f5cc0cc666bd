/* The statistics page, seen from the process that is measured. tagpool/stats_page.h describes the
 * file.
 *
 * Without a page all functions do nothing, at the cost of a test; counting itself happens in the
 * counters of each heap. All run under pool_lock but stats_start().
 */
#ifndef STATS_H
#define STATS_H

#include "base.h"
#include "tagpool/stats_page.h"

/* Map the page at `path` (NULL: none) and claim a row of it for this process. A page that is not
 * what the header says is not used. */
void stats_start(const char *path, uint64_t strategy, uint64_t tag_bytes);

/* A cleared lane for a new thread; NULL if there is none. */
struct tagpool_stats_counters *stats_claim_lane(void);

/* Add what a thread counted, in its lane or privately, to the total, and free the lane if it is
 * one. */
void stats_retire(struct tagpool_stats_counters *counters);

/* Tell how many slabs are taken, and the most there were. */
void stats_note_slabs(size_t taken, size_t taken_peak);

/* Count a fault. Not under pool_lock. */
void stats_count_fault(void);

/* Tell what is live at the end. */
void stats_note_leaks(uint64_t blocks, uint64_t bytes);

/* In the child of a fork: claim a row of its own. Lanes of the parent's row must not be written any
 * more. */
void stats_after_fork(void);

/* The process ends by exit(). */
void stats_end(void);

#endif
