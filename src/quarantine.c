#include "quarantine.h"

#include "blame.h"
#include "os.h"
#include "places.h"

static FIXED uint32_t quarantine_limit;

void quarantine_start(uint32_t limit) {
    ASSERT(heap_table_is_hardened);
    quarantine_limit = limit;
    slab_keeps_aside = true;
}

/* Words that can be noted in one turn: one for each free, and those of a slab that other threads
 * have freed into, which come together. */
static uint32_t aside_places(void) {
    return quarantine_limit + (uint32_t)SLAB_WORDS;
}

/* Where words are, and slots of each. One more: the place behind the last is written to. */
static size_t aside_bytes(void) {
    return ((size_t)aside_places() + 1) * (sizeof(uint64_t *) + sizeof(uint64_t));
}

/* The slots of the words that these point to. */
static uint64_t *slots_of(uint64_t **words) {
    return (uint64_t *)(void *)(words + aside_places() + 1);
}

/* The number of a word among those of all slabs. */
static size_t number_of(const uint64_t *aside) {
    return (size_t)((const char *)aside - region.asides) / sizeof *aside;
}

bool quarantine_is_there(struct heap *heap) {
    if (LIKELY(heap->aside_left != 0))
        return true;
    size_t bytes = os_round_to_page(aside_bytes());
    char *memory = quarantine_limit != 0 ? os_reserve(2 * bytes, os_page_bytes()) : NULL;
    if (memory == NULL)
        return false;
    if (!os_commit(memory, 2 * bytes)) {
        os_unreserve(memory, 2 * bytes);
        return false;
    }
    heap->aside_now = (uint64_t **)(void *)memory;
    heap->aside_before = (uint64_t **)(void *)(memory + bytes);
    heap->aside_left = quarantine_limit;
    return true;
}

/* Let what was freed in the turn before be handed out again. */
static void let_out(struct heap *heap) {
    for (uint32_t i = 0; i < heap->aside_before_count; i++) {
        uint64_t *aside = heap->aside_before[i];
        uint64_t slots = slots_of(heap->aside_before)[i];
        unsigned word = (unsigned)(number_of(aside) % SLAB_WORDS);
        ASSERT((slots & ~*aside) == 0);
        OWNER_STORE(aside, *aside & ~slots);
        struct slab *slab = slab_at(number_of(aside) / SLAB_WORDS);
        ASSERT(slab_owner(slab) == (int)heap->owner);
        slab_give_slots(slab, word, slab_live_word(slab, word), slots);
        places_settle(heap, slab);
    }
    heap->aside_before_count = 0;
}

void quarantine_turn(struct heap *heap) {
    ASSERT(heap->aside_now_count <= aside_places());
    let_out(heap);
    for (uint32_t i = 0; i < heap->aside_now_count; i++) {
        const uint64_t *aside = heap->aside_now[i];
        slots_of(heap->aside_now)[i] = *aside;
        slab_at(number_of(aside) / SLAB_WORDS)->aside_words = 0;
    }
    uint64_t **emptied = heap->aside_before;
    heap->aside_before = heap->aside_now;
    heap->aside_before_count = heap->aside_now_count;
    heap->aside_now = emptied;
    heap->aside_now_count = 0;
    heap->aside_left = quarantine_limit;
}

void quarantine_fold(struct heap *heap, struct slab *slab) {
    ASSERT(slab_owner(slab) == (int)heap->owner && heap->aside_left > 0);
    struct slab_aside *aside = slab_aside(slab_index(slab));
    uint32_t count, doubly_freed;
    uint64_t words = slab_fold_aside(slab, &count, &doubly_freed);
    blame_double_free(slab, doubly_freed);
    for (; words != 0; words &= words - 1) {
        size_t word = (size_t)__builtin_ctzll(words);
        quarantine_note(heap, slab, &aside->words[word], word);
    }
    heap->aside_left = count < heap->aside_left ? heap->aside_left - count : 0;
    if (heap->aside_left == 0)
        quarantine_turn(heap);
}

NEAR void quarantine_empty(struct heap *heap) {
    if (heap->aside_left == 0)
        return;
    quarantine_turn(heap);
    let_out(heap);
}
