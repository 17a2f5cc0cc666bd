/* If this failed, who looks through all blocks at exit would read beyond one that a handler, or a
 * fork beside threads, caught while it was being freed: it is marked as freed, and still live.
 */
#include "checked_life.h"

static void a_block_has_no_more_bytes_than_its_slot(void) {
    void *block = life_take(100);
    const struct slab *slab = slab_at(region_slab_index(block));
    uint32_t slot = (uint32_t)((char *)block - (char *)slab_slot_start(slab, 0)) / slab->stride;
    CHECK(checked_requested(slab, slot) == 100);
    checked_mark_freed(block, checked_mask(slab, block));
    CHECK_SAY(checked_requested(slab, slot) <= slab->stride, "%zu bytes",
              checked_requested(slab, slot));
}

int main(void) {
    life_start(true);
    TAP_RUN(a_block_has_no_more_bytes_than_its_slot);
    return tap_done();
}
