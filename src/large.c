#include "large.h"

#include "assertion.h"
#include "config.h"
#include "os.h"
#include "payload.h"
#include "spans.h"

#include <string.h>

enum {
    LARGE_ALIGN = SLOT_ALIGN,
    /* Backed by huge pages: an input buffer or a table that will be filled. Larger ones may be all
     * but empty. */
    LARGE_HUGE_LEAST = 4 << 20,
    LARGE_HUGE_MOST = 32 << 20,
    /* A block that grows gets room for so many times its size, or, if that is more than a share of
     * all the room, for half as much again. */
    LARGE_GROWTH = 4,
    LARGE_GROWTH_SHARE = 64,
    LARGE_DUMP_SHARE = 8,         /* of its slabs, so many more may be in core dumps as it grows */
    LARGE_MOVE_LEAST = 128 << 10, /* by its pages instead of their contents */
};

/* ---- where what lies ---- */

static char *page_of(const char *address) {
    return (char *)((uintptr_t)address & ~(uintptr_t)(os_page_bytes() - 1));
}

/* The accessible pages of a block of so many bytes: from its slack to its canary. */
static char *pages_start(const char *block) {
    return page_of(block - BLOCK_TAG_BYTES);
}

static char *pages_end(const char *block, size_t bytes) {
    return page_of(block + bytes) + os_page_bytes();
}

static size_t pages_bytes(const char *block, size_t bytes) {
    return (size_t)(pages_end(block, bytes) - pages_start(block));
}

static size_t slabs_for(size_t bytes) {
    return (bytes + SLAB_BYTES - 1) >> SLAB_SHIFT;
}

/* Slabs that some bytes fill, counted as memory: no more than their span has. */
static size_t memory_slabs(const char *block, size_t bytes) {
    return slabs_for(pages_bytes(block, bytes));
}

size_t large_most_bytes(void) {
    return region_bounds.span_slabs << SLAB_SHIFT;
}

/* True for a size and an alignment that may fit. */
static bool is_possible(size_t bytes, size_t alignment) {
    return bytes < large_most_bytes() && alignment < large_most_bytes();
}

static unsigned char canary_byte(void) {
    return (unsigned char)payload_canary();
}

static void fill(char *start, const char *end) {
    memset(start, canary_byte(), (size_t)(end - start));
}

static bool is_filled(const char *start, const char *end) {
    for (; start < end; start++)
        if ((unsigned char)*start != canary_byte())
            return false;
    return true;
}

static void write_slack(char *block) {
    fill(pages_start(block), block - BLOCK_TAG_BYTES);
}

static void write_canary(char *block, size_t bytes) {
    fill(block + bytes, pages_end(block, bytes));
}

static void write_tag(char *block, enum block_form form) {
    block_tag_write(block, block_tag_mask(block),
                    (struct block_tag){.class_index = LARGE_CLASS, .form = form});
}

/* Make pages of a span accessible. */
static bool commit(char *start, size_t bytes) {
    if (!os_commit(start, bytes))
        return false;
    os_put_into_dumps(start, bytes);
    return true;
}

/* ---- the lock ---- */

/* Numbers of spans whose blocks were freed while pool_lock could not be had, linked by `next`, each
 * plus its zero bit: returned by whoever has it next. */
static _Atomic(uint32_t) let_wait_first;

static void return_span(struct span *span, size_t kept_bytes) {
    char *start = pages_start(span->block);
    spans_return(span, start, pages_bytes(span->block, span->requested), kept_bytes);
}

/* Take pool_lock, and do what waits for it. */
static bool acquire(void) {
    if (!lock_acquire(&pool_lock))
        return false;
    /* Acquire, the partner of the release in let_wait(). */
    uint32_t number = atomic_exchange_explicit(&let_wait_first, 0, memory_order_acquire);
    while (number != 0) {
        struct span *span = span_of(number);
        number = span->next;
        return_span(span, 0);
    }
    return true;
}

static void let_wait(struct span *span) {
    span->next = atomic_load_explicit(&let_wait_first, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&let_wait_first, &span->next, span_number(span),
                                                  memory_order_release, memory_order_relaxed)) {
    }
}

static bool is_live(const struct span *span) {
    return span->state == SPAN_TAKEN && atomic_load_explicit(&span->is_live, memory_order_acquire);
}

/* ---- taking ---- */

static struct span *take_span(size_t slabs, size_t memory) {
    if (!acquire())
        return NULL;
    struct span *span = spans_take(slabs, memory);
    lock_release(&pool_lock);
    return span;
}

/* Return a span that no block was made in. */
static void give_up(struct span *span) {
    if (acquire()) {
        return_span(span, 0);
        lock_release(&pool_lock);
    } else {
        let_wait(span);
    }
}

/* Say which block a span is for. */
static void assign(struct span *span, char *block, size_t bytes, unsigned alignment_shift) {
    ASSERT(block - BLOCK_TAG_BYTES >= span_start(span));
    ASSERT(pages_end(block, bytes) <= span_end(span));
    span->block = block;
    span->requested = bytes;
    span->alignment_shift = (uint8_t)alignment_shift;
    span->dumped_slabs = 0;
    span->is_inherited = false;
}

/* Release: who finds the block finds it whole. */
static void hand_out(struct span *span) {
    atomic_store_explicit(&span->is_live, true, memory_order_release);
}

void *large_take(size_t alignment, size_t bytes, enum block_form form) {
    ASSERT(alignment >= LARGE_ALIGN);
    if (!is_possible(bytes, alignment))
        return NULL;
    /* The block, with a canary of at least a byte. */
    size_t room = (bytes + LARGE_ALIGN) & ~(size_t)(LARGE_ALIGN - 1);
    size_t slabs = slabs_for(LARGE_ALIGN + room + (alignment > LARGE_ALIGN ? alignment : 0));
    size_t memory = slabs_for(room + 2 * os_page_bytes());
    struct span *span = take_span(slabs, memory < slabs ? memory : slabs);
    if (span == NULL)
        return NULL;
    char *block = (char *)((uintptr_t)(span_end(span) - room) & ~(uintptr_t)(alignment - 1));
    assign(span, block, bytes, (unsigned)__builtin_ctzll(alignment));
    if (!commit(pages_start(block), pages_bytes(block, bytes))) {
        give_up(span);
        return NULL;
    }
    if (bytes >= LARGE_HUGE_LEAST && bytes <= LARGE_HUGE_MOST)
        os_use_huge_pages(pages_start(block), pages_bytes(block, bytes));
    write_slack(block);
    write_tag(block, form);
    write_canary(block, bytes);
    hand_out(span);
    return block;
}

/* ---- examining ---- */

/* What is wrong with the bytes around a block; they are made good. */
static enum fault examine_bounds(const struct span *span, struct block_tag *tag) {
    static const enum fault damages[] = {[BLOCK_OVERFLOWN] = FAULT_CORRUPTED_BLOCK_TAG,
                                         [BLOCK_UNDERFLOWN] = FAULT_UNDERFLOW,
                                         [BLOCK_OVERWRITTEN] = FAULT_CORRUPTED_BLOCK_TAG};
    enum fault fault = FAULT_NONE;
    char *block = span->block;
    enum block_verdict verdict = block_tag_read(block, LARGE_CLASS, tag);
    if (verdict == BLOCK_INTACT && tag->requested != 0) /* which it does not tell */
        verdict = BLOCK_OVERWRITTEN;
    if (!is_filled(pages_start(block), block - BLOCK_TAG_BYTES)) {
        fault = FAULT_UNDERFLOW;
        write_slack(block);
    }
    if (verdict != BLOCK_INTACT) {
        fault = damages[verdict];
        write_tag(block, BLOCK_ANY);
    }
    if (!is_filled(block + span->requested, pages_end(block, span->requested))) {
        if (fault == FAULT_NONE)
            fault = FAULT_OVERFLOW;
        write_canary(block, span->requested);
    }
    return fault;
}

/* What is wrong with a block that a call means to free or use. */
static enum fault examine(const struct span *span, const struct large_call *call,
                          struct fault_report *report) {
    static const char *const makers[] = {"malloc", "operator new", "operator new[]", "any"};
    struct block_tag tag;
    enum fault fault = examine_bounds(span, &tag);
    if (fault != FAULT_NONE)
        return fault;
    report->made_by = makers[tag.form];
    if (config.forms != 0 && call->form != BLOCK_ANY && tag.form != BLOCK_ANY &&
        tag.form != call->form)
        return FAULT_FORM_MISMATCH;
    report->freed_as = call->bytes;
    return call->bytes != SIZE_MAX && call->bytes != span->requested ? FAULT_SIZE_MISMATCH
                                                                     : FAULT_NONE;
}

/* The same of any pointer of the range. */
static enum fault examine_any(const void *pointer, const struct large_call *call,
                              struct fault_report *report) {
    const struct span *span = spans_find(pointer);
    bool live = span != NULL && is_live(span);
    report->address = pointer;
    report->slab_index = spans_number_at(pointer);
    report->class_bytes = 0;
    report->slot = FAULT_SLOT_UNKNOWN;
    report->requested = FAULT_BYTES_UNKNOWN;
    if (live) {
        report->slab_index = span_number(span);
        report->requested = span->requested < UINT32_MAX ? (uint32_t)span->requested : UINT32_MAX;
    }
    if ((uintptr_t)pointer % SLOT_ALIGN != 0)
        return FAULT_MISALIGNED;
    if (!live) {
        bool was_block = span != NULL && span->state == SPAN_TAKEN && span->block == pointer;
        return was_block || spans_was_freed(pointer) ? FAULT_DOUBLE_FREE : FAULT_NEVER_ALLOCATED;
    }
    if (pointer == span->block)
        return examine(span, call, report);
    bool is_inside = (const char *)pointer > span->block &&
                     (const char *)pointer < span->block + span->requested;
    return is_inside ? FAULT_INTERIOR : FAULT_NEVER_ALLOCATED;
}

enum fault large_examine(const void *pointer, const struct large_call *call,
                         struct fault_report *report) {
    ASSERT(spans_own(pointer));
    /* Without the lock it is a fork's or an interrupted call's: then no block changes. */
    bool held = acquire();
    enum fault fault = examine_any(pointer, call, report);
    if (held)
        lock_release(&pool_lock);
    return fault;
}

/* The span of a block that was examined. */
static struct span *find(const void *block) {
    bool held = acquire();
    struct span *span = spans_find(block);
    if (held)
        lock_release(&pool_lock);
    ASSERT(span != NULL);
    return span;
}

const void *large_block_around(const void *pointer) {
    bool held = acquire();
    const struct span *span = spans_find(pointer);
    const void *block = span != NULL && span->state == SPAN_TAKEN ? span->block : NULL;
    if (held)
        lock_release(&pool_lock);
    return block;
}

size_t large_requested(const void *block) {
    return find(block)->requested;
}

/* ---- giving ---- */

/* The span of a live block, which is no longer one; NULL if another thread has freed it meanwhile.
 */
static struct span *stop(const void *block) {
    bool held = acquire();
    struct span *span = spans_find(block);
    bool was_live = span != NULL && is_live(span) && span->block == block &&
                    atomic_exchange_explicit(&span->is_live, false, memory_order_acq_rel);
    if (held)
        lock_release(&pool_lock);
    return was_live ? span : NULL;
}

/* Clear what a span holds if it is to keep its memory, and return the bytes of that. Memory that
 * was not touched stays untouched; where it lies here and there, the span returns all. */
static size_t clear(const struct span *span) {
    char *start = pages_start(span->block);
    size_t bytes = pages_bytes(span->block, span->requested);
    size_t first, end;
    if (!spans_keep_memory(span) || !os_find_absent(start, bytes, &first, &end))
        return 0;
    if (first < end && !os_purge(start + first, end - first)) /* it may be swapped out */
        return 0;
    memset(start, 0, first);
    memset(start + end, 0, bytes - end);
    return bytes - (end - first);
}

static void give_stopped(struct span *span, size_t kept_bytes) {
    if (acquire()) {
        return_span(span, kept_bytes);
        lock_release(&pool_lock);
    } else {
        let_wait(span);
    }
}

void large_give(void *block) {
    struct span *span = stop(block);
    if (span != NULL)
        give_stopped(span, clear(span));
}

/* ---- resizing ---- */

static bool count_memory(struct span *span, size_t slabs) {
    if (slabs == span->memory_slabs)
        return true;
    if (!acquire())
        return false;
    bool counted = spans_count_memory(span, slabs);
    lock_release(&pool_lock);
    return counted;
}

/* Make the pages behind a block that grows accessible, as far as it reaches: an overflow is to meet
 * the first that is not. Core dumps may hold some ahead, which have no memory, so that each step of
 * the block takes one system call. */
static bool commit_more(struct span *span, char *end, char *new_end) {
    size_t slabs = slabs_for((size_t)(new_end - span_start(span)));
    if (!os_commit(end, (size_t)(new_end - end)))
        return false;
    if (slabs <= span->dumped_slabs)
        return true;
    size_t most = (size_t)(span_end(span) - span_start(span)) >> SLAB_SHIFT;
    size_t ahead = slabs + slabs / LARGE_DUMP_SHARE;
    span->dumped_slabs = (uint32_t)(ahead < most ? ahead : most);
    os_put_into_dumps(
        end, (size_t)(span_start(span) + ((size_t)span->dumped_slabs << SLAB_SHIFT) - end));
    return true;
}

/* Another size at the same place, if the span has room. */
static bool resize_in_place(struct span *span, size_t bytes) {
    char *block = span->block;
    char *end = pages_end(block, span->requested);
    char *new_end = pages_end(block, bytes);
    if (new_end > span_end(span) || !count_memory(span, memory_slabs(block, bytes)))
        return false;
    if (new_end > end && !commit_more(span, end, new_end))
        return false;
    if (new_end < end && !os_vacate(new_end, (size_t)(end - new_end)))
        return false;
    if (bytes > span->requested) /* nobody is to read the canary */
        memset(block + span->requested, 0, (size_t)(end - block) - span->requested);
    span->requested = bytes;
    write_canary(block, bytes);
    return true;
}

/* A span with room to grow, for a block that takes so many slabs. */
static struct span *take_roomy_span(size_t slabs) {
    size_t most = region_bounds.span_slabs / LARGE_GROWTH_SHARE;
    size_t roomy = slabs < most / LARGE_GROWTH ? slabs * LARGE_GROWTH : slabs + slabs / 2;
    struct span *span = take_span(roomy, slabs);
    return span != NULL ? span : take_span(slabs, slabs);
}

/* The contents of a block go to another, whose pages become accessible. */
static bool move_contents(const struct span *from, const struct span *to) {
    char *start = pages_start(from->block);
    size_t bytes = pages_bytes(from->block, from->requested);
    char *new_start = pages_start(to->block);
    size_t new_bytes = pages_bytes(to->block, to->requested);
    if (bytes >= LARGE_MOVE_LEAST && new_bytes > bytes && os_move_pages(start, bytes, new_start)) {
        if (commit(new_start + bytes, new_bytes - bytes))
            return true;
        /* Back to where they were. */
        return !os_move_pages(new_start, bytes, start);
    }
    if (!commit(new_start, new_bytes))
        return false;
    size_t kept = from->requested < to->requested ? from->requested : to->requested;
    memcpy(to->block - BLOCK_TAG_BYTES, from->block - BLOCK_TAG_BYTES, kept + BLOCK_TAG_BYTES);
    return true;
}

/* The block moves to a span with room to grow: to its start, at the same place in its page. */
static void *resize_elsewhere(struct span *span, size_t bytes) {
    struct block_tag tag;
    if (block_tag_read(span->block, LARGE_CLASS, &tag) != BLOCK_INTACT)
        return NULL;
    size_t in_page = (size_t)(span->block - pages_start(span->block));
    struct span *roomy = take_roomy_span(slabs_for(in_page + bytes + 1));
    if (roomy == NULL)
        return NULL;
    char *block = span_start(roomy) + in_page;
    assign(roomy, block, bytes, (unsigned)__builtin_ctzll(LARGE_ALIGN));
    if (!move_contents(span, roomy) || stop(span->block) == NULL) {
        give_up(roomy);
        return NULL;
    }
    if (bytes > span->requested)
        memset(block + span->requested, 0,
               (size_t)(pages_end(block, span->requested) - block) - span->requested);
    write_slack(block);
    write_tag(block, tag.form);
    write_canary(block, bytes);
    hand_out(roomy);
    give_stopped(span, 0);
    return block;
}

void *large_resize(void *block, size_t bytes) {
    struct span *span = find(block);
    if (!is_possible(bytes, LARGE_ALIGN))
        return NULL;
    return resize_in_place(span, bytes) ? block : resize_elsewhere(span, bytes);
}

/* ---- all of them ---- */

struct span *large_find(const void *pointer) {
    struct span *span = spans_find(pointer);
    return span != NULL && is_live(span) ? span : NULL;
}

struct span *large_next(const struct span *span) {
    struct span *next = spans_next_taken(span);
    while (next != NULL && !is_live(next))
        next = spans_next_taken(next);
    return next;
}

void large_sum(struct large_sums *sums) {
    *sums = (struct large_sums){.blocks = 0};
    for (const struct span *span = large_next(NULL); span != NULL; span = large_next(span)) {
        sums->blocks++;
        sums->memory_bytes += span->memory_slabs << SLAB_SHIFT;
    }
}
