/* The blocks that the C and the C++ library keep for themselves to the end, as for threads that
 * have ended, tables and the buffers of streams: they are no leak of the program's. These libraries
 * free them when they are asked to, and are of no use any more after that. So they are asked in a
 * copy of the process (twin.h), and what is live there no more is theirs.
 */
#ifndef RUNTIME_H
#define RUNTIME_H

#include "slab.h"
#include "spans.h"

/* At the start of the process. */
void runtime_start(void);

/* Find them, at the end of the process. Where other threads may be using them none is found, nor
 * where the process cannot be copied, or may not try to. */
void runtime_find(void);

/* True for a live block that was found so. */
bool runtime_has(const struct slab *slab, uint32_t slot);
bool runtime_has_large(const struct span *span);

#endif
