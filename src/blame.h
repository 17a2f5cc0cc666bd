/* Faults of blocks of the pool: told with whose the block is. */
#ifndef BLAME_H
#define BLAME_H

#include "fault.h"
#include "slab.h"

/* Count a fault and tell it as on_fault says. */
void blame_raise(const struct fault_report *report);

/* The same for a slot that was freed twice, by other threads; nothing for FAULT_SLOT_UNKNOWN. */
void blame_double_free(struct slab *slab, uint32_t slot);

/* Fold what other threads freed of a slab into its live bits, and raise what was freed twice. For
 * the slab's owner; of an orphan, under pool_lock. */
void blame_fold(struct slab *slab);

#endif
