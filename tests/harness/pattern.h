/* Blocks filled with a pattern that tells a byte of another block, and one at another place. */
#ifndef PATTERN_H
#define PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The byte that belongs at place `offset` of a block filled with `seed`. */
static inline unsigned char pattern_byte(size_t offset, unsigned seed) {
    return (unsigned char)(seed * 31 + offset * 7 + (offset >> 8) + 1);
}

/* A word at any address: tests are built without the compiler's own memcpy. */
typedef uint64_t pattern_word_anywhere __attribute__((may_alias, aligned(1)));

/* The eight bytes from `offset` on, a multiple of 8, as memory holds them. Most of the time that
 * tests take goes into patterns, so they are written and compared by words. */
static inline uint64_t pattern_word(size_t offset, unsigned seed) {
    static const union {
        unsigned char bytes[8];
        uint64_t word;
    } steps = {{0, 7, 14, 21, 28, 35, 42, 49}};
    const uint64_t low = 0x7f7f7f7f7f7f7f7fu;
    uint64_t first = pattern_byte(offset, seed) * (uint64_t)0x0101010101010101u;
    /* No byte carries into the next. */
    return ((first & low) + (steps.word & low)) ^ ((first ^ steps.word) & ~low);
}

static inline void pattern_fill(void *block, size_t bytes, unsigned seed) {
    unsigned char *byte = (unsigned char *)block;
    size_t i = 0;
    for (; i + 8 <= bytes; i += 8)
        *(pattern_word_anywhere *)(void *)(byte + i) = pattern_word(i, seed);
    for (; i < bytes; i++)
        byte[i] = pattern_byte(i, seed);
}

static inline bool pattern_holds(const void *block, size_t bytes, unsigned seed) {
    const unsigned char *byte = (const unsigned char *)block;
    size_t i = 0;
    for (; i + 8 <= bytes; i += 8)
        if (*(const pattern_word_anywhere *)(const void *)(byte + i) != pattern_word(i, seed))
            return false;
    for (; i < bytes; i++)
        if (byte[i] != pattern_byte(i, seed))
            return false;
    return true;
}

#endif
