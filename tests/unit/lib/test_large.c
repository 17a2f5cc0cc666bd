/* If this failed, a large block of the hardened mode would come back with what its last owner left,
 * could be touched after free(), or would hold on to memory without bound; or a guard would split a
 * huge page of the pool. */
#include "heap_calls.h"
#include "large.h"
#include "spans.h"
#include "tap.h"

#include <signal.h>

enum { SPACING = 128, HUGE_PAGE_SLABS = 32, KEPT_MOST_BYTES = 3 << 19 };

static bool is_zero(const unsigned char *block, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        if (block[i] != 0)
            return false;
    return true;
}

/* Of every size that keeps its memory and of some that do not, more often than runs rest. */
static void a_large_block_reads_as_zero_whoever_had_it_before(void) {
    for (unsigned round = 0; round < 24; round++)
        for (size_t bytes = 40000; bytes < 700000; bytes += 150000) {
            unsigned char *block = large_take(bytes, BLOCK_MALLOC);
            CHECK_SAY(is_zero(block, bytes), "round %u, %zu bytes", round, bytes);
            pattern_fill(block, bytes, round);
            large_give(block);
        }
}

static volatile unsigned char *freed;

static void read_freed(void) {
    (void)*freed;
}

/* Sanitizers end the program in their own way. */
static bool reading_freed_stops(void) {
    char text[1024];
    return die_of(read_freed, text, sizeof text) == SIGSEGV || strstr(text, "SEGV") != NULL;
}

static void a_freed_large_block_is_inaccessible(void) {
    for (size_t bytes = 40000; bytes < 700000; bytes += 150000) {
        freed = large_take(bytes, BLOCK_MALLOC);
        CHECK(!reading_freed_stops());
        large_give((void *)(uintptr_t)freed);
        CHECK_SAY(reading_freed_stops(), "%zu bytes", bytes);
    }
}

static size_t trim(void) {
    CHECK(lock_acquire(&pool_lock));
    size_t bytes = region_trim(0) + spans_trim();
    lock_release(&pool_lock);
    return bytes;
}

static void freed_large_blocks_keep_little_memory_and_return_it_when_asked(void) {
    enum { COUNT = 200, BYTES = 300000 };
    static void *blocks[COUNT];
    trim();
    for (unsigned i = 0; i < COUNT; i++)
        blocks[i] = large_take(BYTES, BLOCK_MALLOC);
    for (unsigned i = 0; i < COUNT; i++)
        large_give(blocks[i]);
    size_t bytes = trim();
    CHECK_SAY(bytes > 0 && bytes <= KEPT_MOST_BYTES, "%zu bytes were kept", bytes);
    CHECK(trim() == 0);
}

static void no_guard_splits_a_huge_page(void) {
    enum { SLABS = 3 * SPACING };
    unsigned guards = 0;
    size_t before = REGION_NO_SLAB;
    CHECK(lock_acquire(&pool_lock));
    for (unsigned i = 0; i < SLABS; i++) {
        bool zeroed;
        size_t index = region_take_slab(&zeroed);
        bool follows = before == REGION_NO_SLAB || index == before + 1;
        CHECK_SAY(follows ||
                      (index == before + 1 + HUGE_PAGE_SLABS && index % HUGE_PAGE_SLABS == 0),
                  "slab %zu after slab %zu", index, before);
        guards += !follows;
        before = index;
    }
    lock_release(&pool_lock);
    CHECK_SAY(guards >= 2, "%u guards", guards);
    freed = (unsigned char *)(region.base +
                              ((before / (SPACING + HUGE_PAGE_SLABS)) * (SPACING + HUGE_PAGE_SLABS)
                               << SLAB_SHIFT)) -
            1;
    CHECK(reading_freed_stops());
}

int main(void) {
    start_pool();
    checked_start();
    checked_harden(16, SPACING);
    TAP_RUN(no_guard_splits_a_huge_page);
    TAP_RUN(a_large_block_reads_as_zero_whoever_had_it_before);
    TAP_RUN(a_freed_large_block_is_inaccessible);
    TAP_RUN(freed_large_blocks_keep_little_memory_and_return_it_when_asked);
    return tap_done();
}
