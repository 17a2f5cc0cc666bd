#include "checked.h"

#include "blame.h"
#include "checked_paths.h"
#include "config.h"
#include "origins.h"
#include "os.h"
#include "perturb.h"

#include <string.h>

FIXED uint32_t checked_tag_bytes;
FIXED bool checked_is_hardened;
FIXED bool checked_is_whole;

enum {
    RESTING_SLABS = 8,            /* empty ones, which do not come back at once either */
    HARDENED_CLAIM_BYTES = 16384, /* of new slots, some to choose from, */
    HARDENED_CLAIM_SLOTS = 8,     /* but neighbours: src/DECISIONS.md */
};

/* What is left of a slot for the program. */
static uint32_t usable_bytes(const struct slab *slab) {
    return slab->stride - checked_tag_bytes;
}

void checked_start(void) {
    ASSERT(heap_table_count == 0 && region_counts.used == 0);
    block_tag_start(os_random());
    checked_tag_bytes = BLOCK_TAG_BYTES;
    slab_gap_bytes = SLAB_GAP_BYTES;
    heap_table_check_blocks();
}

void checked_harden(uint64_t quarantine, uint64_t guard) {
    ASSERT(checked_tag_bytes != 0);
    checked_is_hardened = true;
    checked_is_whole = config.clear != 0 && config.canary != 0 && quarantine != 0;
    if (config.random != 0) {
        slab_claim_bytes = HARDENED_CLAIM_BYTES;
        slab_claim_slots = HARDENED_CLAIM_SLOTS;
        slab_reclaim_bytes = HARDENED_CLAIM_BYTES;
        slab_reclaim_slots = HARDENED_CLAIM_SLOTS;
    }
    region_harden(RESTING_SLABS, guard);
    heap_table_harden();
    spans_start();
    quarantine_start((uint32_t)quarantine);
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

/* True if the bytes behind what was requested are as malloc() left them. */
static bool canary_is_intact(const struct slab *slab, void *block, uint32_t requested) {
    return requested <= usable_bytes(slab) &&
           (config.canary == 0 || payload_has_canary(block, requested, usable_bytes(slab)));
}

/* True if the block before a slot may have been overflown: it is in use, and has no canary, or one
 * that is damaged. */
static bool may_be_overflown(const struct slab *slab, uint32_t slot) {
    if (slot == 0 || !slab_holds(slab, slot - 1))
        return false;
    uint32_t requested = checked_requested(slab, slot - 1);
    return requested == usable_bytes(slab) || config.canary == 0 ||
           !canary_is_intact(slab, slab_slot_start(slab, slot - 1), requested);
}

/* A free slot is not as free() left it: somebody wrote there, or, if that is the low end of its tag
 * alone, over the end of the block before. */
static void raise_written(const struct slab *slab, uint32_t slot, bool is_overflow) {
    struct fault_report report = {
        .is_use = true, .function = "malloc", .caller = FAULT_CALLER_UNKNOWN};
    describe(&report, slab, is_overflow ? slot - 1 : slot);
    report.fault = is_overflow ? FAULT_OVERFLOW : FAULT_WRITE_AFTER_FREE;
    if (is_overflow)
        report.requested = checked_requested(slab, slot - 1);
    blame_raise(&report);
}

void *checked_take_written(struct bin *bin, unsigned bin_slot, uint64_t was) {
    struct slab *slab = slab_of_live(bin->live);
    uint32_t slot = (uint32_t)(bin->live - slab->live) * WORD_BITS + bin_slot;
    void *block = heap_bin_block(bin, bin_slot);
    unsigned class_index = slab->class_index;
    struct block_tag tag, before;
    block_tag_read(block, class_index, &tag);
    bool is_overflow = was != 0 &&
                       block_tag_judge(block, was, class_index, &before) == BLOCK_OVERFLOWN &&
                       may_be_overflown(slab, slot);
    uint64_t mask = block_tag_mask(block);
    memset(block, 0, usable_bytes(slab));
    block_tag_write(block, mask, tag);
    payload_write_canary(block, tag.requested, usable_bytes(slab));
    /* Before the report: a handler of its abort() that allocates is not to find the slot. */
    checked_hand_out(bin, bin_slot, block);
    if (slab_disturbed(slab) != SLAB_DISTURBED) /* by a thread that a fork left behind as it was
                             about to hand the slot out */
        raise_written(slab, slot, is_overflow);
    return block;
}

/* Apart from checked_take(), which so has less to do where there are no tags. */
SLOW static void *take_with_tag(struct heap *heap, struct bin *bin, struct block_tag tag) {
    if (UNLIKELY(heap->random_state == 0) && config.random != 0)
        heap->random_state = os_random() | 1;
    struct checked_class class = {
        .bin = bin, .stride = bin->stride, .tag = block_tag_class(tag.class_index)};
    tag.class_index = 0;
    return checked_is_hardened ? checked_take_bin(heap, class, tag, CHECKED_HARDENED)
                               : checked_take_bin(heap, class, tag, CHECKED_TAGGED);
}

NEAR void *checked_take(struct heap *heap, unsigned class_index, size_t bytes,
                        enum block_form form) {
    ASSERT(heap_is_real(heap) && (class_index < SIZE_CLASS_ALL || class_index == LARGE_CLASS));
    if (class_index == LARGE_CLASS)
        return large_take(SLOT_ALIGN, bytes, form);
    struct bin *bin = &heap->claims[class_index];
    if (UNLIKELY(bin->mask == 0)) {
        bin = heap_fill(heap, class_index);
        if (bin == NULL)
            return NULL;
    }
    if (checked_tag_bytes == 0 || class_index == 0) /* whose memory is inaccessible */
        return heap_take_bin(bin);
    return take_with_tag(
        heap, bin,
        (struct block_tag){.requested = (uint32_t)bytes, .class_index = class_index, .form = form});
}

/* ---- giving ---- */

/* Report a damaged tag: of whom, and from which side it was written. */
static void raise_damage(const struct slab *slab, uint32_t slot, enum block_verdict verdict,
                         struct fault_report *report) {
    static const enum fault faults[] = {[BLOCK_OVERFLOWN] = FAULT_OVERFLOW_BEFORE,
                                        [BLOCK_UNDERFLOWN] = FAULT_UNDERFLOW,
                                        [BLOCK_OVERWRITTEN] = FAULT_CORRUPTED_BLOCK_TAG};
    describe(report, slab, slot);
    report->fault = faults[verdict];
    if (verdict == BLOCK_OVERFLOWN && slot > 0 && checked_has_tag(slab, slot - 1))
        report->neighbour = slab_slot_start(slab, slot - 1);
    blame_raise(report);
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
    size_t slot_bytes = bytes + checked_tag_bytes;
    if (bytes > SIZE_CLASS_MAX_BYTES || slot_bytes > SIZE_CLASS_MAX_BYTES)
        return SIZE_CLASS_ALL;
    return slot_bytes <= TAGPOOL_NODE_MAX ? size_class_of(slot_bytes)
                                          : size_class_of_large(slot_bytes);
}

/* True if a size is that of the block. It must be the same where the block was made by a function
 * of the same family: nobody stood between the program and us. A C++ library of another object may
 * have rounded it up: then the class must be the same. */
static bool is_size_of(const struct block_tag *tag, const struct call *call, size_t bytes) {
    return tag->form == call->form ? bytes == tag->requested
                                   : class_for(bytes) == class_for(tag->requested);
}

/* True if the call and the size that it gave go with how the block was made; reports what does not.
 */
static bool matches(const struct block_tag *tag, const struct call *call, size_t bytes,
                    struct fault_report *report) {
    report->requested = tag->requested;
    if (config.forms != 0 && call->form != BLOCK_ANY && tag->form != BLOCK_ANY &&
        call->form != tag->form) {
        report->fault = FAULT_FORM_MISMATCH;
        report->made_by = maker(tag->form);
        blame_raise(report);
        return false;
    }
    if (bytes != CHECKED_BYTES_UNKNOWN && !is_size_of(tag, call, bytes)) {
        report->fault = FAULT_SIZE_MISMATCH;
        report->freed_as = bytes;
        blame_raise(report);
        return false;
    }
    return true;
}

static void renew_canary(const struct slab *slab, void *block, uint32_t requested) {
    if (config.canary != 0)
        payload_renew_canary(block, requested, usable_bytes(slab));
}

/* True if the slot is in the program's hands. */
static bool is_in_use(const struct slab *slab, uint32_t slot) {
    return checked_has_tag(slab, slot) && !slab_is_aside(slab_index(slab), slot);
}

/* Make a damaged tag good, so that the damage is reported once. What it said is lost. */
static void mend(const struct slab *slab, uint32_t slot) {
    void *block = slab_slot_start(slab, slot);
    if (is_in_use(slab, slot))
        block_tag_write(block, block_tag_mask(block),
                        (struct block_tag){.requested = usable_bytes(slab),
                                           .class_index = slab->class_index,
                                           .form = BLOCK_ANY});
    else
        block_tag_mark_freed(block, block_tag_mask(block), slab->class_index);
}

/* Make free slots good that an overflow has reached, from this one on, up to the first that is as
 * free() left it: the fault is reported once. Also those that were never claimed, which have no
 * tags but the first, and must be zero when they are. */
static void mend_free(const struct slab *slab, uint32_t slot) {
    for (; checked_is_hardened && slot < slab->slot_count && !is_in_use(slab, slot); slot++) {
        void *block = slab_slot_start(slab, slot);
        struct block_tag tag;
        bool has_tag = slot <= slab->fresh_slot;
        if ((!has_tag || block_tag_read(block, slab->class_index, &tag) == BLOCK_INTACT) &&
            (config.clear == 0 || payload_is_zero(block, usable_bytes(slab))))
            return;
        if (has_tag)
            block_tag_mark_freed(block, block_tag_mask(block), slab->class_index);
        payload_clear(block, usable_bytes(slab));
    }
}

/* True if there must be a tag behind a block: always in the hardened mode; else in slabs of the
 * calling thread, because nobody else hands out their slots, if the next slot is in use. In a
 * slab whose free slots are not as free() left them, if the program has its block: heap_fill() has
 * renewed the tags of a purged one in the hardened mode. */
static bool must_have_next(const struct heap *heap, const struct slab *slab, uint32_t slot) {
    enum slab_disturbed disturbed = slab_disturbed(slab);
    if (checked_is_hardened && disturbed != SLAB_DISTURBED &&
        !heap_table_has_vanished(slab_owner(slab)))
        return true;
    return slab_owner(slab) == (int)heap->owner && checked_has_tag(slab, slot + 1) &&
           (disturbed == SLAB_AS_FREED || slab_holds(slab, slot + 1));
}

/* Look at the tag behind: an overflow of this block is found as it is freed. False if it is this
 * block alone that was damaged; if it is the next one, the call may go on. */
static bool examine_next(const struct heap *heap, struct slab *slab, uint32_t slot,
                         uint32_t requested, const struct fault_report *call) {
    if (!must_have_next(heap, slab, slot))
        return true;
    struct block_tag tag;
    enum block_verdict verdict =
        block_tag_read(slab_slot_start(slab, slot + 1), slab->class_index, &tag);
    if (LIKELY(verdict == BLOCK_INTACT))
        return true;
    struct fault_report report = *call;
    bool in_use = is_in_use(slab, slot + 1);
    bool is_overflow = checked_is_hardened && (verdict == BLOCK_OVERFLOWN || !in_use) &&
                       verdict != BLOCK_UNDERFLOWN && may_be_overflown(slab, slot + 1);
    mend(slab, slot + 1);
    if (!in_use)
        mend_free(slab, slot + 1);
    if (is_overflow) {
        describe(&report, slab, slot);
        report.requested = requested;
        report.fault = FAULT_OVERFLOW;
        if (requested < usable_bytes(slab))
            renew_canary(slab, slab_slot_start(slab, slot), requested);
        blame_raise(&report);
    } else if (in_use) {
        raise_damage(slab, slot + 1, verdict, &report);
    } else {
        describe(&report, slab, slot + 1);
        report.fault = FAULT_WRITE_AFTER_FREE;
        blame_raise(&report);
    }
    return !is_overflow;
}

/* True if a live block may be freed or used by the call. */
static bool examine(const struct heap *heap, struct slab *slab, uint32_t slot,
                    const struct call *call, size_t bytes, struct fault_report *report) {
    if (checked_tag_bytes == 0 || slab->class_index == 0)
        return true;
    struct block_tag tag;
    enum block_verdict verdict =
        block_tag_read(slab_slot_start(slab, slot), slab->class_index, &tag);
    if (UNLIKELY(verdict != BLOCK_INTACT)) {
        mend(slab, slot);
        raise_damage(slab, slot, verdict, report);
        return false;
    }
    bool is_whole =
        tag.requested == BLOCK_FREED || examine_next(heap, slab, slot, tag.requested, report);
    describe(report, slab, slot);
    report->requested = tag.requested;
    if (checked_is_hardened &&
        !canary_is_intact(slab, slab_slot_start(slab, slot), tag.requested)) {
        bool is_freed = block_tag_requested(report->address) == BLOCK_FREED;
        report->fault = is_freed ? FAULT_DOUBLE_FREE : FAULT_OVERFLOW;
        if (is_freed)
            report->requested = FAULT_BYTES_UNKNOWN;
        else
            renew_canary(slab, slab_slot_start(slab, slot), tag.requested);
        blame_raise(report);
        return false;
    }
    return is_whole && matches(&tag, call, bytes, report);
}

/* True if a block of a span may be freed or used by the call; reports what speaks against it. */
static bool large_is_sound(const void *pointer, const struct call *call, size_t bytes,
                           struct fault_report *report) {
    report->fault =
        large_examine(pointer, &(struct large_call){.form = call->form, .bytes = bytes}, report);
    if (report->fault == FAULT_NONE)
        return true;
    blame_raise(report);
    return false;
}

/* Free a block that is marked and cleared. Between the checks and now its slab may have changed
 * hands: then find it again. */
static void give_marked(struct heap *heap, void *pointer, struct slab *slab, uint32_t slot,
                        struct fault_report *report) {
    while (slab != NULL) {
        if (checked_is_hardened && heap_is_real(heap) && slab_owner(slab) == (int)heap->owner) {
            heap_give_resting(heap, slab, slot);
            return;
        }
        if (heap_give_any(heap, slab, slot))
            return;
        slab = heap_find_any(pointer, &slot, report);
    }
}

COLD void checked_give_marked(struct heap *heap, void *pointer, const struct call *call,
                              const void *caller) {
    struct fault_report report = {
        .is_use = call->is_use, .function = call->function, .caller = caller};
    uint32_t slot;
    struct slab *slab = heap_find_any(pointer, &slot, &report);
    give_marked(heap, pointer, slab, slot, &report);
}

/* Free a block that has passed all checks. */
static void give_examined(struct heap *heap, void *pointer, struct slab *slab, uint32_t slot,
                          struct fault_report *report) {
    if (checked_is_hardened && slab->class_index != 0) {
        checked_mark_freed(pointer, checked_mask(slab, pointer));
        if (config.clear != 0)
            payload_clear(pointer, usable_bytes(slab));
    }
    give_marked(heap, pointer, slab, slot, report);
}

void checked_give(struct heap *heap, void *pointer, const struct call *call, size_t bytes,
                  const void *caller) {
    struct fault_report report = {
        .is_use = call->is_use, .function = call->function, .caller = caller};
    if (spans_own(pointer)) {
        if (large_is_sound(pointer, call, bytes, &report)) {
            origins_note_freed(pointer);
            large_give(pointer);
        }
        return;
    }
    uint32_t slot;
    struct slab *slab = heap_find_any(pointer, &slot, &report);
    if (slab != NULL && examine(heap, slab, slot, call, bytes, &report)) {
        origins_note_freed(pointer);
        if (!checked_is_hardened)
            perturb_freed(pointer, usable_bytes(slab));
        give_examined(heap, pointer, slab, slot, &report);
    }
}

/* True if the block in a slot was made by the call's own family, and with another alignment: its
 * class is not what such a request gets. Beside a tag, slots are aligned no further than the gap.
 */
static bool is_of_other_alignment(const struct slab *slab, uint32_t slot, const struct call *call,
                                  size_t alignment) {
    struct block_tag tag;
    if (checked_tag_bytes == 0 || slab->class_index == 0 ||
        block_tag_read(slab_slot_start(slab, slot), slab->class_index, &tag) != BLOCK_INTACT ||
        tag.form != call->form)
        return false;
    if (alignment > SLAB_GAP_BYTES)
        return true;
    unsigned class_index = alignment > SLOT_ALIGN
                               ? size_class_of_aligned(tag.requested + checked_tag_bytes, alignment)
                               : class_for(tag.requested);
    return class_index != slab->class_index;
}

bool checked_is_aligned(const void *pointer, const struct call *call, size_t alignment,
                        const void *caller) {
    struct fault_report report = {.function = call->function, .caller = caller};
    bool is_multiple = (uintptr_t)pointer % alignment == 0;
    if (spans_own(pointer)) {
        const struct large_call any = {.form = BLOCK_ANY, .bytes = SIZE_MAX};
        if (is_multiple || large_examine(pointer, &any, &report) != FAULT_NONE)
            return true;
    } else {
        uint32_t slot;
        const struct slab *slab = slab_find(pointer, &slot);
        if (slab == NULL || (is_multiple && !is_of_other_alignment(slab, slot, call, alignment)))
            return true;
        describe(&report, slab, slot);
        if (checked_tag_bytes != 0)
            report.requested = checked_requested(slab, slot);
    }
    report.fault = FAULT_ALIGNMENT_MISMATCH;
    report.freed_as = alignment;
    blame_raise(&report);
    return false;
}

/* What the program may use of a block: in the hardened mode not a byte more than it asked for. */
static size_t given_bytes(const struct slab *slab, uint32_t slot) {
    return checked_is_hardened ? checked_requested(slab, slot) : usable_bytes(slab);
}

size_t checked_bytes(struct heap *heap, const void *pointer, const struct call *call,
                     const void *caller) {
    struct fault_report report = {.is_use = true, .function = call->function, .caller = caller};
    uint32_t slot;
    if (spans_own(pointer))
        return large_is_sound(pointer, call, CHECKED_BYTES_UNKNOWN, &report)
                   ? large_requested(pointer)
                   : CHECKED_FAULTY;
    struct slab *slab = heap_find_any(pointer, &slot, &report);
    if (slab == NULL || !examine(heap, slab, slot, call, CHECKED_BYTES_UNKNOWN, &report))
        return CHECKED_FAULTY;
    return given_bytes(slab, slot);
}

static bool resize_in_slot(void *pointer, size_t bytes) {
    uint32_t slot;
    const struct slab *slab = slab_find(pointer, &slot);
    if (slab == NULL || slab->class_index == 0)
        return false;
    size_t usable = usable_bytes(slab);
    if (bytes > usable || bytes <= usable / 2)
        return false;
    struct block_tag tag;
    if (checked_tag_bytes == 0)
        return true;
    if (block_tag_read(pointer, slab->class_index, &tag) != BLOCK_INTACT)
        return false;
    tag.requested = (uint32_t)bytes;
    block_tag_write(pointer, block_tag_mask(pointer), tag);
    if (checked_is_hardened)
        renew_canary(slab, pointer, tag.requested);
    return true;
}

void *checked_resize(void *pointer, size_t bytes) {
    void *block = NULL;
    if (!spans_own(pointer))
        block = resize_in_slot(pointer, bytes) ? pointer : NULL;
    else if (bytes + BLOCK_TAG_BYTES > SIZE_CLASS_MAX_BYTES)
        block = large_resize(pointer, bytes);
    origins_note_taken(block);
    return block;
}

struct checked_resized checked_resize_any(struct heap *heap, void *pointer, size_t bytes,
                                          const struct call *call, const void *caller) {
    struct checked_resized resized = {.bytes = CHECKED_FAULTY};
    if (checked_tag_bytes != 0)
        resized = checked_is_hardened ? checked_resize_own(heap, pointer, bytes, call, true)
                                      : checked_resize_own(heap, pointer, bytes, call, false);
    if (resized.bytes != CHECKED_FAULTY)
        return resized;
    resized.bytes = checked_bytes(heap, pointer, call, caller);
    if (resized.bytes != CHECKED_FAULTY)
        resized.block = checked_resize(pointer, bytes);
    return resized;
}

size_t checked_requested(const struct slab *slab, uint32_t slot) {
    struct block_tag tag;
    if (checked_is_hardened && slab->class_index == 0)
        return 0;
    if (checked_tag_bytes == 0 ||
        block_tag_read(slab_slot_start(slab, slot), slab->class_index, &tag) != BLOCK_INTACT)
        return usable_bytes(slab);
    return smaller(tag.requested, usable_bytes(slab)); /* while it is freed, the tag says more */
}
