/* The scenarios of test_misuses.c: in what ways each misuse of tools/bench/misuses.h comes about,
 * by which call it is found, and in blocks of which sizes.
 */
#ifndef SCENARIOS_H
#define SCENARIOS_H

#include "damage.h"

static const size_t all_sizes[] = {1, 16, 24, 48, 64, 100, 200, 333, 512, 800, 1000, 2000, 4000, 0};
static const size_t from_32[] = {32, 48, 64, 100, 200, 512, 800, 1000, 4000, 0};
static const size_t few_sizes[] = {40, 500, 3000, 0};
static const size_t uneven_sizes[] = {40, 200, 0}; /* their slots are no multiples of 64 bytes */
static const size_t dense_sizes[] = {40, 500, 0};  /* a slab has room for a hundred */
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
    POSTED = 128, /* another thread has freed a block of its slab, which is not taken in yet */
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
    {MISUSE_FREED_TWICE, "free twice a block of an ended thread", NULL, freed, few_sizes,
     ENDED | PASSED},
    {MISUSE_FREED_TWICE, "free what its living owner freed", NULL, freed_by_its_living_owner,
     few_sizes, HELPERS},
    {MISUSE_FREED_TWICE, "free twice another thread's block", NULL, freed, few_sizes, HELPERS},
    {MISUSE_FREED_TWICE, "free twice in two other threads", NULL, freed_by_another_thread,
     few_sizes, HELPERS},
    {MISUSE_FREED_TWICE, "free twice in a slab that others free into", NULL, freed, few_sizes,
     SMALL | POSTED},
    {MISUSE_FREED_TWICE, "free twice there, in another thread first", NULL, freed_by_another_thread,
     few_sizes, SMALL | POSTED},
    {MISUSE_FREED_TWICE, "free in a forked child what was freed before", &call_free,
     freed_before_fork, one_size, HERE},
    {MISUSE_FREED_TWICE_LATE, "free twice, handed out in between", NULL, freed_and_handed_out,
     few_sizes, 0},
    {MISUSE_FREED_INTERIOR, "free 16 bytes into a block", NULL, interior_of_live, from_32, 0},
    {MISUSE_FREED_INTERIOR, "free the end of a block", NULL, last_16_of_live, from_32, 0},
    {MISUSE_FREED_INTERIOR, "free 16 bytes into a freed block", NULL, interior_of_freed, from_32,
     SMALL},
    {MISUSE_FREED_INTERIOR, "free 16 bytes into a block of an ended thread", NULL, interior_of_live,
     few_sizes, ENDED},
    {MISUSE_FREED_INTERIOR, "free 16 bytes into another thread's block", NULL, interior_of_live,
     few_sizes, HELPERS},
    {MISUSE_FREED_INTERIOR, "free 16 bytes into a block where others free", NULL, interior_of_live,
     few_sizes, SMALL | POSTED},
    {MISUSE_FREED_MISALIGNED, "free 1 byte into a block", NULL, off_by_1, all_sizes, 0},
    {MISUSE_FREED_MISALIGNED, "free 8 bytes into a block", NULL, off_by_8, all_sizes, 0},
    {MISUSE_FREED_MISALIGNED, "free 8 bytes into another thread's block", NULL, off_by_8, few_sizes,
     HELPERS},
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
    {MISUSE_WROTE_SLACK, "write 1 byte past a block, free it", NULL, overflown_slack, slack_sizes,
     0},
    {MISUSE_WROTE_SLACK, "the same with a block of an ended thread", NULL, overflown_slack,
     slack_sizes, ENDED},
    {MISUSE_WROTE_SLACK, "the same with another thread's block", NULL, overflown_slack, slack_sizes,
     HELPERS},
    {MISUSE_WROTE_SLACK, "the same where others free", NULL, overflown_slack, slack_sizes,
     SMALL | POSTED},
    {MISUSE_WROTE_SLACK, "write 1 byte past a block, realloc it", &call_realloc, overflown_slack,
     slack_sizes, SMALL},
    {MISUSE_WROTE_FREE_NEXT, "write 1 byte into a free block's tag, take that", &call_reuse,
     overflown_beside_a_free_block, full_sizes, HERE | SMALL},
    {MISUSE_WROTE_BEFORE, "write 1 byte in front of a block, free it", NULL, underflown,
     slack_sizes, 0},
    {MISUSE_WROTE_BEFORE, "the same with another thread's block", NULL, underflown, slack_sizes,
     HELPERS},
    {MISUSE_WROTE_BEFORE, "the same where others free", NULL, underflown, slack_sizes,
     SMALL | POSTED},
    {MISUSE_WROTE_BEFORE_FREED, "write 1 byte in front of a freed block, free the one before", NULL,
     underflown_after_free, slack_sizes, HERE | SMALL},
    {MISUSE_WROTE_BEFORE_FREED, "the same where blocks end at the next one", NULL,
     underflown_after_free, full_sizes, HERE | SMALL},
    {MISUSE_WROTE_BEFORE_USE, "write 1 byte in front of a block, realloc it", &call_realloc,
     underflown, slack_sizes, 0},
    {MISUSE_WROTE_INTO_OTHER, "write into the middle of another block", NULL, other_written,
     few_sizes, 0},
    {MISUSE_WROTE_FREED, "write into a freed block", &call_reuse, written_after_free, all_sizes,
     HERE | SLABS},
    {MISUSE_WROTE_FREED, "write into a block that another thread freed", &call_reuse,
     written_after_another_thread_freed, few_sizes, HERE | SLABS},
    {MISUSE_READ_FREED, "read a freed block", &call_read, freed, few_sizes, SLABS},
    {MISUSE_USED_FREED_LARGE, "read a large freed block", &call_read, freed, NULL, MAPPED},
    {MISUSE_USED_FREED_LARGE, "write into a large freed block", &call_write, freed, NULL, MAPPED},
    {MISUSE_READ_BEHIND, "read 1 byte past a block", &call_read, behind_live, few_sizes, 0},
    {MISUSE_FREED_WRONG_SIZE, "free_sized with another size", &call_free_sized, with_wrong_size,
     few_sizes, 0},
    {MISUSE_FREED_WRONG_SIZE, "free_aligned_sized with another size", &call_free_aligned_sized,
     with_wrong_size, few_sizes, 0},
    {MISUSE_FREED_WRONG_SIZE, "sized delete with another size", &call_sized_delete, with_wrong_size,
     few_sizes, 0},
    {MISUSE_FREED_WRONG_SIZE, "sized delete[] with another size", &call_sized_delete_array,
     with_wrong_size, few_sizes, 0},
    {MISUSE_FREED_WRONG_SIZE, "free_sized with a size 1 byte off", &call_free_sized, with_near_size,
     few_sizes, 0},
    {MISUSE_FREED_WRONG_SIZE, "sized delete with a size 1 byte off", &call_sized_delete,
     with_near_size, few_sizes, 0},
    {MISUSE_FREED_WRONG_SIZE, "the same in a block of an ended thread", &call_sized_delete,
     with_wrong_size, few_sizes, ENDED},
    {MISUSE_FREED_WRONG_SIZE, "the same in another thread's block", &call_sized_delete,
     with_near_size, few_sizes, HELPERS},
    {MISUSE_FREED_WRONG_SIZE, "the same in a slab that others free into", &call_sized_delete,
     with_near_size, few_sizes, SMALL | POSTED},
    {MISUSE_FREED_MORE_ALIGNED, "free_aligned_sized", &call_free_aligned_sized,
     with_larger_alignment, few_sizes, 0},
    {MISUSE_FREED_MORE_ALIGNED, "aligned delete", &call_aligned_delete, with_larger_alignment,
     few_sizes, 0},
    {MISUSE_FREED_MORE_ALIGNED, "aligned delete[]", &call_aligned_delete_array,
     with_larger_alignment, few_sizes, 0},
    {MISUSE_FREED_MORE_ALIGNED, "the same in a block of an ended thread", &call_aligned_delete,
     with_larger_alignment, few_sizes, ENDED},
    {MISUSE_FREED_OTHER_ALIGNED, "free_aligned_sized with another alignment",
     &call_free_aligned_sized, with_other_alignment, uneven_sizes, SMALL},
    {MISUSE_FREED_OTHER_ALIGNED, "aligned delete with another alignment", &call_aligned_delete,
     with_other_alignment, uneven_sizes, SMALL},
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
    {MISUSE_FREED_WRONG_FORM, "the same with another thread's block", &call_delete,
     made_by_new_array, few_sizes, HELPERS},
    {MISUSE_FREED_WRONG_FORM, "the same where others free", &call_delete, made_by_new_array,
     few_sizes, SMALL | POSTED},
    {MISUSE_ZERO_BYTES_USED, "read a block of 0 bytes", &call_read, of_zero_bytes, one_size, SMALL},
    {MISUSE_ZERO_BYTES_USED, "write a block of 0 bytes", &call_write, of_zero_bytes, one_size,
     SMALL},
};
enum { SCENARIOS = sizeof scenarios / sizeof scenarios[0] };

#endif
