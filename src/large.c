#include "large.h"

#include "assertion.h"
#include "config.h"
#include "os.h"
#include "spans.h"

#include <string.h>

enum {
    LARGE_ALIGN = SLOT_ALIGN,
    LARGE_SEARCH = 1 << 16,
    /* Backed by huge pages: an input buffer or a table that will be filled. Larger ones may be all
     * but empty. */
    LARGE_HUGE_LEAST = 4 << 20,
    LARGE_HUGE_MOST = 32 << 20,
};

static char *block_of(const struct slab *slab) {
    return (char *)slab->next;
}

static char *end_of(const struct slab *slab) {
    return slab_start(slab) + ((size_t)slab->stride << SLAB_SHIFT);
}

static bool is_live(const struct slab *slab) {
    return slab->live[0] != 0;
}

static unsigned char canary_of(const void *block) {
    return (unsigned char)(block_tag_mask(block) >> 24) | 1;
}

/* Spans whose blocks were freed while pool_lock could not be had, linked by `previous`: returned by
 * whoever has it next. */
static _Atomic(struct slab *) waiting;

/* Return a span whose block is freed; under pool_lock. */
static void return_span(struct slab *slab) {
    char *tag = (char *)block_tag_word(block_of(slab));
    if (spans_keep_memory(slab->stride))
        memset(tag, 0, (size_t)(end_of(slab) - tag));
    spans_return(slab_index(slab), slab->stride);
}

/* Take pool_lock, and do what waits for it. */
static bool acquire(void) {
    if (!lock_acquire(&pool_lock))
        return false;
    /* Acquire, the partner of the release in let_wait(). */
    struct slab *slab = atomic_exchange_explicit(&waiting, NULL, memory_order_acquire);
    while (slab != NULL) {
        struct slab *next = slab->previous;
        return_span(slab);
        slab = next;
    }
    return true;
}

static void let_wait(struct slab *slab) {
    slab->previous = atomic_load_explicit(&waiting, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&waiting, &slab->previous, slab,
                                                  memory_order_release, memory_order_relaxed)) {
    }
}

void *large_take(size_t bytes, enum block_form form) {
    /* The block, with a canary of at least a byte. */
    size_t room = (bytes + LARGE_ALIGN) & ~(size_t)(LARGE_ALIGN - 1);
    if (bytes > (size_t)REGION_SLABS << SLAB_SHIFT)
        return NULL;
    if (room % SLAB_BYTES == 0) /* the block must start in the first slab, behind its tag */
        room += LARGE_ALIGN;
    size_t slabs = (room + SLAB_BYTES - 1) >> SLAB_SHIFT;
    if (!acquire())
        return NULL;
    size_t index = spans_take(slabs);
    char *block = NULL;
    if (index != REGION_NO_SLAB) {
        struct slab *slab = slab_at(index);
        slab->stride = (uint32_t)slabs;
        slab->summary = bytes;
        slab->class_index = LARGE_CLASS;
        slab->place = SLAB_NOWHERE;
        block = end_of(slab) - room;
        ASSERT(!is_live(slab) && (uintptr_t)block % SLOT_ALIGN == 0);
        ASSERT(block > slab_start(slab) && block < slab_start(slab) + SLAB_BYTES);
        slab->next = (struct slab *)(void *)block;
        if (bytes >= LARGE_HUGE_LEAST && bytes <= LARGE_HUGE_MOST)
            os_use_huge_pages(slab_start(slab), slabs << SLAB_SHIFT);
        memset(block + bytes, canary_of(block), room - bytes);
        block_tag_write(block, block_tag_mask(block),
                        (struct block_tag){.class_index = LARGE_CLASS, .form = form});
        slab->live[0] = 1;
        slab_set_owner(slab, SLAB_OWNER_LARGE);
    }
    lock_release(&pool_lock);
    return block;
}

/* The span that a pointer lies in; NULL if in none. A wrong pointer may lie in any of its slabs,
 * and only the first has a descriptor. */
static struct slab *find(const void *pointer) {
    size_t index = region_slab_index(pointer);
    size_t least = index > LARGE_SEARCH ? index - LARGE_SEARCH : 0;
    if (index >= region_counts.used)
        return NULL;
    for (size_t i = index + 1; i-- > least;) {
        struct slab *slab = slab_at(i);
        int owner = slab_owner(slab);
        if (owner == SLAB_OWNER_LARGE)
            return index < i + slab->stride ? slab : NULL;
        if (owner >= 0)
            return NULL;
    }
    return NULL;
}

/* What is wrong with a block that a call means to free or use. */
static enum fault examine(const struct slab *slab, enum block_form form, size_t bytes,
                          struct fault_report *report) {
    static const enum fault damages[] = {[BLOCK_OVERFLOWN] = FAULT_CORRUPTED_BLOCK_TAG,
                                         [BLOCK_UNDERFLOWN] = FAULT_UNDERFLOW,
                                         [BLOCK_OVERWRITTEN] = FAULT_CORRUPTED_BLOCK_TAG};
    static const char *const makers[] = {"malloc", "operator new", "operator new[]", "any"};
    const char *block = block_of(slab);
    struct block_tag tag;
    enum block_verdict verdict = block_tag_read(block, LARGE_CLASS, &tag);
    if (verdict != BLOCK_INTACT)
        return damages[verdict];
    for (const char *byte = block + slab->summary; byte < end_of(slab); byte++)
        if ((unsigned char)*byte != canary_of(block))
            return FAULT_OVERFLOW;
    report->made_by = makers[tag.form];
    if (config.forms != 0 && form != BLOCK_ANY && tag.form != form)
        return FAULT_FORM_MISMATCH;
    report->freed_as = bytes;
    return bytes != SIZE_MAX && bytes / LARGE_ALIGN != slab->summary / LARGE_ALIGN
               ? FAULT_SIZE_MISMATCH
               : FAULT_NONE;
}

enum fault large_examine(const void *pointer, enum block_form form, size_t bytes,
                         struct fault_report *report) {
    enum fault fault = FAULT_NEVER_ALLOCATED;
    /* Without the lock it is a fork's or an interrupted call's: then no block changes. */
    bool held = acquire();
    const struct slab *slab = find(pointer);
    if (slab != NULL) {
        report->address = pointer;
        report->slab_index = slab_index(slab);
        report->class_bytes = 0;
        report->slot = FAULT_SLOT_UNKNOWN;
        report->requested = FAULT_BYTES_UNKNOWN;
        if ((uintptr_t)pointer % SLOT_ALIGN != 0)
            fault = FAULT_MISALIGNED;
        else if (pointer != block_of(slab))
            fault = (const char *)pointer < block_of(slab) ? FAULT_NEVER_ALLOCATED : FAULT_INTERIOR;
        else if (!is_live(slab))
            fault = FAULT_DOUBLE_FREE;
        else
            fault = examine(slab, form, bytes, report);
        if (is_live(slab))
            report->requested = slab->summary < UINT32_MAX ? (uint32_t)slab->summary : UINT32_MAX;
    }
    if (held)
        lock_release(&pool_lock);
    return fault;
}

void large_give(void *block) {
    bool held = acquire();
    struct slab *slab = slab_at(region_slab_index(block));
    if (slab_owner(slab) == SLAB_OWNER_LARGE && block_of(slab) == block &&
        __atomic_exchange_n(&slab->live[0], 0, __ATOMIC_RELAXED) != 0) {
        if (held)
            return_span(slab);
        else
            let_wait(slab);
    }
    if (held)
        lock_release(&pool_lock);
}

const struct slab *large_find(const void *pointer) {
    const struct slab *slab = find(pointer);
    return slab != NULL && is_live(slab) ? slab : NULL;
}
