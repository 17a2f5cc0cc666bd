/* The heaps: what there is of each, and which is whose.
 *
 * A heap is the slabs of one thread, and the slots of them that the thread may hand out at once.
 * For each size class it has a bin: free slots that it has claimed, neighbours in one word of a
 * slab. The class's slabs are its current one, which the bin claims from, and those on one of three
 * lists: available (they have free slots), sparse (they have few blocks) or full (places.h). A bin
 * may have claimed slots of its host's slab instead (size_class_host()); so that no slot is claimed
 * twice, one bin at a time has some of a slab that is lent.
 *
 *   bin.mask      claimed slots not handed out yet; their live bits are 0
 *   bin.first     the slot of bit 0
 *   bin.live      the word of live[] that bit 0 .. 63 stand for
 *
 * A heap is used by its thread alone, but for what says otherwise.
 *
 * Owners of slabs are numbers (slab_tag.h): heaps count from SLAB_OWNER_FIRST, in the order in
 * which they were made. A heap whose thread has ended waits for another thread and keeps its
 * number. Threads without a heap point to heap_none or heap_ended: no bin has a slot, and no tag is
 * like theirs, so the fast paths need no test for them.
 */
#ifndef HEAP_TABLE_H
#define HEAP_TABLE_H

#include "assertion.h"
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
    bool zeroed;          /* and they still read as zero */
    uint16_t guest_fills; /* how often the class was a guest: heap.c */
};

static_assert(sizeof(struct bin) == 32, "two bins fill a cache line");

struct slab_list {
    struct slab *first;
};

/* The slabs of one class but the current one. */
struct class_slabs {
    struct slab_list available;
    struct slab_list sparse; /* those that the sweep has returned no memory of come first */
    struct slab_list full;
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
    struct bin *claims;            /* the bins in use: bins, checked_bins or traced_bins */
    _Atomic(struct slab *) inbox;  /* a stack, linked by slab.inbox_next; pushed by any thread */
    _Atomic(bool) drains;          /* its thread is taking in what came out of the inbox */
    _Atomic(bool) alive;           /* it has a thread, or had one before a fork; under pool_lock */
    bool was_idle;                 /* no heap had looked at the clock for a time then: looked_ns */
    unsigned generation;           /* of forks: heap_table_is_vanished() */
    _Atomic(uint32_t) waiting;     /* slabs in the inbox, about */
    _Atomic(uint32_t) rescue_from; /* so many, and somebody else looks through it: rescue.h */
    struct slab *rescued;   /* posted slabs that are in no inbox: rescue.h; under pool_lock, read
                               without it only to see whether there are any */
    unsigned forks;         /* how many this thread came out of as a child */
    int32_t claims_left;    /* claims of slots until it looks at the clock (sweep.h) */
    int32_t foreign_left;   /* frees of the next allocator's blocks until one is noted: tuning.h */
    size_t sparse_noted;    /* sparse slabs that have returned nothing since they were in use */
    uint64_t looked_ns;     /* when it looked at the clock the last time */
    uint64_t swept_ns;      /* when its sweep came by the last time */
    unsigned posted_gives;  /* frees into posted slabs since the inbox was emptied */
    uint32_t class_end;     /* the heap has had no slab of a class from this one on, */
    uint32_t listed_end;    /* and none on a list */
    uint32_t origin_thread; /* the thread's number in origins.h; 0: it has none yet */
    uint32_t aside_left;    /* frees until the quarantine's next turn; 0: there is none yet */
    uint64_t random_state;
    struct heap *next_free; /* heaps whose thread has ended */
    uint64_t process;       /* whose thread it is, for heap_table_next_abandoned(): */
    uint64_t thread;        /* the numbers that the system knows both by */
    struct tagpool_stats_counters
        private_counters;                 /* when the statistics page has no lane for this heap */
    struct slab *current[SIZE_CLASS_ALL]; /* that the bin claims from; NULL if there is none */
    uint64_t claimed[SIZE_CLASS_ALL];     /* the bin's mask as it was filled; the next may be on its
                                             way: idle.h */
    /* The first page ends here, for classes of nodes. It is all that a thread touches that has put
     * no slab on a list. */
    struct bin checked_bins[SIZE_CLASS_ALL]; /* where the fast path does not look */
    uint8_t inherited[SIZE_CLASS_ALL];       /* after a fork: slots that the parent had claimed,
                                                uncounted */
    struct class_slabs classes[SIZE_CLASS_ALL];
    uint64_t **aside_now;    /* the quarantine (quarantine.h): what was freed in this turn, */
    uint64_t **aside_before; /* and in the one before */
    uint32_t aside_now_count;
    uint32_t aside_before_count;
    struct bin traced_bins[SIZE_CLASS_ALL]; /* where no fast path looks */
};

/* The heaps of a thread that has not requested a block yet, and of one whose heap is closed. Never
 * written. */
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

/* What threads count together while they have no heap: frees, because no other call goes without
 * one. */
extern HIDDEN struct tagpool_stats_counters heap_table_homeless;

/* Count a free of the calling thread. */
#define HEAP_COUNT_FREE(heap, counter)                                                             \
    (LIKELY(heap_is_real(heap))                                                                    \
         ? (void)OWNER_ADD(&(heap)->counters->counter, 1)                                          \
         : (void)__atomic_fetch_add(&heap_table_homeless.counter, 1, __ATOMIC_RELAXED))

/* ---- the table ---- */

/* The first heap, in most programs the only one; the others, in parts that are each as large as all
 * before, so that address space is reserved as threads come, NULL until they do; and how many heaps
 * there ever were. */
enum {
#ifdef TAGPOOL_SMALL_WORLD
    HEAP_PART_SHIFT = 1,
#else
    HEAP_PART_SHIFT = 5, /* 32 heaps in the first part */
#endif
    HEAP_PARTS = 10,
};
static_assert(((1 << HEAP_PARTS) - 1) << HEAP_PART_SHIFT >= HEAP_LIMIT, "all heaps have a place");
/* Each begins a page, and takes whole ones: a thread touches no more of them than it needs. */
enum { HEAP_PAGE_BYTES = 4096 };
static_assert(offsetof(struct heap, claimed[SIZE_CLASS_COUNT]) <= HEAP_PAGE_BYTES,
              "a thread with few blocks touches one page");
#define HEAP_BYTES ((sizeof(struct heap) + HEAP_PAGE_BYTES - 1) & ~((size_t)HEAP_PAGE_BYTES - 1))
extern HIDDEN struct heap heap_table_first;
extern HIDDEN char *heap_table_parts[HEAP_PARTS];
extern HIDDEN unsigned heap_table_count;

/* Which part the heap with this number is in, the first of the parts being 0, and where there. */
static inline unsigned heap_table_part(unsigned number, unsigned *place) {
    unsigned from_first_part = number + (1u << HEAP_PART_SHIFT);
    unsigned highest_bit = 31 - (unsigned)__builtin_clz(from_first_part);
    *place = from_first_part - (1u << highest_bit);
    return highest_bit - HEAP_PART_SHIFT;
}

/* True if no fast path of blocks without tags finds anything; and with harden=on. */
extern HIDDEN bool heap_table_is_checked;
extern HIDDEN bool heap_table_is_hardened;

/* The heap with an owner's number, which there was. */
static inline struct heap *heap_table_of(unsigned owner) {
    ASSERT(owner >= SLAB_OWNER_FIRST &&
           owner - SLAB_OWNER_FIRST < __atomic_load_n(&heap_table_count, __ATOMIC_RELAXED));
    if (owner == SLAB_OWNER_FIRST)
        return &heap_table_first;
    unsigned place, part = heap_table_part(owner - SLAB_OWNER_FIRST - 1, &place);
    return (struct heap *)(void *)(heap_table_parts[part] + place * HEAP_BYTES);
}

/* Counts the forks that left threads behind. */
extern HIDDEN unsigned heap_table_generation;

/* True if no fork has left the thread behind that has, or had, the heap. The heap may be getting
 * another one meanwhile. */
static inline bool heap_table_is_of_now(const struct heap *heap) {
    return PLAIN_LOAD(&heap->generation) == PLAIN_LOAD(&heap_table_generation);
}

/* True if a fork has left the heap's thread behind. Its slabs are as that thread left them until
 * somebody meets them: orphans_take_over(). */
static inline bool heap_table_is_vanished(const struct heap *heap) {
    return atomic_load_explicit(&heap->alive, memory_order_relaxed) && !heap_table_is_of_now(heap);
}

/* The same by the number of an owner, which may be none. */
static inline bool heap_table_has_vanished(int owner) {
    return owner >= SLAB_OWNER_FIRST && owner < SLAB_OWNER_NONE &&
           heap_table_is_vanished(heap_table_of((unsigned)owner));
}

/* The end of the owners' numbers. */
static inline unsigned heap_table_end(void) {
    return SLAB_OWNER_FIRST + __atomic_load_n(&heap_table_count, __ATOMIC_RELAXED);
}

/* The classes that heaps have slabs of. */
static inline unsigned heap_table_classes(void) {
    return heap_table_is_hardened ? (unsigned)SIZE_CLASS_ALL : (unsigned)SIZE_CLASS_COUNT;
}

/* The slabs of a class, to look at: those that were never noted are not touched. */
extern HIDDEN const struct class_slabs heap_table_no_slabs;
static inline const struct class_slabs *heap_table_slabs(const struct heap *heap,
                                                         unsigned class_index) {
    return class_index < heap->listed_end ? &heap->classes[class_index] : &heap_table_no_slabs;
}

/* Slots that the parent of a fork had claimed. */
static inline unsigned heap_table_inherited(const struct heap *heap, unsigned class_index) {
    return heap->forks != 0 ? heap->inherited[class_index] : 0;
}

/* Bins from this one to the class's own may have claimed slots of the class's slabs. */
unsigned heap_table_first_bin(unsigned class_index);

/* True if a slot was claimed from fresh memory and not handed out: slab_diagnose() cannot tell that
 * from freed. */
bool heap_table_has_fresh(const struct slab *slab, uint32_t slot);

/* Have all blocks checked one by one. Before the first heap is opened. The fast paths find nothing
 * then: no bin has a slot for them and no block lies where they look. Every call falls through to
 * checked.h. */
void heap_table_check_blocks(void);

/* The same, and let the fast paths of blocks with tags find nothing either: each call leaves the
 * origin of its block (origins.h), or fills it (perturb.h). */
void heap_table_trace_blocks(void);

/* Choose the hardened mode: slots read as zero when they are claimed, also in slabs that served
 * before, and slabs of class 0 are inaccessible. Before the first heap is opened. */
void heap_table_harden(void);

/* A heap for one more thread, with nothing in it; NULL if there is no room. Under pool_lock. */
struct heap *heap_table_claim(void);

/* Let a heap, with nothing in it, wait for another thread. Under pool_lock. */
void heap_table_retire(struct heap *heap);

/* Note which thread of the system's a heap belongs to: the calling one. heap_table_claim() does. */
void heap_table_note_thread(struct heap *heap);

/* True if heap_table_claim() would make a new heap where there are many already. */
bool heap_table_is_used_up(void);

/* Look at one more heap: it, if the system does not know its thread any more, to be closed by the
 * caller alone; else NULL. Under pool_lock. */
struct heap *heap_table_next_abandoned(void);

/* The caller does not close it after all. */
void heap_table_abandon(struct heap *heap);

/* Empty the heaps whose threads a fork has left behind, and whose slabs have been taken over, and
 * let them wait for other threads. Under pool_lock. */
void heap_table_recycle(void);

#endif
