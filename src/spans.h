/* Spans: neighbouring slabs that are taken and returned as one, each with an inaccessible slab on
 * either side. Large blocks lie in them (large.h).
 *
 * They have a range of the region of their own, after the slabs of slots. It is divided into units:
 * a unit is a span and the guard after it. Slabs are numbered from the start of the range.
 *
 *   ... slabs | gap | span      | guard | free run            | span     | guard | never used ...
 *                   <---- unit -----> <------ unit -------> <---- unit ----->
 *
 * A set of bits says where units begin. Units that are free are one with free neighbours, and a
 * span is taken from the free run that fits best. A span that is returned waits before it becomes
 * free, so that it is not reused at once; the last small ones keep their memory meanwhile. All that
 * is not in use is inaccessible, has no memory, and is one mapping.
 *
 * Everything runs under pool_lock unless it says otherwise.
 */
#ifndef SPANS_H
#define SPANS_H

#include "base.h"
#include "region.h"

enum span_state { SPAN_NONE, SPAN_FREE, SPAN_TAKEN, SPAN_WAITING, SPAN_WARM };

/* Of each slab of the range. What is known of a unit stands where it begins, and in the last slab
 * of a free one its size. */
struct span {
    uint32_t number; /* of the slab where the unit begins */
    uint32_t slabs;  /* of the unit, with the guard */
    uint32_t next;   /* of a free run: those of like size; of a freed block: what waits beside it */
    uint32_t previous;
    uint8_t state; /* enum span_state */
    uint8_t alignment_shift;
    _Atomic(bool) is_live; /* it holds a block of the program */
    bool is_reached;       /* which a pointer was found to, at the end (reach.h) */
    bool is_inherited;     /* which was there at a fork (inherited.h) */
    uint32_t dumped_slabs; /* from its start, that core dumps hold because the block grew */
    union {
        size_t memory_slabs; /* of a taken unit: counted as taken */
        size_t warm_bytes;   /* of a returned one: what it keeps */
    };
    char *
        block; /* of a taken unit; in any slab: the block that began there when it was freed last */
    size_t requested;
};

/* Set the range up, for the hardened mode. Before the first span is taken. */
void spans_start(void);

/* Take a span of so many slabs, of which `memory_slabs` are to have memory: inaccessible, all
 * zeroes. NULL if there is no room, or the limits on memory or on mappings are reached. */
struct span *spans_take(size_t slabs, size_t memory_slabs);

/* Count another number of a span's slabs as having memory. False if that is beyond the limit. */
bool spans_count_memory(struct span *span, size_t memory_slabs);

/* Return a span, whose memory is accessible from `start` on for so many bytes; if all zeroes, with
 * `kept_bytes` that have memory, else 0. It becomes inaccessible. */
void spans_return(struct span *span, char *start, size_t bytes, size_t kept_bytes);

/* True if a span keeps its memory for a while if it is returned all zero. Any thread may ask,
 * without the lock. */
bool spans_keep_memory(const struct span *span);

/* Return the memory of the spans that keep theirs. The bytes returned. */
size_t spans_trim(void);

/* The unit that a pointer lies in, taken or not; NULL if it lies in none. */
struct span *spans_find(const void *pointer);

/* True if the block that began here, in a unit that is not taken, was freed. */
bool spans_was_freed(const void *pointer);

/* The spans taken, one by one: the one after this, or the first after NULL; NULL at the end. */
struct span *spans_next_taken(const struct span *span);

/* The number of the slab that a pointer of the range lies in. */
static inline size_t spans_number_at(const void *pointer) {
    return ((uintptr_t)pointer - region_bounds.span_base) >> SLAB_SHIFT;
}

/* The number of a unit, and its unit by number. */
uint32_t span_number(const struct span *span);
struct span *span_of(uint32_t number);

/* Where a span begins and ends, without the guard. */
char *span_start(const struct span *span);
char *span_end(const struct span *span);

/* True if a pointer lies in the range. Any thread may ask, without the lock. */
static inline bool spans_own(const void *pointer) {
    return (uintptr_t)pointer - region_bounds.span_base < region_bounds.span_slabs << SLAB_SHIFT;
}

#endif
