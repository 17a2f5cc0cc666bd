/* If this failed, calloc would hand out memory that still holds freed data, or would serve a
 * product that overflowed with a block that is far too small. */
#include "../harness/tap.h"
#include "behaviour.h"

static const char *program;

/* Leaves freed memory of a size behind that is full of ones. */
static void soil(size_t size, size_t count) {
    void *block[64];
    for (size_t i = 0; i < count; i++) {
        block[i] = malloc(size);
        memset(block[i], 0xff, malloc_usable_size(block[i]));
    }
    for (size_t i = 0; i < count; i++)
        free(block[i]);
}

static void reused_memory_is_zero_over_the_whole_usable_size(void) {
    for (size_t size = 0; size < 2200; size++) {
        soil(size, 40);
        void *block[40];
        for (size_t i = 0; i < 40; i++) {
            block[i] = calloc(1, opaque_size(size));
            CHECK_SAY(block[i] != NULL && is_aligned(block[i], 16), "calloc(1, %zu) = %p", size,
                      block[i]);
            CHECK_SAY(is_zero(block[i], malloc_usable_size(block[i])),
                      "calloc(1, %zu) has a byte that is not zero", size);
        }
        for (size_t i = 0; i < 40; i++)
            free(block[i]);
    }
}

static void large_reused_memory_is_zero(void) {
    for (size_t size = 4096; size <= 300000; size += 7777) {
        soil(size, 8);
        void *block = calloc(size / 7 + 1, 7);
        CHECK(block != NULL && is_zero(block, malloc_usable_size(block)));
        free(block);
    }
}

/* Slabs that were given back to the system, kept, or only partly used before: each in its own way
 * zero or not. */
static void memory_is_zero_after_other_classes_had_it(void) {
    enum { COUNT = 20000 };
    static void *block[COUNT];
    static const size_t sizes[] = {100, 48, 1000, 16, 333, 48};
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        for (size_t i = 0; i < COUNT; i++) {
            block[i] = calloc(1, sizes[k]);
            CHECK(is_zero(block[i], malloc_usable_size(block[i])));
            memset(block[i], 0xff, malloc_usable_size(block[i]));
        }
        for (size_t i = 0; i < COUNT; i++)
            free(block[k % 2 == 0 ? i : COUNT - 1 - i]);
        if (k == 2)
            malloc_trim(0);
    }
}

/* Most of these come from the next allocator, and have been there before. */
static int beyond_the_pools(void) {
    enum { COUNT = 20000, BYTES = 301 };
    static void *block[COUNT];
    size_t dirty = 0;
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            block[i] = calloc(1, BYTES);
            dirty += !is_zero(block[i], LIBC_IS_GLIBC ? malloc_usable_size(block[i]) : BYTES);
            memset(block[i], 0xff, malloc_usable_size(block[i]));
        }
        for (size_t i = 0; i < COUNT; i++)
            free(block[i]);
    }
    printf("%zu\n", dirty);
    return 0;
}

static void memory_is_zero_where_pools_have_run_out(void) {
    static struct child child;
    static const char *const options[] = {"strategy=metadata", "strategy=tagged", "harden=on"};
    const char *const argv[] = {program, "beyond", NULL};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        static char variable[100];
        const char *const changes[] = {variable, NULL};
        snprintf(variable, sizeof variable, "TAGPOOL_OPTIONS=%s,pool_limit=1M", options[i]);
        child_run(&child, changes, argv);
        CHECK_SAY(child_succeeded(&child) && strcmp(child.out, "0\n") == 0,
                  "%s: status %#x, blocks with a byte that is not zero: %s", options[i],
                  (unsigned)child.status, child.out);
    }
}

static void the_product_counts_not_the_factors(void) {
    static const size_t factors[][2] = {{1, 24},   {24, 1},   {3, 8},  {8, 3},
                                        {100, 11}, {11, 100}, {64, 64}};
    for (size_t i = 0; i < sizeof factors / sizeof factors[0]; i++) {
        void *block = calloc(factors[i][0], factors[i][1]);
        CHECK(block != NULL && malloc_usable_size(block) >= factors[i][0] * factors[i][1]);
        free(block);
    }
}

static void a_product_of_0_gives_a_block(void) {
    void *first = calloc(opaque_size(0), 8), *second = calloc(8, opaque_size(0));
    void *third = calloc(opaque_size(0), opaque_size(SIZE_MAX));
    CHECK(first != NULL && second != NULL && third != NULL);
    CHECK(first != second && second != third && first != third);
    free(first);
    free(second);
    free(third);
}

static void a_product_that_overflows_gives_NULL_and_ENOMEM(void) {
    static const size_t factors[][2] = {{SIZE_MAX, 2},
                                        {2, SIZE_MAX},
                                        {SIZE_MAX, SIZE_MAX},
                                        {SIZE_MAX / 2 + 1, 2},   /* wraps to 0 */
                                        {SIZE_MAX / 16 + 2, 16}, /* wraps to 16 */
                                        {(size_t)1 << 32, (size_t)1 << 32},
                                        {((size_t)1 << 32) + 1, (size_t)1 << 32},
                                        {PTRDIFF_MAX, 1},
                                        {1, (size_t)PTRDIFF_MAX + 1},
                                        {1, SIZE_MAX}};
    for (size_t i = 0; i < sizeof factors / sizeof factors[0]; i++) {
        errno = 0;
        void *block = calloc(opaque_size(factors[i][0]), opaque_size(factors[i][1]));
        CHECK_SAY(block == NULL && errno == ENOMEM, "calloc(%#zx, %#zx) = %p, errno %d",
                  factors[i][0], factors[i][1], block, errno);
        free(block);
    }
}

static void success_leaves_errno_alone(void) {
    for (size_t size = 0; size < 2200; size += 3) {
        errno = SENTINEL_ERRNO;
        void *block = calloc(1, size);
        CHECK(errno == SENTINEL_ERRNO);
        free(block);
    }
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc == 2)
        return beyond_the_pools();
    TAP_RUN(reused_memory_is_zero_over_the_whole_usable_size);
    TAP_RUN(memory_is_zero_after_other_classes_had_it);
    TAP_RUN(large_reused_memory_is_zero);
    TAP_RUN(memory_is_zero_where_pools_have_run_out);
    TAP_RUN(the_product_counts_not_the_factors);
    TAP_RUN(a_product_of_0_gives_a_block);
    TAP_RUN(a_product_that_overflows_gives_NULL_and_ENOMEM);
    TAP_RUN(success_leaves_errno_alone);
    return tap_done();
}
