/* Tags: what a slab's descriptor must hold for a pointer into the slab to be believed.
 *
 *   bit 63       posted: another thread has freed blocks that the owner has not folded in yet
 *   bits 62..48  owner: the heap that hands its slots out, or one of the two below
 *   bits 47..0   magic ^ slab index, so that a descriptor copied elsewhere is not valid there
 *
 * Bits 62..0 are xored with a random key, chosen at start. So ONE compare of a heap's own tag with
 * a descriptor's proves: a slab, intact, mine, and nothing posted. A descriptor that never served
 * holds 0.
 */
#ifndef TAG_H
#define TAG_H

#include "base.h"

enum {
    TAG_OWNER_ORPHAN = 0,    /* its thread has ended; changes hands under pool_lock */
    TAG_OWNER_FIRST = 1,     /* heaps count from here */
    TAG_OWNER_RUN = 0x7ffe,  /* the first slab of a large block: see run.h */
    TAG_OWNER_NONE = 0x7fff, /* an empty slab that waits in the region */
    TAG_OWNER_SHIFT = 48,
};

#define TAG_POSTED     ((uint64_t)1 << 63)
#define TAG_INDEX_MASK (((uint64_t)1 << TAG_OWNER_SHIFT) - 1)

/* The key. Bit 63 is clear. Written once, by tag_start(). */
extern HIDDEN uint64_t tag_key;

/* Choose the key. */
void tag_start(uint64_t random_bits);

/* The tag of slab 0 of an owner; xored with a slab's index it is that slab's tag. */
static inline uint64_t tag_of_owner(unsigned owner) {
    return tag_key ^ (uint64_t)owner << TAG_OWNER_SHIFT;
}

/* The owner that a tag names, posted or not; -1 if it is not the tag of that slab. */
static inline int tag_owner(uint64_t tag, size_t slab_index) {
    uint64_t plain = (tag & ~TAG_POSTED) ^ tag_key ^ slab_index;
    return (plain & TAG_INDEX_MASK) != 0 ? -1 : (int)(plain >> TAG_OWNER_SHIFT);
}

#endif
