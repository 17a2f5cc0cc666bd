/* Large blocks of the hardened mode: each in a span of slabs of its own, between inaccessible ones.
 *
 *   | no access | ... | tag | block | canary, 1 to 32 bytes | no access |
 *                     first slab ... last slab
 *
 * The block ends at the end of the span, so that a write past it meets inaccessible memory; it
 * starts in the span's first slab, whose descriptor stands for it: `summary` is the requested size,
 * `stride` the number of slabs, `next` the block. A freed span is inaccessible until it is reused.
 *
 * All functions take pool_lock. None of this is fast; nor are blocks of this size frequent.
 */
#ifndef LARGE_H
#define LARGE_H

#include "block_tag.h"
#include "size_class.h"
#include "slab.h"

/* The class that large blocks count as, in tags too: beyond all others. */
enum { LARGE_CLASS = (1 << BLOCK_CLASS_BITS) - 1 };
static_assert((int)SIZE_CLASS_ALL <= (int)LARGE_CLASS, "a tag has room for every class");

/* A block of more than fits a slab. NULL if there is no room. */
void *large_take(size_t bytes, enum block_form form);

/* The fault of freeing or using a pointer that lies in a span, FAULT_NONE if it is a live block;
 * `form` as of the call, BLOCK_ANY for any. The place, the requested size and what else is known
 * goes to `report`. FAULT_NEVER_ALLOCATED if it lies in no span. */
enum fault large_examine(const void *pointer, enum block_form form, size_t bytes,
                         struct fault_report *report);

/* Free a block that large_examine() has passed. */
void large_give(void *block);

/* The span of the live block that a pointer lies in or beside; NULL if there is none. While nothing
 * changes. */
const struct slab *large_find(const void *pointer);

/* A live block, by the descriptor of its span. */
static inline const char *large_block(const struct slab *slab) {
    return (const char *)slab->next;
}

/* The size that was requested of a live block, by the descriptor of its span. */
static inline size_t large_requested(const struct slab *slab) {
    return slab->summary;
}

#endif
