#include "heap.h"

#include "block_tag.h"
#include "os.h"
#include "stats.h"

#include <string.h>

const struct heap_front heap_none = {.tag = SLAB_TAG_POSTED};
const struct heap_front heap_ended = {.tag = SLAB_TAG_POSTED};
static_assert(offsetof(struct heap, counters) == sizeof(struct heap_front),
              "a heap starts with its front");

_Thread_local struct heap *heap_current = (struct heap *)(uintptr_t)&heap_none;

enum {
    WAKE_SHARE = 8,     /* a full slab comes back when an eighth of its slots was freed */
    POSTED_GIVES = 64,  /* frees into slabs that others free into, before theirs are taken in */
    ADOPT_ATTEMPTS = 4, /* orphans looked at for a free slot before a new slab is taken */
    SPARSE_BLOCKS = 16, /* so few in a slab leave pages without any */
    SPARSE_AGAIN = 4,   /* as soon as so few of these are left, there are more such pages */
    SWEEP_EVERY = 4,    /* slabs that a heap goes on to until the sweep goes on */
    SWEEP_SLABS = 8,    /* by so many: src/README.md, */
    SWEEP_LOOKS = 32,   /* not counting other heaps', but then no further than this */
#ifdef TAGPOOL_SMALL_WORLD
    SWEEP_FROM_SLABS = 4,
#else
    SWEEP_FROM_SLABS = 64, /* a smaller pool has little to give back */
#endif
};

/* The table of heaps: the first, in most programs the only one, needs no memory of the system. What
 * blocks of less than 200 bytes use of it, without tags, ends in the page that each start of a
 * program writes to. */
static __attribute__((section(".bss.first_heap"))) struct heap first_heap;
static struct heap
    *more_heaps; /* reserved when a second thread comes, accessible as far as it is used */
static unsigned heap_count;     /* heaps ever opened: owners SLAB_OWNER_FIRST to heap_count */
static struct heap *free_heaps; /* of them, those whose thread has ended */

static struct slab_list orphans[SIZE_CLASS_ALL]; /* under pool_lock; read without it only to see
                                                      whether it is empty */

static FIXED bool is_checked;
static FIXED bool is_hardened;
static FIXED uint32_t quarantine_limit;

void heap_start(bool checked) {
    is_checked = checked;
    if (checked)
        region_check_blocks();
}

void heap_harden(uint32_t quarantine) {
    is_hardened = true;
    quarantine_limit = quarantine;
    slab_keeps_aside = true;
}

static unsigned classes_in_use(void) {
    return is_hardened ? (unsigned)SIZE_CLASS_ALL : (unsigned)SIZE_CLASS_COUNT;
}

static struct heap *heap_of_owner(unsigned owner) {
    return owner == SLAB_OWNER_FIRST ? &first_heap : &more_heaps[owner - SLAB_OWNER_FIRST - 1];
}

/* ---- lists of slabs ---- */

static void list_push(struct slab_list *list, struct slab *slab, enum slab_place place) {
    slab->place = (uint8_t)place;
    slab->previous = NULL;
    slab->next = list->first;
    if (list->first != NULL)
        list->first->previous = slab;
    __atomic_store_n(&list->first, slab, __ATOMIC_RELAXED);
}

static void list_remove(struct slab_list *list, struct slab *slab) {
    if (slab->previous != NULL)
        slab->previous->next = slab->next;
    else
        __atomic_store_n(&list->first, slab->next, __ATOMIC_RELAXED);
    if (slab->next != NULL)
        slab->next->previous = slab->previous;
    slab->place = SLAB_NOWHERE;
}

/* The list that the slab's place names; NULL for a place that is no list. */
static struct slab_list *list_of(struct heap *heap, const struct slab *slab) {
    switch (slab->place) {
    case SLAB_AVAILABLE:
        return &heap->classes[slab->class_index].available;
    case SLAB_FULL:
        return &heap->classes[slab->class_index].full;
    case SLAB_ORPHANED:
        return &orphans[slab->class_index];
    default:
        return NULL;
    }
}

static void unlist(struct heap *heap, struct slab *slab) {
    struct slab_list *list = list_of(heap, slab);
    if (list != NULL)
        list_remove(list, slab);
}

/* Put a slab of this heap where it belongs by its number of free slots. */
static void enlist(struct heap *heap, struct slab *slab) {
    uint32_t used = slab_used(slab);
    uint32_t gap = slab->slot_count / WAKE_SHARE + 1;
    bool is_full = used + gap > slab->slot_count;
    if (is_full && !slab->filled) {
        slab->filled = true;
        __atomic_fetch_add(&region_counts.filled, 1, __ATOMIC_RELAXED);
    }
    slab_set_wake(slab, is_full && used > gap ? used - gap : 0);
    if (is_full)
        list_push(&heap->classes[slab->class_index].full, slab, SLAB_FULL);
    else
        list_push(&heap->classes[slab->class_index].available, slab, SLAB_AVAILABLE);
}

static void make_current(struct heap *heap, struct slab *slab) {
    heap->classes[slab->class_index].current = slab;
    slab->place = SLAB_CURRENT;
    slab_set_wake(slab, 0);
}

/* ---- slabs that change hands: all under pool_lock ---- */

static void release(struct slab *slab) {
    ASSERT(slab_used(slab) == 0 && slab->place == SLAB_NOWHERE);
    if (slab->filled)
        __atomic_fetch_sub(&region_counts.filled, 1, __ATOMIC_RELAXED);
    if (is_hardened && slab->class_index == 0)
        os_commit(slab_start(slab), SLAB_BYTES);
    slab_set_owner(slab, SLAB_OWNER_NONE);
    region_return_slab(slab_index(slab));
    stats_note_slabs(region_counts.taken, region_counts.taken_peak);
}

/* Whose the slab is that a fault lies in. */
static enum fault_owner owner_of(const struct fault_report *report) {
    int owner = report->class_bytes != 0 ? slab_owner(slab_at(report->slab_index)) : -1;
    if (owner == SLAB_OWNER_ORPHAN)
        return FAULT_OWNER_ENDED;
    bool is_anothers =
        owner >= SLAB_OWNER_FIRST && owner < SLAB_OWNER_LARGE && owner != (int)heap_current->owner;
    return is_anothers ? FAULT_OWNER_ANOTHER : FAULT_OWNER_CALLER;
}

void heap_raise(const struct fault_report *report) {
    struct fault_report whole = *report;
    whole.owner = owner_of(report);
    stats_count_fault();
    fault_tell(&whole);
}

static void report_slot(struct slab *slab, uint32_t slot, enum fault fault) {
    heap_raise(&(struct fault_report){.fault = fault,
                                      .address = slab_slot_start(slab, slot),
                                      .slab_index = slab_index(slab),
                                      .class_bytes = slab->stride,
                                      .slot = slot,
                                      .requested = FAULT_BYTES_UNKNOWN,
                                      .function = "free"});
}

static void report_doubly_freed(struct slab *slab, uint32_t slot) {
    if (UNLIKELY(slot != FAULT_SLOT_UNKNOWN))
        report_slot(slab, slot, FAULT_DOUBLE_FREE);
}

static void fold(struct slab *slab) {
    report_doubly_freed(slab, slab_fold(slab));
}

/* Return the memory of free slots of a slab in which few blocks are left, and again when most of
 * these are gone. Not in the hardened mode, whose free slots hold marks. */
static void purge_sparse(struct slab *slab, uint32_t blocks) {
    if (is_hardened || region_counts.used < SWEEP_FROM_SLABS || blocks > SPARSE_BLOCKS ||
        blocks > slab->rest / SPARSE_AGAIN)
        return;
    if (slab->filled) {
        slab->filled = false;
        __atomic_fetch_sub(&region_counts.filled, 1, __ATOMIC_RELAXED);
    }
    slab_purge(slab);
    slab->rest = (uint16_t)blocks;
}

/* True if no slot of the slab was claimed since it was asked the last time. */
static bool has_rested(struct slab *slab) {
    if (slab->rest != SLAB_BUSY)
        return true;
    slab->rest = SLAB_RESTS;
    return false;
}

static void make_orphan(struct slab *slab) {
    ASSERT(slab->place == SLAB_NOWHERE);
    slab_set_wake(slab, 0);
    if (slab_used(slab) == 0) {
        release(slab);
        return;
    }
    slab_set_owner(slab, SLAB_OWNER_ORPHAN);
    if (has_rested(slab))
        purge_sparse(slab, slab_used(slab));
    list_push(&orphans[slab->class_index], slab, SLAB_ORPHANED);
}

/* An orphan had blocks freed: return it if they were the last, or what memory it can spare. */
static void settle_orphan(struct slab *slab) {
    if (slab_used(slab) != 0) {
        purge_sparse(slab, slab_used(slab));
        return;
    }
    list_remove(&orphans[slab->class_index], slab);
    release(slab);
}

static void adopt(struct heap *heap, struct slab *slab) {
    list_remove(&orphans[slab->class_index], slab);
    slab_set_owner(slab, heap->owner);
    fold(slab);
    enlist(heap, slab);
    heap->counters->slabs_adopted++;
}

/* Push a posted slab on the inbox of a heap. Sequentially consistent, with the load of `alive`
 * after it: see close_inbox(). _remote: any thread may call it. */
static void push_inbox_remote(struct heap *heap, struct slab *slab) {
    struct slab_remote *remote = slab_remote(slab_index(slab));
    struct slab *first = atomic_load_explicit(&heap->inbox, memory_order_relaxed);
    do {
        remote->inbox_next = first;
    } while (!atomic_compare_exchange_weak_explicit(&heap->inbox, &first, slab,
                                                    memory_order_seq_cst, memory_order_relaxed));
}

/* Deal with a slab that came out of an inbox, or never got into one, and is not the caller's. Under
 * pool_lock. */
static void forward(struct slab *slab) {
    int owner = slab_owner(slab);
    if (owner != SLAB_OWNER_ORPHAN && owner != SLAB_OWNER_NONE) {
        push_inbox_remote(heap_of_owner((unsigned)owner),
                          slab); /* still posted; its owner is alive */
        return;
    }
    slab_unpost(slab);
    if (owner == SLAB_OWNER_ORPHAN) {
        fold(slab);
        settle_orphan(slab);
    }
}

static void forward_all(struct heap *dead) {
    struct slab *slab = atomic_exchange_explicit(&dead->inbox, NULL, memory_order_seq_cst);
    while (slab != NULL) {
        struct slab *next = slab_remote(slab_index(slab))->inbox_next;
        forward(slab);
        slab = next;
    }
}

/* Tell the owner of a slab that blocks of it were freed. _remote: any thread may call it, without
 * the lock. */
static void post_remote(struct slab *slab) {
    int owner;
    if (!slab_post_remote(slab, &owner))
        return;
    if (owner == SLAB_OWNER_ORPHAN || owner == SLAB_OWNER_NONE) {
        lock_acquire(&pool_lock);
        forward(slab);
        lock_release(&pool_lock);
        return;
    }
    struct heap *heap = heap_of_owner((unsigned)owner);
    push_inbox_remote(heap, slab);
    /* The owner clears `alive` and then empties its inbox; we push and then look: one of us sees
     * the other. */
    if (!atomic_load_explicit(&heap->alive, memory_order_seq_cst)) {
        lock_acquire(&pool_lock);
        forward_all(heap);
        lock_release(&pool_lock);
    }
}

/* ---- a heap's own slabs ---- */

/* After frees that did not go one by one: move the slab to where it belongs now. */
static void settle(struct heap *heap, struct slab *slab) {
    if (slab->place == SLAB_CURRENT || slab_used(slab) > slab->wake)
        return;
    heap_wake(heap, slab);
}

/* Hand out from a slab that has free slots again and lies lower than the one so far: nodes gather
 * in few slabs, and the others run empty. */
static bool replace_current(struct heap *heap, struct slab *slab) {
    struct slab *current = heap->classes[slab->class_index].current;
    if (current == NULL || current < slab || slab_used(current) == 0)
        return false;
    current->place = SLAB_NOWHERE;
    enlist(heap, current);
    make_current(heap, slab);
    return true;
}

SLOW void heap_wake(struct heap *heap, struct slab *slab) {
    if (slab->place == SLAB_CURRENT)
        return;
    unlist(heap, slab);
    if (slab_used(slab) != 0) {
        if (!replace_current(heap, slab))
            enlist(heap, slab);
        return;
    }
    lock_acquire(&pool_lock);
    release(slab);
    lock_release(&pool_lock);
}

/* ---- the quarantine ---- */

/* Words that can be noted in one turn: one for each free, and those of a slab that other threads
 * have freed into, which come together. */
static uint32_t aside_places(void) {
    return quarantine_limit + (uint32_t)SLAB_WORDS;
}

static bool has_quarantine(struct heap *heap) {
    if (LIKELY(heap->aside_left != 0))
        return true;
    /* One more: the place behind the last is written to. */
    size_t bytes = os_round_to_page((aside_places() + 1) * sizeof(struct aside_word));
    char *memory = quarantine_limit != 0 ? os_reserve(2 * bytes, os_page_bytes()) : NULL;
    if (memory == NULL)
        return false;
    if (!os_commit(memory, 2 * bytes)) {
        os_unreserve(memory, 2 * bytes);
        return false;
    }
    heap->aside_now = (struct aside_word *)(void *)memory;
    heap->aside_before = (struct aside_word *)(void *)(memory + bytes);
    heap->aside_left = quarantine_limit;
    return true;
}

/* Let what was freed in the turn before be handed out again. */
static void let_out(struct heap *heap) {
    for (uint32_t i = 0; i < heap->aside_before_count; i++) {
        size_t index = heap->aside_before[i].number / SLAB_WORDS;
        unsigned word = (unsigned)(heap->aside_before[i].number % SLAB_WORDS);
        uint64_t *aside = &slab_remote(index)->aside[word];
        OWNER_STORE(aside, *aside & ~heap->aside_before[i].slots);
        struct slab *slab = slab_at(index);
        slab_give_slots(slab, word, slab_live_word(slab, word), heap->aside_before[i].slots);
        settle(heap, slab);
    }
    heap->aside_before_count = 0;
}

static void turn(struct heap *heap) {
    let_out(heap);
    for (uint32_t i = 0; i < heap->aside_now_count; i++) {
        struct aside_word *noted = &heap->aside_now[i];
        struct slab_remote *remote = slab_remote(noted->number / SLAB_WORDS);
        noted->slots = remote->aside[noted->number % SLAB_WORDS];
        remote->aside_words = 0;
    }
    struct aside_word *emptied = heap->aside_before;
    heap->aside_before = heap->aside_now;
    heap->aside_before_count = heap->aside_now_count;
    heap->aside_now = emptied;
    heap->aside_now_count = 0;
    heap->aside_left = quarantine_limit;
}

/* Take in what other threads freed of a slab, and let it rest as if this one had freed it. */
static void fold_resting(struct heap *heap, struct slab *slab) {
    size_t index = slab_index(slab);
    uint32_t count, doubly_freed;
    uint64_t words = slab_fold_aside(slab, &count, &doubly_freed);
    report_doubly_freed(slab, doubly_freed);
    for (; words != 0; words &= words - 1)
        heap_note_aside(heap, slab_remote(index), index, (unsigned)__builtin_ctzll(words));
    heap->aside_left = count < heap->aside_left ? heap->aside_left - count : 0;
    if (heap->aside_left == 0)
        turn(heap);
}

static void empty_quarantine(struct heap *heap) {
    if (heap->aside_left == 0)
        return;
    turn(heap);
    let_out(heap);
}

/* ---- slabs that others free into ---- */

static void take_in(struct heap *heap, struct slab *slab) {
    if (slab_owner(slab) != (int)heap->owner) { /* meant for who had this heap before */
        lock_acquire(&pool_lock);
        forward(slab);
        lock_release(&pool_lock);
        return;
    }
    slab_unpost(slab);
    if (is_hardened && has_quarantine(heap))
        fold_resting(heap, slab);
    else
        fold(slab);
    settle(heap, slab);
}

/* Take in what other threads freed. A signal handler may fork in the middle of it; the child's
 * inbox is then made anew, with the slabs that are still to come, so it starts again. */
static void drain_inbox(struct heap *heap) {
    unsigned forks;
    do {
        forks = __atomic_load_n(&heap->forks, __ATOMIC_RELAXED);
        struct slab *slab = atomic_exchange_explicit(&heap->inbox, NULL, memory_order_seq_cst);
        while (slab != NULL && forks == __atomic_load_n(&heap->forks, __ATOMIC_RELAXED)) {
            struct slab *next = slab_remote(slab_index(slab))->inbox_next;
            take_in(heap, slab);
            slab = next;
        }
    } while (forks != __atomic_load_n(&heap->forks, __ATOMIC_RELAXED));
}

/* A slab of the class from the orphans, NULL if the first few have no free slot. */
static struct slab *adopt_orphan(struct heap *heap, unsigned class_index) {
    struct slab *found = NULL;
    if (__atomic_load_n(&orphans[class_index].first, __ATOMIC_RELAXED) == NULL)
        return NULL;
    lock_acquire(&pool_lock);
    for (int attempt = 0; attempt < ADOPT_ATTEMPTS && found == NULL; attempt++) {
        struct slab *slab = orphans[class_index].first;
        if (slab == NULL)
            break;
        adopt(heap, slab);
        if (slab_used(slab) < slab->slot_count)
            found = slab;
    }
    lock_release(&pool_lock);
    return found;
}

/* Mark slots that were claimed for the first time, from `first` on, as freed, and put a tag behind
 * the last: so there is one behind each that is in use. */
static void tag_fresh(const struct slab *slab, uint32_t first) {
    for (uint32_t slot = first == 0 ? 0 : first + 1; slot <= slab->fresh_slot; slot++) {
        void *block = slab_slot_start(slab, slot);
        block_tag_mark_freed(block, block_tag_mask(block), slab->class_index);
    }
}

/* Take the tags of slots from `first` to `last` away. */
static void untag(const struct slab *slab, uint32_t first, uint32_t last) {
    for (uint32_t slot = first; slot <= last; slot++)
        OWNER_STORE(block_tag_word(slab_slot_start(slab, slot)), 0);
}

/* Undo the claim of what a bin still has. */
static void empty_bin(struct heap *heap, unsigned class_index) {
    struct bin *bin = &heap->claims[class_index];
    if (bin->mask == 0)
        return;
    struct slab *slab = slab_of_live(bin->live);
    uint32_t fresh_slot = slab->fresh_slot;
    slab_unclaim(slab, (unsigned)(bin->live - slab->live), bin->mask, bin->fresh);
    if (is_hardened && class_index != 0)
        untag(slab, slab->fresh_slot + 1, fresh_slot);
    heap->counters->pool_calls[class_index] -= count_bits(bin->mask);
    bin->mask = 0;
}

/* Before a slab of the hardened mode serves another class: all its blocks were cleared as they were
 * freed, but their tags are left, and would lie within the new blocks. */
static void clear_remains(const struct slab *slab) {
    if (slab->disturbed)
        memset(slab_start(slab), 0, SLAB_BYTES);
    else if (slab->class_index != 0)
        untag(slab, 0, slab->fresh_slot);
}

/* A slab for the hardened mode: all zero but for the tags of its slots, and inaccessible if it is
 * for blocks of no bytes. If it served the same class before, its slots stay as they are. */
static void init_hardened(struct slab *slab, unsigned class_index, bool zeroed) {
    bool is_same = !zeroed && slab->class_index == class_index && !slab->disturbed;
    uint32_t fresh_slot = is_same ? slab->fresh_slot : 0;
    if (!zeroed && !is_same)
        clear_remains(slab);
    slab_init(slab, class_index, true);
    slab->fresh_slot = fresh_slot;
    if (class_index == 0)
        os_withdraw(slab_start(slab), SLAB_BYTES);
}

static struct slab *take_new_slab(struct heap *heap, unsigned class_index) {
    lock_acquire(&pool_lock);
    bool zeroed;
    size_t index = region_take_slab(&zeroed);
    struct slab *slab = NULL;
    if (index != REGION_NO_SLAB) {
        slab = slab_at(index);
        if (is_hardened)
            init_hardened(slab, class_index, zeroed);
        else
            slab_init(slab, class_index, zeroed);
        slab_set_owner(slab, heap->owner);
        heap->counters->slabs_taken++;
        stats_note_slabs(region_counts.taken, region_counts.taken_peak);
    }
    lock_release(&pool_lock);
    return slab;
}

/* The sweep comes by a slab: return what memory it can spare, if it has rested. False if that is
 * for another heap to do. */
static bool sweep_slab(const struct heap *heap, struct slab *slab) {
    int owner = slab_owner(slab);
    if (owner != (int)heap->owner && owner != SLAB_OWNER_ORPHAN && owner != SLAB_OWNER_NONE)
        return false;
    if (!has_rested(slab))
        return true;
    if (owner == SLAB_OWNER_NONE)
        region_cool(slab_index(slab));
    else
        purge_sparse(slab, slab_live_count(slab)); /* slots that wait in a bin hold nothing */
    return true;
}

/* A heap goes on to another slab that was in use before. Every few times its sweep goes on around
 * the region, so that memory that was not needed for a while goes back to the system. A heap that
 * only grows, or takes empty slabs again and again, does not move it. */
static void sweep(struct heap *heap) {
    if (++heap->slabs_changed % SWEEP_EVERY != 0 || is_hardened ||
        __atomic_load_n(&region_counts.used, __ATOMIC_RELAXED) < SWEEP_FROM_SLABS)
        return;
    lock_acquire(&pool_lock);
    unsigned swept = 0;
    for (unsigned i = 0; i < SWEEP_LOOKS && swept < SWEEP_SLABS; i++) {
        if (heap->sweep_next >= region_counts.used)
            heap->sweep_next = 0;
        swept += sweep_slab(heap, slab_at(heap->sweep_next++));
    }
    lock_release(&pool_lock);
}

/* The next slab of a class to hand out from; on no list. */
static struct slab *next_slab(struct heap *heap, unsigned class_index) {
    if (heap->classes[class_index].available.first == NULL &&
        atomic_load_explicit(&heap->inbox, memory_order_relaxed) != NULL)
        drain_inbox(heap);
    struct slab *slab = heap->classes[class_index].available.first;
    if (slab == NULL)
        slab = adopt_orphan(heap, class_index);
    if (slab == NULL)
        return take_new_slab(heap, class_index);
    unlist(heap, slab);
    sweep(heap);
    return slab;
}

static bool fill_bin(struct heap *heap, unsigned class_index, struct slab *slab) {
    struct bin *bin = &heap->claims[class_index];
    unsigned word;
    bool fresh;
    uint32_t countdown = slab->countdown;
    uint32_t fresh_slot = slab->fresh_slot;
    uint64_t mask = slab_claim(slab, &word, &fresh);
    if (mask == 0)
        return false;
    if (is_hardened && class_index != 0 && slab->fresh_slot != fresh_slot)
        tag_fresh(slab, fresh_slot);
    bin->first = slab_slot_start(slab, word * WORD_BITS);
    bin->live = &slab->live[word];
    bin->stride = slab->stride;
    bin->fresh = fresh;
    bin->zeroed = fresh && slab->zeroed;
    bin->mask = mask;
    heap->counters->pool_calls[class_index] += slab->countdown - countdown;
    return true;
}

SLOW struct bin *heap_fill(struct heap *heap, unsigned class_index) {
    struct bin *bin = &heap->claims[class_index];
    if (bin->mask != 0) /* a request of 0 bytes, whose class the fast path does not find */
        return bin;
    struct slab *slab = heap->classes[class_index].current;
    while (slab == NULL || !fill_bin(heap, class_index, slab)) {
        heap->classes[class_index].current = NULL;
        if (slab != NULL)
            enlist(heap, slab);
        slab = next_slab(heap, class_index);
        if (slab == NULL)
            return NULL;
        make_current(heap, slab);
    }
    return bin;
}

/* ---- any pointer of the region ---- */

/* True if the slot was claimed from fresh memory and not handed out: slab_diagnose() cannot tell
 * that from freed. */
static bool waits_in_bin(const struct fault_report *report) {
    int owner = slab_owner(slab_at(report->slab_index));
    if (owner < SLAB_OWNER_FIRST || (unsigned)owner > heap_count)
        return false;
    const struct bin *bin =
        &heap_of_owner((unsigned)owner)->claims[slab_at(report->slab_index)->class_index];
    uint64_t bit = (uint64_t)1 << report->slot % WORD_BITS;
    return bin->fresh &&
           bin->live == &slab_at(report->slab_index)->live[report->slot / WORD_BITS] &&
           (bin->mask & bit) != 0;
}

struct slab *heap_find_any(const void *pointer, uint32_t *slot, struct fault_report *report) {
    for (;;) {
        struct slab *slab = slab_find(pointer, slot);
        if (LIKELY(slab != NULL))
            return slab;
        report->requested = FAULT_BYTES_UNKNOWN;
        report->fault = slab_diagnose(pointer, report);
        if (report->fault == FAULT_NONE)
            continue; /* another thread was at work on its slab a moment ago */
        if (report->fault == FAULT_DOUBLE_FREE && waits_in_bin(report))
            report->fault = FAULT_NEVER_ALLOCATED;
        heap_raise(report);
        return NULL;
    }
}

/* Free a block of an orphan. A heap that has no other slab of the class with free slots adopts the
 * orphan, so that what else it frees of it costs little; else it stays for whoever needs slots.
 * False if the slab is no orphan any more, or the block is freed already. */
SLOW static bool give_orphan(struct heap *heap, struct slab *slab, uint32_t slot) {
    lock_acquire(&pool_lock);
    bool is_given = slab_owner(slab) == SLAB_OWNER_ORPHAN && slab_holds(slab, slot);
    bool adopts =
        is_given && heap_is_real(heap) && heap->classes[slab->class_index].available.first == NULL;
    bool settles = false;
    if (adopts)
        adopt(heap, slab);
    if (is_given)
        settles = slab_give(slab, slot, slab_live_of(slab, slot));
    if (is_given && !adopts)
        settle_orphan(slab);
    lock_release(&pool_lock);
    if (settles && adopts)
        heap_wake(heap, slab);
    return is_given;
}

/* A block of a slab of our own was freed that other threads have freed into. What they freed comes
 * in together, when the heap needs slots or after some such frees: to take it in one by one would
 * pass the same cache lines back and forth. */
static void note_posted_give(struct heap *heap) {
    if (++heap->posted_gives >= POSTED_GIVES) {
        heap->posted_gives = 0;
        drain_inbox(heap);
    }
}

static void give_posted(struct heap *heap, struct slab *slab, uint32_t slot) {
    if (slab_give(slab, slot, slab_live_of(slab, slot)))
        heap_wake(heap, slab);
    note_posted_give(heap);
}

void heap_give_resting(struct heap *heap, struct slab *slab, uint32_t slot) {
    bool is_posted = slab_is_posted(slab);
    if (!has_quarantine(heap)) {
        if (slab_give(slab, slot, slab_live_of(slab, slot)))
            heap_wake(heap, slab);
    } else {
        heap_set_aside(heap, slab_index(slab), slot);
        if (heap->aside_left == 0)
            turn(heap);
    }
    if (is_posted) /* last, so that a slot that another thread frees too is found */
        note_posted_give(heap);
}

/* Free a block of another running thread. False if it is freed already. */
static bool give_remote(struct heap *heap, struct slab *slab, uint32_t slot) {
    if (heap_is_real(heap))
        heap->counters->remote_frees++;
    enum slab_remote_result result = slab_give_remote(slab, slot);
    if (result == SLAB_REMOTE_POST)
        post_remote(slab);
    return result != SLAB_REMOTE_DOUBLE;
}

SLOW bool heap_give_untagged(struct heap *heap, void *pointer) {
    uintptr_t offset = (uintptr_t)pointer - region.base;
    if (offset >= region.bytes)
        return false;
    size_t index = offset >> SLAB_SHIFT;
    struct slab *slab = slab_at(index);
    int owner = slab_tag_owner(atomic_load_explicit(&slab->tag, memory_order_acquire), index);
    bool exact;
    size_t slot = slab_slot(slab->reciprocal, (uint32_t)(offset & (SLAB_BYTES - 1)), &exact);
    if (owner < SLAB_OWNER_FIRST || owner >= SLAB_OWNER_LARGE || !exact)
        return exact && owner == SLAB_OWNER_ORPHAN && give_orphan(heap, slab, (uint32_t)slot);
    uint64_t live = slab_live_of(slab, (uint32_t)slot);
    if (!slab_is_live(live, slot))
        return false;
    if (owner != (int)heap->owner)
        return give_remote(heap, slab, (uint32_t)slot);
    if (slab_is_freed_remotely(slab, (uint32_t)slot))
        return false;
    give_posted(heap, slab, (uint32_t)slot);
    return true;
}

SLOW bool heap_give_any(struct heap *heap, struct slab *slab, uint32_t slot) {
    int owner = slab_owner(slab);
    if (owner == SLAB_OWNER_ORPHAN)
        return give_orphan(heap, slab, slot);
    if (owner != (int)heap->owner || !heap_is_real(heap))
        return give_remote(heap, slab, slot);
    if (slab_is_posted(slab))
        give_posted(heap, slab, slot);
    else if (slab_give(slab, slot, slab_live_of(slab, slot)))
        heap_wake(heap, slab);
    return true;
}

/* ---- a heap's life ---- */

static void set_up(struct heap *heap, unsigned owner) {
    heap->owner = owner;
    heap->tag = slab_tag_of_owner(owner);
    heap->claims = is_checked ? heap->checked_bins : heap->bins;
}

/* The memory of a new heap; under pool_lock. */
static struct heap *new_heap(void) {
    if (free_heaps != NULL) {
        struct heap *heap = free_heaps;
        free_heaps = heap->next_free;
        return heap;
    }
    if (heap_count == HEAP_LIMIT)
        return NULL;
    unsigned owner = heap_count + SLAB_OWNER_FIRST;
    if (owner != SLAB_OWNER_FIRST) {
        size_t bytes = os_round_to_page(HEAP_LIMIT * sizeof(struct heap));
        if (more_heaps == NULL)
            more_heaps = os_reserve(bytes, os_page_bytes());
        if (more_heaps == NULL)
            return NULL;
        /* Whole pages from the start to the new heap's end: repeating it for those that are
         * accessible is cheap. */
        if (!os_commit(more_heaps, os_round_to_page(heap_count * sizeof(struct heap))))
            return NULL;
    }
    heap_count++;
    struct heap *heap = heap_of_owner(owner);
    set_up(heap, owner);
    return heap;
}

COLD struct heap *heap_open(void) {
    lock_acquire(&pool_lock);
    struct heap *heap = new_heap();
    if (heap != NULL) {
        struct tagpool_stats_counters *lane = stats_claim_lane();
        heap->counters = lane != NULL ? lane : &heap->private_counters;
        atomic_store_explicit(&heap->alive, true, memory_order_seq_cst);
    }
    lock_release(&pool_lock);
    if (heap != NULL)
        heap_current = heap;
    return heap;
}

static void settle_bin_counts(struct heap *heap) {
    for (unsigned i = 0; i < classes_in_use(); i++)
        heap->counters->pool_calls[i] -= count_bits(heap->claims[i].mask);
}

/* Give unclaimed slots back and make all slabs of a class orphans. */
static void orphan_class(struct heap *heap, unsigned class_index) {
    empty_bin(heap, class_index);
    struct class_slabs *slabs = &heap->classes[class_index];
    struct slab *current = slabs->current;
    slabs->current = NULL;
    if (current != NULL) {
        current->place = SLAB_NOWHERE;
        make_orphan(current);
    }
    struct slab_list *lists[] = {&slabs->available, &slabs->full};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        while (lists[i]->first != NULL) {
            struct slab *slab = lists[i]->first;
            list_remove(lists[i], slab);
            make_orphan(slab);
        }
    }
}

COLD void heap_close(struct heap *heap) {
    drain_inbox(heap);
    empty_quarantine(heap);
    lock_acquire(&pool_lock);
    for (unsigned i = 0; i < classes_in_use(); i++)
        orphan_class(heap, i);
    /* Sequentially consistent, the partner of post_remote(). */
    atomic_store_explicit(&heap->alive, false, memory_order_seq_cst);
    forward_all(heap);
    stats_retire(heap->counters);
    heap->counters = &heap->private_counters;
    heap->next_free = free_heaps;
    free_heaps = heap;
    lock_release(&pool_lock);
    heap_current = (struct heap *)(uintptr_t)&heap_ended;
}

/* After a fork, for each slab of another thread: what the thread left in the middle is worked out
 * from the live bits. */
static void take_over(struct slab *slab) {
    int owner = slab_owner(slab);
    slab_unpost(slab);
    fold(slab);
    if (owner == SLAB_OWNER_ORPHAN) {
        settle_orphan(slab);
        return;
    }
    slab->disturbed = true;
    slab_recount(slab);
    slab->place = SLAB_NOWHERE;
    make_orphan(slab);
}

/* After a fork, for each slab of the heap that goes on: it may have been at work on the slab when a
 * signal handler forked, so the slab stays as it is. Only the inbox is made anew, because threads
 * that are gone may have been about to put slabs into it. */
static void post_again(struct heap *mine, struct slab *slab) {
    int owner;
    if (!slab_is_posted(slab) && !slab_has_remote(slab))
        return;
    slab_post_remote(slab, &owner);
    push_inbox_remote(mine, slab);
}

COLD void heap_after_fork(bool intact) {
    struct heap *mine = heap_current;
    stats_after_fork();
    if (heap_is_real(mine)) {
        struct tagpool_stats_counters *lane = stats_claim_lane();
        mine->counters = lane != NULL ? lane : &mine->private_counters;
        mine->forks++;
        memset(&mine->private_counters, 0, sizeof mine->private_counters);
        /* The slots that the parent's heap had claimed are the child's to hand out too. */
        for (unsigned i = 0; i < classes_in_use(); i++)
            mine->counters->pool_calls[i] = count_bits(mine->claims[i].mask);
    }
    bool others = heap_count > (heap_is_real(mine) ? 1u : 0u);
    if (!intact || !others)
        return;
    free_heaps = NULL;
    for (unsigned owner = SLAB_OWNER_FIRST; owner < SLAB_OWNER_FIRST + heap_count; owner++) {
        struct heap *heap = heap_of_owner(owner);
        atomic_store_explicit(&heap->inbox, NULL, memory_order_relaxed);
        if (heap == mine)
            continue;
        memset(heap, 0, sizeof *heap);
        set_up(heap, owner);
        heap->next_free = free_heaps;
        free_heaps = heap;
    }
    for (size_t index = 0; index < region_counts.used; index++) {
        struct slab *slab = slab_at(index);
        int owner = slab_owner(slab);
        if (heap_is_real(mine) && owner == (int)mine->owner)
            post_again(mine, slab);
        else if (owner == SLAB_OWNER_NONE)
            slab_unpost(slab);
        else if (owner >= 0 && owner < SLAB_OWNER_LARGE)
            take_over(slab);
    }
}

COLD void heap_settle_counts(void) {
    lock_acquire(&pool_lock);
    for (unsigned owner = SLAB_OWNER_FIRST; owner < SLAB_OWNER_FIRST + heap_count; owner++) {
        struct heap *heap = heap_of_owner(owner);
        if (atomic_load_explicit(&heap->alive, memory_order_relaxed))
            settle_bin_counts(heap);
    }
    lock_release(&pool_lock);
}

COLD void heap_sum(struct heap_sums *sums) {
    *sums = (struct heap_sums){.free_bytes = 0};
    lock_acquire(&pool_lock);
    for (size_t index = 0; index < region_counts.used; index++) {
        struct slab *slab = slab_at(index);
        int owner = slab_owner(slab);
        if (owner == SLAB_OWNER_LARGE)
            sums->live_bytes += slab_large_bytes(slab);
        if (owner < 0 || owner >= SLAB_OWNER_LARGE)
            continue;
        size_t live = slab_live_count(slab);
        sums->live_blocks[slab->class_index] += live;
        sums->live_bytes += live * slab->stride;
        sums->free_bytes += SLAB_BYTES - live * slab->stride;
    }
    lock_release(&pool_lock);
}

COLD void heap_each_live(void (*visit)(struct slab *slab, uint32_t slot, void *context),
                         void *context) {
    for (size_t index = 0; index < region_counts.used; index++) {
        struct slab *slab = slab_at(index);
        int owner = slab_owner(slab);
        if (owner == SLAB_OWNER_LARGE && slab_large_bytes(slab) != 0)
            visit(slab, 0, context);
        if (owner < 0 || owner >= SLAB_OWNER_LARGE)
            continue;
        for (uint32_t slot = 0; slot < slab->slot_count; slot++)
            if (slab_is_live(slab_live_of(slab, slot), slot) &&
                !slab_is_freed_remotely(slab, slot) && !slab_is_aside(slab, slot))
                visit(slab, slot, context);
    }
}
