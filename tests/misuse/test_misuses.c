/* If this failed, a misused pointer would corrupt the heap in silence, would be reported as
 * something else, or a correct program would be stopped. Each misuse of tools/bench/misuses.h, in
 * every way that it can come about here, runs in a process of its own under each strategy, with
 * blocks of C and of C++, in one thread and across two. The library must write exactly the line
 * that the table says and stop the program, or let it run where the table says so; the control of
 * each is the same program without the misuse. */
#include "calls.h"
#include <stdatomic.h>

/* --- how a misuse comes about; each returns the pointer that the call gets --- */

typedef void *prepare_function(size_t bytes, bool misuse);

/* Where the line differs from the pointer that the call gets, or says more. */
static const void *reported_address;
static char detail[128];

/* The control of every case: a live block. */
static void *freed(size_t bytes, bool misuse) {
    void *block = take(bytes);
    if (misuse)
        give(block);
    return block;
}

/* Freed while many neighbours live, so that its slab is full again but for it. */
static void *freed_among_neighbours(size_t bytes, bool misuse) {
    void *block = NULL;
    for (int i = 0; i < 5000; i++) {
        void *neighbour = take(bytes);
        if (i == 2500)
            block = neighbour;
    }
    if (misuse)
        give(block);
    return block;
}

/* Freed, and a thousand other blocks after it. */
static void *freed_long_ago(size_t bytes, bool misuse) {
    void *block[1000];
    for (size_t i = 0; i < 1000; i++)
        block[i] = take(bytes);
    for (size_t i = misuse ? 0 : 1; i < 1000; i++)
        give(block[i]);
    return block[0];
}

static void *calloc_freed(size_t bytes, bool misuse) {
    void *block = calloc(1, bytes);
    if (misuse)
        free(opaque(block));
    return block;
}

static void *freed_by_realloc(size_t bytes, bool misuse) {
    void *block = take(bytes);
    if (misuse)
        opaque(realloc(opaque(block), bytes * 8 + 5000));
    return block;
}

/* Freed, and perhaps handed out again: whose it is then, only the program knows. */
static void *freed_and_handed_out(size_t bytes, bool misuse) {
    void *block = take(bytes);
    if (misuse)
        give(block);
    for (int i = 0; misuse && i < 100; i++)
        if (take(bytes) == block)
            break;
    return block;
}

static void *interior_of_live(size_t bytes, bool misuse) {
    char *block = take(bytes);
    return misuse ? block + 16 : block;
}

static void *interior_of_freed(size_t bytes, bool misuse) {
    char *block = take(bytes);
    if (misuse)
        give(block);
    return misuse ? block + 16 : block;
}

static void *last_16_of_live(size_t bytes, bool misuse) {
    char *block = take(bytes);
    return misuse ? block + ((bytes - 16) & ~(size_t)15) : block;
}

static void *off_by_1(size_t bytes, bool misuse) {
    char *block = take(bytes);
    return misuse ? block + 1 : block;
}

static void *off_by_8(size_t bytes, bool misuse) {
    char *block = take(bytes);
    return misuse ? block + 8 : block;
}

static size_t common_divisor(size_t a, size_t b) {
    while (b != 0) {
        size_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static uintptr_t slab_of(const void *pointer) {
    return (uintptr_t)pointer & ~(uintptr_t)0xffff;
}

/* A slot between, before or behind slots of one slab of which some are known. */
static void *slot_never_taken(size_t bytes, bool misuse) {
    enum { KNOWN = 12 };
    char *known[KNOWN];
    size_t stride = 0;
    for (int i = 0; i < KNOWN; i++) {
        known[i] = take(bytes);
        if (slab_of(known[i]) == slab_of(known[0]))
            stride = common_divisor((uintptr_t)known[i] > (uintptr_t)known[0]
                                        ? (size_t)(known[i] - known[0])
                                        : (size_t)(known[0] - known[i]),
                                    stride);
    }
    /* The pools hand out neighbours, or spread over the slab: 20 slots on, nobody else was. */
    for (size_t steps = 20; misuse && stride != 0; steps++) {
        char *slot = known[0] + steps * stride;
        if (slab_of(slot + stride) != slab_of(known[0]))
            break;
        bool is_known = false;
        for (int i = 0; i < KNOWN; i++)
            is_known = is_known || known[i] == slot;
        if (!is_known)
            return slot;
    }
    return known[0];
}

/* Far behind all slabs, but still in the region that the library reserved. */
static void *slab_never_used(size_t bytes, bool misuse) {
    char *block = take(bytes);
    return misuse ? (void *)(slab_of(block) + ((uintptr_t)64 << 30)) : block;
}

/* Another thread freed it; the owner frees it again. */
static void *freed_by_another_thread(size_t bytes, bool misuse) {
    void *block = take(bytes);
    if (misuse)
        run_thread(thread_give, block);
    return block;
}

/* As before, with traffic in between, so that the owner has taken the block back and given others
 * out. */
static void *freed_by_another_thread_and_folded(size_t bytes, bool misuse) {
    void *block[3000];
    for (size_t i = 0; i < 3000; i++)
        block[i] = take(bytes);
    if (misuse)
        run_thread(thread_give, block[1500]);
    for (size_t i = 0; i < 3000; i++)
        if (i != 1500 && i % 2 == 0)
            give(block[i]);
    return block[1500];
}

/* Owned by a thread that has ended; freed once before. */
static void *freed_after_its_thread_ended(size_t bytes, bool misuse) {
    void *block = run_thread(thread_take, (void *)(uintptr_t)bytes);
    if (misuse)
        give(block);
    return block;
}

static void *interior_of_ended_thread(size_t bytes, bool misuse) {
    char *block = run_thread(thread_take, (void *)(uintptr_t)bytes);
    return misuse ? block + 16 : block;
}

/* The living thread that owns it freed it; now this thread does. */
static void *freed_by_its_living_owner(size_t bytes, bool misuse) {
    void *block = ask_helper(thread_take, (void *)(uintptr_t)bytes);
    if (misuse)
        ask_helper(thread_give, block);
    return block;
}

/* Owned by a living thread; this thread freed it once and frees it again. */
static void *freed_twice_by_a_stranger(size_t bytes, bool misuse) {
    void *block = ask_helper(thread_take, (void *)(uintptr_t)bytes);
    if (misuse)
        give(block);
    return block;
}

static void *freed_by_two_strangers(size_t bytes, bool misuse) {
    void *block = ask_helper(thread_take, (void *)(uintptr_t)bytes);
    if (misuse)
        run_thread(thread_give, block);
    return block;
}

static void *interior_of_a_living_owner(size_t bytes, bool misuse) {
    char *block = ask_helper(thread_take, (void *)(uintptr_t)bytes);
    return misuse ? block + 16 : block;
}

static void *off_by_8_of_a_living_owner(size_t bytes, bool misuse) {
    char *block = ask_helper(thread_take, (void *)(uintptr_t)bytes);
    return misuse ? block + 8 : block;
}

/* The block was freed before the fork that made the process which frees it again. */
static void *freed_before_fork(size_t bytes, bool misuse) {
    void *block = take(bytes);
    if (misuse)
        give(block);
    pid_t pid = fork();
    if (pid != 0) {
        int status = 0;
        waitpid(pid, &status, 0);
        if (WIFSIGNALED(status))
            raise(WTERMSIG(status));
        _exit(WEXITSTATUS(status));
    }
    return block;
}

/* Two blocks side by side, the first in *low; fresh ones are, unless their order is random. */
static char *take_neighbours(size_t bytes, char **low) {
    enum { TRIES = 4000 };
    static char *taken[TRIES];
    size_t stride = malloc_usable_size(*low = taken[0] = take(bytes)) + 8;
    for (int count = 1; count < TRIES; count++) {
        taken[count] = take(bytes);
        for (int i = 0; i < count; i++)
            if (slab_of(taken[i]) == slab_of(taken[count]) &&
                (taken[count] == taken[i] + stride || taken[i] == taken[count] + stride)) {
                *low = taken[count] < taken[i] ? taken[count] : taken[i];
                return *low + stride;
            }
    }
    return NULL;
}

static bool is_hardened(void) {
    const char *options = getenv("TAGPOOL_OPTIONS");
    return options != NULL && strstr(options, "harden=on") != NULL;
}

static bool has_tags(void) {
    const char *options = getenv("TAGPOOL_OPTIONS");
    return is_hardened() || (options != NULL && strstr(options, "strategy=tagged") != NULL);
}

/* Changes 1 byte behind `block`. */
static void *overflow(char *block, size_t bytes, bool misuse) {
    if (misuse)
        block[bytes] ^= 0x5a;
    return block;
}

/* Of two neighbours the lower one is overflown. With tags the damage is the upper one's; in the
 * hardened mode it is found whatever is behind the block. */
static char *overflow_into_next(size_t bytes, bool misuse, bool give_upper) {
    char *low = NULL;
    char *high = has_tags() && !is_hardened() ? take_neighbours(bytes, &low) : NULL;
    if (high == NULL)
        return overflow(take(bytes), bytes, misuse);
    overflow(low, bytes, misuse);
    reported_address = high;
    snprintf(detail, sizeof detail, "%p", (void *)low);
    return give_upper ? high : low;
}

static void *overflown(size_t bytes, bool misuse) {
    return overflow_into_next(bytes, misuse, false);
}

static void *behind_overflown(size_t bytes, bool misuse) {
    return overflow_into_next(bytes, misuse, true);
}

static void *overflown_slack(size_t bytes, bool misuse) {
    take(bytes);
    return overflow(take(bytes), bytes, misuse);
}

static void *overflown_of_ended_thread(size_t bytes, bool misuse) {
    return overflow(run_thread(thread_take, (void *)(uintptr_t)bytes), bytes, misuse);
}

static void *overflown_of_living_owner(size_t bytes, bool misuse) {
    return overflow(ask_helper(thread_take, (void *)(uintptr_t)bytes), bytes, misuse);
}

/* The blocks around it live, and no other block's bytes are touched. */
static void *underflown(size_t bytes, bool misuse) {
    take(bytes);
    char *block = take(bytes);
    if (misuse && (has_tags() || bytes % 16 != 0))
        block[-1] ^= 0x5a;
    return block;
}

static void *underflown_of_living_owner(size_t bytes, bool misuse) {
    char *block = ask_helper(thread_take, (void *)(uintptr_t)bytes);
    if (misuse && (has_tags() || bytes % 16 != 0))
        block[-1] ^= 0x5a;
    return block;
}

static void *other_written(size_t bytes, bool misuse) {
    char *block = take(bytes), *other = take(bytes);
    ptrdiff_t distance = other - block;
    if (misuse)
        block[distance + (ptrdiff_t)bytes / 2] ^= 0x5a;
    return block;
}

/* For by_reuse(): how many bytes it takes, until it meets the block. */
static size_t reused_bytes;

static void *written_after_free(size_t bytes, bool misuse) {
    char *block = take(bytes);
    reused_bytes = bytes;
    give(block);
    if (misuse)
        block[bytes / 2] = 0x5a;
    return block;
}

static void *written_after_another_thread_freed(size_t bytes, bool misuse) {
    char *block = take(bytes);
    reused_bytes = bytes;
    run_thread(thread_give, block);
    if (misuse)
        block[bytes / 2] = 0x5a;
    return block;
}

/* The damage is found when the free block is handed out. */
static void *overflown_beside_a_free_block(size_t bytes, bool misuse) {
    char *low = NULL;
    char *high = take_neighbours(bytes, &low);
    reused_bytes = bytes;
    if (high == NULL)
        return take(bytes);
    give(high);
    return overflow(low, bytes, misuse);
}

static void *freed_for_reading(size_t bytes, bool misuse) {
    char *block = take(bytes);
    if (misuse)
        give(block);
    return block;
}

/* For by_read(): the place behind the last byte. */
static void *behind_live(size_t bytes, bool misuse) {
    char *block = take(bytes);
    return misuse ? block + bytes : block;
}

static void *with_wrong_size(size_t bytes, bool misuse) {
    given_bytes = misuse ? bytes * 2 + 32 : bytes;
    snprintf(detail, sizeof detail, "%zu bytes", given_bytes);
    return take(bytes);
}

static void *with_wrong_size_of_ended_thread(size_t bytes, bool misuse) {
    with_wrong_size(bytes, misuse);
    return run_thread(thread_take, (void *)(uintptr_t)bytes);
}

/* Made in a form that the call is not for. */
static void *made_as(enum form wrong, size_t bytes, bool misuse) {
    if (misuse)
        form = wrong;
    snprintf(detail, sizeof detail, "%s", form_makers[form]);
    return take(bytes);
}

static void *made_by_malloc(size_t bytes, bool misuse) {
    return made_as(FORM_MALLOC, bytes, misuse);
}

static void *made_by_new(size_t bytes, bool misuse) {
    return made_as(FORM_NEW, bytes, misuse);
}

static void *made_by_new_array(size_t bytes, bool misuse) {
    return made_as(FORM_NEW_ARRAY, bytes, misuse);
}

static void *of_zero_bytes(size_t bytes, bool misuse) {
    return make(misuse ? 0 : bytes);
}

/* --- calls that are no calls of the family --- */

/* Frees and takes so much that every freed block of that size comes round again. */
CRIME by_reuse(void *pointer) {
    enum { KEPT = 2048 };
    static void *kept[KEPT];
    size_t most = (64 << 20) / (reused_bytes + 64);
    for (size_t i = 0; i < KEPT && i < most; i++)
        kept[i] = malloc(reused_bytes);
    for (size_t i = 0; i < KEPT && i < most; i++)
        free(kept[i]);
    for (size_t i = 0; i < 4096 && i < most; i++)
        kept[i % KEPT] = malloc(reused_bytes);
    opaque(pointer);
    CALL_ENDS_HERE;
}

CRIME by_read(void *pointer) {
    opaque_size((size_t)(unsigned char)*(volatile char *)pointer);
}

CRIME by_write(void *pointer) {
    *(volatile char *)pointer = 1;
}

static const struct call call_reuse = {by_reuse, "malloc()", FORM_MALLOC};
static const struct call call_read = {by_read, "", FORM_MALLOC};
static const struct call call_write = {by_write, "", FORM_MALLOC};

/* --- the scenarios: the ways to commit the misuses --- */

static const size_t all_sizes[] = {1, 16, 24, 48, 64, 100, 200, 333, 512, 800, 1000, 2000, 4000, 0};
static const size_t from_32[] = {32, 48, 64, 100, 200, 512, 800, 1000, 4000, 0};
static const size_t few_sizes[] = {40, 500, 3000, 0};
static const size_t dense_sizes[] = {40, 500, 0}; /* a slab has room for a hundred */
static const size_t one_size[] = {40, 0};
static const size_t full_sizes[] = {24,   40,   248, 504,
                                    1016, 3832, 0}; /* 8 bytes less than a stride */
static const size_t slack_sizes[] = {20, 100, 501, 900, 3900, 0};
static const size_t slab_sizes[] = {1025, 3000, 20000, 32728, 0};
static const size_t mapped_sizes[] = {32768, 100000, 262144, 0};

enum {
    HERE = 1,     /* the call is made in the thread that prepared, only */
    SMALL = 2,    /* sizes of the pools of nodes only */
    SLABS = 4,    /* and, hardened, those of slabs */
    MAPPED = 8,   /* hardened, and larger ones only */
    HELPERS = 16, /* the helper thread made the block */
    ENDED = 32,   /* a thread made it that has ended */
    PASSED = 64,  /* its slab was passed on since, to whom is open */
};

static const struct scenario {
    enum misuse misuse;
    const char *name;
    const struct call *call; /* NULL: free, delete and delete[], of blocks made to fit */
    prepare_function *prepare;
    const size_t *sizes; /* ends with 0 */
    unsigned flags;
} scenarios[] = {
    {MISUSE_FREED_TWICE, "free twice", NULL, freed, all_sizes, 0},
    {MISUSE_FREED_TWICE, "free twice, full slabs around", NULL, freed_among_neighbours, few_sizes,
     SMALL},
    {MISUSE_FREED_TWICE, "free twice, with 999 frees between", NULL, freed_long_ago, dense_sizes,
     SMALL},
    {MISUSE_FREED_TWICE, "free twice what calloc gave", &call_free, calloc_freed, few_sizes, 0},
    {MISUSE_FREED_TWICE, "free what realloc moved away", &call_free, freed_by_realloc, few_sizes,
     0},
    {MISUSE_FREED_TWICE, "cfree twice", &call_cfree, freed, one_size, 0},
    {MISUSE_FREED_TWICE, "free_sized twice", &call_free_sized, freed, one_size, 0},
    {MISUSE_FREED_TWICE, "free_aligned_sized twice", &call_free_aligned_sized, freed, one_size, 0},
    {MISUSE_FREED_TWICE, "sized delete twice", &call_sized_delete, freed, one_size, 0},
    {MISUSE_FREED_TWICE, "free twice, in another thread first", NULL, freed_by_another_thread,
     few_sizes, 0},
    {MISUSE_FREED_TWICE, "the same after much traffic", NULL, freed_by_another_thread_and_folded,
     few_sizes, SMALL},
    {MISUSE_FREED_TWICE, "free twice a block of an ended thread", NULL,
     freed_after_its_thread_ended, few_sizes, PASSED},
    {MISUSE_FREED_TWICE, "free what its living owner freed", NULL, freed_by_its_living_owner,
     few_sizes, HELPERS},
    {MISUSE_FREED_TWICE, "free twice another thread's block", NULL, freed_twice_by_a_stranger,
     few_sizes, HELPERS},
    {MISUSE_FREED_TWICE, "free twice in two other threads", NULL, freed_by_two_strangers, few_sizes,
     HELPERS},
    {MISUSE_FREED_TWICE, "free in a forked child what was freed before", &call_free,
     freed_before_fork, one_size, HERE},
    {MISUSE_FREED_TWICE_LATE, "free twice, handed out in between", NULL, freed_and_handed_out,
     few_sizes, 0},
    {MISUSE_FREED_INTERIOR, "free 16 bytes into a block", NULL, interior_of_live, from_32, 0},
    {MISUSE_FREED_INTERIOR, "free the end of a block", NULL, last_16_of_live, from_32, 0},
    {MISUSE_FREED_INTERIOR, "free 16 bytes into a freed block", NULL, interior_of_freed, from_32,
     SMALL},
    {MISUSE_FREED_INTERIOR, "free 16 bytes into a block of an ended thread", NULL,
     interior_of_ended_thread, few_sizes, ENDED},
    {MISUSE_FREED_INTERIOR, "free 16 bytes into another thread's block", NULL,
     interior_of_a_living_owner, few_sizes, HELPERS},
    {MISUSE_FREED_MISALIGNED, "free 1 byte into a block", NULL, off_by_1, all_sizes, 0},
    {MISUSE_FREED_MISALIGNED, "free 8 bytes into a block", NULL, off_by_8, all_sizes, 0},
    {MISUSE_FREED_MISALIGNED, "free 8 bytes into another thread's block", NULL,
     off_by_8_of_a_living_owner, few_sizes, HELPERS},
    {MISUSE_FREED_NEVER, "free a slot that was never handed out", NULL, slot_never_taken,
     dense_sizes, SMALL},
    {MISUSE_FREED_NEVER, "free in a slab that is not in use", NULL, slab_never_used, few_sizes, 0},
    {MISUSE_USED_FREED, "realloc what was freed", &call_realloc, freed, few_sizes, 0},
    {MISUSE_USED_FREED, "realloc to a size that fits what was freed", &call_realloc_in_place, freed,
     one_size, 0},
    {MISUSE_USED_FREED, "reallocarray what was freed", &call_reallocarray, freed, one_size, 0},
    {MISUSE_USED_FREED, "malloc_usable_size of what was freed", &call_usable_size, freed, few_sizes,
     0},
    {MISUSE_USED_FREED, "realloc what another thread freed", &call_realloc, freed_by_another_thread,
     one_size, 0},
    {MISUSE_USED_INTERIOR, "realloc 16 bytes into a block", &call_realloc, interior_of_live,
     few_sizes, 0},
    {MISUSE_USED_INTERIOR, "malloc_usable_size inside a block", &call_usable_size, interior_of_live,
     one_size, 0},
    {MISUSE_USED_MISALIGNED, "realloc 8 bytes into a block", &call_realloc, off_by_8, few_sizes, 0},
    {MISUSE_USED_MISALIGNED, "malloc_usable_size 1 byte into a block", &call_usable_size, off_by_1,
     one_size, 0},
    {MISUSE_USED_NEVER, "realloc a slot never handed out", &call_realloc, slot_never_taken,
     one_size, SMALL},
    {MISUSE_USED_NEVER, "realloc in a slab that is not in use", &call_realloc, slab_never_used,
     one_size, 0},
    {MISUSE_WROTE_NEXT, "write 1 byte into the next block's tag, free", NULL, overflown, full_sizes,
     HERE},
    {MISUSE_WROTE_NEXT, "the same, and free the next block", NULL, behind_overflown, full_sizes, 0},
    {MISUSE_WROTE_SLACK, "write 1 byte behind a block, free it", NULL, overflown_slack, slack_sizes,
     0},
    {MISUSE_WROTE_SLACK, "the same with a block of an ended thread", NULL,
     overflown_of_ended_thread, slack_sizes, ENDED},
    {MISUSE_WROTE_SLACK, "the same with another thread's block", NULL, overflown_of_living_owner,
     slack_sizes, HELPERS},
    {MISUSE_WROTE_FREE_NEXT, "write 1 byte into a free block's tag, take that", &call_reuse,
     overflown_beside_a_free_block, full_sizes, HERE | SMALL},
    {MISUSE_WROTE_BEFORE, "write 1 byte in front of a block, free it", NULL, underflown,
     slack_sizes, 0},
    {MISUSE_WROTE_BEFORE, "the same with another thread's block", NULL, underflown_of_living_owner,
     slack_sizes, HELPERS},
    {MISUSE_WROTE_BEFORE_USE, "write 1 byte in front of a block, realloc it", &call_realloc,
     underflown, slack_sizes, 0},
    {MISUSE_WROTE_INTO_OTHER, "write into the middle of another block", NULL, other_written,
     few_sizes, 0},
    {MISUSE_WROTE_FREED, "write into a freed block", &call_reuse, written_after_free, all_sizes,
     HERE | SLABS},
    {MISUSE_WROTE_FREED, "write into a block that another thread freed", &call_reuse,
     written_after_another_thread_freed, few_sizes, HERE | SLABS},
    {MISUSE_READ_FREED, "read a freed block", &call_read, freed_for_reading, few_sizes, SLABS},
    {MISUSE_USED_FREED_LARGE, "read a large freed block", &call_read, freed_for_reading, NULL,
     MAPPED},
    {MISUSE_USED_FREED_LARGE, "write into a large freed block", &call_write, freed_for_reading,
     NULL, MAPPED},
    {MISUSE_READ_BEHIND, "read 1 byte behind a block", &call_read, behind_live, few_sizes, 0},
    {MISUSE_FREED_WRONG_SIZE, "free_sized with another size", &call_free_sized, with_wrong_size,
     few_sizes, 0},
    {MISUSE_FREED_WRONG_SIZE, "free_aligned_sized with another size", &call_free_aligned_sized,
     with_wrong_size, few_sizes, 0},
    {MISUSE_FREED_WRONG_SIZE, "sized delete with another size", &call_sized_delete, with_wrong_size,
     few_sizes, 0},
    {MISUSE_FREED_WRONG_SIZE, "sized delete[] with another size", &call_sized_delete_array,
     with_wrong_size, few_sizes, 0},
    {MISUSE_FREED_WRONG_SIZE, "the same in a block of an ended thread", &call_sized_delete,
     with_wrong_size_of_ended_thread, few_sizes, ENDED},
    {MISUSE_FREED_WRONG_FORM, "delete what malloc made", &call_delete, made_by_malloc, few_sizes,
     0},
    {MISUSE_FREED_WRONG_FORM, "delete[] what malloc made", &call_delete_array, made_by_malloc,
     few_sizes, 0},
    {MISUSE_FREED_WRONG_FORM, "free what new made", &call_free, made_by_new, few_sizes, 0},
    {MISUSE_FREED_WRONG_FORM, "free what new[] made", &call_free, made_by_new_array, few_sizes, 0},
    {MISUSE_FREED_WRONG_FORM, "delete[] what new made", &call_delete_array, made_by_new, few_sizes,
     0},
    {MISUSE_FREED_WRONG_FORM, "delete what new[] made", &call_delete, made_by_new_array, few_sizes,
     0},
    {MISUSE_ZERO_BYTES_USED, "read a block of 0 bytes", &call_read, of_zero_bytes, one_size, SMALL},
    {MISUSE_ZERO_BYTES_USED, "write a block of 0 bytes", &call_write, of_zero_bytes, one_size,
     SMALL},
};
enum { SCENARIOS = sizeof scenarios / sizeof scenarios[0] };

/* --- the child: INDEX BYTES FORM WHERE MODE --- */

enum { CHILD_ARGUMENTS = 6 };

/* Two threads free one block of a third at the same moment; mode "control": two blocks. */
static struct {
    atomic_int ready;
    void *block[2];
} race;

static void *race_main(void *argument) {
    atomic_fetch_add(&race.ready, 1);
    while (atomic_load(&race.ready) < 2)
        continue;
    free(race.block[(size_t)(uintptr_t)argument]);
    return argument;
}

static int race_child(bool with_misuse) {
    pthread_t thread[2];
    race.block[0] = take(40);
    race.block[1] = with_misuse ? race.block[0] : take(40);
    for (size_t i = 0; i < 2; i++)
        pthread_create(&thread[i], NULL, race_main, (void *)(uintptr_t)i);
    for (size_t i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    return 0;
}

static const struct call *child_call;

static void *run_child_call(void *pointer) {
    child_call->run(opaque(pointer));
    return pointer;
}

static int child_main(char **argv) {
    bool with_misuse = strcmp(argv[5], "misuse") == 0;
    leave_no_core();
    find_functions();
    if (strcmp(argv[1], "race") == 0)
        return race_child(with_misuse);
    const struct scenario *scenario = &scenarios[strtoul(argv[1], NULL, 10)];
    size_t bytes = strtoul(argv[2], NULL, 10);
    form = (enum form)strtoul(argv[3], NULL, 10);
    given_bytes = bytes;
    child_call = scenario->call != NULL ? scenario->call : form_calls[form];
    void *pointer = scenario->prepare(bytes, with_misuse);
    announce(reported_address != NULL ? reported_address : pointer, child_call->run, detail);
    if (strcmp(argv[4], "elsewhere") == 0)
        ask_helper(run_child_call, pointer);
    else
        run_child_call(pointer);
    return 0;
}

/* --- the judgement --- */

static const char *program;

static void run_child(struct child *child, const char *options, const char *index, size_t bytes,
                      enum form form_number, bool elsewhere, bool with_misuse) {
    char size[32], form_text[32];
    const char *const argv[] = {program,
                                index,
                                size,
                                form_text,
                                elsewhere ? "elsewhere" : "here",
                                with_misuse ? "misuse" : "control",
                                NULL};
    snprintf(size, sizeof size, "%zu", bytes);
    snprintf(form_text, sizeof form_text, "%d", (int)form_number);
    run_with_options(child, options, argv);
}

static enum misuse_outcome outcome_of(enum misuse misuse, enum misuse_strategy strategy) {
    static const enum misuse_outcome table[MISUSE_COUNT][MISUSE_STRATEGY_COUNT] = {
#define TABLE_ROW(id, sentence, metadata, tagged, hardened)                                        \
    [MISUSE_##id] = {MISUSE_OUTCOME_##metadata, MISUSE_OUTCOME_##tagged, MISUSE_OUTCOME_##hardened},
        MISUSES(TABLE_ROW)
#undef TABLE_ROW
    };
    return table[misuse][strategy];
}

/* Whose the block is that a call is made with, as the line says it. What lies in no slab of a class
 * is nobody's. */
static const char *owner_of(unsigned flags, size_t bytes, bool elsewhere) {
    if ((flags & PASSED) != 0)
        return NULL;
    if (bytes >= mapped_sizes[0])
        return "";
    if ((flags & ENDED) != 0)
        return " of an ended thread";
    return ((flags & HELPERS) != 0) == elsewhere ? "" : " of another thread";
}

static void check_run(size_t index, enum misuse_strategy strategy, size_t bytes,
                      enum form form_number, bool elsewhere) {
    static struct child child;
    const struct scenario *scenario = &scenarios[index];
    const struct call *call = scenario->call != NULL ? scenario->call : form_calls[form_number];
    const struct expected_line expected = {.outcome = outcome_of(scenario->misuse, strategy),
                                           .function = call->name,
                                           .bytes = bytes,
                                           .owner =
                                               scenario->prepare == slab_never_used
                                                   ? ""
                                                   : owner_of(scenario->flags, bytes, elsewhere)};
    const char *options = strategies[strategy].options;
    char number[32];
    int faults = tap.faults;
    snprintf(number, sizeof number, "%zu", index);
    run_child(&child, options, number, bytes, form_number, elsewhere, false);
    CHECK_SAY(child_succeeded(&child) && child.err[0] == '\0',
              "the control (%zu bytes) ends with %#x: %s", bytes, (unsigned)child.status,
              child.err);
    run_child(&child, options, number, bytes, form_number, elsewhere, true);
    check_outcome(&child, &expected);
    if (tap.faults != faults)
        printf("# with %s, made by %s, call made %s\n", options, form_makers[form_number],
               elsewhere ? "in another thread" : "in the same thread");
}

static void check_sizes(size_t index, enum misuse_strategy strategy, const size_t *sizes) {
    const struct scenario *scenario = &scenarios[index];
    for (; *sizes != 0; sizes++)
        for (int i = 0; i < FORM_COUNT; i++)
            for (int elsewhere = 0; elsewhere < 2; elsewhere++) {
                /* One size of each list in all forms and threads, the others in turn. */
                bool wanted = sizes[1] == 0 || (*sizes + (size_t)i) % 2 == (size_t)elsewhere;
                if (scenario->call != NULL && (int)scenario->call->form != i)
                    continue;
                if ((scenario->flags & HERE) != 0 ? elsewhere == 0 : wanted)
                    check_run(index, strategy, *sizes, (enum form)i, elsewhere != 0);
            }
}

static void check_scenario(size_t index, enum misuse_strategy strategy) {
    char name[256];
    snprintf(name, sizeof name, "%s [%s]", scenarios[index].name, strategies[strategy].name);
    if (!library_has(strategies[strategy].options)) {
        char reason[128];
        snprintf(reason, sizeof reason, "this library does not have %s",
                 strategies[strategy].options);
        tap_skip(reason);
    } else {
        unsigned flags = scenarios[index].flags;
        bool hardened = strategy == MISUSE_STRATEGY_hardened;
        if ((flags & MAPPED) == 0)
            check_sizes(index, strategy, scenarios[index].sizes);
        if (hardened && scenarios[index].misuse == MISUSE_WROTE_SLACK)
            check_sizes(index, strategy, full_sizes); /* there it need not be slack */
        if (hardened && (flags & (SMALL | MAPPED)) == 0)
            check_sizes(index, strategy, slab_sizes);
        if (hardened && (flags & (SMALL | SLABS)) == 0)
            check_sizes(index, strategy, mapped_sizes);
    }
    tap_report(name);
}

static void each_misuse_of_the_table_is_committed(void) {
    static const char *const sentences[] = {
#define SENTENCE(id, sentence, ...) [MISUSE_##id] = sentence,
        MISUSES(SENTENCE)
#undef SENTENCE
    };
    for (int misuse = 0; misuse < MISUSE_COUNT; misuse++) {
        bool found = false;
        for (size_t i = 0; i < SCENARIOS; i++)
            found = found || (int)scenarios[i].misuse == misuse;
        CHECK_SAY(found, "nothing does this: %s", sentences[misuse]);
    }
}

/* The same misuses go to the next allocator when the pools are off: no line of ours may appear. */
static void strategy_direct_reports_nothing_of_its_own(void) {
    static struct child child;
    run_child(&child, "strategy=direct", "0", 40, FORM_MALLOC, false, true);
    CHECK_SAY(strstr(child.err, "tagpool[") == NULL, "it wrote: %s", child.err);
    CHECK(WIFSIGNALED(child.status) &&
          WTERMSIG(child.status) == SIGABRT); /* glibc finds this one too */
}

/* Whoever comes second, however close, is caught. */
static void check_race(enum misuse_strategy strategy) {
    enum { RACES = 100 };
    static struct child child;
    const char *options = strategies[strategy].options;
    if (!library_has(options))
        return;
    run_child(&child, options, "race", 40, FORM_MALLOC, false, false);
    CHECK_SAY(child_succeeded(&child) && child.err[0] == '\0', "the control ends with %#x: %s",
              (unsigned)child.status, child.err);
    for (int i = 0; i < RACES && tap.faults == 0; i++) {
        run_child(&child, options, "race", 40, FORM_MALLOC, false, true);
        CHECK_SAY(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGABRT &&
                      strstr(child.err, "]: double free of ") != NULL,
                  "%s, race %d: status %#x, \"%s\"", options, i, (unsigned)child.status, child.err);
    }
}

static void two_threads_that_free_at_one_moment_are_caught(void) {
    for (int i = 0; i < MISUSE_STRATEGY_COUNT; i++)
        check_race((enum misuse_strategy)i);
}

static void close_stderr(void) {
    close(STDERR_FILENO);
}

static void a_fault_stops_the_program_even_without_stderr(void) {
    static struct child child;
    char preload[512];
    const char *const argv[] = {program, "0", "40", "0", "here", "misuse", NULL};
    const char *const changes[] = {preload, "TAGPOOL_OPTIONS=strategy=metadata", NULL};
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s/libtagpool.so", build_folder());
    child_run_prepared(&child, changes, close_stderr, argv);
    CHECK(!child.late && WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGABRT);
}

/* `test_misuses WORD` runs the scenarios with the word in their name or strategy. */
static bool is_asked_for(char **argv, size_t index, int strategy) {
    return argv[1] == NULL || strstr(scenarios[index].name, argv[1]) != NULL ||
           strcmp(strategies[strategy].name, argv[1]) == 0;
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc == CHILD_ARGUMENTS)
        return child_main(argv);
    for (int strategy = 0; strategy < MISUSE_STRATEGY_COUNT; strategy++)
        for (size_t i = 0; i < SCENARIOS; i++)
            if (is_asked_for(argv, i, strategy) &&
                ((scenarios[i].flags & MAPPED) == 0 || strategy == MISUSE_STRATEGY_hardened))
                check_scenario(i, (enum misuse_strategy)strategy);
    if (argc == 1) {
        TAP_RUN(each_misuse_of_the_table_is_committed);
        TAP_RUN(strategy_direct_reports_nothing_of_its_own);
        TAP_RUN(two_threads_that_free_at_one_moment_are_caught);
        TAP_RUN(a_fault_stops_the_program_even_without_stderr);
    }
    return tap_done();
}
