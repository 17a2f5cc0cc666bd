/* A slab: 64 KiB of slots of one size class, and its descriptor, which knows the state of each
 * slot.
 *
 *   descriptor:  tag | summary | ... | live[0] ... live[63]
 *   slab:        gap | slot 0 | slot 1 | ... | slot slot_count - 1 | rest, less than a slot
 *
 * live[w] bit b is the single truth about slot 64 w + b: 1 = in the hands of the program. summary
 * bit w = 0 says that word w has no free slot that nobody claimed; 1 says that it may have one.
 *
 *   used = live slots + slots claimed by the owner's heap and not handed out (the mask of a bin)
 *          = countdown + wake
 *
 * A slot that another thread freed is live until the owner folds that in.
 *
 * The owner (slab_tag.h) alone writes everything but the tag's posted bit and the remote words.
 * Orphans have no owner: pool_lock stands in for it. Another thread frees into the remote words:
 * who finds the word's summary bit clear sets it, the first summary bit makes the caller post
 * the slab to its owner.
 */
#ifndef SLAB_H
#define SLAB_H

#include "assertion.h"
#include "base.h"
#include "fault.h"
#include "region.h"
#include "slab_tag.h"

#include <stdatomic.h>

/* What slab.rest says beside a number of blocks: no slot was returned since slots were claimed, and
 * the sweep has seen the slab so, or not. */
enum slab_rest { SLAB_BUSY = UINT16_MAX, SLAB_RESTS = UINT16_MAX - 1 };

/* What slab.disturbed says of free slots. */
enum slab_disturbed {
    SLAB_AS_FREED,  /* they are as free() left them */
    SLAB_PURGED,    /* or they read as zero, with their tags */
    SLAB_DISTURBED, /* nothing is known: after a fork, or purged while others freed */
};

enum slab_place {
    SLAB_NOWHERE,
    SLAB_CURRENT,
    SLAB_AVAILABLE,
    SLAB_SPARSE,
    SLAB_FULL,
    SLAB_ORPHANED,      /* an orphan that has free slots */
    SLAB_ORPHANED_FULL, /* one that has none, or has only just had some freed */
};

enum { SLAB_NEAR_WORDS = 2 };

struct slab {
    /* The first cache line is all that a thread reads, beside the live bit, that frees a block of
     * another one. It is seldom written, so every thread keeps it. */
    union {
        _Atomic(uint64_t) tag;
        uint64_t tag_plain; /* the same, for PLAIN_LOAD() */
    };
    uint64_t reciprocal; /* floor(2^32 / stride) + 1 */
    uint32_t stride;     /* bytes from slot to slot */
    uint16_t slot_count;
    uint8_t claim_slots;   /* claimed at a time, at most: of slots that were never handed out, */
    uint8_t reclaim_slots; /* and of those that were, if they lie close together */
    uint8_t class_index;
    uint8_t place;     /* enum slab_place: the list of the heap, or of the orphans, that it is on */
    bool zeroed;       /* slots from fresh_slot on read as zero */
    bool filled;       /* was full once, so all its memory is in use */
    uint8_t disturbed; /* enum slab_disturbed; slab_set_disturbed() */
    bool is_lent;      /* slab_lend() */
    struct slab *previous;
    struct slab *next;
    uint64_t class_tag;    /* block_tag_class() */
    uint16_t small_stride; /* the stride of a slot of up to SIZE_CLASS_SMALL_MAX; 0 of larger ones,
                              and of those of no bytes */
    char unused[6];
    /* The second is what the owner writes as it frees, with the first of the live and remote bits.
     */
    uint64_t summary;
    uint32_t countdown; /* frees until the slab needs attention: until used == wake */
    uint32_t wake; /* 0: attention when it is empty; else when a full slab has a few free slots */
    uint32_t fresh_slot; /* slots from here on were never handed out */
    uint16_t rest; /* enum slab_rest, or the live slots when memory of free ones was returned */
    /* The remote words of the first words of live[]: who frees a block of another thread needs
     * both, and so does the owner of a posted slab. Where few blocks are in use, that is one cache
     * line that goes back and forth instead of two. */
    _Atomic(uint64_t) near_words[SLAB_NEAR_WORDS];
    uint64_t live[SLAB_WORDS]; /* written by the owner, read by others with slab_live_word() */
    /* What others write seldom. A slab with few blocks needs no other page for what they free. */
    _Atomic(uint64_t) remote_summary; /* a bit for each remote word that may have some */
    struct slab *inbox_next;          /* the next slab of the inbox that this one is posted to */
    uint64_t aside_words; /* a bit for each word with slots set aside in this turn of the
                             quarantine; the owner's */
};

/* The rest of the remote words, kept apart, so that programs of one thread never touch it. */
struct slab_remote {
    _Atomic(uint64_t) words[SLAB_WORDS]; /* the first are slab.near_words instead */
};

/* Live bits of blocks that were freed and wait in the quarantine: there only if slots may be set
 * aside. The owner's. */
struct slab_aside {
    uint64_t words[SLAB_WORDS];
};

static_assert(offsetof(struct slab, countdown) % 8 == 0 &&
                  offsetof(struct slab, wake) == offsetof(struct slab, countdown) + 4,
              "both are read at once, in rescue.c");
static_assert(offsetof(struct slab, summary) == 64 && offsetof(struct slab, near_words) < 128,
              "the owner's counts share a cache line with the first live and remote bits alone");
static_assert(offsetof(struct slab, live) + sizeof(uint64_t) * SLAB_NEAR_WORDS <= 128,
              "the words of live[] that have near_words lie in the same cache line");
static_assert(sizeof(struct slab) == REGION_DESCRIPTOR_BYTES, "the region's table has this stride");
static_assert(sizeof(struct slab_remote) == REGION_REMOTE_BYTES &&
                  sizeof(struct slab_aside) == REGION_ASIDE_BYTES,
              "the region's tables have these strides");

static inline struct slab *slab_at(size_t slab_index) {
    ASSERT(slab_index < REGION_SLABS);
    return (struct slab *)(void *)(region.descriptors + slab_index * REGION_DESCRIPTOR_BYTES);
}

static inline size_t slab_index(const struct slab *slab) {
    ASSERT((const char *)slab >= region.descriptors && (const char *)slab < region.remotes);
    return (size_t)((const char *)slab - region.descriptors) / REGION_DESCRIPTOR_BYTES;
}

static inline char *slab_start(const struct slab *slab) {
    return (char *)(region.base + (slab_index(slab) << SLAB_SHIFT));
}

/* Bytes before the first slot, where the tag in front of its block goes: the same for all slabs, 0
 * if blocks have no tags. Alignments up to SLAB_GAP_BYTES hold with it. Set before the first slab
 * is. */
enum { SLAB_GAP_BYTES = 64 };
extern HIDDEN uint32_t slab_gap_bytes;

/* Fresh slots are claimed by this many bytes, and no more slots than that. Set before the first
 * slab is. */
extern HIDDEN uint32_t slab_claim_bytes;
extern HIDDEN uint32_t slab_claim_slots;

/* Of slots that served before, so many bytes are claimed at a time, and so many slots at least: the
 * memory of what a thread has claimed stays with it while it idles. Set before the first slab is.
 */
extern HIDDEN uint32_t slab_reclaim_bytes;
extern HIDDEN uint32_t slab_reclaim_slots;

/* Slots may be set aside: slab_is_aside(). Set before the first slab is. */
extern HIDDEN bool slab_keeps_aside;

static inline char *slab_slot_start(const struct slab *slab, uint32_t slot) {
    ASSERT(slot <= slab->slot_count); /* the place behind the last has a tag */
    return slab_start(slab) + slab_gap_bytes + (size_t)slot * slab->stride;
}

static inline struct slab_remote *slab_remote(size_t index) {
    ASSERT(index < REGION_SLABS);
    return (struct slab_remote *)(void *)(region.remotes + index * REGION_REMOTE_BYTES);
}

static inline struct slab_aside *slab_aside(size_t index) {
    ASSERT(index < REGION_SLABS && slab_keeps_aside);
    return (struct slab_aside *)(void *)(region.asides + index * REGION_ASIDE_BYTES);
}

/* The remote word beside a word of live[]; `remote` is the slab's. */
static inline _Atomic(uint64_t) *slab_remote_word(struct slab *slab, struct slab_remote *remote,
                                                  size_t word) {
    ASSERT(word < SLAB_WORDS);
    return word < SLAB_NEAR_WORDS ? &slab->near_words[word] : &remote->words[word];
}

/* That of a slot. */
static inline _Atomic(uint64_t) *slab_remote_word_of(struct slab *slab, uint32_t slot) {
    return slab_remote_word(slab, slab_remote(slab_index(slab)), slot / WORD_BITS);
}

/* What it holds. */
FAST uint64_t slab_load_remote_word(const struct slab *slab, const struct slab_remote *remote,
                                    size_t word, memory_order order) {
    const _Atomic(uint64_t) *words = word < SLAB_NEAR_WORDS ? slab->near_words : remote->words;
    return atomic_load_explicit(&words[word], order);
}

/* The slot that starts `offset` bytes behind the slab's gap; false in `exact` if none starts there.
 * offset * reciprocal has the quotient in its upper half; the lower half is below the
 * reciprocal exactly if nothing remains (Lemire, Kaser, Kurz, "Faster remainder by direct
 * computation", 2019). */
static inline size_t slab_slot(const struct slab *slab, uint32_t offset, bool *exact) {
    uint64_t product = multiply(offset, &slab->reciprocal);
    *exact = (uint32_t)product < (uint32_t)slab->reciprocal;
    return product >> 32;
}

/* A word of live[]. Relaxed: a block reaches another thread only through the program's own
 * synchronisation, which orders its live bit too. The owner stores it with OWNER_STORE(). */
static inline uint64_t slab_live_word(const struct slab *slab, size_t word) {
    return __atomic_load_n(&slab->live[word], __ATOMIC_RELAXED);
}

/* The word of live[] that has a slot's bit. */
static inline uint64_t slab_live_of(const struct slab *slab, uint32_t slot) {
    return slab_live_word(slab, slot / WORD_BITS);
}

/* True if the slot's bit is set in its word. */
static inline bool slab_is_live(uint64_t live, size_t slot) {
    return (live >> slot % WORD_BITS & 1) != 0;
}

/* What is known of the slab's free slots. Set under pool_lock. A reader without the lock finds the
 * old or the new value: both are true of the slots that its thread has claimed or frees. */
static inline enum slab_disturbed slab_disturbed(const struct slab *slab) {
    return (enum slab_disturbed)__atomic_load_n(&slab->disturbed, __ATOMIC_RELAXED);
}

static inline void slab_set_disturbed(struct slab *slab, enum slab_disturbed disturbed) {
    __atomic_store_n(&slab->disturbed, (uint8_t)disturbed, __ATOMIC_RELAXED);
}

static inline uint32_t slab_used(const struct slab *slab) {
    ASSERT(slab->countdown + slab->wake <= slab->slot_count);
    return slab->countdown + slab->wake;
}

/* Ask for attention when `used` comes down to `wake`. */
static inline void slab_set_wake(struct slab *slab, uint32_t wake) {
    ASSERT(wake <= slab_used(slab));
    /* Release: who sees these counts sees that the slab has left its list; rescue.c. */
    __atomic_store_n(&slab->countdown, slab_used(slab) - wake, __ATOMIC_RELEASE);
    __atomic_store_n(&slab->wake, wake, __ATOMIC_RELEASE);
}

/* The slab that a word of live[] belongs to. */
static inline struct slab *slab_of_live(const uint64_t *word) {
    return slab_at((size_t)((const char *)word - region.descriptors) / REGION_DESCRIPTOR_BYTES);
}

/* Make an empty slab serve a class. Its owner is set apart, by slab_set_owner(). */
void slab_init(struct slab *slab, unsigned class_index, bool zeroed);

/* The owner that the tag names, or -1 if the tag is damaged. Any thread may call it. */
static inline int slab_owner(const struct slab *slab) {
    return slab_tag_owner(atomic_load_explicit(&slab->tag, memory_order_acquire), slab_index(slab));
}

/* Change the owner; the posted bit stays as it is. Under pool_lock. */
void slab_set_owner(struct slab *slab, unsigned owner);

/* True if other threads have freed blocks of the slab that are not folded in yet. */
static inline bool slab_has_remote(const struct slab *slab) {
    return atomic_load_explicit(&slab->remote_summary, memory_order_relaxed) != 0;
}

/* Set the posted bit; true if it was clear: the caller then puts the slab into the inbox of the
 * owner that `owner` is set to. _remote: any thread may call it. */
bool slab_post_remote(struct slab *slab, int *owner);

/* Clear the posted bit. Only the caller that took the slab out of an inbox, before slab_fold(), so
 * that a bit that is set later posts the slab anew. */
void slab_unpost(struct slab *slab);

static inline bool slab_is_posted(const struct slab *slab) {
    return (atomic_load_explicit(&slab->tag, memory_order_relaxed) & SLAB_TAG_POSTED) != 0;
}

/* Free slots that were claimed: some of one word, a set bit for each. */
struct slab_claim {
    uint64_t mask; /* 0 if the slab has none */
    uint16_t word;
    uint16_t count; /* of slots */
    bool fresh;     /* none of them was ever handed out since the slab serves this class: they are
                       those from slab.fresh_slot on, as it was before */
};

/* Claim the lowest free slots. None, if the slab is lent. */
struct slab_claim slab_claim(struct slab *slab);

/* Note that the bin of another class may have claimed slots, which could be claimed a second time
 * while they are not handed out; and that none has. */
void slab_lend(struct slab *slab);
void slab_end_lending(struct slab *slab);

/* Undo the claim of slots that were not handed out; `fresh` as slab_claim() said. */
void slab_unclaim(struct slab *slab, unsigned word, uint64_t mask, bool fresh);

/* Free a slot of a slab that the caller owns: its word of live[] becomes `rest`, without the slot's
 * bit. True if the slab needs attention now. */
static inline bool slab_give_rest(struct slab *slab, size_t slot, uint64_t rest) {
    ASSERT(slot < slab->slot_count && slab->countdown > 0);
    ASSERT((slab->live[slot / WORD_BITS] ^ rest) == (uint64_t)1 << slot % WORD_BITS);
    size_t word = anew(slot / WORD_BITS);
    OWNER_STORE(&slab->live[word], rest);
    slab->summary |= (uint64_t)1 << word;
    OWNER_STORE(&slab->countdown, slab->countdown - 1);
    return slab->countdown == 0;
}

/* The same by the word as it is, `live`, with the slot's bit set. */
static inline bool slab_give(struct slab *slab, size_t slot, uint64_t live) {
    clear_bit(&live, slot);
    return slab_give_rest(slab, slot, live);
}

/* Free some slots of a word of live[] that is `live`, with their bits set; the caller sets the
 * word's bit of the summary. */
static inline void slab_clear_slots(struct slab *slab, size_t word, uint64_t live, uint64_t slots) {
    ASSERT((slots & ~live) == 0 && count_bits(slots) <= slab_used(slab));
    OWNER_STORE(&slab->live[word], live ^ slots);
    OWNER_STORE(&slab->countdown, slab->countdown - count_bits(slots));
}

/* The same with that bit. */
static inline void slab_give_slots(struct slab *slab, unsigned word, uint64_t live,
                                   uint64_t slots) {
    slab_clear_slots(slab, word, live, slots);
    slab->summary |= (uint64_t)1 << word;
}

/* Fold what other threads freed into live[]. Returns a slot that was freed twice, or
 * FAULT_SLOT_UNKNOWN if none was. */
uint32_t slab_fold(struct slab *slab);

/* Set them aside instead: the words that have such slots, and their number in `count`; in
 * `doubly_freed` what slab_fold() returns. */
uint64_t slab_fold_aside(struct slab *slab, uint32_t *count, uint32_t *doubly_freed);

/* Let the next folding look at all words that other threads freed into: a thread that a fork left
 * behind may have been about to set a bit of the summary. */
void slab_mark_remote(struct slab *slab);

/* True if a word has such slots, whatever the summary says. */
bool slab_has_any_remote(const struct slab *slab);

/* True if there are no live slots but such that other threads have freed, in `count` so many. */
bool slab_is_all_remote(const struct slab *slab, uint32_t *count);

/* Work out `used` and `summary` from the live bits, for a slab whose owner vanished in the middle
 * of things. */
void slab_recount(struct slab *slab);

/* Blocks in the hands of the program. */
uint32_t slab_live_count(const struct slab *slab);

/* Of the numbers of blocks that are few in a slab, so that pages may be without any, the largest
 * that is less than `blocks`. They are 16 or fewer, an eighth of
 * these, and 0. */
uint32_t slab_few(const struct slab *slab, uint32_t blocks);

/* The pages in which slots of a word lie, and the tags in front of them: a bit for each. */
uint64_t slab_pages_of(const struct slab *slab, unsigned word, uint64_t slots);

/* Return the memory of the pages in which no block of the program's lies, nor its tag, and that are
 * not `claimed`, a bit for each; what of free slots lies there reads as zero then. The bytes, with
 * those that were never touched. Under pool_lock. */
size_t slab_purge(struct slab *slab, uint64_t claimed);

enum slab_remote_result {
    SLAB_REMOTE_GIVEN,  /* noted; the owner knows */
    SLAB_REMOTE_POST,   /* noted; the caller must post the slab to its owner */
    SLAB_REMOTE_DOUBLE, /* the slot is in the remote words already */
};

/* Free a live slot from a thread that does not own the slab, by its remote word. _remote: any
 * thread may call it. */
FAST enum slab_remote_result slab_give_remote(struct slab *slab, _Atomic(uint64_t) *remote_word,
                                              uint32_t slot) {
    ASSERT(slot < SLAB_SLOTS);
    uint64_t bit = (uint64_t)1 << slot % WORD_BITS;
    /* Sequentially consistent, the partner of slab_fold(), which takes the summary and then the
     * word: if we see the word's bit of the summary, the folding that takes it sees our bit. Our
     * accesses to the block come before its reuse. The word's other bits are not looked at: so
     * the processor writes to it without reading it first, and a new page faults in once. */
    if ((atomic_fetch_or_explicit(remote_word, bit, memory_order_seq_cst) & bit) != 0)
        return SLAB_REMOTE_DOUBLE;
    uint64_t word_bit = (uint64_t)1 << slot / WORD_BITS;
    if ((atomic_load_explicit(&slab->remote_summary, memory_order_seq_cst) & word_bit) != 0)
        return SLAB_REMOTE_GIVEN; /* who set it tells the owner */
    uint64_t summary_before =
        atomic_fetch_or_explicit(&slab->remote_summary, word_bit, memory_order_seq_cst);
    return summary_before != 0 ? SLAB_REMOTE_GIVEN : SLAB_REMOTE_POST;
}

/* True if a slot is set aside: a live one that was freed, but is neither to be handed out again nor
 * to be taken for live by slab_find(). */
static inline bool slab_is_aside(size_t index, uint32_t slot) {
    if (!slab_keeps_aside)
        return false;
    ASSERT(slot < SLAB_SLOTS);
    const uint64_t *word = &slab_aside(index)->words[slot / WORD_BITS];
    return slab_is_live(__atomic_load_n(word, __ATOMIC_RELAXED), slot);
}

/* True if another thread has freed the slot, by the slab's remote words, of which `remote` has
 * most, and the owner has not folded that in. */
static inline bool slab_is_freed_remotely(const struct slab *slab, const struct slab_remote *remote,
                                          uint32_t slot) {
    uint32_t word = slot / WORD_BITS;
    return slab_is_live(slab_load_remote_word(slab, remote, word, memory_order_relaxed), slot);
}

/* True if a slot is in the hands of the program. */
bool slab_holds(const struct slab *slab, uint32_t slot);

/* The slab of a live block, whoever owns it, and its slot; NULL if the pointer is anything else.
 * The owner may change at any time, the block's place does not. Any thread may call it. */
struct slab *slab_find(const void *pointer, uint32_t *slot);

/* What a pointer of the region is: FAULT_NONE if it is a live block, else the fault of freeing it;
 * fills in the place (slab, class, slot) of the report. Any thread may call it. */
enum fault slab_diagnose(const void *pointer, struct fault_report *report);

#endif
