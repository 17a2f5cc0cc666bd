#include "slot_tags.h"

#include "block_tag.h"
#include "os.h"

#include <string.h>

static void tag_freed(const struct slab *slab, uint32_t slot) {
    void *block = slab_slot_start(slab, slot);
    block_tag_mark_freed(block, block_tag_mask(block), slab->class_index);
}

/* Mark slots that were claimed for the first time, from `first` on, as freed, and put a tag behind
 * the last: so there is one behind each that is in use. */
static void tag_fresh(const struct slab *slab, uint32_t first) {
    for (uint32_t slot = first == 0 ? 0 : first + 1; slot <= slab->fresh_slot; slot++)
        tag_freed(slab, slot);
}

/* Renew the tags that are gone with memory that was purged: those of slots that were claimed, and
 * behind them. */
static void tag_purged(const struct slab *slab, uint32_t first, uint64_t mask) {
    for (; mask != 0; mask &= mask - 1) {
        uint32_t slot = first + (uint32_t)__builtin_ctzll(mask);
        if (block_tag_load(slab_slot_start(slab, slot)) == 0)
            tag_freed(slab, slot);
        if (block_tag_load(slab_slot_start(slab, slot + 1)) == 0)
            tag_freed(slab, slot + 1);
    }
}

void slot_tags_claimed(const struct slab *slab, const struct slab_claim *claim) {
    uint32_t first = claim->word * WORD_BITS;
    if (claim->fresh)
        tag_fresh(slab, first + (uint32_t)__builtin_ctzll(claim->mask));
    if (slab_disturbed(slab) == SLAB_PURGED)
        tag_purged(slab, first, claim->mask);
}

void slot_tags_take_away(const struct slab *slab, uint32_t first, uint32_t last) {
    for (uint32_t slot = first; slot <= last; slot++)
        OWNER_STORE(block_tag_word(slab_slot_start(slab, slot)), 0);
}

/* Before a slab of the hardened mode serves another class: all its blocks were cleared as they were
 * freed, but their tags are left, and would lie within the new blocks. */
static void clear_remains(const struct slab *slab) {
    if (slab_disturbed(slab) == SLAB_DISTURBED)
        memset(slab_start(slab), 0, SLAB_BYTES);
    else if (slab->class_index != 0)
        slot_tags_take_away(slab, 0, slab->fresh_slot);
}

void slot_tags_init(struct slab *slab, unsigned class_index, bool zeroed) {
    bool is_same =
        !zeroed && slab->class_index == class_index && slab_disturbed(slab) != SLAB_DISTURBED;
    uint32_t fresh_slot = is_same ? slab->fresh_slot : 0;
    enum slab_disturbed disturbed = is_same ? slab_disturbed(slab) : SLAB_AS_FREED;
    if (!zeroed && !is_same)
        clear_remains(slab);
    slab_init(slab, class_index, true);
    slab->fresh_slot = fresh_slot;
    slab_set_disturbed(slab, disturbed);
    if (class_index == 0)
        os_withdraw(slab_start(slab), SLAB_BYTES);
}
