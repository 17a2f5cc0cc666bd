/* If this failed, a damaged tag in front of a block would be believed, would be blamed on the wrong
 * side, or a sound one would be refused. */
#include "block_tag.h"
#include "tap.h"

enum { CLASSES = 48, SOME_BYTES = 1000, KEYS = 500 };

static const uint64_t KEY = 0xfedcba9876543210u;

/* Tags are written into the words of this, in front of blocks 16 bytes apart. */
static _Alignas(16) uint64_t memory[4096];

static void *block_at(size_t number) {
    return &memory[2 + 2 * number];
}

enum { BLOCKS = sizeof memory / 16 - 1 };

static struct block_tag tag_of(size_t number) {
    return (struct block_tag){.requested = (uint32_t)(number * 31 % SOME_BYTES),
                              .class_index = (unsigned)(number % CLASSES),
                              .form = (enum block_form)(number % 4)};
}

static void write_all(void) {
    for (size_t i = 0; i < BLOCKS; i++)
        block_tag_write(block_at(i), block_tag_mask(block_at(i)), tag_of(i));
}

static void what_is_written_is_read(void) {
    write_all();
    for (size_t i = 0; i < BLOCKS; i++) {
        struct block_tag said = tag_of(i), read;
        CHECK(block_tag_read(block_at(i), said.class_index, &read) == BLOCK_INTACT);
        CHECK(read.requested == said.requested && read.class_index == said.class_index &&
              read.form == said.form);
        CHECK(block_tag_is_intact(block_at(i), block_tag_mask(block_at(i)), said.class_index));
        CHECK(block_tag_requested(block_at(i)) == said.requested);
        CHECK(block_tag_size_if_intact(block_at(i), block_tag_mask(block_at(i)), said.class_index,
                                       said.form) == said.requested);
    }
}

/* What free() asks in one go. */
static void the_size_of_a_tag_that_is_another_is_too_large(void) {
    write_all();
    for (size_t i = 0; i < BLOCKS; i++) {
        struct block_tag said = tag_of(i);
        uint64_t *word = block_tag_word(block_at(i));
        uint64_t mask = block_tag_mask(block_at(i));
        CHECK(block_tag_size_if_intact(block_at(i), mask, said.class_index + 1, said.form) >
              BLOCK_FREED);
        CHECK(block_tag_size_if_intact(block_at(i), mask, said.class_index,
                                       (enum block_form)((said.form + 1) % 4)) > BLOCK_FREED);
        for (unsigned bit = 0; bit < 64; bit++) {
            bool is_size = bit >= BLOCK_LOW_BITS + BLOCK_FORM_BITS + BLOCK_CLASS_BITS &&
                           bit < 64 - BLOCK_HIGH_BITS;
            *word ^= (uint64_t)1 << bit;
            uint64_t size =
                block_tag_size_if_intact(block_at(i), mask, said.class_index, said.form);
            *word ^= (uint64_t)1 << bit;
            CHECK_SAY((size <= BLOCK_FREED) == is_size, "bit %u of block %zu", bit, i);
        }
    }
}

static void the_end_of_a_string_that_is_too_long_changes_a_tag(void) {
    write_all();
    for (size_t i = 0; i < BLOCKS; i++) {
        char *lowest = (char *)block_tag_word(block_at(i));
        struct block_tag read;
        char was = *lowest;
        *lowest = '\0';
        CHECK_SAY(block_tag_read(block_at(i), tag_of(i).class_index, &read) == BLOCK_OVERFLOWN,
                  "block %zu", i);
        *lowest = was;
    }
}

static void a_mark_of_freed_is_told_from_all_else(void) {
    write_all();
    for (size_t i = 0; i < BLOCKS; i++) {
        struct block_tag said = tag_of(i);
        void *block = block_at(i);
        uint64_t mask = block_tag_mask(block) ^ block_tag_class(said.class_index);
        CHECK(block_tag_load(block) != block_tag_freed(mask));
        block_tag_mark_freed(block, block_tag_mask(block), said.class_index);
        CHECK(block_tag_load(block) == block_tag_freed(mask));
        CHECK(block_tag_load(block) != block_tag_freed(mask ^ block_tag_class(1)));
    }
}

static void a_class_can_be_part_of_the_mask(void) {
    for (size_t i = 0; i < BLOCKS; i++) {
        struct block_tag said = tag_of(i), read;
        void *block = block_at(i);
        uint64_t mask = block_tag_mask(block) ^ block_tag_class(said.class_index);
        block_tag_write(block, mask,
                        (struct block_tag){.requested = said.requested, .form = said.form});
        CHECK(block_tag_read(block, said.class_index, &read) == BLOCK_INTACT);
        CHECK(read.requested == said.requested && read.form == said.form);
        CHECK(block_tag_size_if_intact(block, mask, 0, said.form) == said.requested);
        CHECK(block_tag_is_intact(block, mask, 0));
        CHECK(!block_tag_is_intact(block, mask ^ block_tag_class(1), 0));
    }
}

/* The bits of size and form have no magic: a mismatch is all that can be found there. */
static bool is_guarded(unsigned bit) {
    unsigned form_end = BLOCK_LOW_BITS + BLOCK_FORM_BITS;
    unsigned class_end = form_end + BLOCK_CLASS_BITS;
    return bit < BLOCK_LOW_BITS || (bit >= form_end && bit < class_end) ||
           bit >= class_end + BLOCK_SIZE_BITS;
}

static enum block_verdict verdict_of(unsigned bit) {
    if (bit < BLOCK_LOW_BITS)
        return BLOCK_OVERFLOWN;
    return bit >= 64 - BLOCK_HIGH_BITS ? BLOCK_UNDERFLOWN : BLOCK_OVERWRITTEN;
}

static void each_flipped_bit_of_magic_and_class_is_found_and_told_apart(void) {
    unsigned guarded_bits = 0;
    write_all();
    for (unsigned bit = 0; bit < 64; bit++) {
        guarded_bits += is_guarded(bit);
        for (size_t i = 0; i < BLOCKS; i++) {
            uint64_t *word = block_tag_word(block_at(i));
            struct block_tag said = tag_of(i), read;
            *word ^= (uint64_t)1 << bit;
            bool intact =
                block_tag_is_intact(block_at(i), block_tag_mask(block_at(i)), said.class_index);
            enum block_verdict verdict = block_tag_read(block_at(i), said.class_index, &read);
            *word ^= (uint64_t)1 << bit;
            CHECK_SAY(intact == !is_guarded(bit), "bit %u of block %zu", bit, i);
            CHECK_SAY(verdict == (is_guarded(bit) ? verdict_of(bit) : BLOCK_INTACT),
                      "bit %u of block %zu: verdict %d", bit, i, (int)verdict);
        }
    }
    CHECK_SAY(guarded_bits == 46, "%u bits", guarded_bits);
}

/* 40 bits must fit: of a few million copies none does. */
static void a_tag_copied_in_front_of_another_block_is_none(void) {
    write_all();
    for (size_t i = 0; i < BLOCKS; i++) {
        uint64_t *word = block_tag_word(block_at(i));
        uint64_t own = *word;
        for (size_t j = 0; j < BLOCKS; j++) {
            if (j == i)
                continue;
            *word = *block_tag_word(block_at(j));
            CHECK_SAY(!block_tag_is_intact(block_at(i), block_tag_mask(block_at(i)),
                                           tag_of(j).class_index),
                      "%zu in front of %zu", j, i);
        }
        *word = own;
    }
}

static void a_tag_of_another_key_is_none(void) {
    write_all();
    for (uint64_t i = 1; i <= KEYS; i++) {
        block_tag_start(i * 0x9e3779b97f4a7c15u);
        for (size_t j = 0; j < BLOCKS; j++)
            CHECK(!block_tag_is_intact(block_at(j), block_tag_mask(block_at(j)),
                                       tag_of(j).class_index));
    }
    block_tag_start(KEY);
}

static void zeroes_and_text_are_no_tags(void) {
    static const uint64_t rubbish[] = {0, 1, UINT64_MAX, 0x4141414141414141u, 0x00007f1234567890u};
    for (size_t i = 0; i < BLOCKS; i++)
        for (size_t j = 0; j < sizeof rubbish / sizeof rubbish[0]; j++) {
            *block_tag_word(block_at(i)) = rubbish[j];
            CHECK(!block_tag_is_intact(block_at(i), block_tag_mask(block_at(i)),
                                       tag_of(i).class_index));
        }
}

int main(void) {
    block_tag_start(KEY);
    TAP_RUN(what_is_written_is_read);
    TAP_RUN(the_size_of_a_tag_that_is_another_is_too_large);
    TAP_RUN(the_end_of_a_string_that_is_too_long_changes_a_tag);
    TAP_RUN(a_mark_of_freed_is_told_from_all_else);
    TAP_RUN(a_class_can_be_part_of_the_mask);
    TAP_RUN(each_flipped_bit_of_magic_and_class_is_found_and_told_apart);
    TAP_RUN(a_tag_copied_in_front_of_another_block_is_none);
    TAP_RUN(a_tag_of_another_key_is_none);
    TAP_RUN(zeroes_and_text_are_no_tags);
    return tap_done();
}
