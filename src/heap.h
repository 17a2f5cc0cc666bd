/* A heap: the slabs of one thread, and the slots of them that the thread may hand out at once.
 *
 * For each size class a heap has a bin: free slots that it has claimed, neighbours in one word of a
 * slab. Taking a block is to take the lowest bit of the bin's mask; when the mask is empty,
 * heap_fill() claims the next ones from the class's current slab. The class's other slabs are
 * on one of two lists, available (they have free slots) or full.
 *
 *   bin.mask      claimed slots not handed out yet; their live bits are 0
 *   bin.first     the slot of bit 0
 *   bin.live      the word of live[] that bit 0 .. 63 stand for
 *
 * A heap is used by its thread alone, but for the inbox: slabs that other threads freed blocks of.
 * When the thread ends, its slabs that still hold blocks become orphans; whoever needs a slab of
 * its class adopts one.
 *
 * Slabs that rest, because the program needs less than it did, give memory back: now and then a
 * heap looks at some slabs (the sweep), and those from which nothing was claimed since the last
 * look return it, empty ones all of it, others the pages in which no block is left.
 *
 * Threads without a heap point to heap_none or heap_ended: no bin has a slot, and no tag is like
 * theirs, so the fast paths need no test for them.
 */
#ifndef HEAP_H
#define HEAP_H

#include "base.h"
#include "size_class.h"
#include "slab.h"
#include "tagpool/stats_page.h"

struct bin {
    uint64_t mask;
    char *first;
    uint64_t *live;
    uint32_t stride;
    bool fresh; /* the slots of the mask were never handed out since their slab serves this class */
    bool zeroed; /* and they still read as zero */
};

static_assert(sizeof(struct bin) == 32, "two bins fill a cache line");

struct slab_list {
    struct slab *first;
};

/* The slabs of one class. */
struct class_slabs {
    struct slab *current; /* that the bin claims from; NULL if there is none */
    struct slab_list available;
    struct slab_list full;
};

/* A word of live[] that has slots in the quarantine. */
struct aside_word {
    uint64_t number; /* slab index * SLAB_WORDS + word */
    uint64_t slots;  /* of the turn before; of this turn they are in slab_remote.aside */
};

/* What calls look at before they know that the heap is a real one. The bins come first: so a bin's
 * address takes an instruction less. */
#define HEAP_FRONT                                                                                 \
    struct bin bins[SIZE_CLASS_COUNT]; /* what the fast path takes from */                         \
    uint64_t tag;                      /* of this owner, for slab 0 */                             \
    unsigned owner; /* in the tags of its slabs; 0 for heap_none and heap_ended */

struct heap {
    HEAP_FRONT
    struct tagpool_stats_counters *counters;
    struct bin *claims; /* the bins in use: bins, or checked_bins */
    _Atomic(struct slab *)
        inbox;              /* a stack, linked by slab_remote.inbox_next; pushed by any thread */
    _Atomic(bool) alive;    /* false: nobody reads the inbox; the pusher must */
    unsigned forks;         /* how many this thread came out of as a child */
    unsigned slabs_changed; /* slabs that it went on to and that were in use before */
    size_t sweep_next;      /* the slab where its sweep goes on */
    unsigned posted_gives;  /* frees into posted slabs since the inbox was emptied */
    struct heap *next_free; /* heaps whose thread has ended */
    struct aside_word *aside_now;    /* the quarantine of checked.h: what was freed in this turn, */
    struct aside_word *aside_before; /* and in the one before */
    uint32_t aside_now_count;
    uint32_t aside_before_count;
    uint32_t aside_left; /* frees until the next turn; 0: there is no quarantine yet */
    uint64_t random_state;
    struct tagpool_stats_counters
        private_counters; /* when the statistics page has no lane for this heap */
    struct class_slabs classes[SIZE_CLASS_ALL];
    struct bin checked_bins[SIZE_CLASS_ALL]; /* where the fast path does not look: heap_start() */
};

/* Of a thread that has not asked for a block yet, and of one whose heap is gone. Never written. */
struct heap_front {
    HEAP_FRONT
};
extern const struct heap_front heap_none;
extern const struct heap_front heap_ended;

/* The calling thread's heap. Points to a const heap where there is none: write only to what
 * heap_is_real(). */
extern _Thread_local struct heap *heap_current __attribute__((tls_model("initial-exec")));

static inline bool heap_is_real(const struct heap *heap) {
    return heap->owner != 0;
}

/* The block in a slot of a bin. */
static inline void *heap_bin_block(const struct bin *bin, unsigned slot) {
    uint32_t offset = slot * bin->stride; /* less than a slab */
    return bin->first + offset;
}

/* Take the lowest slot of a bin that has one: the fast path of every allocation. */
static inline void *heap_take_bin(struct bin *bin) {
    uint64_t mask = bin->mask;
    unsigned slot = (unsigned)__builtin_ctzll(mask);
    uint64_t rest = mask & (mask - 1);
    bin->mask = rest;
    OWNER_STORE(bin->live, *bin->live | (mask ^ rest));
    return heap_bin_block(bin, slot);
}

/* Choose how blocks are taken and freed, before the first heap is opened. If they are `checked` one
 * by one, the fast paths find nothing: no bin has a slot for them and no block lies where they
 * look, so that every call comes to who does the checks. */
void heap_start(bool checked);

/* Choose that slots read as zero when they are claimed, also in slabs that served before, that
 * slabs of class 0 are inaccessible, and that so many freed slots of each heap at least wait in its
 * quarantine. */
void heap_harden(uint32_t quarantine);

/* The bin of a class, with a slot in it, claiming more first if there is none. NULL if the pool has
 * no room. */
struct bin *heap_fill(struct heap *heap, unsigned class_index);

/* A slab needs attention: a full one has free slots again, or one is empty. */
void heap_wake(struct heap *heap, struct slab *slab);

/* A slot of the calling thread's own slabs. */
struct found {
    struct slab *slab; /* NULL if the pointer is anything else: outside the region, another thread's
                          block, or a fault */
    size_t slot;
    uint64_t live; /* the word that the slot's bit is in */
    size_t index;  /* the slab's; of checked_find_own() alone */
};

/* The slot that starts at a pointer, whether it is live or not. */
static inline struct found heap_find_slot(const struct heap *heap, const void *pointer) {
    struct found found = {.slab = NULL};
    uintptr_t offset = (uintptr_t)pointer - region.base;
    if (UNLIKELY(offset >= region.plain_bytes))
        return found;
    size_t index = offset >> SLAB_SHIFT;
    struct slab *slab = slab_at(index);
    /* A slab, intact, ours, nothing posted by other threads: one comparison. */
    if (UNLIKELY(atomic_load_explicit(&slab->tag, memory_order_relaxed) != (heap->tag ^ index)))
        return found;
    bool exact;
    size_t slot = slab_slot(slab->reciprocal, (uint32_t)(offset & (SLAB_BYTES - 1)), &exact);
    if (UNLIKELY(!exact))
        return found;
    found.slab = slab;
    found.slot = slot;
    found.live = slab->live[slot / WORD_BITS];
    return found;
}

/* The slab of a live block of the calling thread's own; NULL if the pointer is anything else. */
static inline struct slab *heap_find(const struct heap *heap, const void *pointer) {
    struct found found = heap_find_slot(heap, pointer);
    return found.slab != NULL && slab_is_live(found.live, found.slot) ? found.slab : NULL;
}

/* Free a block of the calling thread's own slabs: the fast path. False, and nothing done, if it is
 * anything else. */
static inline bool heap_give(void *pointer) {
    struct heap *heap = heap_current;
    struct found found = heap_find_slot(heap, pointer);
    if (UNLIKELY(found.slab == NULL) || UNLIKELY(!clear_bit(&found.live, found.slot)))
        return false;
    if (UNLIKELY(slab_give_rest(found.slab, found.slot, found.live)))
        heap_wake(heap, found.slab);
    return true;
}

/* The slab of a live block, whoever owns it, and its slot. NULL if the pointer is anything else,
 * after its fault was reported: `report` comes with the call and goes with the place. */
struct slab *heap_find_any(const void *pointer, uint32_t *slot, struct fault_report *report);

/* Free a block without a tag of a slab that another thread owns, or frees into: in few steps.
 * False, and nothing done, if it is anything else; heap_find_any() knows. `heap` may be one of the
 * const heaps. */
bool heap_give_untagged(struct heap *heap, void *pointer);

/* Free a live block, whoever owns its slab. False if that could not be done: the block is freed
 * already, or its slab has just changed hands; heap_find_any() knows. `heap` may be one of the
 * const heaps. */
bool heap_give_any(struct heap *heap, struct slab *slab, uint32_t slot);

/* ---- the quarantine: what is freed in a turn is let out at the end of the next ---- */

/* Note that a word has slots set aside in this turn. Slots of one word are often freed one after
 * the other: the word is noted once, and without a branch, which random frees would make hard to
 * foresee. */
static inline void heap_note_aside(struct heap *heap, struct slab_remote *remote, size_t index,
                                   unsigned word) {
    uint64_t noted = remote->aside_words;
    remote->aside_words = noted | (uint64_t)1 << word;
    heap->aside_now[heap->aside_now_count].number = index * SLAB_WORDS + word;
    heap->aside_now_count += (noted >> word & 1) == 0;
}

/* Free a slot of the heap's own slabs, but keep it from being handed out until the quarantine,
 * which is there, has turned twice. It turns when `aside_left`, which is more than 1, has come to
 * 0.
 */
static inline void heap_set_aside(struct heap *heap, size_t index, uint32_t slot) {
    struct slab_remote *remote = slab_remote(index);
    unsigned word = slot / WORD_BITS;
    OWNER_STORE(&remote->aside[word], remote->aside[word] | (uint64_t)1 << slot % WORD_BITS);
    heap_note_aside(heap, remote, index, word);
    heap->aside_left--;
}

/* The same, whatever the quarantine; without one the slot may be handed out again at once. */
void heap_give_resting(struct heap *heap, struct slab *slab, uint32_t slot);

/* Count a fault and report it as on_fault says. */
void heap_raise(const struct fault_report *report);

/* Make a heap for the calling thread and point heap_current to it. NULL if there is no room. */
struct heap *heap_open(void);

/* End a heap whose thread ends: its blocks live on in orphans. heap_current points to heap_ended
 * afterwards. */
void heap_close(struct heap *heap);

/* In the child of a fork: all heaps but the calling thread's have lost their thread. With `intact`
 * false the call that was interrupted by the forking signal handler held the pool_lock, and what it
 * was about to change is left alone. */
void heap_after_fork(bool intact);

/* Take slots claimed and not handed out off the counts, in all heaps: at the end of the process
 * they will not be. */
void heap_settle_counts(void);

/* Live blocks of each class, their bytes, and the bytes of free slots. A snapshot: other threads go
 * on. */
struct heap_sums {
    size_t live_blocks[SIZE_CLASS_ALL];
    size_t live_bytes;
    size_t free_bytes;
};
void heap_sum(struct heap_sums *sums);

/* Visit each live block, large ones by the first slab of their span. For the end of the process:
 * other threads' doings are not waited for. */
void heap_each_live(void (*visit)(struct slab *slab, uint32_t slot, void *context), void *context);

#endif
