/* The quarantine of the hardened mode: what is freed in a turn may be handed out again at the end
 * of the next.
 *
 * A slot that waits is set aside: its live bit stays, and a bit in struct slab_aside beside it says
 * that it is no block any more. The heap notes the words of struct slab_aside that have such slots,
 * once each in a turn. It turns after so many frees; then the slots of the turn before are let out.
 *
 * Of a turn there is where these words are; and behind all of them, as it ends, the slots of each.
 *
 * All is the owner's.
 */
#ifndef QUARANTINE_H
#define QUARANTINE_H

#include "heap_table.h"

/* Note that a word has slots set aside in this turn. Slots of one word are often freed one after
 * the other: the word is noted once, and without a branch, which random frees would make hard to
 * predict. */
static inline void quarantine_note(struct heap *heap, struct slab *slab, uint64_t *aside,
                                   size_t word) {
    ASSERT(word < SLAB_WORDS && heap->aside_now != NULL);
    heap->aside_now[heap->aside_now_count] = aside;
    set_and_count(&slab->aside_words, word, &heap->aside_now_count);
}

/* Free a slot of the heap's own slabs, but keep it from being handed out until the quarantine,
 * which is there, has turned twice. It turns when `aside_left`, which is more than 1, has come to
 * 0.
 */
static inline void quarantine_set_aside(struct heap *heap, struct slab *slab, size_t index,
                                        size_t slot) {
    size_t word = slot / WORD_BITS;
    uint64_t *aside = &slab_aside(index)->words[word];
    ASSERT(slab_owner(slab) == (int)heap->owner && heap->aside_left > 0);
    ASSERT(slab_is_live(slab_live_word(slab, word), slot));
    ASSERT(!slab_is_live(*aside, slot));
    OWNER_STORE(aside, with_bit(*aside, slot));
    quarantine_note(heap, slab, aside, word);
    heap->aside_left--;
}

/* Let so many freed slots of each heap wait, at least. Before the first heap is opened. */
void quarantine_start(uint32_t limit);

/* True if a heap has its quarantine, which is made at the first call; false if there is to be none,
 * or no memory. */
bool quarantine_is_there(struct heap *heap);

/* Let out what was freed in the turn before, and begin the next. */
void quarantine_turn(struct heap *heap);

/* Take in what other threads freed of a slab, and let it rest as if this one had freed it. */
void quarantine_fold(struct heap *heap, struct slab *slab);

/* Let all out, because the thread ends. */
void quarantine_empty(struct heap *heap);

#endif
