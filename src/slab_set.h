/* A set of slabs: a bit for each, in words that lie elsewhere (region.h). Under pool_lock. */
#ifndef SLAB_SET_H
#define SLAB_SET_H

#include "assertion.h"
#include "base.h"

struct slab_set {
    size_t lowest; /* a lower bound of the words that hold a bit */
    uint64_t *words;
};

static inline bool slab_set_has(const struct slab_set *set, size_t slab_index) {
    return (set->words[slab_index / WORD_BITS] >> slab_index % WORD_BITS & 1) != 0;
}

static inline void slab_set_add(struct slab_set *set, size_t slab_index) {
    ASSERT(!slab_set_has(set, slab_index));
    size_t word = slab_index / WORD_BITS;
    set->words[word] |= (uint64_t)1 << slab_index % WORD_BITS;
    if (word < set->lowest)
        set->lowest = word;
}

static inline void slab_set_remove(struct slab_set *set, size_t slab_index) {
    ASSERT(slab_set_has(set, slab_index) && set->lowest <= slab_index / WORD_BITS);
    set->words[slab_index / WORD_BITS] &= ~((uint64_t)1 << slab_index % WORD_BITS);
}

/* Remove and return the lowest slab of a set, of those below `end`; SIZE_MAX if there is none. */
static inline size_t slab_set_take_lowest(struct slab_set *set, size_t end) {
    size_t word_count = (end + WORD_BITS - 1) / WORD_BITS;
    for (size_t word = set->lowest; word < word_count; word++) {
        if (set->words[word] == 0)
            continue;
        set->lowest = word;
        size_t slab_index = word * WORD_BITS + (size_t)__builtin_ctzll(set->words[word]);
        slab_set_remove(set, slab_index);
        return slab_index;
    }
    set->lowest = SIZE_MAX;
    return SIZE_MAX;
}

/* What each of the first slabs served last. */
enum { SLAB_KINDS_MOST = 512 };
struct slab_kinds {
    uint8_t of[SLAB_KINDS_MOST];
};

static inline void slab_kinds_note(struct slab_kinds *kinds, size_t slab_index, unsigned kind) {
    if (slab_index < SLAB_KINDS_MOST)
        kinds->of[slab_index] = (uint8_t)kind;
}

/* Remove and return the lowest slab of a set that served a kind last; if none is known, the lowest
 * of all. */
static inline size_t slab_set_take_kind(struct slab_set *set, size_t end,
                                        const struct slab_kinds *kinds, unsigned kind) {
    size_t word_end = (smaller(end, SLAB_KINDS_MOST) + WORD_BITS - 1) / WORD_BITS;
    for (size_t word = set->lowest; word < word_end; word++)
        for (uint64_t left = set->words[word]; left != 0; left &= left - 1) {
            size_t slab_index = word * WORD_BITS + (size_t)__builtin_ctzll(left);
            if (kinds->of[slab_index] != kind)
                continue;
            slab_set_remove(set, slab_index);
            return slab_index;
        }
    return slab_set_take_lowest(set, end);
}

/* The slab behind a run of neighbours in a set, which begins at `first`, up to `end`; `first`
 * itself if it is not in the set. */
static inline size_t slab_set_behind(const struct slab_set *set, size_t first, size_t end) {
    while (first < end && slab_set_has(set, first))
        first++;
    return first;
}

/* The bits of 32 neighbours, as many as a huge page has: the first 32 slabs have number 0. */
static inline uint32_t slab_set_half_word(const struct slab_set *set, size_t number) {
    return (uint32_t)(set->words[number / 2] >> number % 2 * 32);
}

#endif
