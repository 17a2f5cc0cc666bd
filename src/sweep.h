/* The sweep: slabs in which few blocks are left give memory back, the pages without any. A live bit
 * is all it takes to know that a page is free. Not in the hardened mode, whose free slots hold
 * marks.
 *
 * They do so before the pool grows, so that what a program keeps of each of its phases costs
 * little; when there are more of them than empty slabs may stay; and when nobody wanted their slots
 * for a time. Empty slabs that nobody wanted for a time give all back then.
 */
#ifndef SWEEP_H
#define SWEEP_H

#include "heap_table.h"

/* A heap goes on to another slab that was in use before. Now and then it returns what was not
 * needed for a time. Takes pool_lock. */
void sweep_go_on(struct heap *heap);

/* A slab of the heap has become sparse, or more so, and is the first of its list. If there are more
 * of these than empty slabs may stay, all return what they can spare. Takes pool_lock. */
void sweep_note_sparse(struct heap *heap);

/* Return what the sparse slabs of the heap can spare. Under pool_lock. */
void sweep_sparse(struct heap *heap);

/* Return what a slab can spare in which `blocks` are left, if they are few; and again when most of
 * these are gone. For the slab's owner, under pool_lock. */
void sweep_purge_sparse(struct slab *slab, uint32_t blocks);

/* Return the memory of all pages of the heap's slabs in which no block is left. The bytes. Under
 * pool_lock. */
size_t sweep_all(struct heap *heap);

/* The same for the slabs of a list. */
size_t sweep_list(const struct slab_list *list);

#endif
