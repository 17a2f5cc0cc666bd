#include "reach.h"

#include "checked.h"
#include "heap_life.h"
#include "large.h"
#include "os.h"
#include "roots.h"

#include <string.h>

#define LARGE_BLOCK ((uint64_t)1 << 63)

enum readable { NOT_KNOWN, ALL, NOT_ALL };

/* A block that was found is marked, and waits in `found` until it is looked through. */
static SELDOM struct {
    uint64_t *marks;    /* SLAB_WORDS for each slab; NULL: none is known */
    uint64_t *readable; /* for each slab, whether all of it can be read: enum readable */
    uint64_t *found; /* slab index * SLAB_SLOTS + slot, or LARGE_BLOCK + the number of its span; as
                        many as there are live blocks */
    size_t found_count;
    size_t found_most;
    void (*judge)(void *context);
    void *context;
    bool is_blind; /* there was no memory for the marks */
} reach;

static uint64_t *mark_word(size_t slab_index, uint32_t slot) {
    return &reach.marks[slab_index * SLAB_WORDS + slot / WORD_BITS];
}

static void note(const struct slab *slab, uint32_t slot) {
    if (reach.found_count == reach.found_most)
        return;
    size_t index = slab_index(slab);
    uint64_t *word = mark_word(index, slot), bit = (uint64_t)1 << slot % WORD_BITS;
    if ((*word & bit) != 0)
        return;
    *word |= bit;
    reach.found[reach.found_count++] = index * SLAB_SLOTS + slot;
}

static void note_large(struct span *span) {
    if (span == NULL || span->is_reached || reach.found_count == reach.found_most)
        return;
    span->is_reached = true;
    reach.found[reach.found_count++] = LARGE_BLOCK | span_number(span);
}

/* Note the live block that an address lies in, if there is one. */
static void look_at(uintptr_t address) {
    const void *pointer = (const void *)address;
    if (spans_own(pointer))
        note_large(large_find(pointer));
    if (address - region.base >= region_counts.used << SLAB_SHIFT)
        return;
    const struct slab *slab = slab_at(region_slab_index(pointer));
    int owner = slab_owner(slab);
    if (owner < 0 || owner >= SLAB_OWNER_NONE || slab->stride == 0)
        return;
    const char *first = slab_slot_start(slab, 0);
    if ((const char *)pointer < first)
        return;
    uint32_t slot = (uint32_t)((const char *)pointer - first) / slab->stride;
    if (slot < slab->slot_count && slab_holds(slab, slot))
        note(slab, slot);
}

static void look_through(const void *start, const void *end, void *context) {
    (void)context;
    uintptr_t first = ((uintptr_t)start + sizeof(uintptr_t) - 1) & ~(sizeof(uintptr_t) - 1);
    for (const uintptr_t *word = (const uintptr_t *)first; word + 1 <= (const uintptr_t *)end;
         word++)
        look_at(*word);
}

/* A program may have protected pages of its blocks. Nobody does so meanwhile. */
static bool is_all_readable(const struct slab *slab) {
    uint64_t *known = &reach.readable[slab_index(slab)];
    const char *page = slab_start(slab);
    if (*known == NOT_KNOWN) {
        *known = ALL;
        for (const char *end = page + SLAB_BYTES; page < end; page += os_page_bytes())
            if (!os_can_read(page))
                *known = NOT_ALL;
    }
    return *known == ALL;
}

static void look_through_block(uint64_t number) {
    if ((number & LARGE_BLOCK) != 0) {
        const struct span *span = span_of((uint32_t)number);
        roots_show(span->block, span->block + span->requested);
        return;
    }
    const struct slab *slab = slab_at(number / SLAB_SLOTS);
    uint32_t slot = (uint32_t)(number % SLAB_SLOTS);
    const char *block = slab_slot_start(slab, slot);
    const char *end = block + checked_requested(slab, slot);
    if (is_all_readable(slab))
        look_through(block, end, NULL);
    else
        roots_show(block, end);
}

static void count_block(struct slab *slab, uint32_t slot, void *context) {
    (void)slab;
    (void)slot;
    ++*(size_t *)context;
}

/* Zeroes, for the rest of the process; NULL if there is no memory. */
static uint64_t *take_words(size_t count) {
    size_t bytes = os_round_to_page(count * sizeof(uint64_t));
    uint64_t *words = os_reserve(bytes, os_page_bytes());
    return words != NULL && os_commit(words, bytes) ? words : NULL;
}

static void look_through_found(void) {
    for (size_t i = 0; i < reach.found_count; i++)
        look_through_block(reach.found[i]);
}

static void begin(void *context) {
    (void)context;
    size_t count = 0;
    heap_life_each_live(count_block, &count);
    for (const struct span *span = large_next(NULL); span != NULL; span = large_next(span))
        count++;
    reach.found = count != 0 ? take_words(count) : NULL;
    reach.found_most = reach.found != NULL ? count : 0;
    reach.readable = reach.found != NULL ? take_words(region_counts.used) : NULL;
    reach.marks = reach.readable != NULL ? take_words(region_counts.used * SLAB_WORDS) : NULL;
    reach.is_blind = count != 0 && reach.marks == NULL;
    if (reach.marks == NULL)
        reach.found_most = 0;
}

static void end(void *context) {
    (void)context;
    look_through_found();
    reach.judge(reach.context);
}

struct roots_unseen reach_judge(const void *stack, void (*judge)(void *context), void *context) {
    static const struct roots_look look = {.first = begin, .visit = look_through, .last = end};
    reach.judge = judge;
    reach.context = context;
    struct roots_unseen unseen = roots_each(stack, &look);
    unseen.memory |= reach.is_blind;
    return unseen;
}

bool reach_has(const struct slab *slab, uint32_t slot) {
    return reach.marks != NULL && (*mark_word(slab_index(slab), slot) >> slot % WORD_BITS & 1) != 0;
}
