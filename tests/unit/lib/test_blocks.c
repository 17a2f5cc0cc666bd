/* If this failed, tagpool profile and tagpool record would lose blocks or take one for another:
 * lifetimes, live memory and whole recordings would be wrong. */
#include "random.h"
#include "tap.h"
#include "trace/blocks.h"

enum { ADDRESSES = 20000, STEPS = 400000 };

static uint64_t random_state = 1;

/* Dense like a heap, sparse like mappings, and far apart, so that runs of the table collide. */
static uint64_t address_of(uint64_t i) {
    if (i % 4 == 0)
        return 0x7f0000000000 + i * 0x201010;
    return (i % 2 == 0 ? 0x555500000000 : 0x7fff00000000) + i * 32;
}

static const void *pointer_to(uint64_t i) {
    return (const void *)(uintptr_t)address_of(i);
}

static bool add(uint64_t i, uint64_t bytes) {
    return blocks_add(&(struct block){.address = address_of(i), .bytes = bytes, .number = i});
}

static void an_unknown_address_is_not_found(void) {
    struct block block;
    CHECK(!blocks_take(pointer_to(1), &block));
    CHECK(add(1, 10));
    CHECK(!blocks_take(pointer_to(2), &block));
    CHECK(blocks_take(pointer_to(1), &block));
    CHECK(!blocks_take(pointer_to(1), &block));
}

static void every_field_of_a_block_comes_back(void) {
    struct block block;
    struct block full = {
        .address = 0xfffffffffff0,
        .resizes = 0xffff,
        .bytes = (UINT64_C(1) << 48) - 1,
        .number = (UINT64_C(1) << 40) - 1,
        .thread = (1u << 24) - 1,
        .birth_us = (UINT64_C(1) << 40) - 1,
    };
    CHECK(blocks_add(&full));
    CHECK(blocks_take((const void *)(uintptr_t)0xfffffffffff0, &block));
    CHECK(block.resizes == full.resizes && block.bytes == full.bytes);
    CHECK(block.number == full.number && block.thread == full.thread);
    CHECK(block.birth_us == full.birth_us);
}

static void what_is_added_and_taken_in_any_order_agrees_with_an_array(void) {
    static uint64_t bytes_of[ADDRESSES]; /* 0: not in the table */
    unsigned wrong = 0;
    for (unsigned step = 0; step < STEPS; step++) {
        uint64_t i = random_below(&random_state, ADDRESSES);
        struct block block;
        if (bytes_of[i] == 0 && random_below(&random_state, 3) != 0) {
            bytes_of[i] = 1 + random_below(&random_state, 1000);
            wrong += !add(i, bytes_of[i]);
            continue;
        }
        bool known = blocks_take(pointer_to(i), &block);
        wrong += known != (bytes_of[i] != 0);
        wrong += known && (block.bytes != bytes_of[i] || block.number != i);
        bytes_of[i] = 0;
    }
    CHECK_SAY(wrong == 0, "%u of %d steps differ", wrong, STEPS);
    for (uint64_t i = 0; i < ADDRESSES; i++) {
        struct block block;
        wrong += blocks_take(pointer_to(i), &block) != (bytes_of[i] != 0);
    }
    CHECK_SAY(wrong == 0, "%u blocks differ at the end", wrong);
}

int main(void) {
    TAP_RUN(an_unknown_address_is_not_found);
    TAP_RUN(every_field_of_a_block_comes_back);
    TAP_RUN(what_is_added_and_taken_in_any_order_agrees_with_an_array);
    return tap_done();
}
