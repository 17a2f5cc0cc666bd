/* Memory that other threads freed, where the owner does not come for it.
 *
 * What is freed remotely waits in the owner's inbox until the owner needs slots. An owner that
 * idles, or needs other slots, may not come for long. So whoever posts a slab to a long inbox, and
 * whoever needs memory or is to give memory back, looks through it, under pool_lock: slabs of which
 * every block was freed by other threads are purged, and kept apart from the inbox (`rescued`), so
 * that they are looked at once. They stay their owner's, which takes them back when it needs slabs.
 *
 * The owner's fast paths know nothing of it. What makes it safe to purge a slab:
 *
 *   1. It is posted, and was taken out of its owner's inbox. Only what comes out of an inbox is
 *      folded, so nobody folds it now; unless the owner was already taking in, which `drains` says.
 *   2. used == slots that other threads freed. `used` counts every slot that the owner has claimed,
 *      until it has freed it: the countdown is the last that free() writes. So no slot of the slab
 *      is in the hands of the owner's thread, of its bin, or in the middle of either path.
 *   3. It is full, available or sparse, and needs no attention: its countdown has not come to 0. To
 *      claim from it the owner has to take it off its list first. A full one leaves its list after
 * a fold or a free, of which there is none (1, 2). Others may be chosen at any moment: but then the
 * owner looks whether it is posted (rescue_await()), and if so waits for pool_lock. We have seen it
 * posted, let every thread pass a barrier, and then look where it is: either it is off the list, or
 * its owner will see that it is posted. Where the kernel offers no such barrier, these are left
 * alone.
 */
#ifndef RESCUE_H
#define RESCUE_H

#include "heap_table.h"

/* So many slabs in an inbox, and others look through it: 4 MiB. */
enum { RESCUE_SLABS = 64 };

/* Look through the inbox of one heap, if pool_lock can be had. */
void rescue_heap(struct heap *owner);

/* Look through the inboxes of all heaps but the calling thread's. The bytes purged. Under
 * pool_lock. */
size_t rescue_all(void);

/* The same before the pool grows, once for so many slabs as were looked at in vain the last time.
 * Under pool_lock. */
void rescue_before_growth(void);

/* Put what was rescued of a heap back into its inbox, for the owner to take in. False if there was
 * nothing. Under pool_lock, or for the owner, which has it taken. */
bool rescue_give_back(struct heap *heap);

/* The owner has taken an available slab off its list, and means to claim from it: wait for who may
 * be looking at it. False if that may be this thread, in a call that a signal handler interrupted,
 * or a fork is under way: then it must not. */
bool rescue_await(void);

#endif
