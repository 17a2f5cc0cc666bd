#include "slab.h"

#include "advice.h"
#include "block_tag.h"
#include "os.h"
#include "size_class.h"

/* a class of few live blocks touches few pages, whatever its stride */
FIXED uint32_t slab_claim_bytes = 4096;
FIXED uint32_t slab_claim_slots = WORD_BITS;
FIXED uint32_t slab_reclaim_bytes = 8192;
FIXED uint32_t slab_reclaim_slots = 1;
FIXED bool slab_keeps_aside;

/* A word with the lowest `count` bits set, 1 to 64. */
static uint64_t lowest_bits(unsigned count) {
    ASSERT(count >= 1 && count <= WORD_BITS);
    return ((uint64_t)2 << (count - 1)) - 1;
}

FIXED uint32_t slab_gap_bytes;

static unsigned word_count(const struct slab *slab) {
    return (slab->slot_count + WORD_BITS - 1) / WORD_BITS;
}

/* The bits of a word that stand for slots. */
static uint64_t word_slots(const struct slab *slab, unsigned word) {
    uint32_t slots = slab->slot_count - word * WORD_BITS;
    return lowest_bits(slots < WORD_BITS ? slots : WORD_BITS);
}

static uint64_t all_words(const struct slab *slab) {
    return lowest_bits(word_count(slab));
}

/* The usual ways of slab_claim() leave it to the others then. */
void slab_lend(struct slab *slab) {
    slab->is_lent = true;
    slab->reclaim_slots = 0;
}

void slab_end_lending(struct slab *slab) {
    uint32_t slots = slab_reclaim_bytes / slab->stride;
    if (slots < slab_reclaim_slots)
        slots = slab_reclaim_slots;
    slab->is_lent = false;
    slab->reclaim_slots = (uint8_t)(slots < WORD_BITS ? slots : WORD_BITS);
}

void slab_init(struct slab *slab, unsigned class_index, bool zeroed) {
    ASSERT(class_index < SIZE_CLASS_ALL);
    uint32_t stride = size_class_stride[class_index];
    slab->reciprocal = ((uint64_t)1 << 32) / stride + 1;
    slab->countdown = 0;
    slab->wake = 0;
    slab->slot_count = (uint16_t)((SLAB_BYTES - slab_gap_bytes) / stride);
    slab->stride = stride;
    slab->fresh_slot = 0;
    uint32_t claim_slots = slab_claim_bytes / stride;
    if (claim_slots == 0) /* in the hardened mode: there must be some to choose from */
        claim_slots = 2;
    slab->claim_slots = (uint8_t)(claim_slots < slab_claim_slots ? claim_slots : slab_claim_slots);
    slab_end_lending(slab);
    slab->class_index = (uint8_t)class_index;
    slab->small_stride = class_index != 0 && stride <= SIZE_CLASS_SMALL_MAX ? (uint16_t)stride : 0;
    slab->class_tag = block_tag_class(class_index);
    slab->place = SLAB_NOWHERE;
    slab->zeroed = zeroed;
    slab->filled = false;
    slab_set_disturbed(slab, SLAB_AS_FREED);
    slab->rest = SLAB_BUSY;
    slab->previous = NULL;
    slab->next = NULL;
    slab->summary = all_words(slab);
    ASSERT(slab->slot_count > 0 && slab->slot_count <= SLAB_SLOTS && slab->claim_slots > 0);
    /* live[] is zero: in a new descriptor, and again when the last block of the slab was freed. */
    ASSERT(slab_live_count(slab) == 0);
}

/* The owner bits are xored in, so that a posted bit set at the same moment is not lost. */
void slab_set_owner(struct slab *slab, unsigned owner) {
    ASSERT(lock_is_mine(&pool_lock) && (slab->tag == 0 || slab_owner(slab) >= 0));
    size_t index = slab_index(slab);
    uint64_t before = atomic_load_explicit(&slab->tag, memory_order_relaxed);
    uint64_t after = slab_tag_of_owner(owner) ^ index;
    if (before != 0)
        after ^= before & ~SLAB_TAG_POSTED;
    /* Release, the partner of the acquire in slab_owner(): who sees the owner sees the class. */
    atomic_fetch_xor_explicit(&slab->tag, after, memory_order_release);
}

bool slab_post_remote(struct slab *slab, int *owner) {
    /* Acquire and release: ordered with slab_unpost() in both directions, so that either this bit
     * is seen set by another freer, or the folding after its clearing sees that freer's bit. */
    uint64_t before = atomic_fetch_or_explicit(&slab->tag, SLAB_TAG_POSTED, memory_order_acq_rel);
    *owner = slab_tag_owner(before, slab_index(slab));
    return (before & SLAB_TAG_POSTED) == 0;
}

void slab_unpost(struct slab *slab) {
    atomic_fetch_and_explicit(&slab->tag, ~SLAB_TAG_POSTED, memory_order_acq_rel);
}

/* Claim slots of a word. */
FAST struct slab_claim claim_slots(struct slab *slab, unsigned word, uint64_t mask,
                                   uint32_t count) {
    ASSERT((mask & slab->live[word]) == 0 && (mask & ~word_slots(slab, word)) == 0);
    OWNER_STORE(&slab->countdown, slab->countdown + count);
    slab->rest = SLAB_BUSY;
    ASSERT(slab_used(slab) <= slab->slot_count);
    return (struct slab_claim){.mask = mask, .word = (uint16_t)word, .count = (uint16_t)count};
}

static struct slab_claim claim_nothing(struct slab *slab, unsigned word) {
    slab->summary |= (uint64_t)1 << word;
    return (struct slab_claim){.mask = 0};
}

/* The first of these slots, where they lie close together. */
SLOW static struct slab_claim reclaim_few(struct slab *slab, unsigned word, uint64_t slots) {
    if (slab->is_lent)
        return claim_nothing(slab, word);
    uint64_t few = slots & lowest_bits(slab->reclaim_slots) << __builtin_ctzll(slots);
    uint32_t count = count_bits(few);
    if (count <= slab->reclaim_slots / 2u) {
        few = slots;
        count = count_bits(slots);
    }
    if (few != slots)
        slab->summary |= (uint64_t)1 << word;
    return claim_slots(slab, word, few, count);
}

/* Of a word that has some that were never handed out: a page of these, if all others are in use. */
SLOW static struct slab_claim claim_fresh(struct slab *slab, unsigned word, uint64_t slots) {
    uint32_t first_slot = word * WORD_BITS;
    uint64_t touched = 0;
    if (slab->is_lent)
        return claim_nothing(slab, word);
    if (slab->fresh_slot > first_slot)
        touched = slots & lowest_bits(slab->fresh_slot - first_slot);
    if (touched != 0) {
        if (touched != slots)
            slab->summary |= (uint64_t)1 << word;
        return count_bits(touched) > slab->reclaim_slots
                   ? reclaim_few(slab, word, touched)
                   : claim_slots(slab, word, touched, count_bits(touched));
    }
    uint32_t first = (uint32_t)__builtin_ctzll(slots);
    ASSERT(slab->fresh_slot == first_slot + first);
    uint64_t fresh = slots & lowest_bits(slab->claim_slots) << first;
    uint32_t end = WORD_BITS - (uint32_t)__builtin_clzll(fresh);
    ASSERT(count_bits(fresh) == end - first); /* neighbours */
    if (fresh != slots)
        slab->summary |= (uint64_t)1 << word;
    slab->fresh_slot = first_slot + end;
    struct slab_claim claim = claim_slots(slab, word, fresh, end - first);
    claim.fresh = true;
    return claim;
}

struct slab_claim slab_claim(struct slab *slab) {
    while (slab->summary != 0) {
        unsigned lowest = (unsigned)__builtin_ctzll(slab->summary);
        uint64_t free_slots = ~slab->live[lowest] & word_slots(slab, lowest);
        slab->summary &= slab->summary - 1; /* those who claim less set it again */
        if (free_slots == 0)
            continue;
        if (UNLIKELY(slab->fresh_slot < (lowest + 1) * WORD_BITS))
            return claim_fresh(slab, lowest, free_slots);
        uint32_t count = count_bits(free_slots);
        if (UNLIKELY(count > slab->reclaim_slots))
            return reclaim_few(slab, lowest, free_slots);
        return claim_slots(slab, lowest, free_slots, count);
    }
    return (struct slab_claim){.mask = 0};
}

void slab_unclaim(struct slab *slab, unsigned word, uint64_t mask, bool fresh) {
    if (mask == 0)
        return;
    ASSERT(word < word_count(slab) && (mask & slab->live[word]) == 0);
    ASSERT(count_bits(mask) <= slab_used(slab)); /* a bin may claim from a full slab */
    OWNER_STORE(&slab->countdown, slab->countdown - count_bits(mask));
    slab->summary |= (uint64_t)1 << word;
    /* Of a fresh claim, what lies above the last slot handed out was never touched. In random order
     * that may leave others. */
    uint64_t above = mask >> __builtin_ctzll(mask);
    bool reaches_end = (above & (above + 1)) == 0 &&
                       slab->fresh_slot == (word + 1) * WORD_BITS - (uint32_t)__builtin_clzll(mask);
    if (fresh && reaches_end)
        slab->fresh_slot = word * WORD_BITS + (uint32_t)__builtin_ctzll(mask);
}

/* Take the slots of a word that other threads freed, of those that they may free, `live`; another
 * was freed twice and goes to `doubly_freed`. Sequentially consistent, and after the summary, which
 * is so too: the partner of slab_give_remote(). What the other thread did with the block is over.
 */
static inline uint64_t take_freed(struct slab *slab, struct slab_remote *remote, size_t word,
                                  uint64_t live, uint32_t *doubly_freed) {
    uint64_t freed =
        atomic_exchange_explicit(slab_remote_word(slab, remote, word), 0, memory_order_seq_cst);
    if ((freed & ~live) != 0)
        *doubly_freed = (uint32_t)word * WORD_BITS + (uint32_t)__builtin_ctzll(freed & ~live);
    return freed & live;
}

uint32_t slab_fold(struct slab *slab) {
    struct slab_remote *remote = slab_remote(slab_index(slab));
    uint32_t doubly_freed = FAULT_SLOT_UNKNOWN;
    uint64_t summary = atomic_exchange_explicit(&slab->remote_summary, 0, memory_order_seq_cst);
    for (uint64_t left = summary; left != 0; left &= left - 1) {
        size_t word = (size_t)__builtin_ctzll(left);
        uint64_t live = slab_live_word(slab, word);
        slab_clear_slots(slab, word, live, take_freed(slab, remote, word, live, &doubly_freed));
    }
    slab->summary |= summary;
    return doubly_freed;
}

APART uint64_t slab_fold_aside(struct slab *slab, uint32_t *count, uint32_t *doubly_freed) {
    struct slab_remote *remote = slab_remote(slab_index(slab));
    struct slab_aside *aside = slab_aside(slab_index(slab));
    uint64_t words = 0;
    *count = 0;
    *doubly_freed = FAULT_SLOT_UNKNOWN;
    uint64_t summary = atomic_exchange_explicit(&slab->remote_summary, 0, memory_order_seq_cst);
    for (; summary != 0; summary &= summary - 1) {
        unsigned word = (unsigned)__builtin_ctzll(summary);
        uint64_t live = slab_live_word(slab, word) & ~aside->words[word];
        uint64_t freed = take_freed(slab, remote, word, live, doubly_freed);
        OWNER_STORE(&aside->words[word], aside->words[word] | freed);
        *count += count_bits(freed);
        words |= freed != 0 ? (uint64_t)1 << word : 0;
    }
    return words;
}

void slab_mark_remote(struct slab *slab) {
    atomic_store_explicit(&slab->remote_summary, all_words(slab), memory_order_relaxed);
}

static uint64_t remote_word(const struct slab *slab, unsigned word) {
    return slab_load_remote_word(slab, slab_remote(slab_index(slab)), word, memory_order_acquire);
}

APART bool slab_has_any_remote(const struct slab *slab) {
    uint64_t any = 0;
    for (unsigned word = 0; word < word_count(slab); word++)
        any |= remote_word(slab, word);
    return any != 0;
}

APART bool slab_is_all_remote(const struct slab *slab, uint32_t *count) {
    *count = 0;
    for (unsigned word = 0; word < word_count(slab); word++) {
        uint64_t freed = remote_word(slab, word);
        if (slab_live_word(slab, word) != freed)
            return false;
        *count += count_bits(freed);
    }
    return true;
}

/* Its owner may be setting blocks aside meanwhile. */
static uint64_t aside_word(const struct slab *slab, unsigned word) {
    return slab_keeps_aside
               ? __atomic_load_n(&slab_aside(slab_index(slab))->words[word], __ATOMIC_RELAXED)
               : 0;
}

void slab_recount(struct slab *slab) {
    /* The quarantine of a thread that is gone is gone with it. */
    for (unsigned word = 0; slab_keeps_aside && word < word_count(slab); word++) {
        OWNER_STORE(&slab->live[word], slab->live[word] & ~aside_word(slab, word));
        OWNER_STORE(&slab_aside(slab_index(slab))->words[word], 0);
        slab->aside_words = 0;
    }
    slab->countdown = slab_live_count(slab);
    slab->wake = 0;
    slab->summary = all_words(slab);
}

uint32_t slab_live_count(const struct slab *slab) {
    uint32_t count = 0;
    for (unsigned word = 0; word < word_count(slab); word++)
        count += count_bits(slab_live_word(slab, word) & ~aside_word(slab, word));
    return count;
}

enum { FEW_SHARE = 4, FEW_MOST = 16, FEW_STEP = 8 };

uint32_t slab_few(const struct slab *slab, uint32_t blocks) {
    uint32_t share = slab->slot_count / FEW_SHARE;
    uint32_t few = share < FEW_MOST ? share : FEW_MOST;
    if (blocks > few)
        return few;
    return blocks > few / FEW_STEP ? few / FEW_STEP : 0;
}

uint64_t slab_pages_of(const struct slab *slab, unsigned word, uint64_t slots) {
    uint32_t page_bytes = (uint32_t)os_page_bytes();
    uint32_t tag_bytes = slab_gap_bytes != 0 ? SLOT_ALIGN : 0;
    uint64_t pages = 0;
    for (; slots != 0; slots &= slots - 1) {
        uint32_t slot = word * WORD_BITS + (uint32_t)__builtin_ctzll(slots);
        uint32_t start = slab_gap_bytes + slot * slab->stride;
        uint32_t first = (start - tag_bytes) / page_bytes;
        uint32_t last = (start + slab->stride - 1) / page_bytes;
        pages |= lowest_bits(last - first + 1) << first;
    }
    return pages;
}

/* The slots of a word whose bytes somebody needs. What other threads have freed and what is set
 * aside is live, but not handed out again before the owner has claimed it. */
static uint64_t needed_slots(const struct slab *slab, unsigned word) {
    uint64_t live = slab_live_word(slab, word) & ~aside_word(slab, word);
    return slab_is_posted(slab) ? live & ~remote_word(slab, word) : live;
}

size_t slab_purge(struct slab *slab, uint64_t claimed) {
    uint32_t page_bytes = (uint32_t)os_page_bytes();
    ASSERT(page_bytes <= SLAB_BYTES);
    uint64_t all = lowest_bits((unsigned)(SLAB_BYTES / page_bytes));
    uint64_t used = claimed;
    for (unsigned word = 0; word < word_count(slab) && used != all; word++)
        used |= slab_pages_of(slab, word, needed_slots(slab, word));
    uint64_t free = all & ~used;
    size_t purged_bytes = 0;
    if (free != 0 && slab_disturbed(slab) == SLAB_AS_FREED)
        slab_set_disturbed(slab, SLAB_PURGED);
    if (free != 0)
        advice_forbid_huge_pages(slab_index(slab), 1);
    while (free != 0) {
        unsigned first = (unsigned)__builtin_ctzll(free);
        unsigned count = (unsigned)__builtin_ctzll(~(free >> first));
        size_t bytes = (size_t)count * page_bytes;
        free &= ~(lowest_bits(count) << first);
        if (os_purge(slab_start(slab) + (size_t)first * page_bytes, bytes))
            purged_bytes += bytes;
    }
    return purged_bytes;
}

/* The slot of a slab that a pointer into the slab lies in, and whether it is where the slot starts.
 * Before the first slot: a number that no slot has. */
static uint32_t find_slot(const struct slab *slab, const void *pointer, bool *is_start) {
    uint32_t offset = (uint32_t)((uintptr_t)pointer & (SLAB_BYTES - 1));
    *is_start = false;
    return offset < slab_gap_bytes ? UINT32_MAX
                                   : slab_slot(slab, offset - slab_gap_bytes, is_start);
}

/* Fill in the slab, class and slot that a pointer lies in, as far as there are any; false if its
 * slab never served. */
static bool locate(const void *pointer, struct fault_report *report) {
    size_t index = region_slab_index(pointer);
    report->address = pointer;
    report->slab_index = index;
    report->class_bytes = 0;
    report->slot = FAULT_SLOT_UNKNOWN;
    if (index >= __atomic_load_n(&region_counts.used, __ATOMIC_RELAXED))
        return false;
    const struct slab *slab = slab_at(index);
    if (atomic_load_explicit(&slab->tag, memory_order_relaxed) == 0)
        return false; /* a guard */
    if (slab_owner(slab) < 0)
        return true;
    bool exact;
    report->class_bytes = slab->stride;
    report->slot = find_slot(slab, pointer, &exact);
    return true;
}

bool slab_holds(const struct slab *slab, uint32_t slot) {
    return slab_is_live(slab_live_of(slab, slot), slot) &&
           !slab_is_freed_remotely(slab, slab_remote(slab_index(slab)), slot) &&
           !slab_is_aside(slab_index(slab), slot);
}

APART struct slab *slab_find(const void *pointer, uint32_t *slot) {
    if ((uintptr_t)pointer - region.base >= region.bytes)
        return NULL;
    size_t index = region_slab_index(pointer);
    struct slab *slab = slab_at(index);
    int owner = slab_tag_owner(atomic_load_explicit(&slab->tag, memory_order_acquire), index);
    if (owner < 0 || owner >= SLAB_OWNER_NONE)
        return NULL;
    bool exact;
    *slot = find_slot(slab, pointer, &exact);
    return exact && *slot < slab->slot_count && slab_holds(slab, *slot) ? slab : NULL;
}

APART enum fault slab_diagnose(const void *pointer, struct fault_report *report) {
    bool has_served = locate(pointer, report);
    if ((uintptr_t)pointer % SLOT_ALIGN != 0)
        return FAULT_MISALIGNED;
    if (!has_served)
        return FAULT_NEVER_ALLOCATED;
    if (report->class_bytes == 0)
        return FAULT_CORRUPTED_SLAB_TAG;
    const struct slab *slab = slab_at(report->slab_index);
    uint32_t slot = report->slot;
    if (slot >= slab->slot_count)
        return FAULT_NEVER_ALLOCATED;
    if ((uintptr_t)pointer != (uintptr_t)slab_slot_start(slab, slot))
        return FAULT_INTERIOR;
    if (slot >= slab->fresh_slot)
        return FAULT_NEVER_ALLOCATED;
    if (slab_owner(slab) == SLAB_OWNER_NONE || !slab_is_live(slab_live_of(slab, slot), slot))
        return FAULT_DOUBLE_FREE;
    return slab_is_freed_remotely(slab, slab_remote(report->slab_index), slot) ||
                   slab_is_aside(slab_index(slab), slot)
               ? FAULT_DOUBLE_FREE
               : FAULT_NONE;
}
