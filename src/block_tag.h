/* The tag in front of a block: what `tagged` keeps there, and what can be told from it when it is
 * damaged.
 *
 *   ... bytes of the block before | tag, 8 bytes | bytes of the block ...
 *
 *   bits 63..45  magic, high
 *   bits 44..20  requested size (16 bits), size class (7), form (2)
 *   bits 19..0   magic, low
 *
 * The whole word is xored with a value that depends on a random key and on the block's address, so
 * both magics read as zero after that only if nobody wrote here and the tag was not copied from
 * elsewhere. The machine is little endian: the low bytes lie next to the block before. So damage to
 * the low magic alone came from there (overflow), damage to the high one alone from the block
 * itself (underflow).
 */
#ifndef BLOCK_TAG_H
#define BLOCK_TAG_H

#include "base.h"

enum { BLOCK_TAG_BYTES = 8 };

/* How a block was made, and must be freed. */
enum block_form { BLOCK_MALLOC, BLOCK_NEW, BLOCK_NEW_ARRAY, BLOCK_ANY };

struct block_tag {
    uint32_t requested; /* bytes, less than 64 Ki */
    unsigned class_index;
    enum block_form form;
};

/* In the place of the requested size while the block is freed: larger than any slot. */
enum { BLOCK_FREED = 0xffff };

enum block_verdict { BLOCK_INTACT, BLOCK_OVERFLOWN, BLOCK_UNDERFLOWN, BLOCK_OVERWRITTEN };

enum {
    BLOCK_LOW_BITS = 20, /* of the magics */
    BLOCK_HIGH_BITS = 19,
    BLOCK_FORM_BITS = 2,
    BLOCK_CLASS_BITS = 7,
    BLOCK_SIZE_BITS = 16,
};
static_assert(BLOCK_LOW_BITS + BLOCK_HIGH_BITS + BLOCK_FORM_BITS + BLOCK_CLASS_BITS +
                      BLOCK_SIZE_BITS ==
                  64,
              "a tag is a word");

/* Random; written once, by block_tag_start(). */
struct block_tag_key {
    uint64_t factor; /* odd */
    uint64_t pattern;
    _Alignas(16) uint64_t canary[2]; /* twice the same: no byte is 0; it tells nothing of the others
                                      */
};
extern HIDDEN struct block_tag_key block_tag_key;

/* Choose the key. */
void block_tag_start(uint64_t random_bits);

/* What the tag of a block at this address is xored with. The address is multiplied so that
 * neighbours differ, and shifted because the low bits of a product depend on the low bits of the
 * factors only. The two lowest bytes are those of the pattern: the first is not 0, so that the end
 * of a string that is too long by one changes a tag; the second is 0, so that a string without an
 * end is read up to here and tells nothing of the rest. */
static inline uint64_t block_tag_mask(const void *block) {
    uint64_t product = (uint64_t)(uintptr_t)block * block_tag_key.factor;
    return product << 16 ^ block_tag_key.pattern;
}

/* The word in front of a block. */
static inline uint64_t *block_tag_word(const void *block) {
    return (uint64_t *)(uintptr_t)block - 1;
}

/* Relaxed: whoever frees the block before looks at this one's, at a moment when another thread may
 * write it, and finds the old or the new. */
static inline uint64_t block_tag_load(const void *block) {
    return __atomic_load_n(block_tag_word(block), __ATOMIC_RELAXED);
}

/* What the tag of a block says, if it is intact. `mask` is the block's block_tag_mask(). */
static inline uint64_t block_tag_said(const void *block, uint64_t mask) {
    return block_tag_load(block) ^ mask;
}

/* What it is to say. */
static inline uint64_t block_tag_plain(struct block_tag tag) {
    uint64_t info = (uint64_t)tag.requested << (BLOCK_CLASS_BITS + BLOCK_FORM_BITS) |
                    (uint64_t)tag.class_index << BLOCK_FORM_BITS | (uint64_t)tag.form;
    return info << BLOCK_LOW_BITS;
}

/* What tells the class alone. Where it is part of a `mask`, the class in the tag is 0. */
static inline uint64_t block_tag_class(unsigned class_index) {
    return block_tag_plain((struct block_tag){.class_index = class_index});
}

/* Write the tag of a block. */
static inline void block_tag_write(void *block, uint64_t mask, struct block_tag tag) {
    OWNER_STORE(block_tag_word(block), block_tag_plain(tag) ^ mask);
}

/* The tag of a freed block, of whose mask the class is part. */
static inline uint64_t block_tag_freed(uint64_t mask) {
    return mask ^ block_tag_plain((struct block_tag){.requested = BLOCK_FREED, .form = BLOCK_ANY});
}

/* Mark a block as freed. */
static inline void block_tag_mark_freed(void *block, uint64_t mask, unsigned class_index) {
    block_tag_write(block, mask,
                    (struct block_tag){
                        .requested = BLOCK_FREED, .class_index = class_index, .form = BLOCK_ANY});
}

/* The requested size in a tag, if all else in it is as it must be: both magics, the class and the
 * form; then at most BLOCK_FREED, and a larger number if not. One rotation brings the size to the
 * low end, and all that must be zero above it. */
static inline uint64_t block_tag_size_if_intact(const void *block, uint64_t mask,
                                                unsigned class_index, enum block_form form) {
    enum { SHIFT = BLOCK_LOW_BITS + BLOCK_CLASS_BITS + BLOCK_FORM_BITS };
    uint64_t plain = block_tag_plain((struct block_tag){.class_index = class_index, .form = form});
    uint64_t rest = block_tag_said(block, mask) ^ plain;
    return rest >> SHIFT | rest << (64 - SHIFT);
}

/* True if a tag has both magics and the class, whatever size and form it tells. It is compared
 * where it is. */
static inline bool block_tag_is_intact(const void *block, uint64_t mask, unsigned class_index) {
    uint64_t size_and_form =
        block_tag_plain((struct block_tag){.requested = (1u << BLOCK_SIZE_BITS) - 1,
                                           .form = (enum block_form)((1u << BLOCK_FORM_BITS) - 1)});
    uint64_t plain = block_tag_plain((struct block_tag){.class_index = class_index});
    return ((PLAIN_LOAD(block_tag_word(block)) ^ mask ^ plain) & ~size_and_form) == 0;
}

/* The bytes that were requested of a block with an intact tag. */
static inline uint32_t block_tag_requested(const void *block) {
    uint64_t word = block_tag_said(block, block_tag_mask(block));
    return (uint32_t)(word >> (BLOCK_LOW_BITS + BLOCK_FORM_BITS + BLOCK_CLASS_BITS) &
                      ((1u << BLOCK_SIZE_BITS) - 1));
}

/* Read the tag of a block of a class. What it says counts only if the verdict is BLOCK_INTACT. */
enum block_verdict block_tag_read(const void *block, unsigned class_index, struct block_tag *tag);

/* The same of a word that was in front of the block. */
enum block_verdict block_tag_judge(const void *block, uint64_t was, unsigned class_index,
                                   struct block_tag *tag);

#endif
