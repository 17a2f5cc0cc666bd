#include "checked.h"

#include "os.h"

uint32_t checked_tag_bytes;

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

void *checked_take(struct heap *heap, unsigned class_index, size_t bytes, enum block_form form) {
    struct bin *bin = &heap->claims[class_index];
    if (UNLIKELY(bin->mask == 0)) {
        bin = heap_fill(heap, class_index);
        if (bin == NULL)
            return NULL;
    }
    if (checked_tag_bytes != 0) {
        void *block = heap_bin_block(bin, (unsigned)__builtin_ctzll(bin->mask));
        block_write_tag(block, (struct block_tag){.requested = (uint32_t)bytes,
                                                  .class_index = class_index,
                                                  .form = form});
        /* A live block has its tag, whenever a signal handler or a forked child looks. */
        atomic_signal_fence(memory_order_release);
    }
    return heap_take_bin(bin);
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
    if (bytes != CHECKED_BYTES_UNKNOWN && (bytes > TAGPOOL_NODE_MAX - BLOCK_TAG_BYTES ||
                                           size_class_of(bytes + BLOCK_TAG_BYTES) !=
                                               size_class_of(tag->requested + BLOCK_TAG_BYTES))) {
        report->fault = FAULT_SIZE_MISMATCH;
        report->freed_as = bytes;
        heap_raise(report);
        return false;
    }
    return true;
}

/* Look at the tag of the block behind: an overflow of this one is found as it is freed. Only in
 * slabs of the calling thread: nobody else hands out their slots, so a live one has its tag. The
 * tag is made good, so that the damage is reported once. */
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
    block_write_tag(next, (struct block_tag){.requested = usable_bytes(slab),
                                             .class_index = slab->class_index,
                                             .form = BLOCK_ANY});
}

/* True if a live block may be freed or used by the call. */
static bool examine(const struct heap *heap, struct slab *slab, uint32_t slot,
                    const struct call *call, size_t bytes, struct fault_report *report) {
    if (checked_tag_bytes == 0)
        return true;
    struct block_tag tag;
    enum block_verdict verdict =
        block_read_tag(slab_slot_start(slab, slot), slab->class_index, &tag);
    if (UNLIKELY(verdict != BLOCK_INTACT)) {
        raise_damage(slab, slot, verdict, report);
        return false;
    }
    examine_next(heap, slab, slot, report);
    describe(report, slab, slot);
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
    if (!slab_is_live(live, slot) || !block_is_intact(pointer, slab->class_index) ||
        block_form_of(pointer) != call->form)
        return false;
    if (is_live_slot(slab, slot + 1) &&
        !block_is_intact((char *)pointer + slab->stride, slab->class_index))
        return false;
    if (bytes != CHECKED_BYTES_UNKNOWN &&
        (bytes > usable_bytes(slab) || size_class_of(bytes + BLOCK_TAG_BYTES) != slab->class_index))
        return false;
    if (slab_give(slab, slot, live))
        heap_wake(heap, slab);
    return true;
}

void checked_give(struct heap *heap, void *pointer, const struct call *call, size_t bytes,
                  const void *caller) {
    if (LIKELY(checked_tag_bytes != 0) && give_sound(heap, pointer, call, bytes))
        return;
    uint32_t found_slot;
    struct slab *found = checked_tag_bytes == 0 ? slab_find(pointer, &found_slot) : NULL;
    if (LIKELY(found != NULL) && heap_give_any(heap, found, found_slot))
        return; /* without tags that is all there is to check */
    for (;;) {
        struct fault_report report = {
            .is_use = call->is_use, .function = call->function, .caller = caller};
        uint32_t slot;
        struct slab *slab = heap_find_any(pointer, &slot, &report);
        if (slab == NULL || !examine(heap, slab, slot, call, bytes, &report))
            return;
        if (heap_give_any(heap, slab, slot))
            return;
    }
}

size_t checked_bytes(struct heap *heap, const void *pointer, const struct call *call,
                     const void *caller) {
    struct fault_report report = {.is_use = true, .function = call->function, .caller = caller};
    uint32_t slot;
    struct slab *slab = heap_find_any(pointer, &slot, &report);
    if (slab == NULL || !examine(heap, slab, slot, call, CHECKED_BYTES_UNKNOWN, &report))
        return 0;
    return usable_bytes(slab);
}

bool checked_resize(void *pointer, size_t bytes) {
    uint32_t slot;
    const struct slab *slab = slab_find(pointer, &slot);
    if (slab == NULL || bytes > usable_bytes(slab) || bytes <= usable_bytes(slab) / 2)
        return false;
    struct block_tag tag;
    if (checked_tag_bytes == 0)
        return true;
    if (block_read_tag(pointer, slab->class_index, &tag) != BLOCK_INTACT)
        return false;
    tag.requested = (uint32_t)bytes;
    block_write_tag(pointer, tag);
    return true;
}

size_t checked_requested(const struct slab *slab, uint32_t slot) {
    struct block_tag tag;
    if (checked_tag_bytes == 0 ||
        block_read_tag(slab_slot_start(slab, slot), slab->class_index, &tag) != BLOCK_INTACT)
        return usable_bytes(slab);
    return tag.requested;
}
