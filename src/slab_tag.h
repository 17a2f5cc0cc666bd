/* Tags: what a slab's descriptor must hold for a pointer into the slab to be believed.
 *
 *   bit 63       posted: another thread has freed blocks that the owner has not folded in yet
 *   bits 62..48  owner: the heap that hands its slots out, or one of those below
 *   bits 47..0   magic ^ slab index, so that a descriptor copied elsewhere is not valid there
 *
 * Bits 62..0 are xored with a random key, chosen at start. So ONE compare of a heap's own tag with
 * a descriptor's proves: a slab, intact, mine, and nothing posted. A descriptor that never served
 * holds 0.
 */
#ifndef SLAB_TAG_H
#define SLAB_TAG_H

#include "assertion.h"
#include "base.h"

enum {
    SLAB_OWNER_ORPHAN = 0,    /* its thread has ended; changes hands under pool_lock */
    SLAB_OWNER_FIRST = 1,     /* heaps count from here */
    SLAB_OWNER_NONE = 0x7fff, /* an empty slab that waits in the region */
    SLAB_TAG_OWNER_SHIFT = 48,
};

#define SLAB_TAG_POSTED     ((uint64_t)1 << 63)
#define SLAB_TAG_INDEX_MASK (((uint64_t)1 << SLAB_TAG_OWNER_SHIFT) - 1)

/* The key. Bit 63 is clear. Written once, by slab_tag_start(). */
extern HIDDEN uint64_t slab_tag_key;

/* Choose the key. */
void slab_tag_start(uint64_t random_bits);

/* The tag of slab 0 of an owner; xored with a slab's index it is that slab's tag. */
static inline uint64_t slab_tag_of_owner(unsigned owner) {
    ASSERT(owner <= SLAB_OWNER_NONE && (slab_tag_key & SLAB_TAG_POSTED) == 0);
    return slab_tag_key ^ (uint64_t)owner << SLAB_TAG_OWNER_SHIFT;
}

/* The owner that a tag names, posted or not; -1 if it is not the tag of that slab. */
static inline int slab_tag_owner(uint64_t tag, size_t slab_index) {
    uint64_t plain = (tag & ~SLAB_TAG_POSTED) ^ slab_tag_key ^ slab_index;
    return (plain & SLAB_TAG_INDEX_MASK) != 0 ? -1 : (int)(plain >> SLAB_TAG_OWNER_SHIFT);
}

#endif
