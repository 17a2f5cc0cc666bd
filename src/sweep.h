/* The sweep: memory goes back to the system when nobody needed it for a time. There is no thread
 * for it: heaps look at the clock now and then as they claim slots.
 *
 * Slabs in which few blocks are left give back the pages without any. A live bit is all it takes to
 * know that a page is free. In the hardened mode free slots hold tags: those that are gone with a
 * page are written again as the slots are claimed (SLAB_PURGED), and what somebody has written to a
 * freed block there is not found. Such slabs need not wait where the pool grows: so what a program
 * keeps of each of its phases costs little. Empty slabs give all back.
 */
#ifndef SWEEP_H
#define SWEEP_H

#include "heap_table.h"

/* Memory that was not needed for so many milliseconds goes back. Before the first heap is opened.
 */
void sweep_start(uint64_t decay_ms);

/* A heap gets a thread. */
void sweep_open(struct heap *heap);

/* A slab of the heap has become empty, so there may be something to give back: the heap looks at
 * the clock soon. */
void sweep_note_empty(struct heap *heap);

/* True if there is memory that may have to go back. */
enum { SWEEP_SOME_SLABS = 16 };
static inline bool sweep_has_some(const struct heap *heap) {
    return __atomic_load_n(&region_counts.warm, __ATOMIC_RELAXED) >= SWEEP_SOME_SLABS ||
           heap->sparse_noted >= SWEEP_SOME_SLABS;
}

/* A heap has claimed slots as often as it may until it looks at the clock. True if the time is over
 * for it or, as threads may live for less, for the process: call sweep_rested(). */
bool sweep_is_time(struct heap *heap);

/* True if it is over for the heap. */
bool sweep_is_heaps_time(const struct heap *heap);

/* If the time is over for the heap, return what its sparse slabs can spare that had been there when
 * it was over the last time. If it is over for the process, return all empty slabs that nobody
 * needed meanwhile; true then. Under pool_lock. */
bool sweep_rested(struct heap *heap);

/* The pool is about to grow by a slab. True if it has grown by a share of what it is since this was
 * true the last time. Under pool_lock. */
bool sweep_is_worth_growth(void);

/* True if no heap has passed a call on to the next allocator since this was asked the last time,
 * but one had before; and the pool has grown by a quarter since this was true, or `rested`: the
 * time is over. What that allocator keeps is not needed then. Under pool_lock. */
bool sweep_next_is_idle(bool rested);

/* A slab of the heap has become sparse, or more so, and is the first of its list. When there are
 * many of these, or more than empty slabs may stay, all return what they can spare. Takes
 * pool_lock. */
void sweep_note_sparse(struct heap *heap);

/* It leaves its list. */
void sweep_forget_sparse(struct heap *heap, const struct slab *slab);

/* The same of a slab that its heap hands out from. True if it has few blocks, not counting the
 * slots `claimed` and not handed out, and no slot was claimed since this was asked the last time,
 * or `rested`: what it can spare is to go back. */
bool sweep_is_rested(struct slab *slab, uint32_t claimed, bool rested);

/* Return what the sparse slabs of the heap can spare. Under pool_lock. */
void sweep_sparse(struct heap *heap);

/* Return what a slab can spare in which `blocks` are left, if they are few; and again when most of
 * these are gone. For the slab's owner, under pool_lock. */
void sweep_purge_sparse(struct slab *slab, uint32_t blocks);

/* The same, but if the slab was not looked at before since it was in use, only note that. */
void sweep_purge_rested(struct slab *slab, uint32_t blocks);

/* Return the memory of all pages of the heap's slabs in which no block is left. The bytes. Under
 * pool_lock. */
size_t sweep_all(struct heap *heap);

/* The same for the slabs of a list. */
size_t sweep_list(const struct slab_list *list);

#endif
