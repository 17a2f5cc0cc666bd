/* If this failed, programs would get blocks that overlap, are misaligned or are smaller than
 * promised, or would read a wrong errno: malloc and malloc_usable_size for every node size and the
 * sizes around every border. */
#include "../harness/tap.h"
#include "behaviour.h"

enum { SMALL_SIZES = 2200 };

static const size_t large_sizes[] = {4095,  4096,   4097,   16384,  32768,   65535,   65536,
                                     65537, 131071, 131072, 131073, 1 << 20, 1 << 21, 5 << 20};

/* From here on no allocator can serve: more than the address space that pointers can span. */
static const size_t impossible_sizes[] = {PTRDIFF_MAX,
                                          (size_t)PTRDIFF_MAX + 1,
                                          (size_t)PTRDIFF_MAX + 4096,
                                          SIZE_MAX / 2 + 17,
                                          SIZE_MAX - 1,
                                          SIZE_MAX - 8,
                                          SIZE_MAX - 15,
                                          SIZE_MAX - 16,
                                          SIZE_MAX - 31,
                                          SIZE_MAX - 4095,
                                          SIZE_MAX - 65536,
                                          SIZE_MAX};

static void every_block_is_16_byte_aligned_and_large_enough(void) {
    for (size_t size = 0; size < SMALL_SIZES; size++) {
        void *block = malloc(opaque_size(size));
        CHECK_SAY(block != NULL, "malloc(%zu) is NULL", size);
        CHECK_SAY(is_aligned(block, 16), "malloc(%zu) = %p", size, block);
        CHECK_SAY(malloc_usable_size(block) >= size, "malloc(%zu) has %zu usable bytes", size,
                  malloc_usable_size(block));
        free(block);
    }
    for (size_t i = 0; i < sizeof large_sizes / sizeof large_sizes[0]; i++) {
        void *block = malloc(large_sizes[i]);
        CHECK(block != NULL && is_aligned(block, 16) &&
              malloc_usable_size(block) >= large_sizes[i]);
        free(block);
    }
}

static void all_usable_bytes_of_live_blocks_are_their_own(void) {
    static unsigned char *block[SMALL_SIZES];
    for (int round = 0; round < 3; round++) {
        for (size_t size = 0; size < SMALL_SIZES; size++) {
            if (block[size] != NULL)
                continue;
            block[size] = malloc(opaque_size(size));
            pattern_fill(block[size], malloc_usable_size(block[size]), (unsigned)size);
        }
        for (size_t size = 0; size < SMALL_SIZES; size++)
            CHECK_SAY(pattern_holds(block[size], malloc_usable_size(block[size]), (unsigned)size),
                      "round %d: the block of %zu bytes was overwritten", round, size);
        for (size_t size = (size_t)round; size < SMALL_SIZES; size += 3) {
            free(block[size]);
            block[size] = NULL;
        }
    }
    for (size_t size = 0; size < SMALL_SIZES; size++)
        free(block[size]);
}

static int compare_pointers(const void *left, const void *right) {
    uintptr_t a = *(const uintptr_t *)left, b = *(const uintptr_t *)right;
    return a < b ? -1 : a > b;
}

static void blocks_of_size_0_are_distinct_and_not_NULL(void) {
    enum { COUNT = 5000 };
    static void *block[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        block[i] = malloc(opaque_size(0));
        CHECK(block[i] != NULL);
    }
    qsort(block, COUNT, sizeof block[0], compare_pointers);
    for (size_t i = 1; i < COUNT; i++)
        CHECK_SAY(block[i] != block[i - 1], "%p was given out twice", block[i]);
    for (size_t i = 0; i < COUNT; i++)
        free(block[i]);
}

static void impossible_sizes_give_NULL_and_ENOMEM(void) {
    for (size_t i = 0; i < sizeof impossible_sizes / sizeof impossible_sizes[0]; i++) {
        errno = 0;
        void *block = malloc(opaque_size(impossible_sizes[i]));
        CHECK_SAY(block == NULL && errno == ENOMEM, "malloc(%#zx) = %p, errno %d",
                  impossible_sizes[i], block, errno);
        free(block);
    }
}

static void success_leaves_errno_alone(void) {
    for (size_t size = 0; size < SMALL_SIZES; size++) {
        errno = SENTINEL_ERRNO;
        void *block = malloc(opaque_size(size));
        CHECK_SAY(errno == SENTINEL_ERRNO, "malloc(%zu) set errno to %d", size, errno);
        CHECK(malloc_usable_size(block) >= size && errno == SENTINEL_ERRNO);
        free(block);
    }
}

static void the_usable_size_of_NULL_is_0(void) {
    CHECK(malloc_usable_size(opaque(NULL)) == 0);
}

/* A pool that grows over many slabs and shrinks to nothing serves the same addresses again. */
static void a_pool_grows_by_many_slabs_and_is_used_again(void) {
    enum { COUNT = 40000, SIZE = 88 };
    static unsigned char *block[COUNT];
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            block[i] = malloc(SIZE);
            pattern_fill(block[i], SIZE, (unsigned)i);
        }
        for (size_t i = 0; i < COUNT; i++)
            CHECK_SAY(pattern_holds(block[i], SIZE, (unsigned)i), "block %zu of round %d", i,
                      round);
        for (size_t i = 0; i < COUNT; i++)
            free(block[round == 1 ? COUNT - 1 - i : i]);
    }
}

static void random_traffic_over_all_sizes_keeps_every_byte(void) {
    enum { PLACES = 3000, STEPS = 200000 };
    static struct {
        void *block;
        size_t size;
        unsigned seed;
    } place[PLACES];
    uint64_t random = 20241;
    for (unsigned step = 0; step < STEPS; step++) {
        size_t i = random_below(&random, PLACES);
        if (place[i].block != NULL) {
            CHECK_SAY(pattern_holds(place[i].block, place[i].size, place[i].seed),
                      "step %u: %zu bytes at %p", step, place[i].size, place[i].block);
            free(place[i].block);
            place[i].block = NULL;
            continue;
        }
        uint32_t dice = random_next(&random);
        place[i].size = dice % 50 == 0 ? dice % 40000 : (dice >> 8) % (dice % 3 == 0 ? 1400 : 160);
        place[i].seed = step;
        place[i].block = malloc(place[i].size);
        pattern_fill(place[i].block, place[i].size, step);
    }
    for (size_t i = 0; i < PLACES; i++)
        free(place[i].block);
}

int main(void) {
    TAP_RUN(every_block_is_16_byte_aligned_and_large_enough);
    TAP_RUN(all_usable_bytes_of_live_blocks_are_their_own);
    TAP_RUN(blocks_of_size_0_are_distinct_and_not_NULL);
    TAP_RUN(impossible_sizes_give_NULL_and_ENOMEM);
    TAP_RUN(success_leaves_errno_alone);
    TAP_RUN(the_usable_size_of_NULL_is_0);
    TAP_RUN(a_pool_grows_by_many_slabs_and_is_used_again);
    TAP_RUN(random_traffic_over_all_sizes_keeps_every_byte);
    return tap_done();
}
