#include "block_tag.h"

FIXED struct block_tag_key block_tag_key;

/* The finalizer of splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number
 * generators", 2014): neither half of the key tells the other. */
static uint64_t mix(uint64_t bits) {
    bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9u;
    bits = (bits ^ bits >> 27) * 0x94d049bb133111ebu;
    return bits ^ bits >> 31;
}

void block_tag_start(uint64_t random_bits) {
    const uint64_t step = 0x9e3779b97f4a7c15u;
    block_tag_key.factor = mix(random_bits + step) | 1;
    uint64_t pattern = mix(random_bits + 2 * step);
    uint64_t first_byte = pattern >> 8 & 0xff;
    block_tag_key.pattern = (pattern & ~(uint64_t)0xffff) | (first_byte != 0 ? first_byte : 1);
    uint64_t canary = mix(random_bits + 3 * step) | 0x0101010101010101u;
    block_tag_key.canary[0] = block_tag_key.canary[1] = canary;
}

/* The field of `bits` bits from bit `shift` on. */
static unsigned field(uint64_t word, unsigned shift, unsigned bits) {
    return (unsigned)(word >> shift & (((uint64_t)1 << bits) - 1));
}

enum block_verdict block_tag_read(const void *block, unsigned class_index, struct block_tag *tag) {
    return block_tag_judge(block, block_tag_load(block), class_index, tag);
}

enum block_verdict block_tag_judge(const void *block, uint64_t was, unsigned class_index,
                                   struct block_tag *tag) {
    uint64_t word = was ^ block_tag_mask(block);
    tag->form = (enum block_form)field(word, BLOCK_LOW_BITS, BLOCK_FORM_BITS);
    tag->class_index = field(word, BLOCK_LOW_BITS + BLOCK_FORM_BITS, BLOCK_CLASS_BITS);
    tag->requested =
        field(word, BLOCK_LOW_BITS + BLOCK_FORM_BITS + BLOCK_CLASS_BITS, BLOCK_SIZE_BITS);
    bool low_is_damaged = field(word, 0, BLOCK_LOW_BITS) != 0;
    bool high_is_damaged = word >> (64 - BLOCK_HIGH_BITS) != 0;
    if (low_is_damaged)
        return high_is_damaged ? BLOCK_OVERWRITTEN : BLOCK_OVERFLOWN;
    if (high_is_damaged)
        return BLOCK_UNDERFLOWN;
    return tag->class_index == class_index ? BLOCK_INTACT : BLOCK_OVERWRITTEN;
}
