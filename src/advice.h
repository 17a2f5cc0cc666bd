/* What the kernel is told of slabs, beside whose they are: which it may back with huge pages, and
 * which core dumps hold. Advice changes no contents.
 *
 * All runs under the lock of the region.
 */
#ifndef ADVICE_H
#define ADVICE_H

#include "base.h"

enum { ADVICE_HUGE_SLABS = 32 }; /* in a huge page */

/* Slab 0 begins at `base`. `advised` has a byte for each huge page, in zeroes, which need not be
 * accessible before the slabs are used. */
void advice_start(uintptr_t base, unsigned char *advised);

/* Let the kernel use the huge page that starts with a slab. */
void advice_allow_huge_page(size_t slab_index);

/* Memory of slabs is about to be returned: let the kernel not fill it in with a huge page. */
void advice_forbid_huge_pages(size_t slab_index, size_t slabs);

/* Let core dumps hold a slab that is about to serve for the first time, and some of those after it
 * that are accessible, the ones below `accessible`; whole huge pages from slab `huge_from` on. */
void advice_put_into_dumps(size_t slab_index, size_t accessible, size_t huge_from);

#endif
