#include "stacks.h"

#include "fault.h"
#include "os.h"
#include "unwind.h"

#include <stdatomic.h>
#include <string.h>

enum { BUCKETS = 1 << 16, STEP_BYTES = 256 << 10 };

/* A stack. It is whole before a bucket or another record leads to it, and does not change. */
struct record {
    uint32_t hash;
    uint32_t next; /* of the same bucket; 0: none */
    uint32_t count;
    uint32_t epoch;
    uintptr_t frames[];
};

/* Stacks of one hash. */
struct bucket {
    _Atomic(uint32_t) first; /* a record's number; 0: none */
};

static FIXED char *records;          /* number 0 is none */
static FIXED struct bucket *buckets; /* in front of them */
static FIXED size_t record_bytes;
static FIXED unsigned frames_most;

static SELDOM struct {
    _Atomic(uint32_t) used;
    _Atomic(uint32_t) missed;
    _Atomic(size_t) committed_bytes;
} table;

static struct record *record_of(uint32_t number) {
    return (struct record *)(void *)(records + number * record_bytes);
}

static size_t table_bytes(void) {
    return os_round_to_page((size_t)(STACKS_MOST + 1) * record_bytes);
}

bool stacks_start(unsigned frames, const void *here) {
    frames_most = frames < UNWIND_FRAMES_MOST ? frames : UNWIND_FRAMES_MOST;
    record_bytes = sizeof(struct record) + frames_most * sizeof(uintptr_t);
    size_t bucket_bytes = os_round_to_page(BUCKETS * sizeof *buckets);
    char *start = os_reserve(bucket_bytes + table_bytes(), os_page_bytes());
    if (start == NULL)
        return false;
    if (!os_commit(start, bucket_bytes)) {
        os_unreserve(start, bucket_bytes + table_bytes());
        return false;
    }
    os_leave_out_of_dumps(start, bucket_bytes + table_bytes());
    os_use_no_huge_pages(start, bucket_bytes + table_bytes());
    buckets = (struct bucket *)(void *)start;
    records = start + bucket_bytes;
    unwind_start(here);
    return true;
}

void stacks_unlock(void) {
    os_unlock(records, table_bytes());
}

/* ---- adding ---- */

COLD static void tell_missed(void) {
    if (atomic_fetch_add_explicit(&table.missed, 1, memory_order_relaxed) != 0)
        return;
    struct text line = {.length = 0};
    text_add(&line, "origins: no room for more than ");
    text_add_number(&line, STACKS_MOST);
    text_add(&line, " different call stacks: blocks from other ones have none");
    fault_line(&line);
}

/* Make the table accessible up to `end_bytes`. Threads may do it at the same time. */
static bool commit_up_to(size_t end_bytes) {
    if (LIKELY(end_bytes <= atomic_load_explicit(&table.committed_bytes, memory_order_acquire)))
        return true;
    size_t bytes = (end_bytes + STEP_BYTES - 1) & ~(size_t)(STEP_BYTES - 1);
    if (bytes > table_bytes())
        bytes = table_bytes();
    if (!os_commit(records, bytes))
        return false;
    size_t before = atomic_load_explicit(&table.committed_bytes, memory_order_relaxed);
    while (before < bytes &&
           !atomic_compare_exchange_weak_explicit(&table.committed_bytes, &before, bytes,
                                                  memory_order_release, memory_order_relaxed)) {
    }
    return true;
}

static uint32_t new_number(void) {
    uint32_t used = atomic_load_explicit(&table.used, memory_order_relaxed);
    do {
        if (used == STACKS_MOST || !commit_up_to((size_t)(used + 2) * record_bytes)) {
            tell_missed();
            return 0;
        }
    } while (!atomic_compare_exchange_weak_explicit(&table.used, &used, used + 1,
                                                    memory_order_relaxed, memory_order_relaxed));
    return used + 1;
}

static uint32_t hash_of(const uintptr_t *frames, unsigned count, uint32_t epoch) {
    uint64_t hash = epoch;
    for (unsigned i = 0; i < count; i++)
        hash = (hash ^ frames[i]) * 0x9e3779b97f4a7c15u;
    return (uint32_t)(hash >> 32);
}

/* By words: memcmp() goes by bytes. */
static bool is_same(const uintptr_t *left, const uintptr_t *right, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (left[i] != right[i])
            return false;
    return true;
}

/* The number of a stack that a bucket leads to; 0 if it is not there. */
static uint32_t find(uint32_t number, const struct stack *stack, uint32_t hash) {
    while (number != 0) {
        const struct record *record = record_of(number);
        if (record->hash == hash && record->count == stack->count &&
            record->epoch == stack->epoch && is_same(record->frames, stack->frames, stack->count))
            return number;
        number = record->next;
    }
    return 0;
}

static uint32_t add(_Atomic(uint32_t) *bucket, const struct stack *stack, uint32_t hash) {
    uint32_t number = new_number();
    if (number == 0)
        return 0;
    struct record *record = record_of(number);
    record->hash = hash;
    record->count = stack->count;
    record->epoch = stack->epoch;
    memcpy(record->frames, stack->frames, stack->count * sizeof *stack->frames);
    uint32_t first = atomic_load_explicit(bucket, memory_order_relaxed);
    do
        record->next = first;
    while (!atomic_compare_exchange_weak_explicit(bucket, &first, number, memory_order_release,
                                                  memory_order_relaxed));
    return number;
}

uint32_t stacks_take(void) {
    uintptr_t frames[UNWIND_FRAMES_MOST];
    struct stack stack = {.frames = frames};
    if (records == NULL)
        return 0;
    stack.count = unwind_frames(frames, frames_most, &stack.epoch);
    uint32_t hash = hash_of(frames, stack.count, stack.epoch);
    _Atomic(uint32_t) *bucket = &buckets[hash % BUCKETS].first;
    /* Acquire: the partner of the release in add(). */
    uint32_t number = find(atomic_load_explicit(bucket, memory_order_acquire), &stack, hash);
    return LIKELY(number != 0) ? number : add(bucket, &stack, hash);
}

/* ---- asking ---- */

struct stack stacks_get(uint32_t number) {
    if (number == 0 || number > stacks_count())
        return (struct stack){.count = 0};
    const struct record *record = record_of(number);
    return (struct stack){.frames = record->frames, .count = record->count, .epoch = record->epoch};
}

uint32_t stacks_count(void) {
    return atomic_load_explicit(&table.used, memory_order_relaxed);
}

uint32_t stacks_missed(void) {
    return atomic_load_explicit(&table.missed, memory_order_relaxed);
}
