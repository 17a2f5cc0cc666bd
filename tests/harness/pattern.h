/* Blocks filled with a pattern that tells a byte of another block, and one at another place. */
#ifndef PATTERN_H
#define PATTERN_H

#include <stdbool.h>
#include <stddef.h>

/* The byte that belongs at place `offset` of a block filled with `seed`. */
static inline unsigned char pattern_byte(size_t offset, unsigned seed) {
    return (unsigned char)(seed * 31 + offset * 7 + (offset >> 8) + 1);
}

static inline void pattern_fill(void *block, size_t bytes, unsigned seed) {
    unsigned char *byte = (unsigned char *)block;
    for (size_t i = 0; i < bytes; i++)
        byte[i] = pattern_byte(i, seed);
}

static inline bool pattern_holds(const void *block, size_t bytes, unsigned seed) {
    const unsigned char *byte = (const unsigned char *)block;
    for (size_t i = 0; i < bytes; i++)
        if (byte[i] != pattern_byte(i, seed))
            return false;
    return true;
}

#endif
