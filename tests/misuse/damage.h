/* How a block comes to be damaged, or to be another one than the call says: written beyond its ends
 * or after it was freed, of another size or form. See ways.h.
 */
#ifndef DAMAGE_H
#define DAMAGE_H

#include "ways.h"

/* Where the line differs from the pointer that the call gets, or says more. */
static const void *reported_address;
static char detail[128];

/* Two blocks side by side, the first in *low; fresh ones are, unless their order is random. */
SHARED char *take_neighbours(size_t bytes, char **low) {
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

/* The same where malloc_usable_size() tells the size that was asked for: how far blocks lie apart
 * is the least distance that is seen. */
SHARED char *take_hardened_neighbours(size_t bytes, char **low) {
    enum { TRIES = 64 };
    char *taken[TRIES];
    char *high = NULL;
    size_t least = SIZE_MAX;
    for (int count = 0; count < TRIES; count++) {
        taken[count] = take(bytes);
        for (int i = 0; i < count; i++) {
            char *lower = taken[i] < taken[count] ? taken[i] : taken[count];
            char *upper = taken[i] < taken[count] ? taken[count] : taken[i];
            if (slab_of(lower) != slab_of(upper) || (size_t)(upper - lower) >= least)
                continue;
            least = (size_t)(upper - lower);
            *low = lower;
            high = upper;
        }
    }
    return high;
}

/* Changes 1 byte past `block`. */
SHARED void *overflow(char *block, size_t bytes, bool misuse) {
    if (misuse)
        block[bytes] ^= 0x5a;
    return block;
}

/* Of two neighbours the lower one is overflown. With tags the damage is the upper one's; in the
 * hardened mode it is found whatever is behind the block. */
SHARED char *overflow_into_next(size_t bytes, bool misuse, bool give_upper) {
    char *low = NULL;
    char *high = blocks_are_tagged() && !pools_are_hardened() ? take_neighbours(bytes, &low) : NULL;
    if (high == NULL)
        return overflow(take(bytes), bytes, misuse);
    overflow(low, bytes, misuse);
    reported_address = high;
    snprintf(detail, sizeof detail, "%p", (void *)low);
    return give_upper ? high : low;
}

SHARED void *overflown(size_t bytes, bool misuse) {
    return overflow_into_next(bytes, misuse, false);
}

SHARED void *behind_overflown(size_t bytes, bool misuse) {
    return overflow_into_next(bytes, misuse, true);
}

SHARED void *overflown_slack(size_t bytes, bool misuse) {
    take(bytes);
    return overflow(take_suspect(bytes), bytes, misuse);
}

/* The blocks around it live, and no other block's bytes are touched. */
SHARED void *underflown(size_t bytes, bool misuse) {
    take(bytes);
    char *block = take_suspect(bytes);
    if (misuse && (blocks_are_tagged() || bytes % 16 != 0))
        block[-1] ^= 0x5a;
    return block;
}

SHARED void *other_written(size_t bytes, bool misuse) {
    char *block = take(bytes), *other = take(bytes);
    ptrdiff_t distance = other - block;
    if (misuse)
        block[distance + (ptrdiff_t)bytes / 2] ^= 0x5a;
    return block;
}

SHARED void *written_after_free(size_t bytes, bool misuse) {
    char *block = take(bytes);
    reused_bytes = bytes;
    give(block);
    if (misuse)
        block[bytes / 2] = 0x5a;
    return block;
}

SHARED void *written_after_another_thread_freed(size_t bytes, bool misuse) {
    char *block = take(bytes);
    reused_bytes = bytes;
    run_thread(thread_give, block);
    if (misuse)
        block[bytes / 2] = 0x5a;
    return block;
}

/* The damage is found when the free block is handed out. */
SHARED void *overflown_beside_a_free_block(size_t bytes, bool misuse) {
    char *low = NULL;
    char *high = take_neighbours(bytes, &low);
    reused_bytes = bytes;
    if (high == NULL)
        return take(bytes);
    give(high);
    return overflow(low, bytes, misuse);
}

/* The neighbour of the freed block is freed next, and looks at its tag. */
SHARED void *underflown_after_free(size_t bytes, bool misuse) {
    char *low = NULL;
    char *high = pools_are_hardened() ? take_hardened_neighbours(bytes, &low) : NULL;
    if (high == NULL)
        return take(bytes);
    give(high);
    if (misuse)
        high[-1] ^= 0x5a;
    reported_address = high;
    return low;
}

/* For by_read(): the place behind the last byte. */
SHARED void *behind_live(size_t bytes, bool misuse) {
    char *block = take(bytes);
    return misuse ? block + bytes : block;
}

SHARED void *with_wrong_size(size_t bytes, bool misuse) {
    given_bytes = misuse ? bytes * 2 + 32 : bytes;
    snprintf(detail, sizeof detail, "%zu bytes", given_bytes);
    return take_suspect(bytes);
}

/* A size of the same class. */
SHARED void *with_near_size(size_t bytes, bool misuse) {
    given_bytes = misuse ? bytes - 1 : bytes;
    snprintf(detail, sizeof detail, "%zu bytes", given_bytes);
    return take_suspect(bytes);
}

/* One that the address is no multiple of. */
SHARED void *with_larger_alignment(size_t bytes, bool misuse) {
    void *block = take_suspect(bytes);
    given_bytes = bytes;
    given_alignment = misuse ? 2 * ((uintptr_t)block & -(uintptr_t)block) : 16;
    snprintf(detail, sizeof detail, "%zu bytes", given_alignment);
    return block;
}

/* One that it is a multiple of, and that no block of its class is made with. */
SHARED void *with_other_alignment(size_t bytes, bool misuse) {
    enum { OTHER_ALIGNMENT = 64 };
    void *block;
    do
        block = take_suspect(bytes);
    while ((uintptr_t)block % OTHER_ALIGNMENT != 0);
    given_bytes = bytes;
    given_alignment = misuse ? OTHER_ALIGNMENT : 16;
    snprintf(detail, sizeof detail, "%zu bytes", given_alignment);
    return block;
}

/* Made in a form that the call is not for. */
SHARED void *made_as(enum form wrong, size_t bytes, bool misuse) {
    if (misuse)
        form = wrong;
    snprintf(detail, sizeof detail, "%s", form_makers[form]);
    return take_suspect(bytes);
}

SHARED void *made_by_malloc(size_t bytes, bool misuse) {
    return made_as(FORM_MALLOC, bytes, misuse);
}

SHARED void *made_by_new(size_t bytes, bool misuse) {
    return made_as(FORM_NEW, bytes, misuse);
}

SHARED void *made_by_new_array(size_t bytes, bool misuse) {
    return made_as(FORM_NEW_ARRAY, bytes, misuse);
}

SHARED void *of_zero_bytes(size_t bytes, bool misuse) {
    return make(misuse ? 0 : bytes);
}

#endif
