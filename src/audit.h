/* Audits: what must hold for all of a slab or of a heap, looked at slot by slot. They take long, so
 * they run where assertions do (assertion.h), at moments that are not frequent, and are nothing
 * elsewhere.
 */
#ifndef AUDIT_H
#define AUDIT_H

#include "heap_table.h"

#ifdef TAGPOOL_DEBUG

/* The equations of slab.h, for a slab whose owner is `heap`, or, with NULL, one that no bin claims
 * from. For the slab's owner; of an orphan, under pool_lock. */
void audit_slab(const struct heap *heap, const struct slab *slab);

/* A heap without a thread holds nothing. */
void audit_empty(const struct heap *heap);

#else
#define audit_slab(heap, slab) ((void)0)
#define audit_empty(heap)      ((void)0)
#endif

#endif
