/* Which live blocks the program can still get at, when it ends: those that a pointer in a variable,
 * on a stack, in a register or in other memory of the program leads to (roots.h), directly or by
 * way of other such blocks. A pointer is any aligned word with the address of a block or of a place
 * inside it.
 */
#ifndef REACH_H
#define REACH_H

#include "roots.h"
#include "slab.h"

/* Look for them, and then call `judge` while all other threads are still halted: so all is told of
 * one moment. Of the calling thread's stack, what lies above `stack` is looked through. What could
 * not be looked at; where there is no memory for marks, that is all memory. The function must not
 * allocate or wait. */
struct roots_unseen reach_judge(const void *stack, void (*judge)(void *context), void *context);

/* True if a live block was found. Of a large one its span tells (span->is_reached). */
bool reach_has(const struct slab *slab, uint32_t slot);

#endif
