/* If this failed, programs with large blocks that they use a little of (hash tables, arenas, stacks
 * of coroutines) would take all of their memory, many such blocks would run into the system's limit
 * of mappings, and calloc() of locked memory would not be zero. */
#include "../harness/tap.h"
#include "behaviour.h"

enum { MIB = 1 << 20 };

static void a_large_block_has_memory_only_where_it_was_touched(void) {
    enum { BLOCK_MIB = 256, STEP_MIB = 2, MOST_KIB = 16 << 10 };
    size_t before_kib = resident_kib();
    char *block = malloc((size_t)BLOCK_MIB * MIB);
    CHECK(block != NULL);
    for (size_t at = 0; at < (size_t)BLOCK_MIB * MIB; at += (size_t)STEP_MIB * MIB)
        block[at] = 1;
    size_t kib = resident_kib() - before_kib;
    CHECK_SAY(kib <= MOST_KIB, "%zu KiB", kib);
    free(block);
}

static size_t count_mappings(void) {
    size_t lines = 0;
    char buffer[4096];
    int file = open("/proc/self/maps", O_RDONLY);
    CHECK(file >= 0);
    for (ssize_t length; (length = read(file, buffer, sizeof buffer)) > 0;)
        for (ssize_t i = 0; i < length; i++)
            lines += buffer[i] == '\n';
    close(file);
    return lines;
}

static void many_large_blocks_take_no_mappings_of_their_own(void) {
    enum { BLOCKS = 200, BLOCK_MIB = 5, MOST = 24 };
    static char *blocks[BLOCKS];
    if (pools_are_hardened()) {
        tap_skip("hardened, each has its own between inaccessible pages");
        return;
    }
    size_t before = count_mappings();
    for (size_t i = 0; i < BLOCKS; i++)
        blocks[i] = malloc((size_t)BLOCK_MIB * MIB);
    size_t mappings = count_mappings() - before;
    CHECK_SAY(mappings <= MOST, "%zu mappings", mappings);
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[i]);
}

/* The kernel does not take locked pages back. */
static void calloc_of_memory_that_was_locked_is_zero(void) {
    enum { TIMES = 40 }; /* hardened, the last few blocks are not reused */
    for (size_t bytes = 100000; bytes <= MIB; bytes *= 3)
        for (int i = 0; i < TIMES; i++) {
            unsigned char *block = calloc(1, bytes);
            CHECK(block != NULL);
            CHECK_SAY(is_zero(block, bytes), "%zu bytes", bytes);
            if (mlock(block, bytes) != 0) {
                free(block);
                tap_skip("no memory may be locked here");
                return;
            }
            memset(block, 0xaa, bytes);
            free(block);
        }
}

int main(void) {
    TAP_RUN(a_large_block_has_memory_only_where_it_was_touched);
    TAP_RUN(many_large_blocks_take_no_mappings_of_their_own);
    TAP_RUN(calloc_of_memory_that_was_locked_is_zero);
    return tap_done();
}
