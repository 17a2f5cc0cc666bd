/* Which live blocks the program can still get at, when it ends: those that a pointer in a variable,
 * on a stack, in a register or in other memory of the program leads to (roots.h), directly or by
 * way of other such blocks. A pointer is any aligned word with the address of a block or of a place
 * inside it.
 */
#ifndef REACH_H
#define REACH_H

#include "slab.h"

/* Look for them; of the calling thread's stack, in what lies above `stack`. False if there is no
 * memory for that: then none is known. `threads_unseen` becomes the number of threads that could
 * not be looked at. */
bool reach_start(const void *stack, unsigned *threads_unseen);

/* True if a live block was found. Of a large one its span tells (span->is_reached). */
bool reach_has(const struct slab *slab, uint32_t slot);

#endif
