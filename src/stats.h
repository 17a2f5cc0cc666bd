/* The statistics page, seen from the process that is measured. tagpool/stats_page.h describes the
 * file.
 *
 * Without a page all functions do nothing, at the cost of a test; counting itself happens in the
 * counters of each heap. All run under pool_lock but stats_start() and stats_is_kept().
 */
#ifndef STATS_H
#define STATS_H

#include "base.h"
#include "tagpool/stats_page.h"

/* Map the page at `path` (NULL: none) and claim a row of it for this process; or, if it names a
 * directory, make one there. A page that is not what the header says is not used. */
void stats_start(const char *path, uint64_t strategy, uint64_t tag_bytes);

/* False if `path` names a directory and no page was made there. */
bool stats_is_made(const char *path);

/* True if there is a row to write to. */
bool stats_is_kept(void);

/* A cleared lane for a new thread; NULL if there is none. */
struct tagpool_stats_counters *stats_claim_lane(void);

/* Add what a thread counted, in its lane or privately, to the total, and free the lane if it is
 * one. */
void stats_retire(struct tagpool_stats_counters *counters);

/* Tell how many slabs are taken, the most there were, and how many are empty but kept. */
void stats_note_slabs(size_t taken, size_t taken_peak, size_t warm);

/* Nanoseconds of clock_coarse_ns() at the last census, 0 if there was none. */
uint64_t stats_census_ns(void);

/* Tell what a census found: bytes in use, and what running threads without a lane have counted. */
void stats_note_census(uint64_t now_ns, uint64_t live_bytes,
                       const struct tagpool_stats_counters *beyond);

/* True if such counters are a lane, which the reader sees. */
bool stats_is_lane(const struct tagpool_stats_counters *counters);

/* Keep the sum of the calls as it is seen now: what a thread did not use of its claims is about to
 * go off it, and a reader must not see it go down. */
void stats_hold_calls(void);

/* Count a fault. Not under pool_lock. */
void stats_count_fault(void);

/* Tell what is live at the end. */
void stats_note_leaks(uint64_t blocks, uint64_t bytes);

/* In the child of a fork: claim a row of its own, or make a page of its own. Lanes of the parent's
 * row must not be written any more. */
void stats_after_fork(void);

/* In a copy of the process that is nobody's: what it counts goes nowhere. */
void stats_detach(void);

/* The process ends by exit(): a page of its own goes. */
void stats_end(void);

#endif
