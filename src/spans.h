/* Spans: neighbouring slabs that are taken and returned as one, with an inaccessible slab on either
 * side. Large blocks lie in them (large.h).
 *
 * A span that is returned becomes inaccessible and is kept for the next one of as many slabs. The
 * last small ones keep their memory for a while.
 *
 * Everything runs under pool_lock.
 */
#ifndef SPANS_H
#define SPANS_H

#include "base.h"

/* Take so many neighbouring slabs; all zeroes. The first's index, or REGION_NO_SLAB: of spans there
 * are some thousands at most, because each takes mappings of the system. */
size_t spans_take(size_t slabs);

/* True if a span of so many slabs keeps its memory for a while when it is returned. Any thread may
 * ask, without the lock. */
bool spans_keep_memory(size_t slabs);

/* Return a span, all zeroes if spans_keep_memory(): it becomes inaccessible, and is reused after
 * others that were returned before. */
void spans_return(size_t slab_index, size_t slabs);

/* Return the memory of the spans that keep theirs. The bytes returned. */
size_t spans_trim(void);

#endif
