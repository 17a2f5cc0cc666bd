/* A heap's life: it is opened for a thread and closed when the thread ends, and goes through forks.
 * And what is asked of all heaps at once.
 */
#ifndef HEAP_LIFE_H
#define HEAP_LIFE_H

#include "heap_table.h"
#include "large.h"

/* Make a heap for the calling thread and point heap_current to it. NULL if there is no room, or
 * pool_lock cannot be had. Heaps whose threads have ended without closing them are looked for here,
 * a few at a time, when the table would grow: those of threads that first allocated in the last
 * round of their keys' destructors, before this library's constructor ran, or beside a fork at
 * their end. */
struct heap *heap_life_open(void);

/* End the calling thread's heap: its blocks live on in orphans. heap_current points to heap_ended
 * afterwards. If pool_lock cannot be had, heap_life_open() comes upon it later. */
void heap_life_close(struct heap *heap);

/* In the child of a fork: all heaps but the calling thread's have lost their thread. With `intact`
 * false the call that was interrupted by the forking signal handler held the pool_lock, and what it
 * was about to change is left alone. */
void heap_life_after_fork(bool intact);

/* Take slots claimed and not handed out off the counts, in all heaps: at the end of the process
 * they will not be. If pool_lock cannot be had, in time, it is done without. */
void heap_life_settle_counts(void);

/* Live blocks of each class, their bytes, free slots and all bytes that no block has; and large
 * blocks. A snapshot: other threads go on. */
struct heap_life_sums {
    size_t live_blocks[SIZE_CLASS_ALL];
    size_t live_bytes;
    size_t free_slots;
    size_t free_bytes;
    struct large_sums large;
};
void heap_life_sum(struct heap_life_sums *sums);

/* Visit each live block but the large ones. For the end of the process:
 * other threads' doings are not waited for. */
void heap_life_each_live(void (*visit)(struct slab *slab, uint32_t slot, void *context),
                         void *context);

#endif
