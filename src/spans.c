#include "spans.h"

#include "os.h"

#include <stdatomic.h>
#include <string.h>

enum {
    SPANS_WAITING = 256,                 /* returned ones that are not free yet */
    SPANS_WAITING_WARM = 8,              /* and those of them that do not serve one of their size */
    SPANS_WAITING_SHARE = 4,             /* of the range */
    SPAN_WARM_SLABS = 8,                 /* the largest that keeps its memory */
    SPANS_WARM_BYTES = 24 << SLAB_SHIFT, /* that they keep */
    SPANS_PART = 4096,                   /* slabs in a part of the table */
    SPANS_BINS = 32,                     /* free runs by the logarithm of their size, */
    SPANS_LOOKED_AT = 64,                /* so many of which are compared */
};

/* The table, and the set of units, in parts that are made as they are needed. */
struct part {
    uint64_t beginnings[SPANS_PART / WORD_BITS];
    struct span spans[SPANS_PART];
};
static SELDOM struct part *parts[REGION_SLABS / SPANS_PART + 1];
static size_t table_slabs; /* of which there are parts */

static uint32_t bins[SPANS_BINS]; /* the first free run of each size, 0: none */
static size_t spans_taken;        /* now */

/* Returned ones, oldest first: a ring of numbers. */
static SELDOM uint32_t waiting[SPANS_WAITING];
static size_t waiting_first;
static size_t waiting_count;
static size_t waiting_slabs;
static size_t warm_bytes; /* that they keep */

static struct part *part_of(size_t number) {
    ASSERT(number < table_slabs);
    return parts[number / SPANS_PART];
}

static struct span *entry(size_t number) {
    return &part_of(number)->spans[number % SPANS_PART];
}

static uint64_t *beginnings_of(size_t number) {
    return &part_of(number)->beginnings[number % SPANS_PART / WORD_BITS];
}

uint32_t span_number(const struct span *span) {
    return span->number;
}

struct span *span_of(uint32_t number) {
    ASSERT(number < region_counts.span_used);
    return entry(number);
}

static size_t span_bytes(const struct span *span) {
    return (size_t)(span->slabs - 1) << SLAB_SHIFT;
}

char *span_start(const struct span *span) {
    return (char *)(region_bounds.span_base + ((uintptr_t)span_number(span) << SLAB_SHIFT));
}

char *span_end(const struct span *span) {
    return span_start(span) + span_bytes(span);
}

/* ---- the range ---- */

/* Have a table of so many slabs. */
static bool extend_table(size_t slabs) {
    size_t bytes = os_round_to_page(sizeof(struct part));
    while (table_slabs < slabs) {
        struct part *part = os_reserve(bytes, os_page_bytes());
        if (part == NULL || !os_commit(part, bytes))
            return false;
        parts[table_slabs / SPANS_PART] = part;
        table_slabs += SPANS_PART;
    }
    return true;
}

void spans_start(void) {
    region_set_spans_apart();
}

static void begin(uint32_t number, size_t slabs, enum span_state state) {
    struct span *span = entry(number);
    *beginnings_of(number) |= (uint64_t)1 << number % WORD_BITS;
    span->number = number;
    span->slabs = (uint32_t)slabs;
    span->state = (uint8_t)state;
}

static void unbegin(uint32_t number) {
    ASSERT((*beginnings_of(number) >> number % WORD_BITS & 1) != 0);
    *beginnings_of(number) &= ~((uint64_t)1 << number % WORD_BITS);
    entry(number)->state = SPAN_NONE;
}

/* The beginning of the unit that a slab lies in; 0, which is in the gap, if there is none. */
static uint32_t beginning_of(size_t number) {
    uint64_t bits = *beginnings_of(number) & (UINT64_MAX >> (WORD_BITS - 1 - number % WORD_BITS));
    size_t first = number - number % WORD_BITS;
    while (bits == 0 && first != 0) {
        first -= WORD_BITS;
        bits = *beginnings_of(first);
    }
    return bits == 0 ? 0 : (uint32_t)(first + 63 - (size_t)__builtin_clzll(bits));
}

/* ---- free runs ---- */

static unsigned bin_of(size_t slabs) {
    ASSERT(slabs > 0 && slabs <= UINT32_MAX);
    return 31 - (unsigned)__builtin_clz((unsigned)slabs);
}

static void list_free(uint32_t number, size_t slabs) {
    begin(number, slabs, SPAN_FREE);
    entry(number + slabs - 1)->slabs = (uint32_t)slabs; /* its neighbour looks there */
    uint32_t *first = &bins[bin_of(slabs)];
    entry(number)->next = *first;
    entry(number)->previous = 0;
    if (*first != 0)
        entry(*first)->previous = number;
    *first = number;
}

static void unlist_free(uint32_t number) {
    struct span *run = entry(number);
    ASSERT(run->state == SPAN_FREE);
    if (run->next != 0)
        entry(run->next)->previous = run->previous;
    if (run->previous != 0)
        entry(run->previous)->next = run->next;
    else
        bins[bin_of(run->slabs)] = run->next;
    unbegin(number);
}

/* Make a unit free, and one with its neighbours that are. */
static void make_free(uint32_t number) {
    size_t slabs = entry(number)->slabs;
    unbegin(number);
    uint32_t before = number > 0 ? beginning_of(number - 1) : 0;
    if (before != 0 && entry(before)->state == SPAN_FREE) {
        ASSERT(before + entry(before)->slabs == number);
        slabs += entry(before)->slabs;
        number = before;
        unlist_free(before);
    }
    size_t behind = number + slabs;
    if (behind < region_counts.span_used && entry(behind)->state == SPAN_FREE) {
        slabs += entry(behind)->slabs;
        unlist_free((uint32_t)behind);
    }
    list_free(number, slabs);
}

/* The free run that fits best, of the first of its size; else one of the next size. 0: none. */
static uint32_t best_free(size_t slabs) {
    uint32_t best = 0;
    unsigned bin = bin_of(slabs);
    unsigned left = SPANS_LOOKED_AT;
    for (uint32_t i = bins[bin]; i != 0 && left != 0; i = entry(i)->next, left--)
        if (entry(i)->slabs >= slabs && (best == 0 || entry(i)->slabs < entry(best)->slabs))
            best = i;
    while (best == 0 && ++bin < SPANS_BINS)
        best = bins[bin];
    return best;
}

static uint32_t take_free(size_t slabs) {
    uint32_t number = best_free(slabs);
    if (number == 0)
        return 0;
    size_t rest = entry(number)->slabs - slabs;
    unlist_free(number);
    if (rest != 0)
        list_free(number + (uint32_t)slabs, rest);
    begin(number, slabs, SPAN_TAKEN);
    return number;
}

static uint32_t take_unused(size_t slabs) {
    size_t number = region_counts.span_used;
    if (slabs > region_bounds.span_slabs - number || !extend_table(number + slabs))
        return 0;
    region_counts.span_used += slabs;
    begin((uint32_t)number, slabs, SPAN_TAKEN);
    return (uint32_t)number;
}

/* ---- spans that wait ---- */

/* Return the memory of a span that keeps its own. The bytes. */
static size_t cool(struct span *span) {
    if (span->state != SPAN_WARM)
        return 0;
    ASSERT(warm_bytes >= span->warm_bytes && span->warm_bytes != 0);
    if (!os_vacate(span_start(span), span_bytes(span)))
        os_purge(span_start(span), span_bytes(span));
    span->state = SPAN_WAITING;
    warm_bytes -= span->warm_bytes;
    return span->warm_bytes;
}

/* Free the one that has waited longest. */
static void free_oldest(void) {
    ASSERT(waiting_count > 0);
    uint32_t number = waiting[waiting_first];
    waiting_first = (waiting_first + 1) % SPANS_WAITING;
    waiting_count--;
    if (number == 0) /* it was taken from among the others */
        return;
    waiting_slabs -= entry(number)->slabs;
    cool(entry(number));
    make_free(number);
}

/* A span of just this size that keeps its memory; not one of the last. */
static uint32_t take_warm(size_t slabs) {
    for (size_t i = 0; i + SPANS_WAITING_WARM < waiting_count && warm_bytes != 0; i++) {
        uint32_t *place = &waiting[(waiting_first + i) % SPANS_WAITING];
        uint32_t number = *place;
        if (number == 0 || entry(number)->state != SPAN_WARM || entry(number)->slabs != slabs)
            continue;
        *place = 0;
        warm_bytes -= entry(number)->warm_bytes;
        waiting_slabs -= slabs;
        entry(number)->state = SPAN_TAKEN;
        return number;
    }
    return 0;
}

/* ---- taking and returning ---- */

/* True if so many more slabs may have memory, once warm ones have returned theirs. */
static bool have_memory(size_t slabs) {
    size_t most = region_bounds.memory_slabs;
    if (slabs > most || region_counts.taken > most - slabs)
        return false;
    size_t warm_most = most - slabs - region_counts.taken;
    if (region_counts.warm > warm_most)
        region_trim(warm_most);
    return region_counts.warm <= warm_most;
}

struct span *spans_take(size_t slabs, size_t memory_slabs) {
    ASSERT(lock_is_mine(&pool_lock) && slabs > 0 && memory_slabs <= slabs);
    if (slabs >= region_bounds.span_slabs || spans_taken >= region_bounds.apart_most ||
        !have_memory(memory_slabs))
        return NULL;
    size_t unit_slabs = slabs + 1;
    uint32_t number = take_warm(unit_slabs);
    if (number == 0)
        number = take_free(unit_slabs);
    if (number == 0)
        number = take_unused(unit_slabs);
    while (number == 0 && waiting_count > 0) {
        free_oldest();
        number = take_free(unit_slabs);
    }
    if (number == 0)
        return NULL;
    struct span *span = entry(number);
    ASSERT(span->state == SPAN_TAKEN && span->slabs == unit_slabs);
    span->memory_slabs = memory_slabs;
    span->block = NULL;
    spans_taken++;
    region_count_spans(0, memory_slabs);
    return span;
}

bool spans_count_memory(struct span *span, size_t memory_slabs) {
    ASSERT(lock_is_mine(&pool_lock) && span->state == SPAN_TAKEN && memory_slabs < span->slabs);
    if (memory_slabs > span->memory_slabs && !have_memory(memory_slabs - span->memory_slabs))
        return false;
    region_count_spans(span->memory_slabs, memory_slabs);
    span->memory_slabs = memory_slabs;
    return true;
}

bool spans_keep_memory(const struct span *span) {
    return span->slabs - 1 <= SPAN_WARM_SLABS && span->slabs - 1 <= region_bounds.warm_slabs &&
           region_bounds.memory_slabs == SIZE_MAX;
}

/* Return the memory of a span, and make it inaccessible. Locked memory cannot be returned, and must
 * read as zero all the same. */
static void empty(const struct span *span, char *start, size_t bytes) {
    if (os_vacate(span_start(span), span_bytes(span)))
        return;
    if (!os_purge(start, bytes))
        memset(start, 0, bytes);
    os_hide(start, bytes);
}

static void note_freed(const struct span *span) {
    size_t number = spans_number_at(span->block);
    ASSERT(number >= span_number(span) && number + 1 < span_number(span) + span->slabs);
    entry(number)->block = span->block;
}

void spans_return(struct span *span, char *start, size_t bytes, size_t kept_bytes) {
    ASSERT(lock_is_mine(&pool_lock) && span->state == SPAN_TAKEN && spans_taken > 0);
    ASSERT(start >= span_start(span) && start + bytes <= span_end(span));
    spans_taken--;
    region_count_spans(span->memory_slabs, 0);
    bool is_warm = kept_bytes != 0 && spans_keep_memory(span) && os_hide(start, bytes);
    if (!is_warm)
        empty(span, start, bytes);
    span->state = is_warm ? SPAN_WARM : SPAN_WAITING;
    span->warm_bytes = is_warm ? kept_bytes : 0;
    if (span->block != NULL)
        note_freed(span);
    if (waiting_count == SPANS_WAITING)
        free_oldest();
    waiting[(waiting_first + waiting_count++) % SPANS_WAITING] = span_number(span);
    waiting_slabs += span->slabs;
    warm_bytes += span->warm_bytes;
    for (size_t i = 0; warm_bytes > SPANS_WARM_BYTES; i++)
        cool(entry(waiting[(waiting_first + i) % SPANS_WAITING]));
    while (waiting_slabs > region_bounds.span_slabs / SPANS_WAITING_SHARE)
        free_oldest();
}

size_t spans_trim(void) {
    ASSERT(lock_is_mine(&pool_lock));
    size_t bytes_returned = 0;
    for (size_t i = 0; warm_bytes != 0; i++)
        bytes_returned += cool(entry(waiting[(waiting_first + i) % SPANS_WAITING]));
    return bytes_returned;
}

/* ---- finding ---- */

struct span *spans_find(const void *pointer) {
    size_t number = spans_number_at(pointer);
    if (!spans_own(pointer) || number >= region_counts.span_used || number >= table_slabs)
        return NULL;
    uint32_t unit = beginning_of(number);
    return unit != 0 ? entry(unit) : NULL;
}

bool spans_was_freed(const void *pointer) {
    const struct span *unit = spans_find(pointer);
    return unit != NULL && unit->state != SPAN_TAKEN &&
           entry(spans_number_at(pointer))->block == pointer;
}

struct span *spans_next_taken(const struct span *span) {
    size_t number = span != NULL ? span_number(span) + (size_t)span->slabs : region_bounds.span_gap;
    while (number < region_counts.span_used) {
        if (entry(number)->state == SPAN_TAKEN)
            return entry(number);
        number += entry(number)->state != SPAN_NONE ? entry(number)->slabs : 1;
    }
    return NULL;
}
