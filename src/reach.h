/* Which live blocks the program can still get at, when it ends: those that a pointer in a variable
 * of the program or of a library leads to, directly or by way of other such blocks. A pointer is
 * any aligned word with the address of a block or of a place inside it. Blocks of the next
 * allocator are not looked through: what only they lead to counts as lost.
 *
 * Not while other threads run: they may be changing what is read here.
 */
#ifndef REACH_H
#define REACH_H

#include "slab.h"

/* Look for them. False if there is no memory for that: then none is known. */
bool reach_start(void);

/* True if a live block was found. Of a large one its span tells (span->is_reached). */
bool reach_has(const struct slab *slab, uint32_t slot);

#endif
