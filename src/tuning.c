#include "tuning.h"

#include "config.h"
#include "environment.h"
#include "heap_table.h"
#include "next.h"
#include "os.h"

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>

enum {
    /* More than the 128 KiB from which glibc maps a block alone. After the free of such a block it
     * maps blocks from this size on, and keeps up to twice as much at the end of its heap. */
    LEAST_BLOCK_BYTES = 256 << 10,
    LEAST_KEPT_BYTES = 2 * LEAST_BLOCK_BYTES,
    MOST_KEPT_BYTES = 32 << 20, /* glibc's own bound; here for all threads */
    KEPT_BLOCKS = 24,           /* as much is kept as so many of the largest blocks take, */
    TURNS = 4,                  /* if the program frees so many times as much */
    CHUNK_HEAD_BYTES = 16,
    FEW = 4, /* for a process that frees no more blocks the settings are not looked at */
    SAMPLE = 64,
};

#ifdef M_TRIM_THRESHOLD
/* ---- the settings ---- */

enum { UNKNOWN, OURS, USERS };
static _Atomic(int) whose;

static const char *const variables[] = {"MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_",
                                        "MALLOC_MMAP_THRESHOLD_", "MALLOC_MMAP_MAX_"};
static const char *const tunables[] = {"glibc.malloc.trim_threshold", "glibc.malloc.top_pad",
                                       "glibc.malloc.mmap_threshold", "glibc.malloc.mmap_max"};

/* True if the user has set one of them for this process. */
static bool are_set(void) {
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        if (environment_at_start(variables[i]) != NULL || environment_tunable(tunables[i]) != NULL)
            return true;
    return false;
}

/* True if there is something to set: the program's nodes lie in pools, mallopt() is of the
 * allocator behind us, and that is of the C library. */
static bool has_effect(void) {
    return config.strategy != TAGPOOL_STRATEGY_DIRECT && next()->mallopt != NULL &&
           next_is_glibcs();
}

/* Another thread may say meanwhile that they are the user's: that stays. */
COLD static int find_whose(void) {
    int found = has_effect() && !are_set() ? OURS : USERS;
    int known = UNKNOWN;
    return atomic_compare_exchange_strong_explicit(&whose, &known, found, memory_order_relaxed,
                                                   memory_order_relaxed)
               ? found
               : known;
}

static inline bool may_set(void) {
    int known = atomic_load_explicit(&whose, memory_order_relaxed);
    if (UNLIKELY(known == UNKNOWN))
        known = find_whose();
    return known == OURS;
}

void tuning_is_users(int parameter) {
    if (parameter == M_TRIM_THRESHOLD || parameter == M_TOP_PAD || parameter == M_MMAP_THRESHOLD ||
        parameter == M_MMAP_MAX)
        atomic_store_explicit(&whose, USERS, memory_order_relaxed);
}

/* ---- what the program's sizes call for ---- */

/* All relaxed: what two threads do at once may be noted once. */
static _Atomic(size_t) kept_bytes;   /* what may stay; 0: glibc's own choice */
static _Atomic(size_t) mapped_bytes; /* from this size on blocks are mapped one by one */
static _Atomic(size_t) largest[2]; /* blocks that were noted in this time, and in the one before */
static _Atomic(size_t) freed_bytes[2];
static _Atomic(size_t) heaps; /* the program's, when what may stay was looked at */
static _Atomic(size_t) first_frees, first_bytes; /* while each is noted */
static _Atomic(bool) samples;

static size_t get(_Atomic(size_t) *value) {
    return atomic_load_explicit(value, memory_order_relaxed);
}

static void set(_Atomic(size_t) *value, size_t new_value) {
    atomic_store_explicit(value, new_value, memory_order_relaxed);
}

/* The power of two that is not below `bytes`, within the bounds of what may be kept. */
static size_t round_up(size_t bytes) {
    size_t power = LEAST_BLOCK_BYTES;
    while (power < bytes && power < MOST_KEPT_BYTES)
        power *= 2;
    return power;
}

static size_t largest_block(void) {
    return larger(get(&largest[0]), get(&largest[1]));
}

/* As much may stay in each of glibc's heaps, of which each thread may have one. What a thread has
 * left in its own comes back by its own calls alone: malloc_trim() passes over the ends of these.
 * No less than twice the largest block: what glibc chooses by itself. */
static size_t most_kept(void) {
    size_t share = MOST_KEPT_BYTES / larger(get(&heaps), 1);
    return round_up(larger(larger(share, 2 * largest_block()), LEAST_KEPT_BYTES));
}

static size_t wanted_bytes(void) {
    size_t blocks = KEPT_BLOCKS * largest_block();
    size_t turned = (get(&freed_bytes[0]) + get(&freed_bytes[1])) / TURNS;
    return larger(smaller(smaller(blocks, turned), most_kept()), LEAST_KEPT_BYTES);
}

static void keep(size_t bytes) {
    size_t rounded = round_up(bytes);
    set(&kept_bytes, rounded);
    next()->mallopt(M_TRIM_THRESHOLD, (int)rounded);
}

/* A block that glibc has mapped alone starts so. */
static bool is_mapped(const void *block, size_t bytes) {
    return (uintptr_t)block % os_page_bytes() == CHUNK_HEAD_BYTES && bytes >= LEAST_BLOCK_BYTES / 2;
}

/* That glibc takes the next block of a mapped one's size from its heap is what it does by itself,
 * as long as nothing is set. */
static void note_mapped(const void *block, size_t bytes) {
    if (!is_mapped(block, bytes) || bytes < LEAST_BLOCK_BYTES || bytes > MOST_KEPT_BYTES / 2)
        return;
    set(&mapped_bytes, 2 * round_up(bytes));
    next()->mallopt(M_MMAP_THRESHOLD, (int)get(&mapped_bytes));
}

/* The first time glibc is made to adapt by itself, as it does when a mapped block is freed. */
static void adapt(void) {
    int saved_errno = errno;
    set(&heaps, PLAIN_LOAD(&heap_table_count));
    size_t wanted = wanted_bytes();
    if (get(&kept_bytes) == 0) {
        set(&kept_bytes, LEAST_KEPT_BYTES);
        next()->free(next()->malloc(LEAST_BLOCK_BYTES));
    }
    if (wanted > get(&kept_bytes) || get(&kept_bytes) > most_kept())
        keep(wanted);
    errno = saved_errno;
}

static void note_sample(void *block) {
    size_t bytes = next()->malloc_usable_size(block);
    set(&freed_bytes[0], get(&freed_bytes[0]) + SAMPLE * bytes);
    if (bytes > get(&largest[0]))
        set(&largest[0], bytes);
    size_t kept = get(&kept_bytes);
    if (KEPT_BLOCKS * get(&largest[0]) > kept || PLAIN_LOAD(&heap_table_count) > get(&heaps))
        adapt();
    if (kept > LEAST_KEPT_BYTES)
        note_mapped(block, bytes);
}

/* After the free of a mapped block glibc has adapted by itself. */
static void count_first(void *block) {
    size_t bytes = next()->malloc_usable_size(block);
    if (!is_mapped(block, bytes))
        set(&first_bytes, get(&first_bytes) + bytes);
}

/* True if these were enough. */
static bool note_first(void *block) {
    size_t frees = get(&first_frees) + 1;
    set(&first_frees, frees);
    if (frees <= FEW)
        return false;
    if (may_set())
        count_first(block);
    bool is_much = get(&first_bytes) >= LEAST_BLOCK_BYTES;
    if (is_much)
        adapt();
    return is_much || frees >= SAMPLE || !may_set();
}

int32_t tuning_note(void *block) {
    if (!atomic_load_explicit(&samples, memory_order_relaxed)) {
        if (!note_first(block))
            return 0;
        atomic_store_explicit(&samples, true, memory_order_relaxed);
    } else if (may_set()) {
        note_sample(block);
    }
    return SAMPLE - 1;
}

bool tuning_keeps_more(void) {
    return get(&kept_bytes) > LEAST_KEPT_BYTES;
}

void tuning_decay(void) {
    size_t kept = get(&kept_bytes);
    size_t wanted = wanted_bytes();
    set(&largest[1], get(&largest[0]));
    set(&freed_bytes[1], get(&freed_bytes[0]));
    set(&largest[0], 0);
    set(&freed_bytes[0], 0);
    if (kept <= round_up(wanted) || !may_set())
        return;
    int saved_errno = errno;
    keep(wanted);
    size_t mapped = get(&kept_bytes) / 2;
    if (get(&mapped_bytes) > mapped) {
        set(&mapped_bytes, mapped);
        next()->mallopt(M_MMAP_THRESHOLD, (int)mapped);
    }
    /* The end of its heap is looked at when a block of some size is freed. */
    next()->free(next()->malloc(LEAST_BLOCK_BYTES / 2));
    errno = saved_errno;
}

void tuning_idle(void) {
    const struct next *functions = next();
    bool is_much =
        functions->mallinfo2 == NULL || functions->mallinfo2().keepcost > LEAST_KEPT_BYTES;
    if (!is_much || functions->malloc_trim == NULL || !may_set())
        return;
    int saved_errno = errno;
    functions->malloc_trim(0);
    errno = saved_errno;
}
#else
int32_t tuning_note(void *block) {
    (void)block;
    return SAMPLE - 1;
}

bool tuning_keeps_more(void) {
    return false;
}

void tuning_decay(void) {
}

void tuning_idle(void) {
}

void tuning_is_users(int parameter) {
    (void)parameter;
}
#endif
