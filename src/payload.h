/* The bytes of a block in the hardened mode. While it is free they are all zero. While it is in use
 * a canary follows the requested bytes, unless these reach to the next tag.
 *
 *   tag | requested bytes | canary | tag of the next block
 *       | <----- usable bytes ---> |
 *
 * `usable` is 8 more than a multiple of 16, and blocks start at multiples of 16. Every malloc() and
 * free() goes through here, and most blocks are small: their bytes are looked at in steps of 16
 * that may overlap, so that sizes that are near to each other take the same instructions.
 */
#ifndef PAYLOAD_H
#define PAYLOAD_H

#include "block_tag.h"

#include <string.h>

/* 16 bytes of whatever type the program has put there, at a multiple of 16 or of 8. */
typedef uint64_t payload_step __attribute__((vector_size(16), may_alias));
typedef uint64_t payload_half_step __attribute__((vector_size(16), aligned(8), may_alias));
typedef uint64_t payload_word __attribute__((may_alias));

/* The largest payloads that few steps cover: two, from the start and to the end; four, two from
 * either; eight, four from either; sixteen, eight from either. Those of at most sixteen are small:
 * they have functions of their own, without loops. */
enum {
    PAYLOAD_TWO_STEPS = 24,
    PAYLOAD_FOUR_STEPS = 56,
    PAYLOAD_EIGHT_STEPS = 120,
    PAYLOAD_SMALL = 248,
};

enum { PAYLOAD_STEP_BYTES = 16 };

/* Keeps the compiler from making a call of memset() of a loop. */
#define PAYLOAD_KEEP_LOOP() __asm__ volatile("" : : : "memory")

/* Step `number` from the start, and from the end, which counts from 1. */
static inline payload_step *payload_from_start(void *block, size_t number) {
    return (payload_step *)block + number;
}

static inline payload_half_step *payload_from_end(void *block, size_t usable, size_t number) {
    return (payload_half_step *)(void *)((char *)block + usable) - number;
}

#ifdef __SSE2__
typedef char payload_bytes __attribute__((vector_size(16)));

/* Two instructions, of which compilers make more. */
static inline bool payload_step_is_zero(payload_step step) {
    payload_bytes is_zero = (payload_bytes)((payload_bytes)step == 0);
    return __builtin_ia32_pmovmskb128(is_zero) == 0xffff;
}

/* True if a step is another one but for what a mask leaves out. */
static inline bool payload_step_has(payload_step step, payload_step other, payload_step mask) {
    payload_bytes is_same = (payload_bytes)((payload_bytes)step == (payload_bytes)other);
    return __builtin_ia32_pmovmskb128(is_same | (payload_bytes)mask) == 0xffff;
}

/* With one instruction, where compilers load the step and make a tree of the sums. */
static inline payload_step payload_or(payload_step sum, const payload_step *step) {
    __asm__("por %1, %0" : "+x"(sum) : "m"(*step));
    return sum;
}
#else
static inline bool payload_step_is_zero(payload_step step) {
    return (step[0] | step[1]) == 0;
}

static inline bool payload_step_has(payload_step step, payload_step other, payload_step mask) {
    return payload_step_is_zero((step ^ other) & ~mask);
}

static inline payload_step payload_or(payload_step sum, const payload_step *step) {
    return sum | *step;
}
#endif

/* What is set in steps `number` and the next from the start, and in as many from the end. */
static inline payload_step payload_four(void *block, size_t usable, size_t number) {
    return *payload_from_start(block, number) | *payload_from_start(block, number + 1) |
           *payload_from_end(block, usable, number + 1) |
           *payload_from_end(block, usable, number + 2);
}

/* True if all bytes of a small payload are zero. */
static inline bool payload_small_is_zero(void *block, size_t usable) {
    if (usable < PAYLOAD_STEP_BYTES)
        return *(payload_word *)block == 0;
    payload_step sum = *payload_from_start(block, 0) | *payload_from_end(block, usable, 1);
    if (usable > PAYLOAD_TWO_STEPS)
        sum |= *payload_from_start(block, 1) | *payload_from_end(block, usable, 2);
    if (usable > PAYLOAD_FOUR_STEPS)
        sum |= payload_four(block, usable, 2);
    if (usable > PAYLOAD_EIGHT_STEPS)
        sum |= payload_four(block, usable, 4) | payload_four(block, usable, 6);
    return payload_step_is_zero(sum);
}

/* Eight steps of a payload that is not small, and where the last of its whole steps are. Of all
 * that is looked at or cleared, some is so twice: that takes less than to find out what is left. */
enum { PAYLOAD_EIGHT = 8 };
static inline payload_step *payload_last_eight(void *block, size_t usable) {
    return payload_from_start(block, usable / PAYLOAD_STEP_BYTES - PAYLOAD_EIGHT);
}

/* What is set in eight steps, too. */
FAST payload_step payload_or_eight(payload_step sum, const payload_step *steps) {
    sum = payload_or(payload_or(sum, steps), steps + 1);
    sum = payload_or(payload_or(sum, steps + 2), steps + 3);
    sum = payload_or(payload_or(sum, steps + 4), steps + 5);
    return payload_or(payload_or(sum, steps + 6), steps + 7);
}

/* True if all bytes are zero. */
static inline bool payload_is_zero(void *block, size_t usable) {
    if (usable <= PAYLOAD_SMALL)
        return payload_small_is_zero(block, usable);
    const payload_step *last = payload_last_eight(block, usable);
    payload_step sum = *payload_from_end(block, usable, 1);
    for (const payload_step *steps = block; steps < last; steps += PAYLOAD_EIGHT)
        sum = payload_or_eight(sum, steps);
    return payload_step_is_zero(payload_or_eight(sum, last));
}

static inline void payload_clear_four(void *block, size_t usable, size_t number) {
    const payload_step zero = {0, 0};
    *payload_from_start(block, number) = *payload_from_start(block, number + 1) = zero;
    *payload_from_end(block, usable, number + 1) = zero;
    *payload_from_end(block, usable, number + 2) = zero;
}

/* Make all bytes of a small payload zero. */
static inline void payload_small_clear(void *block, size_t usable) {
    const payload_step zero = {0, 0};
    if (usable < PAYLOAD_STEP_BYTES) {
        *(payload_word *)block = 0;
        return;
    }
    *payload_from_start(block, 0) = *payload_from_end(block, usable, 1) = zero;
    if (usable > PAYLOAD_TWO_STEPS)
        *payload_from_start(block, 1) = *payload_from_end(block, usable, 2) = zero;
    if (usable > PAYLOAD_FOUR_STEPS)
        payload_clear_four(block, usable, 2);
    if (usable > PAYLOAD_EIGHT_STEPS) {
        payload_clear_four(block, usable, 4);
        payload_clear_four(block, usable, 6);
    }
}

/* A payload that is not small will be cleared: its first lines come while the rest is looked at. */
static inline void payload_fetch(void *block) {
    enum { LINES = 4, LINE_BYTES = 64 };
    for (size_t i = 1; i <= LINES; i++)
        prefetch_to_write((char *)block + i * LINE_BYTES);
}

static inline void payload_clear_eight(payload_step *steps) {
    const payload_step zero = {0, 0};
    steps[0] = steps[1] = steps[2] = steps[3] = zero;
    steps[4] = steps[5] = steps[6] = steps[7] = zero;
}

/* Make all bytes zero. */
static inline void payload_clear(void *block, size_t usable) {
    const payload_step zero = {0, 0};
    if (usable <= PAYLOAD_SMALL) {
        payload_small_clear(block, usable);
        return;
    }
    payload_step *last = payload_last_eight(block, usable);
    for (payload_step *steps = block; steps < last; steps += PAYLOAD_EIGHT) {
        payload_clear_eight(steps);
        PAYLOAD_KEEP_LOOP();
    }
    payload_clear_eight(last);
    *payload_from_end(block, usable, 1) = zero;
}

/* The canary's bytes as they repeat, none of them 0, which is what strings end in and freed blocks
 * are full of. */
static inline uint64_t payload_canary(void) {
    return block_tag_key.canary[0];
}

/* A step of them. */
static inline payload_step payload_canary_step(void) {
    return *(const payload_step *)block_tag_key.canary;
}

/* 0 to 16 bytes 0xff at the end of a step, the others 0; or the other way round. */
static inline payload_step payload_mask(size_t count, bool is_inverse) {
    static const uint64_t words[] = {0, 0, UINT64_MAX, UINT64_MAX, 0, 0};
    payload_step step;
    memcpy(&step, (const char *)(words + (is_inverse ? 2 : 0)) + count, sizeof step);
    return step;
}

static inline payload_step payload_last_bytes(size_t count) {
    return payload_mask(count, false);
}

/* Write the last 0 to 16 bytes of a canary, which are `count`, to a payload that is zero. */
static inline void payload_write_last(void *block, size_t usable, size_t count) {
    if (UNLIKELY(usable < PAYLOAD_STEP_BYTES)) { /* a step would reach over the tag */
        *(payload_word *)block = count == 0 ? 0 : payload_canary() & UINT64_MAX << (8 - count) * 8;
        return;
    }
    *payload_from_end(block, usable, 1) = payload_canary_step() & payload_last_bytes(count);
}

/* The bits in which they differ from what was written. */
static inline payload_step payload_last_damage(void *block, size_t usable, size_t count) {
    const payload_step canary = payload_canary_step();
    return (*payload_from_end(block, usable, 1) ^ canary) & payload_last_bytes(count);
}

/* True if they are as they were written. */
static inline bool payload_has_last(void *block, size_t usable, size_t count) {
    return payload_step_has(*payload_from_end(block, usable, 1), payload_canary_step(),
                            payload_mask(count, true));
}

/* Write the canary of a block that is all zero. requested <= usable. */
static inline void payload_write_canary(void *block, size_t requested, size_t usable) {
    const payload_step canary = payload_canary_step();
    size_t count = usable - requested;
    for (; count > PAYLOAD_STEP_BYTES; count -= PAYLOAD_STEP_BYTES) {
        *payload_from_end(block, usable, 1) = canary;
        usable -= PAYLOAD_STEP_BYTES;
    }
    payload_write_last(block, usable, count);
}

/* The same of so many whole steps that end at `usable`. */
static inline payload_step payload_damage(void *block, size_t usable, size_t steps) {
    const payload_step canary = payload_canary_step();
    payload_step damage = {0, 0};
    for (; steps >= 4; steps -= 4, usable -= (size_t)4 * PAYLOAD_STEP_BYTES)
        damage |= (*payload_from_end(block, usable, 1) ^ canary) |
                  (*payload_from_end(block, usable, 2) ^ canary) |
                  (*payload_from_end(block, usable, 3) ^ canary) |
                  (*payload_from_end(block, usable, 4) ^ canary);
    if ((steps & 2) != 0) {
        damage |= (*payload_from_end(block, usable, 1) ^ canary) |
                  (*payload_from_end(block, usable, 2) ^ canary);
        usable -= (size_t)2 * PAYLOAD_STEP_BYTES;
    }
    if ((steps & 1) != 0)
        damage |= *payload_from_end(block, usable, 1) ^ canary;
    return damage;
}

/* True if the canary is as it was written. requested <= usable. */
static inline bool payload_has_canary(void *block, size_t requested, size_t usable) {
    payload_step damage = {0, 0};
    size_t count = usable - requested;
    if (count > PAYLOAD_STEP_BYTES) {
        size_t steps = (count - 1) / PAYLOAD_STEP_BYTES;
        damage = payload_damage(block, usable, steps);
        usable -= steps * PAYLOAD_STEP_BYTES;
        count -= steps * PAYLOAD_STEP_BYTES;
    }
    damage |= payload_last_damage(block, usable, count);
    return payload_step_is_zero(damage);
}

/* Write the canary of a block in use, whose requested size changes, and leave what was requested as
 * it is. requested <= usable. */
static inline void payload_renew_canary(void *block, size_t requested, size_t usable) {
    const payload_step canary = payload_canary_step();
    size_t count = usable - requested;
    for (; count > PAYLOAD_STEP_BYTES; count -= PAYLOAD_STEP_BYTES) {
        *payload_from_end(block, usable, 1) = canary;
        usable -= PAYLOAD_STEP_BYTES;
    }
    payload_step last = payload_last_bytes(count);
    if (UNLIKELY(usable < PAYLOAD_STEP_BYTES)) {
        payload_word *word = block;
        *word = (*word & ~last[1]) | (canary[1] & last[1]);
        return;
    }
    payload_half_step *end = payload_from_end(block, usable, 1);
    *end = (*end & ~last) | (canary & last);
}

/* The same of a block that shrinks and whose canary is there. requested < before <= usable. */
static inline void payload_extend_canary(void *block, size_t requested, size_t before) {
    payload_renew_canary(block, requested, (before + 7) & ~(size_t)7);
}

#endif
