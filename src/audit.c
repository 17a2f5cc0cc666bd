#include "audit.h"

#ifdef TAGPOOL_DEBUG

/* The slots of a word that the heap's bins have claimed of this slab and not handed out. */
static uint64_t claimed_of(const struct heap *heap, const struct slab *slab, unsigned word) {
    uint64_t claimed = 0;
    for (unsigned i = heap_table_first_bin(slab->class_index);
         heap != NULL && i <= slab->class_index; i++) {
        uint64_t mask = heap->claims[i].live == &slab->live[word] ? heap->claims[i].mask : 0;
        ASSERT((claimed & mask) == 0);
        claimed |= mask;
    }
    return claimed;
}

static void audit_word(const struct slab *slab, unsigned word, uint64_t claimed) {
    uint32_t first = word * WORD_BITS;
    uint32_t count = slab->slot_count > first ? slab->slot_count - first : 0;
    uint64_t slots = count >= WORD_BITS ? UINT64_MAX : ((uint64_t)1 << count) - 1;
    uint64_t live = slab_live_word(slab, word);
    uint64_t aside = slab_keeps_aside ? slab_aside(slab_index(slab))->words[word] : 0;
    ASSERT((live & ~slots) == 0 && (claimed & ~slots) == 0);
    ASSERT((live & claimed) == 0);
    ASSERT((aside & ~live) == 0);
    /* A word whose summary bit is clear has no free slot that nobody claimed. */
    ASSERT((slab->summary >> word & 1) != 0 || (slots & ~live & ~claimed) == 0);
    /* Slots that were never handed out are not live. */
    if (slab->fresh_slot < first + WORD_BITS && slab->fresh_slot > first)
        ASSERT(live >> (slab->fresh_slot - first) == 0);
    if (slab->fresh_slot <= first)
        ASSERT(live == 0);
}

void audit_slab(const struct heap *heap, const struct slab *slab) {
    uint32_t used = 0;
    ASSERT(slab->stride == size_class_stride[slab->class_index]);
    ASSERT(slab->fresh_slot <= slab->slot_count);
    for (unsigned word = 0; word < SLAB_WORDS; word++) {
        uint64_t claimed = claimed_of(heap, slab, word);
        audit_word(slab, word, claimed);
        used += count_bits(slab_live_word(slab, word)) + count_bits(claimed);
    }
    ASSERT(used == slab_used(slab));
}

void audit_empty(const struct heap *heap) {
    for (unsigned i = 0; i < SIZE_CLASS_ALL; i++) {
        ASSERT(i >= heap_table_classes() || heap->claims[i].mask == 0);
        ASSERT(heap->checked_bins[i].mask == 0 && heap->traced_bins[i].mask == 0);
        ASSERT(heap->current[i] == NULL);
        ASSERT(heap->classes[i].available.first == NULL && heap->classes[i].full.first == NULL);
    }
}

#endif
