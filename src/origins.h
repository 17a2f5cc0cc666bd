/* Where blocks come from: with origins=N, the call stack that allocated each block of the pools,
 * and of a freed one, as long as its slot is not in use again, the stack and the thread that freed
 * it.
 *
 * The stacks themselves are kept once each (stacks.h). A slot has two small numbers for them, in a
 * table beside the region: a reservation of its own, half as large as the region, of which what
 * belongs to slabs in use is accessible. A large block of the hardened mode has those of the first
 * slot of the slab that it begins in.
 *
 * Without the option nothing is reserved and nothing noted. With it, no fast path finds a block:
 * each call leaves its stack here on a slower way (checked.c, route.c).
 *
 * Any thread may call it, and a signal handler. Nothing here allocates or waits.
 */
#ifndef ORIGINS_H
#define ORIGINS_H

#include "slab.h"
#include "stacks.h"

/* True if blocks are traced. */
extern HIDDEN bool origins_are_kept;

/* Trace all blocks, with so many frames each. After the region was reserved, before the first heap
 * is opened. Without room for the tables it says so, and nothing is traced. */
void origins_start(uint64_t frames);

/* The region has given address space back: so do the tables beside it, for slabs that are no more.
 * Under pool_lock. */
void origins_release_unused(void);

/* All memory of the process was locked: let the tables not count as that, which are reserved for
 * all slabs. Under pool_lock. */
void origins_unlock(void);

/* The same where blocks are traced. */
void origins_keep_taken(const void *block);
void origins_keep_freed(const void *block);

/* The calling thread has taken a block of the pools, or is about to free one; nothing if blocks are
 * not traced, or the pointer is no block of the pools. */
static inline void origins_note_taken(const void *block) {
    if (UNLIKELY(origins_are_kept))
        origins_keep_taken(block);
}

static inline void origins_note_freed(const void *block) {
    if (UNLIKELY(origins_are_kept))
        origins_keep_freed(block);
}

/* The number of the stack that allocated the live block in a slot; 0 if it is not known. */
uint32_t origins_of(const struct slab *slab, uint32_t slot);

/* The same of a large block of the hardened mode. */
uint32_t origins_of_large(const void *block);

/* Tell the stacks of a fault whose line was told: to the findings file, or, where there is none, on
 * standard error. */
void origins_tell(const struct fault_report *report, const struct text *line);

/* Write a stack to standard error, a frame a line, indented. */
void origins_tell_stack(struct stack stack);

#endif
