/* Large blocks of the hardened mode, and those of large alignment: each in a span of slabs of its
 * own (spans.h), between inaccessible ones. Of the span, the pages of the block are accessible.
 *
 *   | no access | slack, tag | block | canary | no access |
 *                page ...             ... page
 *
 * A new block ends at the end of a page, less a canary of 1 to 16 bytes, so that a write past it
 * meets inaccessible memory. One that is aligned further, or that realloc() left in its place, ends
 * within a page, and the canary takes the rest. The slack in front of the tag is part of a page
 * too, and is filled with canary bytes.
 *
 * A block that realloc() makes grow moves to a span with room for more of it: address space alone.
 *
 * All functions take pool_lock, but none works under it on the memory of a block. None of this is
 * fast; nor are blocks of this size frequent.
 */
#ifndef LARGE_H
#define LARGE_H

#include "block_tag.h"
#include "size_class.h"
#include "slab.h"
#include "spans.h"

/* The class that large blocks count as, in tags too: beyond all others. */
enum { LARGE_CLASS = (1 << BLOCK_CLASS_BITS) - 1 };
static_assert((int)SIZE_CLASS_ALL <= (int)LARGE_CLASS, "a tag has room for every class");

/* The largest block that there may be room for. */
size_t large_most_bytes(void);

/* A block of its own, aligned to a power of two; all zeroes. NULL if there is no room. */
void *large_take(size_t alignment, size_t bytes, enum block_form form);

/* What a call tells of the block that it frees or uses. */
struct large_call {
    enum block_form form; /* BLOCK_ANY: any */
    size_t bytes;         /* SIZE_MAX: any */
};

/* The fault of freeing or using a pointer of spans_own(), FAULT_NONE if it is a live block. The
 * place, the requested size and what else is known goes to `report`. What is damaged is made good,
 * so that it is found once. */
enum fault large_examine(const void *pointer, const struct large_call *call,
                         struct fault_report *report);

/* Free a block that large_examine() has passed. */
void large_give(void *block);

/* Let a block that large_examine() has passed have another size, no less than large ones have.
 * Where it is now; NULL, and nothing done, if there is no room. */
void *large_resize(void *block, size_t bytes);

/* The size that was requested of a live block. */
size_t large_requested(const void *block);

/* The block, live or about to be or freed a moment ago, of the span that a pointer of spans_own()
 * lies in; NULL if the span has none. */
const void *large_block_around(const void *pointer);

/* The span of the live block that a pointer of spans_own() lies in or beside; NULL if there is
 * none. While nothing changes. */
struct span *large_find(const void *pointer);

/* The spans of the live blocks, one by one: the one after this, or the first after NULL; NULL at
 * the end. While nothing changes. */
struct span *large_next(const struct span *span);

/* How many live blocks there are, and their memory. */
struct large_sums {
    size_t blocks;
    size_t memory_bytes;
};
void large_sum(struct large_sums *sums);

#endif
