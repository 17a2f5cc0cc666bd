/* The reservation of address space: how large each of its areas is for so many slabs (region.h
 * draws them), and how large one can be had.
 */
#ifndef RESERVATION_H
#define RESERVATION_H

#include "base.h"

enum {
    REGION_DESCRIPTOR_BYTES = 128 + 8 * (int)SLAB_WORDS, /* sizeof(struct slab) */
    REGION_REMOTE_BYTES = 8 * (int)SLAB_WORDS,           /* sizeof(struct slab_remote) */
    REGION_ASIDE_BYTES = 8 * (int)SLAB_WORDS,            /* sizeof(struct slab_aside) */
};

/* Under an address-space limit, at most a quarter of it is reserved. */
enum { REGION_LIMIT_SHARE = 4 };

#define REGION_ALIGNMENT ((size_t)2 << 20) /* of huge pages */

enum { SLAB_SETS = 3 }; /* after the descriptors; the last one's room is of advice.h */

/* Bytes of a table with one entry for each slab, and of the words of one set. */
size_t reservation_table_bytes(size_t slabs, size_t entry_bytes);
size_t reservation_set_bytes(size_t slabs);

typedef void reservation_give(void *start, size_t bytes); /* os_unreserve() or os_unlock() */

/* Give what an area has beyond its first bytes; and what a table has for more slabs than these. */
void reservation_give_end(reservation_give *give, void *area, size_t bytes, size_t kept_bytes);
void reservation_give_entries(reservation_give *give, char *table, size_t entry_bytes, size_t slabs,
                              size_t slabs_kept);

/* Bytes of all areas after the slabs. */
size_t reservation_areas_bytes(size_t slabs);

/* The inaccessible bytes in front of slab 0. */
size_t reservation_gap_bytes(size_t slabs);

/* All bytes. */
size_t reservation_bytes(size_t slabs);

/* Make the largest reservation that can be had, halving from the full size: how many slabs it has
 * goes to `slabs`. The start of the first one; NULL if there is no room. */
char *reservation_make(size_t *slabs);

#endif
