#include "checked.h"

#include "os.h"

#include <string.h>

uint32_t checked_tag_bytes;
bool checked_is_hardened;
static uint32_t quarantine_limit;

enum {
    RESTING_SLABS = 8,            /* empty ones, which do not come back at once either */
    HARDENED_CLAIM_BYTES = 16384, /* slots to choose from, and not a whole slab touched for few */
};

/* What is left of a slot for the program. */
static uint32_t usable_bytes(const struct slab *slab) {
    return slab->stride - checked_tag_bytes;
}

void checked_start(void) {
    block_start(os_random());
    checked_tag_bytes = BLOCK_TAG_BYTES;
    slab_gap_bytes = SLAB_GAP_BYTES;
    heap_start(true);
}

void checked_harden(uint64_t quarantine, uint64_t guard) {
    checked_is_hardened = true;
    quarantine_limit = (uint32_t)quarantine;
    slab_claim_bytes = HARDENED_CLAIM_BYTES;
    region_harden(RESTING_SLABS, guard);
    heap_harden();
}

/* Where a block is, in a report. */
static void describe(struct fault_report *report, const struct slab *slab, uint32_t slot) {
    report->address = slab_slot_start(slab, slot);
    report->slab_index = slab_index(slab);
    report->class_bytes = slab->stride;
    report->slot = slot;
    report->requested = FAULT_BYTES_UNKNOWN;
    report->neighbour = NULL;
}

/* ---- taking ---- */

/* Xorshift (Marsaglia, "Xorshift RNGs", 2003): which slot comes next should not be easy to guess,
 * and costs little. */
static uint64_t next_random(struct heap *heap) {
    uint64_t state = heap->random_state != 0 ? heap->random_state : os_random() | 1;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    heap->random_state = state;
    return state;
}

static unsigned random_slot(struct heap *heap, uint64_t mask) {
    unsigned turn = (unsigned)(next_random(heap) >> 58);
    uint64_t turned = mask >> turn | mask << (WORD_BITS - turn) % WORD_BITS;
    return ((unsigned)__builtin_ctzll(turned) + turn) % WORD_BITS;
}

/* True if all bytes have one value. Slots are whole multiples of 16 bytes but for the tag's 8. */
static inline bool are_all(const unsigned char *bytes, size_t count, unsigned char value) {
    size_t i = 0;
    uint64_t pattern = value * 0x0101010101010101u;
    for (; i + sizeof pattern <= count; i += sizeof pattern) {
        uint64_t word;
        memcpy(&word, bytes + i, sizeof word);
        if (word != pattern)
            return false;
    }
    for (; i < count; i++)
        if (bytes[i] != value)
            return false;
    return true;
}

/* memset(), without a call for the few bytes that it mostly is about. */
static inline void fill(unsigned char *bytes, size_t count, unsigned char value) {
    if (count > 64) {
        memset(bytes, value, count);
        return;
    }
    for (; (uintptr_t)bytes % 8 != 0 && count > 0; count--)
        *bytes++ = value;
    for (uint64_t pattern = value * 0x0101010101010101u; count >= 8; bytes += 8, count -= 8)
        memcpy(bytes, &pattern, 8);
    for (; count > 0; count--)
        *bytes++ = value;
}

/* Never 0, which is what strings end in and freed blocks are full of. */
static unsigned char canary_of(const void *block) {
    return (unsigned char)(block_mask(block) >> 24) | 1;
}

static void write_canary(void *block, size_t requested, size_t usable) {
    fill((unsigned char *)block + requested, usable - requested, canary_of(block));
}

/* A slot comes out of quarantine or was never used: if it is not all zero, somebody wrote to it. */
COLD static void raise_write_after_free(struct slab *slab, void *block) {
    struct fault_report report = {
        .is_use = true, .function = "malloc", .caller = FAULT_CALLER_UNKNOWN};
    size_t offset = (size_t)((char *)block - slab_slot_start(slab, 0));
    describe(&report, slab, (uint32_t)(offset / slab->stride));
    report.fault = FAULT_WRITE_AFTER_FREE;
    if (!slab->disturbed) /* by a thread that a fork left behind as it was about to hand the slot
                             out */
        heap_raise(&report);
    memset(block, 0, usable_bytes(slab));
}

/* Mark a slot of a bin as handed out. */
static void take_slot(struct bin *bin, unsigned slot) {
    uint64_t bit = (uint64_t)1 << slot;
    /* A live block has its tag, whenever a signal handler or a forked child looks. */
    atomic_signal_fence(memory_order_release);
    bin->mask &= ~bit;
    OWNER_STORE(bin->live, *bin->live | bit);
}

static void *take_tagged(struct heap *heap, struct bin *bin, struct block_tag tag) {
    unsigned slot =
        checked_is_hardened ? random_slot(heap, bin->mask) : (unsigned)__builtin_ctzll(bin->mask);
    void *block = heap_bin_block(bin, slot);
    if (checked_is_hardened && tag.class_index != 0) {
        size_t usable = bin->stride - BLOCK_TAG_BYTES;
        if (UNLIKELY(!are_all(block, usable, 0)))
            raise_write_after_free(slab_of_live(bin->live), block);
        write_canary(block, tag.requested, usable);
    }
    if (tag.class_index != 0)
        block_write_tag(block, tag);
    take_slot(bin, slot);
    return block;
}

void *checked_take(struct heap *heap, unsigned class_index, size_t bytes, enum block_form form) {
    if (class_index == RUN_CLASS)
        return run_take(bytes, form);
    struct bin *bin = &heap->claims[class_index];
    if (UNLIKELY(bin->mask == 0)) {
        bin = heap_fill(heap, class_index);
        if (bin == NULL)
            return NULL;
    }
    if (checked_tag_bytes == 0)
        return heap_take_bin(bin);
    return take_tagged(
        heap, bin,
        (struct block_tag){.requested = (uint32_t)bytes, .class_index = class_index, .form = form});
}

/* ---- the quarantine ---- */

/* Let a block out that was set aside, if it is still the one: what other threads freed beside it
 * may have taken it along. */
static void let_out(struct heap *heap, void *block) {
    size_t index = region_slab_index(block);
    struct slab *slab = slab_at(index);
    if (slab_owner(slab) != (int)heap->owner)
        return;
    uint32_t offset = (uint32_t)((uintptr_t)block & (SLAB_BYTES - 1)) - slab_gap_bytes;
    bool exact;
    uint32_t slot = slab_slot(slab->reciprocal, offset, &exact);
    if (!exact || !slab_is_aside(slab, slot))
        return;
    slab_set_aside(slab, slot, false);
    if (slab_give(slab, slot, slab_live_of(slab, slot)))
        heap_wake(heap, slab);
}

static bool has_quarantine(struct heap *heap) {
    if (LIKELY(heap->quarantine != NULL))
        return true;
    size_t bytes = os_round_to_page(quarantine_limit * sizeof(void *));
    if (heap->quarantine == NULL && bytes != 0) {
        void *memory = os_reserve(bytes, os_page_bytes());
        if (memory != NULL && os_commit(memory, bytes))
            heap->quarantine = memory;
    }
    return heap->quarantine != NULL;
}

/* Free a slot of the calling thread's slabs for good, but let it rest first. */
static void set_aside(struct heap *heap, struct slab *slab, uint32_t slot) {
    if (!has_quarantine(heap)) {
        if (slab_give(slab, slot, slab_live_of(slab, slot)))
            heap_wake(heap, slab);
        return;
    }
    slab_set_aside(slab, slot, true);
    void **place = &heap->quarantine[heap->quarantine_next];
    heap->quarantine_next++;
    if (heap->quarantine_next == quarantine_limit)
        heap->quarantine_next = 0;
    void *oldest = *place;
    *place = slab_slot_start(slab, slot);
    if (oldest != NULL)
        let_out(heap, oldest);
}

void checked_close(struct heap *heap) {
    if (heap->quarantine == NULL)
        return;
    for (uint32_t i = 0; i < quarantine_limit; i++) {
        if (heap->quarantine[i] != NULL)
            let_out(heap, heap->quarantine[i]);
        heap->quarantine[i] = NULL;
    }
}

/* ---- giving ---- */

/* Nothing of a freed block is left to read. The tag goes first: another thread that frees the block
 * at this moment finds the canary gone, and then why. */
static void clear_freed(const struct slab *slab, void *block) {
    block_write_tag(block, (struct block_tag){.requested = BLOCK_FREED,
                                              .class_index = slab->class_index,
                                              .form = BLOCK_ANY});
    atomic_signal_fence(memory_order_release);
    fill(block, usable_bytes(slab), 0);
}

static bool is_live_slot(const struct slab *slab, uint32_t slot) {
    return slot < slab->slot_count && slab_is_live(slab_live_of(slab, slot), slot);
}

/* Report a damaged tag: of whom, and from which side it was written. */
static void raise_damage(const struct slab *slab, uint32_t slot, enum block_verdict verdict,
                         struct fault_report *report) {
    static const enum fault faults[] = {[BLOCK_OVERFLOWN] = FAULT_OVERFLOW_BEFORE,
                                        [BLOCK_UNDERFLOWN] = FAULT_UNDERFLOW,
                                        [BLOCK_OVERWRITTEN] = FAULT_CORRUPTED_BLOCK_TAG};
    describe(report, slab, slot);
    report->fault = faults[verdict];
    if (verdict == BLOCK_OVERFLOWN && slot > 0 && is_live_slot(slab, slot - 1))
        report->neighbour = slab_slot_start(slab, slot - 1);
    heap_raise(report);
}

static const char *maker(enum block_form form) {
    static const char *const makers[] = {[BLOCK_MALLOC] = "malloc",
                                         [BLOCK_NEW] = "operator new",
                                         [BLOCK_NEW_ARRAY] = "operator new[]",
                                         [BLOCK_ANY] = "any"};
    return makers[form];
}

/* The class of a request that is not aligned; SIZE_CLASS_ALL if it is too large for any. */
static unsigned class_for(size_t bytes) {
    size_t slot_bytes = bytes + checked_overhead();
    if (bytes > SIZE_CLASS_MAX_BYTES || slot_bytes > SIZE_CLASS_MAX_BYTES)
        return SIZE_CLASS_ALL;
    return slot_bytes <= TAGPOOL_NODE_MAX ? size_class_of(slot_bytes)
                                          : size_class_of_large(slot_bytes);
}

/* True if the call and the size that it gave go with how the block was made; reports what does not.
 */
static bool matches(const struct block_tag *tag, const struct call *call, size_t bytes,
                    struct fault_report *report) {
    report->requested = tag->requested;
    if (call->form != BLOCK_ANY && tag->form != BLOCK_ANY && call->form != tag->form) {
        report->fault = FAULT_FORM_MISMATCH;
        report->made_by = maker(tag->form);
        heap_raise(report);
        return false;
    }
    /* Another size of the same class is no harm, and some programs give the size of a base class.
     */
    if (bytes != CHECKED_BYTES_UNKNOWN && class_for(bytes) != class_for(tag->requested)) {
        report->fault = FAULT_SIZE_MISMATCH;
        report->freed_as = bytes;
        heap_raise(report);
        return false;
    }
    return true;
}

/* Make a damaged tag good, so that the damage is reported once. What it said is lost; in the
 * hardened mode the last byte of a slot is canary, whatever was requested. */
static void mend(const struct slab *slab, uint32_t slot) {
    void *block = slab_slot_start(slab, slot);
    uint32_t requested = usable_bytes(slab) - checked_is_hardened;
    block_write_tag(block, (struct block_tag){.requested = requested,
                                              .class_index = slab->class_index,
                                              .form = BLOCK_ANY});
    if (checked_is_hardened)
        write_canary(block, requested, usable_bytes(slab));
}

/* Look at the tag of the block behind: an overflow of this one is found as it is freed. Only in
 * slabs of the calling thread: nobody else hands out their slots, so a live one has its tag. */
static void examine_next(const struct heap *heap, struct slab *slab, uint32_t slot,
                         const struct fault_report *call) {
    if (slab_owner(slab) != (int)heap->owner || !is_live_slot(slab, slot + 1))
        return;
    void *next = slab_slot_start(slab, slot + 1);
    struct block_tag tag;
    enum block_verdict verdict = block_read_tag(next, slab->class_index, &tag);
    if (LIKELY(verdict == BLOCK_INTACT))
        return;
    struct fault_report report = *call;
    raise_damage(slab, slot + 1, verdict, &report);
    mend(slab, slot + 1);
}

/* True if the bytes behind what was requested are as malloc() left them, or if there is no canary.
 */
static inline bool canary_is_intact(const struct slab *slab, const void *block,
                                    uint32_t requested) {
    const unsigned char *bytes = block;
    return requested < usable_bytes(slab) &&
           are_all(bytes + requested, usable_bytes(slab) - requested, canary_of(block));
}

/* True if a live block may be freed or used by the call. */
static bool examine(const struct heap *heap, struct slab *slab, uint32_t slot,
                    const struct call *call, size_t bytes, struct fault_report *report) {
    if (checked_tag_bytes == 0 || slab->class_index == 0)
        return true;
    struct block_tag tag;
    enum block_verdict verdict =
        block_read_tag(slab_slot_start(slab, slot), slab->class_index, &tag);
    if (UNLIKELY(verdict != BLOCK_INTACT)) {
        raise_damage(slab, slot, verdict, report);
        mend(slab, slot);
        return false;
    }
    examine_next(heap, slab, slot, report);
    describe(report, slab, slot);
    report->requested = tag.requested;
    if (checked_is_hardened && !canary_is_intact(slab, report->address, tag.requested)) {
        bool is_freed = block_requested(report->address) == BLOCK_FREED;
        report->fault = is_freed ? FAULT_DOUBLE_FREE : FAULT_OVERFLOW;
        if (is_freed)
            report->requested = FAULT_BYTES_UNKNOWN;
        heap_raise(report);
        if (is_freed)
            return false;
        write_canary(slab_slot_start(slab, slot), tag.requested, usable_bytes(slab));
        return false;
    }
    return matches(&tag, call, bytes, report);
}

/* Free a block with a tag, of the calling thread's own slabs, in which all is as it should be.
 * False, and nothing done, if anything is not: then the longer way finds out what. */
static bool give_sound(struct heap *heap, void *pointer, const struct call *call, size_t bytes) {
    uintptr_t offset = (uintptr_t)pointer - region.base;
    if (offset >= region.bytes)
        return false;
    size_t index = offset >> SLAB_SHIFT;
    struct slab *slab = slab_at(index);
    if (atomic_load_explicit(&slab->tag, memory_order_relaxed) != (heap->owner_tag ^ index))
        return false;
    uint32_t in_slab = (uint32_t)(offset & (SLAB_BYTES - 1));
    bool exact;
    uint32_t slot = slab_slot(slab->reciprocal, in_slab - SLAB_GAP_BYTES, &exact);
    if (in_slab < SLAB_GAP_BYTES || !exact)
        return false;
    uint64_t live = slab->live[slot / WORD_BITS];
    if (!slab_is_live(live, slot) || slab->class_index == 0 ||
        !block_is_intact(pointer, slab->class_index) || block_form_of(pointer) != call->form)
        return false;
    if (is_live_slot(slab, slot + 1) &&
        !block_is_intact((char *)pointer + slab->stride, slab->class_index))
        return false;
    if (bytes != CHECKED_BYTES_UNKNOWN && class_for(bytes) != slab->class_index)
        return false;
    if (checked_is_hardened) {
        if (slab_is_aside(slab, slot) || !canary_is_intact(slab, pointer, block_requested(pointer)))
            return false;
        clear_freed(slab, pointer);
        set_aside(heap, slab, slot);
        return true;
    }
    if (slab_give(slab, slot, live))
        heap_wake(heap, slab);
    return true;
}

/* True for a pointer into a slab that serves no class: it lies in a run of slabs, or nowhere. */
static bool is_in_run(const void *pointer) {
    if ((uintptr_t)pointer - region.base >= region.bytes)
        return false;
    int owner = slab_owner(slab_at(region_slab_index(pointer)));
    return owner == TAG_OWNER_RUN || owner < 0;
}

/* True if a block of a run may be freed or used by the call; reports what speaks against it. */
static bool run_is_sound(const void *pointer, const struct call *call, size_t bytes,
                         struct fault_report *report) {
    report->fault = run_examine(pointer, call->form, bytes, report);
    if (report->fault == FAULT_NONE)
        return true;
    if (report->fault ==
        FAULT_NEVER_ALLOCATED) { /* a guard, a damaged descriptor: the slab knows */
        uint32_t slot;
        heap_find_any(pointer, &slot, report);
        return false;
    }
    heap_raise(report);
    return false;
}

/* Free a block that has passed all checks. Between them and now its slab may have changed hands:
 * then find it again. */
static void give_examined(struct heap *heap, void *pointer, struct slab *slab, uint32_t slot,
                          struct fault_report *report) {
    if (checked_is_hardened && slab->class_index != 0)
        clear_freed(slab, pointer);
    while (slab != NULL) {
        if (checked_is_hardened && heap_is_real(heap) && slab_owner(slab) == (int)heap->owner) {
            set_aside(heap, slab, slot);
            return;
        }
        if (heap_give_any(heap, slab, slot))
            return;
        slab = heap_find_any(pointer, &slot, report);
    }
}

void checked_give(struct heap *heap, void *pointer, const struct call *call, size_t bytes,
                  const void *caller) {
    uint32_t slot;
    struct slab *slab;
    if (checked_tag_bytes == 0) { /* all there is to check is that the block is live */
        slab = slab_find(pointer, &slot);
        if (LIKELY(slab != NULL) && heap_give_any(heap, slab, slot))
            return;
    } else if (give_sound(heap, pointer, call, bytes)) {
        return;
    }
    struct fault_report report = {
        .is_use = call->is_use, .function = call->function, .caller = caller};
    if (checked_is_hardened && is_in_run(pointer)) {
        if (run_is_sound(pointer, call, bytes, &report))
            run_give(pointer);
        return;
    }
    slab = heap_find_any(pointer, &slot, &report);
    if (slab != NULL && examine(heap, slab, slot, call, bytes, &report))
        give_examined(heap, pointer, slab, slot, &report);
}

/* What the program may use of a block: in the hardened mode not a byte more than it asked for. */
static size_t given_bytes(const struct slab *slab, uint32_t slot) {
    return checked_is_hardened ? checked_requested(slab, slot) : usable_bytes(slab);
}

size_t checked_bytes(struct heap *heap, const void *pointer, const struct call *call,
                     const void *caller) {
    struct fault_report report = {.is_use = true, .function = call->function, .caller = caller};
    uint32_t slot;
    if (checked_is_hardened && is_in_run(pointer))
        return run_is_sound(pointer, call, CHECKED_BYTES_UNKNOWN, &report)
                   ? run_requested(slab_at(region_slab_index(pointer)))
                   : CHECKED_FAULTY;
    struct slab *slab = heap_find_any(pointer, &slot, &report);
    if (slab == NULL || !examine(heap, slab, slot, call, CHECKED_BYTES_UNKNOWN, &report))
        return CHECKED_FAULTY;
    return given_bytes(slab, slot);
}

bool checked_resize(void *pointer, size_t bytes) {
    uint32_t slot;
    const struct slab *slab = slab_find(pointer, &slot);
    if (slab == NULL || slab->class_index == 0)
        return false;
    size_t usable = usable_bytes(slab) - checked_is_hardened;
    if (bytes > usable || bytes <= usable / 2)
        return false;
    struct block_tag tag;
    if (checked_tag_bytes == 0)
        return true;
    if (block_read_tag(pointer, slab->class_index, &tag) != BLOCK_INTACT)
        return false;
    tag.requested = (uint32_t)bytes;
    block_write_tag(pointer, tag);
    if (checked_is_hardened)
        write_canary(pointer, bytes, usable_bytes(slab));
    return true;
}

size_t checked_requested(const struct slab *slab, uint32_t slot) {
    struct block_tag tag;
    if (checked_is_hardened && slab->class_index == 0)
        return 0;
    if (checked_tag_bytes == 0 ||
        block_read_tag(slab_slot_start(slab, slot), slab->class_index, &tag) != BLOCK_INTACT)
        return usable_bytes(slab);
    return tag.requested;
}
