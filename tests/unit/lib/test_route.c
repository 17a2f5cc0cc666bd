/* If this failed, a request or a pointer would go to who cannot serve it: a node to the next
 * allocator, a large block to the pool, a block of the one to the other's free(). */
#include "environment.h"
#include "next.h"
#include "route.h"
#include "tap.h"

#include <string.h>

static const struct call call_free = {.function = "free", .form = BLOCK_MALLOC};
static const struct call call_realloc = {
    .function = "realloc", .form = BLOCK_MALLOC, .is_use = true};

enum { LARGE_BYTES = 100000 };

static void give(void *block) {
    route_give_slow(block, &call_free, CHECKED_BYTES_UNKNOWN, NULL);
}

static void *resize(void *block, size_t bytes) {
    return route_resize(block, bytes, &call_realloc, NULL);
}

static void nodes_come_from_the_pool_and_more_from_the_next_allocator(void) {
    if (environment_has_memory_tool()) {
        tap_skip("beside a sanitizer all goes to the next allocator");
        return;
    }
    for (size_t bytes = 0; bytes <= TAGPOOL_NODE_MAX; bytes += 97) {
        void *block = route_take(bytes, BLOCK_MALLOC);
        CHECK_SAY(region_owns(block), "%zu bytes", bytes);
        give(block);
    }
    void *large = route_take(LARGE_BYTES, BLOCK_MALLOC);
    CHECK(large != NULL && !region_owns(large));
    give(large);
}

static void alignments_hold_wherever_a_block_comes_from(void) {
    for (size_t alignment = 1; alignment <= 65536; alignment *= 2) {
        void *block = route_take_aligned(alignment, 100, BLOCK_MALLOC);
        CHECK_SAY(block != NULL && (uintptr_t)block % alignment == 0, "%zu", alignment);
        give(block);
    }
}

static void zeroed_blocks_are_zero_when_memory_comes_back(void) {
    for (int i = 0; i < 100; i++) {
        unsigned char *block = route_take_zeroed(64);
        unsigned sum = 0;
        for (size_t byte = 0; byte < 64; byte++)
            sum += block[byte];
        CHECK(sum == 0);
        memset(block, 0xee, 64);
        give(block);
    }
}

static void a_block_keeps_its_bytes_as_it_goes_to_the_next_allocator_and_back(void) {
    if (environment_has_memory_tool()) {
        tap_skip("beside a sanitizer all goes to the next allocator");
        return;
    }
    char *block = route_take(40, BLOCK_MALLOC);
    memcpy(block, "what was written before", 24);
    block = resize(block, LARGE_BYTES);
    CHECK(!region_owns(block) && strcmp(block, "what was written before") == 0);
    block = resize(block, 40);
    CHECK(region_owns(block) && strcmp(block, "what was written before") == 0);
    CHECK(resize(block, 0) == NULL);
}

static void blocks_of_the_next_allocator_go_back_to_it(void) {
    for (int i = 0; i < 100; i++)
        give(next()->malloc(48));
    give(NULL);
    CHECK(heap_current->counters->foreign_frees >= 100);
}

int main(void) {
    TAP_RUN(nodes_come_from_the_pool_and_more_from_the_next_allocator);
    TAP_RUN(alignments_hold_wherever_a_block_comes_from);
    TAP_RUN(zeroed_blocks_are_zero_when_memory_comes_back);
    TAP_RUN(a_block_keeps_its_bytes_as_it_goes_to_the_next_allocator_and_back);
    TAP_RUN(blocks_of_the_next_allocator_go_back_to_it);
    return tap_done();
}
