/* Blocks with a known content: a block is made in one place, checked and freed in another, and a
 * block that was handed out twice, moved or written to by somebody else does not pass unseen.
 *
 *     seed | bytes | pattern derived from seed, up to the last byte asked for
 *
 * Sizes are those of a parser's nodes and strings. The sum of what block_free returns does not
 * depend on the order, so programs with threads print the same in every run. Any thread may do
 * anything here, as long as one thread at a time has the block.
 */
#ifndef WORKLOADS_BLOCK_H
#define WORKLOADS_BLOCK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prng.h"

struct block {
    uint64_t seed;
    size_t bytes; /* of the whole block */
    unsigned char pattern[];
};

#define BLOCK_BYTES_MIN sizeof(struct block)
#define BLOCK_BYTES_MAX (BLOCK_BYTES_MIN + 1000)

/* Mostly nodes of a few fixed sizes, between them strings of any length, seldom something larger.
 */
static inline size_t block_draw_bytes(struct prng *prng) {
    static const unsigned char node_bytes[8] = {24, 32, 40, 48, 48, 64, 64, 96};
    uint32_t draw = prng_below(prng, 64);
    if (draw == 0)
        return BLOCK_BYTES_MIN + prng_below(prng, 1001);
    if (draw < 28)
        return BLOCK_BYTES_MIN + prng_below(prng, 40);
    return node_bytes[draw % 8];
}

static inline uint64_t block_word(uint64_t seed, size_t position) {
    return (seed ^ position) * 0x9e3779b97f4a7c15u;
}

/* Exits with one line when there is no memory. */
static inline struct block *block_make(uint64_t seed, size_t bytes) {
    struct block *block = malloc(bytes);
    if (block == NULL) {
        fprintf(stderr, "out of memory: no block of %zu bytes\n", bytes);
        exit(1);
    }
    block->seed = seed;
    block->bytes = bytes;
    size_t length = bytes - sizeof *block;
    for (size_t at = 0; at < length; at += 8) {
        uint64_t word = block_word(seed, at);
        memcpy(block->pattern + at, &word, length - at < 8 ? length - at : 8);
    }
    return block;
}

__attribute__((noreturn)) static inline void block_refuse(const struct block *block,
                                                          const char *problem) {
    fprintf(stderr, "damaged block at %p: %s\n", (const void *)block, problem);
    exit(1);
}

/* Checks the content, frees the block and returns a number that stands for it. Exits when damaged.
 */
static inline uint64_t block_free(struct block *block) {
    uint64_t seed = block->seed;
    size_t bytes = block->bytes;
    if (bytes < BLOCK_BYTES_MIN || bytes > BLOCK_BYTES_MAX)
        block_refuse(block, "its size is not one that was asked for");
    size_t length = bytes - sizeof *block;
    for (size_t at = 0; at < length; at += 8) {
        uint64_t word = block_word(seed, at);
        if (memcmp(block->pattern + at, &word, length - at < 8 ? length - at : 8) != 0)
            block_refuse(block, "its content is not what was written");
    }
    /* A second owner of the same bytes must find them broken. Volatile: compilers drop a store to
     * a block that is freed next. */
    *(volatile uint64_t *)&block->seed = ~seed;
    free(block);
    return block_word(seed, bytes);
}

#endif
