#include "advice.h"

#include "assertion.h"
#include "os.h"

enum {
    ADVICE_DUMP_STEP = 4,  /* slabs that core dumps hold from now on, at a time, */
    ADVICE_DUMP_SHARE = 8, /* or this share of all */
};

static uintptr_t first_slab;
static unsigned char *huge; /* for each huge page: whether the kernel may use one */
static size_t slabs_dumped; /* slabs from the start that core dumps hold: no table, no slab that is
                               yet to serve; what is left out of them ends there */

static void *slab_start(size_t slab_index) {
    return (void *)(first_slab + (slab_index << SLAB_SHIFT));
}

void advice_start(uintptr_t base, unsigned char *advised) {
    first_slab = base;
    huge = advised;
}

void advice_allow_huge_page(size_t slab_index) {
    ASSERT(slab_index % ADVICE_HUGE_SLABS == 0);
    size_t number = slab_index / ADVICE_HUGE_SLABS;
    if (huge[number] != 0)
        return;
    os_use_huge_pages(slab_start(slab_index), (size_t)ADVICE_HUGE_SLABS << SLAB_SHIFT);
    huge[number] = 1;
}

void advice_forbid_huge_pages(size_t slab_index, size_t slabs) {
    size_t end = (slab_index + slabs - 1) / ADVICE_HUGE_SLABS + 1;
    for (size_t number = slab_index / ADVICE_HUGE_SLABS; number < end; number++) {
        size_t first = number;
        for (; number < end && huge[number] != 0; number++)
            huge[number] = 0;
        if (first < number)
            os_use_no_huge_pages(slab_start(first * ADVICE_HUGE_SLABS),
                                 ((number - first) * ADVICE_HUGE_SLABS) << SLAB_SHIFT);
    }
}

/* Where the pool may grow by huge pages, whole ones: a mapping that ends within one prevents it. */
void advice_put_into_dumps(size_t slab_index, size_t accessible, size_t huge_from) {
    ASSERT(slab_index < accessible);
    if (slab_index < slabs_dumped)
        return;
    size_t step = larger(slab_index / ADVICE_DUMP_SHARE, ADVICE_DUMP_STEP);
    if (slab_index + ADVICE_HUGE_SLABS > huge_from)
        step += ADVICE_HUGE_SLABS - 1 - (slab_index + step - 1) % ADVICE_HUGE_SLABS;
    step = smaller(step, accessible - slab_index);
    os_put_into_dumps(slab_start(slab_index), step << SLAB_SHIFT);
    slabs_dumped = slab_index + step;
}
