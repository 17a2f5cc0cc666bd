/* If this failed, a large block of the hardened mode would come back with what its last owner left,
 * could be touched after free(), or would hold on to memory or address space without bound; it
 * would not be aligned, would lose its contents as it grows, or what was written around it would
 * not be found; or a guard would split a huge page of the pool. */
#include "heap_calls.h"
#include "large.h"
#include "os.h"
#include "spans.h"
#include "tap.h"

#include <signal.h>
#include <sys/mman.h>

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
            unsigned char *block = large_take(SLOT_ALIGN, bytes, BLOCK_MALLOC);
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
        freed = large_take(SLOT_ALIGN, bytes, BLOCK_MALLOC);
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
        blocks[i] = memset(large_take(SLOT_ALIGN, BYTES, BLOCK_MALLOC), 1, BYTES);
    for (unsigned i = 0; i < COUNT; i++)
        large_give(blocks[i]);
    size_t bytes = trim();
    CHECK_SAY(bytes > 0 && bytes <= KEPT_MOST_BYTES, "%zu bytes were kept", bytes);
    CHECK(trim() == 0);
}

static size_t resident_pages(const void *start, size_t bytes) {
    static unsigned char pages[1024];
    size_t count = 0;
    CHECK(bytes / 4096 <= sizeof pages && mincore((void *)(uintptr_t)start, bytes, pages) == 0);
    for (size_t i = 0; i < bytes / 4096; i++)
        count += pages[i] & 1;
    return count;
}

/* Of a block that was hardly touched, free() is not to touch the rest. */
static void a_freed_large_block_takes_no_more_memory_than_it_had(void) {
    enum { BYTES = 500000, TIMES = 40, TOUCHED_PAGES = 4 };
    for (unsigned i = 0; i < TIMES; i++) {
        unsigned char *block = large_take(SLOT_ALIGN, BYTES, BLOCK_MALLOC);
        const struct span *span = spans_find(block);
        block[0] = 1;
        large_give(block);
        size_t pages =
            resident_pages(span_start(span), (size_t)(span_end(span) - span_start(span)));
        CHECK_SAY(pages <= TOUCHED_PAGES, "%zu pages", pages);
    }
}

/* A block that is freed as soon as it was taken: the next ones have the memory of its ends, and
 * read as zero whichever pages were written. */
static void a_large_block_freed_at_once_keeps_the_pages_that_it_touched(void) {
    enum { BYTES = 100000, PAGE = 4096, TIMES = 2000, READ_EACH = 7, WRITTEN_FROM = 100 };
    size_t kept_pages = 0;
    trim();
    for (unsigned i = 0; i < TIMES; i++) {
        unsigned char *block = large_take(SLOT_ALIGN, BYTES, BLOCK_MALLOC);
        if (i >= WRITTEN_FROM && i % READ_EACH == 0) /* which gives all of it pages */
            CHECK_SAY(is_zero(block, BYTES), "block %u", i);
        for (size_t at = 0; at < BYTES && i >= WRITTEN_FROM; at += PAGE)
            if ((i >> at / PAGE % 11 & 1) != 0)
                block[at] = 1;
        const struct span *span = spans_find(block);
        large_give(block);
        if (i < WRITTEN_FROM)
            kept_pages +=
                resident_pages(span_start(span), (size_t)(span_end(span) - span_start(span)));
    }
    CHECK_SAY(kept_pages >= (size_t)2 * WRITTEN_FROM, "%zu pages", kept_pages);
}

/* Blocks of ever other sizes: what is free merges. */
static void address_space_of_freed_blocks_is_used_again(void) {
    enum { TIMES = 20000, MOST_BYTES = 64 << 20 };
    size_t used_before = region_counts.span_used;
    size_t bytes = 40000;
    for (unsigned i = 0; i < TIMES; i++) {
        bytes = 40000 + (bytes * 48271 + i) % MOST_BYTES;
        void *block = large_take(SLOT_ALIGN, bytes, BLOCK_MALLOC);
        CHECK_SAY(block != NULL, "block %u", i);
        large_give(block);
    }
    size_t used = region_counts.span_used - used_before;
    CHECK_SAY(used <= region_bounds.span_slabs / 2, "%zu slabs", used);
}

static void a_large_block_is_aligned_as_asked(void) {
    for (size_t alignment = 16; alignment <= (size_t)4 << 20; alignment *= 2)
        for (size_t bytes = 1; bytes < 300000; bytes = bytes * 7 + 11) {
            char *block = large_take(alignment, bytes, BLOCK_MALLOC);
            CHECK_SAY(block != NULL && (uintptr_t)block % alignment == 0, "%zu at %zu", bytes,
                      alignment);
            CHECK(is_zero((unsigned char *)block, bytes));
            memset(block, 1, bytes);
            struct fault_report report;
            static const struct large_call call = {.form = BLOCK_MALLOC, .bytes = SIZE_MAX};
            CHECK(large_examine(block, &call, &report) == FAULT_NONE);
            large_give(block);
            CHECK(large_examine(block, &call, &report) == FAULT_DOUBLE_FREE);
        }
}

/* One byte in front of and behind a block, and each byte of its pages that it does not have. */
static void what_is_written_around_a_large_block_is_found_once(void) {
    static const size_t alignments[] = {16, 128, 4096};
    static const struct large_call call = {.form = BLOCK_MALLOC, .bytes = SIZE_MAX};
    for (size_t i = 0; i < sizeof alignments / sizeof *alignments; i++)
        for (size_t bytes = 1; bytes < 100000; bytes = bytes * 5 + 1) {
            struct fault_report report;
            char *block = large_take(alignments[i], bytes, BLOCK_MALLOC);
            char *start = (char *)(((uintptr_t)block - 8) & ~(uintptr_t)(os_page_bytes() - 1));
            char *end = (char *)(((uintptr_t)block + bytes) & ~(uintptr_t)(os_page_bytes() - 1)) +
                        os_page_bytes();
            for (char *byte = start; byte < end; byte += byte == block - 1 ? bytes + 1 : 1) {
                *byte ^= 1;
                enum fault fault = large_examine(block, &call, &report);
                CHECK_SAY(byte < block - BLOCK_TAG_BYTES ? fault == FAULT_UNDERFLOW
                          : byte > block                 ? fault == FAULT_OVERFLOW
                                                         : fault != FAULT_NONE,
                          "byte %td of %zu bytes at %zu", byte - block, bytes, alignments[i]);
                CHECK(large_examine(block, &call, &report) == FAULT_NONE);
            }
            large_give(block);
        }
}

static void a_large_block_that_grows_keeps_its_contents_and_seldom_moves(void) {
    enum { FIRST = 40000, STEP = 4096, LAST = 16 << 20, MOVES_MOST = 12 };
    static const struct large_call call = {.form = BLOCK_MALLOC, .bytes = SIZE_MAX};
    unsigned char *block = large_take(SLOT_ALIGN, FIRST, BLOCK_MALLOC);
    unsigned moves = 0;
    struct fault_report report;
    pattern_fill(block, FIRST, 7);
    for (size_t bytes = FIRST + STEP; bytes < LAST; bytes += STEP) {
        unsigned char *resized = large_resize(block, bytes);
        CHECK(resized != NULL && pattern_holds(resized, FIRST, 7));
        moves += resized != block;
        block = resized;
        block[bytes - 1] = 1;
        CHECK(large_requested(block) == bytes);
        CHECK(large_examine(block, &call, &report) == FAULT_NONE);
    }
    CHECK_SAY(moves <= MOVES_MOST, "%u moves", moves);
    CHECK(large_resize(block, FIRST) == block && pattern_holds(block, FIRST, 7));
    CHECK(large_resize(block, LAST / 2) == block && is_zero(block + FIRST + 4096, LAST / 4));
    large_give(block);
}

static void no_guard_splits_a_huge_page(void) {
    enum { SLABS = 3 * SPACING };
    unsigned guards = 0;
    size_t before = REGION_NO_SLAB;
    CHECK(lock_acquire(&pool_lock));
    for (unsigned i = 0; i < SLABS; i++) {
        bool zeroed;
        size_t index = region_take_slab(0, &zeroed);
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
    TAP_RUN(a_freed_large_block_takes_no_more_memory_than_it_had);
    TAP_RUN(a_large_block_freed_at_once_keeps_the_pages_that_it_touched);
    TAP_RUN(address_space_of_freed_blocks_is_used_again);
    TAP_RUN(a_large_block_is_aligned_as_asked);
    TAP_RUN(what_is_written_around_a_large_block_is_found_once);
    TAP_RUN(a_large_block_that_grows_keeps_its_contents_and_seldom_moves);
    return tap_done();
}
