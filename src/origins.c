#include "origins.h"

#include "findings.h"
#include "heap_table.h"
#include "large.h"
#include "modules.h"
#include "objects.h"
#include "os.h"
#include "spans.h"
#include "unwind.h"

#include <string.h>

enum {
    CHUNK_SLABS = 64, /* of the table, made accessible at a time */
    CHUNKS = REGION_SLABS / CHUNK_SLABS,
    THREAD_BITS = 12, /* of a note: the number of a thread, and above it that of a stack */
    THREADS = 1 << THREAD_BITS, /* later ones are not known by number */
};
static_assert((uint64_t)STACKS_MOST << THREAD_BITS <= UINT32_MAX, "a note is a word of 32 bits");

/* What is noted of a slot; 0: nothing. */
struct notes {
    _Atomic(uint32_t) taken;
    _Atomic(uint32_t) freed; /* cleared when the slot is taken */
};

#define SLAB_NOTES_BYTES (SLAB_SLOTS * sizeof(struct notes))

FIXED bool origins_are_kept;
static FIXED char *table; /* SLAB_NOTES_BYTES for each slab of the region */
static FIXED unsigned frames_kept;

/* Set apart where blocks are traced: the library's data is small. */
struct room {
    _Atomic(uint64_t) accessible[(CHUNKS + WORD_BITS - 1) / WORD_BITS];
    _Atomic(uint32_t) threads[THREADS]; /* a hash table: the system's numbers by ours */
    /* The table is there for slabs up to low_end, and for those of spans. Under pool_lock. */
    size_t low_end;
    size_t spans_start;
    size_t spans_end;
};
static FIXED struct room *room;

static size_t down_to_chunk(size_t slabs) {
    return slabs / CHUNK_SLABS * CHUNK_SLABS;
}

static size_t up_to_chunk(size_t slabs) {
    return down_to_chunk(slabs + CHUNK_SLABS - 1);
}

/* The index of the first slab that is set apart for spans. */
static size_t spans_first(void) {
    return (region_bounds.span_base - region.base) >> SLAB_SHIFT;
}

/* Give the notes of slabs from `kept` on back. */
static void release_notes(size_t *end, size_t kept) {
    if (kept >= *end)
        return;
    os_unreserve(table + kept * SLAB_NOTES_BYTES, (*end - kept) * SLAB_NOTES_BYTES);
    *end = kept;
}

void origins_release_unused(void) {
    if (!origins_are_kept)
        return;
    ASSERT(lock_is_mine(&pool_lock));
    release_notes(&room->low_end, up_to_chunk(region.owned_bytes >> SLAB_SHIFT));
    if (region_bounds.span_slabs != 0)
        release_notes(&room->spans_end, up_to_chunk(spans_first() + region_bounds.span_slabs));
}

void origins_unlock(void) {
    if (!origins_are_kept)
        return;
    size_t spans = room->spans_end - room->spans_start;
    os_unlock(table, room->low_end * SLAB_NOTES_BYTES);
    os_unlock(table + room->spans_start * SLAB_NOTES_BYTES, spans * SLAB_NOTES_BYTES);
    stacks_unlock();
}

/* Without all of the address space there are no origins, and the program has what there was. */
COLD static void give_up(size_t table_bytes, size_t room_bytes) {
    struct text line = {.length = 0};
    text_add(&line, "origins: no address space for the call stacks: none are kept");
    fault_line(&line);
    if (table != NULL)
        os_unreserve(table, table_bytes);
    if (room != NULL)
        os_unreserve(room, room_bytes);
}

void origins_start(uint64_t frames) {
    size_t slabs = (size_t)(region.descriptors - (char *)region.base) >> SLAB_SHIFT;
    size_t bytes = os_round_to_page(slabs * SLAB_NOTES_BYTES);
    if (slabs == 0)
        return;
    size_t room_bytes = os_round_to_page(sizeof *room);
    table = os_reserve(bytes, os_page_bytes());
    room = os_reserve(room_bytes, os_page_bytes());
    if (table == NULL || room == NULL || !os_commit(room, room_bytes) ||
        !stacks_start((unsigned)frames, (const void *)(uintptr_t)&origins_start)) {
        give_up(bytes, room_bytes);
        return;
    }
    os_leave_out_of_dumps(table, bytes);
    os_use_no_huge_pages(table, bytes);
    room->spans_end = slabs;
    room->spans_start = region_bounds.span_slabs == 0 ? slabs : down_to_chunk(spans_first());
    room->low_end = room->spans_start;
    frames_kept = (unsigned)frames;
    origins_are_kept = true;
    heap_table_trace_blocks();
}

/* ---- notes ---- */

/* Make the notes of a slab accessible. Threads may do it at the same time. */
static bool make_accessible(size_t slab_index) {
    size_t chunk = slab_index / CHUNK_SLABS;
    _Atomic(uint64_t) *word = &room->accessible[chunk / WORD_BITS];
    uint64_t bit = (uint64_t)1 << chunk % WORD_BITS;
    if (LIKELY((atomic_load_explicit(word, memory_order_relaxed) & bit) != 0))
        return true;
    size_t bytes = CHUNK_SLABS * SLAB_NOTES_BYTES;
    if (!os_commit(table + chunk * bytes, bytes))
        return false;
    atomic_fetch_or_explicit(word, bit, memory_order_relaxed);
    return true;
}

static struct notes *notes_at(size_t slab_index, size_t slot) {
    struct notes *of_slab = (struct notes *)(void *)(table + slab_index * SLAB_NOTES_BYTES);
    return make_accessible(slab_index) ? &of_slab[slot] : NULL;
}

/* The notes of the block at a pointer of ours; NULL if there is none. */
static struct notes *notes_of(const void *block) {
    size_t index = region_slab_index(block);
    if (spans_own(block))
        return notes_at(index, 0);
    uintptr_t offset = (uintptr_t)block - region.base;
    if (offset >= region.bytes)
        return NULL;
    bool exact;
    uint32_t in_slab = (uint32_t)(offset & (SLAB_BYTES - 1));
    size_t slot = slab_slot(slab_at(index), in_slab - slab_gap_bytes, &exact);
    return notes_at(index, slot % SLAB_SLOTS);
}

/* Our number for the system's number of a thread; 0 if it has none. The system gives numbers again,
 * and so do we. */
static uint32_t number_of(uint32_t thread) {
    for (uint32_t i = 0; i < THREADS / 16; i++) {
        uint32_t number = (thread + i) % THREADS;
        uint32_t known = 0;
        if (number != 0 &&
            (atomic_compare_exchange_strong_explicit(&room->threads[number], &known, thread,
                                                     memory_order_relaxed, memory_order_relaxed) ||
             known == thread))
            return number;
    }
    return 0;
}

/* The calling thread by our number. One that only frees has no heap to remember it. */
static uint32_t this_thread(void) {
    struct heap *heap = heap_current;
    if (!heap_is_real(heap))
        return number_of((uint32_t)os_thread_id());
    if (UNLIKELY(heap->origin_thread == 0))
        heap->origin_thread = number_of((uint32_t)heap->thread);
    return heap->origin_thread;
}

static uint32_t note_now(void) {
    return stacks_take() << THREAD_BITS | this_thread();
}

void origins_keep_taken(const void *block) {
    struct notes *notes = notes_of(block);
    if (notes == NULL)
        return;
    atomic_store_explicit(&notes->freed, 0, memory_order_relaxed);
    atomic_store_explicit(&notes->taken, note_now(), memory_order_relaxed);
}

void origins_keep_freed(const void *block) {
    struct notes *notes = notes_of(block);
    if (notes != NULL)
        atomic_store_explicit(&notes->freed, note_now(), memory_order_relaxed);
}

static uint32_t stack_in(const _Atomic(uint32_t) *note) {
    return atomic_load_explicit(note, memory_order_relaxed) >> THREAD_BITS;
}

uint32_t origins_of(const struct slab *slab, uint32_t slot) {
    const struct notes *notes = origins_are_kept ? notes_at(slab_index(slab), slot) : NULL;
    return notes != NULL ? stack_in(&notes->taken) : 0;
}

uint32_t origins_of_large(const void *block) {
    const struct notes *notes = origins_are_kept ? notes_of(block) : NULL;
    return notes != NULL ? stack_in(&notes->taken) : 0;
}

/* ---- telling ---- */

static void add_place(struct text *line, uintptr_t address, const struct module *module) {
    struct objects_symbol symbol;
    const char *slash = strrchr(module->path, '/');
    text_add(line, slash != NULL ? slash + 1 : module->path);
    text_add(line, "+");
    text_add_hex(line, address - module->start);
    if (atomic_load_explicit(&module->died, memory_order_relaxed) != MODULE_ALIVE ||
        !objects_find_symbol(address - 1, &symbol))
        return;
    text_add(line, " (");
    text_add(line, symbol.name);
    text_add(line, "+");
    text_add_hex(line, symbol.offset + 1);
    text_add(line, ")");
}

void origins_tell_stack(struct stack stack) {
    for (uint32_t i = 0; i < stack.count; i++) {
        struct text line = {.length = 0};
        const struct module *module = modules_find_in(stack.frames[i] - 1, stack.epoch);
        text_add(&line, "    ");
        if (module != NULL)
            add_place(&line, stack.frames[i], module);
        else
            text_add_hex(&line, stack.frames[i]);
        fault_line(&line);
    }
}

/* A stack with what it is of, "  freed here:". */
static void tell(const char *what, const struct findings_stack *stack) {
    struct text line = {.length = 0};
    if (stack->stack.count == 0)
        return;
    text_add(&line, "  ");
    text_add(&line, what);
    if (stack->thread != 0) {
        text_add(&line, " by thread ");
        text_add_number(&line, stack->thread);
    }
    text_add(&line, ":");
    fault_line(&line);
    origins_tell_stack(stack->stack);
}

static struct findings_stack from_note(const _Atomic(uint32_t) *note) {
    uint32_t word = atomic_load_explicit(note, memory_order_relaxed);
    return (struct findings_stack){
        .stack = stacks_get(word >> THREAD_BITS),
        .thread = atomic_load_explicit(&room->threads[word % THREADS], memory_order_relaxed)};
}

/* The notes of the block that a fault is about. */
static const struct notes *notes_of_fault(const struct fault_report *report) {
    if (spans_own(report->address)) {
        const void *block = large_block_around(report->address);
        return notes_of(block != NULL ? block : report->address);
    }
    if (report->class_bytes == 0 || report->slot >= SLAB_SLOTS)
        return NULL;
    return notes_at(report->slab_index, report->slot);
}

/* What the stack of the faulty call is called. */
static const char *name_of_call(const struct fault_report *report) {
    if (report->caller == FAULT_CALLER_UNKNOWN)
        return "found";
    return report->is_use ? "used here" : "freed here";
}

void origins_tell(const struct fault_report *report, const struct text *line) {
    uintptr_t frames[UNWIND_FRAMES_MOST];
    struct findings_stack stacks[TAGPOOL_FINDING_ROLES] = {{.thread = 0}};
    struct stack *here = &stacks[TAGPOOL_FINDING_HERE].stack;
    if (origins_are_kept && report->caller != NULL) {
        here->frames = frames;
        here->count = unwind_frames(frames, frames_kept, &here->epoch);
        stacks[TAGPOOL_FINDING_HERE].thread = (uint32_t)os_thread_id();
    }
    const struct notes *notes = origins_are_kept ? notes_of_fault(report) : NULL;
    if (notes != NULL) {
        stacks[TAGPOOL_FINDING_FREED] = from_note(&notes->freed);
        stacks[TAGPOOL_FINDING_ALLOCATED] = from_note(&notes->taken);
    }
    const struct notes *before =
        origins_are_kept && report->neighbour != NULL ? notes_of(report->neighbour) : NULL;
    if (before != NULL)
        stacks[TAGPOOL_FINDING_BEFORE] = from_note(&before->taken);
    findings_add_fault((uint32_t)report->fault, report->address, line, stacks);
    if (findings_are_kept() || !origins_are_kept)
        return;
    bool is_double = report->fault == FAULT_DOUBLE_FREE && !report->is_use;
    tell(name_of_call(report), &stacks[TAGPOOL_FINDING_HERE]);
    tell(is_double ? "first freed" : "freed", &stacks[TAGPOOL_FINDING_FREED]);
    tell("allocated", &stacks[TAGPOOL_FINDING_ALLOCATED]);
    tell("the block before was allocated", &stacks[TAGPOOL_FINDING_BEFORE]);
}
