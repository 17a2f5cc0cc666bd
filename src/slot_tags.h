/* The tags of free slots in the hardened mode: each slot that was ever claimed has one, and so has
 * the place behind the last. For the slab's owner. */
#ifndef SLOT_TAGS_H
#define SLOT_TAGS_H

#include "slab.h"

/* See to it that all slots that were claimed have tags. */
void slot_tags_claimed(const struct slab *slab, const struct slab_claim *claim);

/* Take the tags of slots from `first` to `last` away. */
void slot_tags_take_away(const struct slab *slab, uint32_t first, uint32_t last);

/* Make an empty slab serve a class: all zero but for the tags of its slots, and inaccessible if it
 * is for blocks of no bytes. If it served the same class before, its slots stay as they are. */
void slot_tags_init(struct slab *slab, unsigned class_index, bool zeroed);

#endif
