#include "heap_table.h"

#include "os.h"

#include <string.h>

const struct heap_front heap_none = {.tag = SLAB_TAG_POSTED};
const struct heap_front heap_ended = {.tag = SLAB_TAG_POSTED};
static_assert(offsetof(struct heap, counters) == sizeof(struct heap_front),
              "a heap starts with its front");

struct tagpool_stats_counters heap_table_homeless;

_Thread_local struct heap *heap_current = (struct heap *)(uintptr_t)&heap_none;

/* It needs no memory of the system. What blocks without tags use of it, while no slab is on a list,
 * ends in the second page of the variables. */
__attribute__((section(".bss.first_heap"))) struct heap heap_table_first;
char *heap_table_parts[HEAP_PARTS]; /* accessible as far as they are used */
unsigned heap_table_count;
const struct class_slabs heap_table_no_slabs;
unsigned heap_table_generation;
static struct heap *free_heaps; /* those whose thread has ended */

FIXED bool heap_table_is_checked;
static FIXED bool is_traced;
FIXED bool heap_table_is_hardened;

void heap_table_check_blocks(void) {
    ASSERT(heap_table_count == 0);
    heap_table_is_checked = true;
    region_choose_blocks(REGION_CHECKED);
}

void heap_table_trace_blocks(void) {
    ASSERT(heap_table_count == 0);
    heap_table_is_checked = true;
    is_traced = true;
    region_choose_blocks(REGION_TRACED);
}

void heap_table_harden(void) {
    ASSERT(heap_table_count == 0 && heap_table_is_checked);
    heap_table_is_hardened = true;
}

unsigned heap_table_first_bin(unsigned class_index) {
    return heap_table_is_checked ? class_index : size_class_first_guest(class_index);
}

APART bool heap_table_has_fresh(const struct slab *slab, uint32_t slot) {
    int owner = slab_owner(slab);
    if (owner < SLAB_OWNER_FIRST || (unsigned)owner >= heap_table_end())
        return false;
    const struct bin *bins = heap_table_of((unsigned)owner)->claims;
    const uint64_t *live = &slab->live[slot / WORD_BITS];
    bool has_it = false;
    for (unsigned i = heap_table_first_bin(slab->class_index); i <= slab->class_index; i++)
        has_it |= bins[i].fresh && bins[i].live == live && slab_is_live(bins[i].mask, slot);
    return has_it;
}

/* What the fast paths compare tags of slabs with: where blocks are traced, no slab has it, as one
 * that waits in the region is never posted. Either tells the index of a heap's own slab. */
static uint64_t tag_for(unsigned owner) {
    return is_traced ? slab_tag_of_owner(SLAB_OWNER_NONE) | SLAB_TAG_POSTED
                     : slab_tag_of_owner(owner);
}

static void set_up(struct heap *heap, unsigned owner) {
    heap->owner = owner;
    heap->tag = tag_for(owner);
    heap->claims = is_traced               ? heap->traced_bins
                   : heap_table_is_checked ? heap->checked_bins
                                           : heap->bins;
}

void heap_table_note_thread(struct heap *heap) {
    heap->process = os_process_id();
    heap->thread = os_thread_id();
    heap->origin_thread = 0;
}

/* Make room for the heap with this number behind the first; false if there is none. */
static bool make_room(unsigned number) {
    unsigned place, part = heap_table_part(number, &place);
    size_t part_bytes = os_round_to_page(HEAP_BYTES << (part + HEAP_PART_SHIFT));
    char **start = &heap_table_parts[part];
    if (*start == NULL) {
        *start = os_reserve(part_bytes, os_page_bytes());
        if (*start == NULL)
            return false;
        os_leave_out_of_dumps(*start, part_bytes);
    }
    /* Whole pages from the start to the new heap's end: repeating it for those that are
     * accessible is cheap. */
    return os_commit(*start, os_round_to_page((place + 1) * HEAP_BYTES));
}

static struct heap *new_heap(void) {
    if (heap_table_count == HEAP_LIMIT)
        return NULL;
    unsigned owner = heap_table_count + SLAB_OWNER_FIRST;
    if (owner != SLAB_OWNER_FIRST && !make_room(heap_table_count - 1))
        return NULL;
    __atomic_store_n(&heap_table_count, heap_table_count + 1, __ATOMIC_RELAXED);
    struct heap *heap = heap_table_of(owner);
    set_up(heap, owner);
    return heap;
}

struct heap *heap_table_claim(void) {
    ASSERT(lock_is_mine(&pool_lock) && heap_table_count <= HEAP_LIMIT);
    struct heap *heap = free_heaps;
    if (heap != NULL)
        __atomic_store_n(&free_heaps, heap->next_free, __ATOMIC_RELAXED);
    else
        heap = new_heap();
    ASSERT(heap == NULL || (!heap->alive && heap->tag == tag_for(heap->owner)));
    if (heap != NULL)
        heap_table_note_thread(heap);
    return heap;
}

/* ---- heaps that nobody closed ---- */

enum {
#ifdef TAGPOOL_SMALL_WORLD
    ABANDONED_FROM = 4,
#else
    ABANDONED_FROM = 64, /* few heaps are not worth a look */
#endif
};

bool heap_table_is_used_up(void) {
    return __atomic_load_n(&free_heaps, __ATOMIC_RELAXED) == NULL &&
           __atomic_load_n(&heap_table_count, __ATOMIC_RELAXED) >= ABANDONED_FROM;
}

/* A heap of another process in the same memory, as after vfork(), is left alone. So is one in the
 * child of a fork that ran no handlers. */
struct heap *heap_table_next_abandoned(void) {
    static unsigned looked_at;
    ASSERT(lock_is_mine(&pool_lock));
    if (!heap_table_is_used_up())
        return NULL;
    struct heap *heap = heap_table_of(SLAB_OWNER_FIRST + looked_at++ % heap_table_count);
    if (heap == heap_current || !atomic_load_explicit(&heap->alive, memory_order_relaxed) ||
        heap->process != os_process_id() || !os_thread_is_gone(heap->process, heap->thread))
        return NULL;
    heap->process = 0;
    return heap;
}

void heap_table_abandon(struct heap *heap) {
    heap->process = os_process_id();
}

void heap_table_retire(struct heap *heap) {
    ASSERT(lock_is_mine(&pool_lock) && !heap->alive && heap != free_heaps);
    ASSERT(heap == heap_table_of(heap->owner));
    heap->next_free = free_heaps;
    __atomic_store_n(&free_heaps, heap, __ATOMIC_RELAXED);
}

APART void heap_table_recycle(void) {
    ASSERT(lock_is_mine(&pool_lock));
    for (unsigned owner = SLAB_OWNER_FIRST; owner < heap_table_end(); owner++) {
        struct heap *heap = heap_table_of(owner);
        if (!heap_table_is_vanished(heap))
            continue;
        memset(heap, 0, sizeof *heap);
        set_up(heap, owner);
        heap_table_retire(heap);
    }
}
