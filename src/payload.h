/* The bytes of a block in the hardened mode: all zero while it is free; while it is not, a canary
 * behind what was requested.
 *
 *   tag | requested bytes | canary, 1 byte or more | tag of the next block
 *       | <------------- usable bytes -----------> |
 *
 * `usable` is 8 more than a multiple of 16, and blocks start at multiples of 16. Every malloc() and
 * free() goes through here, and most blocks are small: their bytes are looked at in steps of 16
 * that may overlap, so that sizes that are near to each other take the same instructions.
 */
#ifndef PAYLOAD_H
#define PAYLOAD_H

#include "block.h"

#include <string.h>

/* 16 bytes of whatever type the program has put there, at a multiple of 16 or of 8. */
typedef uint64_t payload_step __attribute__((vector_size(16), may_alias));
typedef uint64_t payload_half_step __attribute__((vector_size(16), aligned(8), may_alias));
typedef uint64_t payload_word __attribute__((may_alias));

/* The largest payloads that few steps cover: two, from the start and to the end; four, two from
 * either; eight, four from either; sixteen, eight from either. */
enum {
    PAYLOAD_TWO_STEPS = 24,
    PAYLOAD_FOUR_STEPS = 56,
    PAYLOAD_EIGHT_STEPS = 120,
    PAYLOAD_SIXTEEN_STEPS = 248,
};

enum { PAYLOAD_STEP_BYTES = 16 };

/* Step `number` from the start, and from the end, which counts from 1. */
static inline payload_step *payload_from_start(void *block, size_t number) {
    return (payload_step *)block + number;
}

static inline payload_half_step *payload_from_end(void *block, size_t usable, size_t number) {
    return (payload_half_step *)(void *)((char *)block + usable) - number;
}

/* True if all bytes are zero. */
static inline bool payload_is_zero(void *block, size_t usable) {
    payload_step sum = {*(payload_word *)block, 0};
    if (LIKELY(usable <= PAYLOAD_SIXTEEN_STEPS)) {
        if (usable >= PAYLOAD_TWO_STEPS)
            sum = *payload_from_start(block, 0) | *payload_from_end(block, usable, 1);
        if (usable > PAYLOAD_TWO_STEPS)
            sum |= *payload_from_start(block, 1) | *payload_from_end(block, usable, 2);
        if (usable > PAYLOAD_FOUR_STEPS)
            sum |= *payload_from_start(block, 2) | *payload_from_start(block, 3) |
                   *payload_from_end(block, usable, 3) | *payload_from_end(block, usable, 4);
        if (usable > PAYLOAD_EIGHT_STEPS)
            for (size_t i = 4; i < 8; i++)
                sum |= *payload_from_start(block, i) | *payload_from_end(block, usable, i + 1);
    } else {
        for (size_t i = 0; i < usable / PAYLOAD_STEP_BYTES; i++)
            sum |= *payload_from_start(block, i);
        sum |= *payload_from_end(block, usable, 1);
    }
    return (sum[0] | sum[1]) == 0;
}

/* Make all bytes zero. */
static inline void payload_clear(void *block, size_t usable) {
    const payload_step zero = {0, 0};
    *(payload_word *)block = 0;
    if (LIKELY(usable <= PAYLOAD_SIXTEEN_STEPS)) {
        if (usable >= PAYLOAD_TWO_STEPS)
            *payload_from_start(block, 0) = *payload_from_end(block, usable, 1) = zero;
        if (usable > PAYLOAD_TWO_STEPS)
            *payload_from_start(block, 1) = *payload_from_end(block, usable, 2) = zero;
        if (usable > PAYLOAD_FOUR_STEPS) {
            *payload_from_start(block, 2) = *payload_from_start(block, 3) = zero;
            *payload_from_end(block, usable, 3) = *payload_from_end(block, usable, 4) = zero;
        }
        if (usable > PAYLOAD_EIGHT_STEPS)
            for (size_t i = 4; i < 8; i++)
                *payload_from_start(block, i) = *payload_from_end(block, usable, i + 1) = zero;
    } else {
        memset(block, 0, usable);
    }
}

/* The canary's bytes as they repeat, none of them 0, which is what strings end in and freed blocks
 * are full of. `mask` is the block's block_mask(). */
static inline uint64_t payload_canary(uint64_t mask) {
    return mask | 0x0101010101010101u;
}

/* 0 to 16 bytes 0xff at the end of a step. */
static inline payload_step payload_last_bytes(size_t count) {
    static const unsigned char bytes[2 * PAYLOAD_STEP_BYTES] = {[PAYLOAD_STEP_BYTES] = 0xff,
                                                                0xff,
                                                                0xff,
                                                                0xff,
                                                                0xff,
                                                                0xff,
                                                                0xff,
                                                                0xff,
                                                                0xff,
                                                                0xff,
                                                                0xff,
                                                                0xff,
                                                                0xff,
                                                                0xff,
                                                                0xff,
                                                                0xff};
    payload_step step;
    memcpy(&step, bytes + count, sizeof step);
    return step;
}

/* Write the canary of a block that is all zero, and that has no tag yet: in the smallest payload
 * the step reaches over it. requested < usable. */
static inline void payload_write_canary(void *block, size_t requested, size_t usable,
                                        uint64_t mask) {
    const payload_step canary = {payload_canary(mask), payload_canary(mask)};
    size_t number = 1;
    size_t count = usable - requested;
    for (; UNLIKELY(count > PAYLOAD_STEP_BYTES); count -= PAYLOAD_STEP_BYTES)
        *payload_from_end(block, usable, number++) = canary;
    *payload_from_end(block, usable, number) = canary & payload_last_bytes(count);
}

/* True if the canary is as it was written. requested < usable. */
static inline bool payload_has_canary(void *block, size_t requested, size_t usable, uint64_t mask) {
    const payload_step canary = {payload_canary(mask), payload_canary(mask)};
    payload_step damage = {0, 0};
    size_t number = 1;
    size_t count = usable - requested;
    for (; UNLIKELY(count > PAYLOAD_STEP_BYTES); count -= PAYLOAD_STEP_BYTES)
        damage |= *payload_from_end(block, usable, number++) ^ canary;
    damage |= (*payload_from_end(block, usable, number) ^ canary) & payload_last_bytes(count);
    return (damage[0] | damage[1]) == 0;
}

/* Write the canary of a block in use, whose requested size changes: byte by byte to the next word,
 * and by words. requested < usable. */
static inline void payload_renew_canary(void *block, size_t requested, size_t usable,
                                        uint64_t mask) {
    uint64_t canary = payload_canary(mask);
    for (; requested % 8 != 0; requested++)
        ((unsigned char *)block)[requested] = (unsigned char)(canary >> requested % 8 * 8);
    for (; requested < usable; requested += 8)
        *(payload_word *)((char *)block + requested) = canary;
}

#endif
