/* The blocks that a child of fork(2) has from its parent, if that had other threads. They are not
 * in the child: what only their registers led to, or what they were about to free, seems lost in
 * it, and is none of its leaks. Kept with leaks=on alone.
 */
#ifndef INHERITED_H
#define INHERITED_H

#include "slab.h"

/* Before a fork: are there other threads? And in the child, before it takes or frees. */
void inherited_before_fork(void);
void inherited_after_fork(void);

/* True if a live block was there at the fork; or another in its slot. Of a large one its span tells
 * (span->is_inherited). */
bool inherited_has(const struct slab *slab, uint32_t slot);

#endif
