/* The sweep: slabs that rest, because the program needs less than it did, give memory back.
 *
 * Now and then a heap looks at some slabs, going around the region, and those from which nothing
 * was claimed since the last look return what they can: empty ones all of it, others the pages in
 * which no block is left. A live bit is all it takes to know that a page is free. Not in the
 * hardened mode, whose free slots hold marks.
 */
#ifndef SWEEP_H
#define SWEEP_H

#include "heap_table.h"

/* A heap goes on to another slab that was in use before. Every few times its sweep goes on, so that
 * memory that was not needed for a while goes back to the system. A heap that only grows, or takes
 * empty slabs again and again, does not move it. Takes pool_lock. */
void sweep_go_on(struct heap *heap);

/* True if no slot of the slab was claimed since it was asked the last time. For the slab's owner;
 * of an orphan, under pool_lock. */
bool sweep_has_rested(struct slab *slab);

/* Return the memory of free slots of a slab in which few blocks are left, `blocks`, and again when
 * most of these are gone. For the same callers. */
void sweep_purge_sparse(struct slab *slab, uint32_t blocks);

#endif
