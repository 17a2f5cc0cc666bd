/* If this failed, the pools would stop at an assertion, or serve slabs that are no more, in a
 * process that limits its address space itself: fewer slabs are kept then than there are tables
 * for. */
#include "region.h"
#include "tap.h"

enum { KEPT_SLABS = REGION_SLABS / 2 };

static void what_a_limit_leaves_serves_to_its_end(void) {
    bool zeroed;
    CHECK(region_take_slab(0, &zeroed) == 0);
    CHECK(region_release_unused((size_t)KEPT_SLABS << SLAB_SHIFT));
    for (size_t i = 1; i < KEPT_SLABS; i++)
        CHECK(region_take_slab(0, &zeroed) == i);
    CHECK(region_take_slab(0, &zeroed) == REGION_NO_SLAB);
    CHECK(region.bytes == (size_t)KEPT_SLABS << SLAB_SHIFT);
}

int main(void) {
    CHECK(region_start(0, 0));
    CHECK(lock_acquire(&pool_lock));
    TAP_RUN(what_a_limit_leaves_serves_to_its_end);
    lock_release(&pool_lock);
    return tap_done();
}
