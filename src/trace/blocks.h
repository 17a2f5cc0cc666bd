/* What is known of each live block, by its address: a hash table in memory of its own, so that the
 * blocks themselves and the allocator that they come from stay as they are.
 *
 *   table   capacity x struct block, a power of two; linear probing; half filled at most
 *
 * It begins with 128 KiB and doubles: 64 to 128 bytes for each live block, at most 4 GiB. When the
 * system refuses the memory, or it would be more than a sixteenth of the process's address space
 * limit, it is filled to 7/8; then new blocks go unknown, and are reported so by
 * blocks_add(). Not thread-safe: the caller holds a lock.
 */
#ifndef BLOCKS_H
#define BLOCKS_H

#include "base.h"

struct block {
    uint64_t address : 48; /* 0: this place of the table is empty */
    uint64_t resizes : 16; /* reallocs it had; the last value stands for more too */
    uint64_t bytes : 48;   /* that were asked for */
    uint64_t process : 16; /* profile: that resized it last, by the forks it comes from */
    uint64_t number : 40;  /* profile: requests until it was born; record: its slot */
    uint64_t thread : 24;  /* that allocated it */
    uint64_t birth_us : 40;
    uint64_t site : 24; /* profile: sites.h */
};

static_assert(sizeof(struct block) == 32, "two blocks to a cache line");

/* Remember a block, whose address is not known yet. False if there is no room. */
bool blocks_add(const struct block *block);

/* Take out the block at an address into `block`. False if none is known there. */
bool blocks_take(const void *address, struct block *block);

#endif
