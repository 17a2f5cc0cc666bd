/* If this failed, programs that grow or shrink blocks would lose bytes: realloc and reallocarray
 * inside the pool, inside the next allocator and across the border between them. */
#include "../harness/tap.h"
#include "behaviour.h"

static const size_t sizes[] = {1,    7,    8,     16,    17,     24,     32,     48,   64,
                               100,  128,  255,   256,   500,    512,    513,    768,  1000,
                               1008, 1023, 1024,  1025,  1040,   1500,   2048,   4096, 8191,
                               8192, 9000, 65536, 70000, 131072, 200000, 1 << 20};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

static void contents_survive_every_change_of_size(void) {
    for (size_t from = 0; from < SIZES; from++)
        for (size_t to = 0; to < SIZES; to++) {
            void *block = malloc(sizes[from]);
            pattern_fill(block, sizes[from], (unsigned)(from * SIZES + to));
            void *moved = realloc(block, sizes[to]);
            CHECK_SAY(moved != NULL && is_aligned(moved, 16) &&
                          malloc_usable_size(moved) >= sizes[to],
                      "realloc from %zu to %zu gives %p", sizes[from], sizes[to], moved);
            CHECK_SAY(pattern_holds(moved, smaller(sizes[from], sizes[to]),
                                    (unsigned)(from * SIZES + to)),
                      "realloc from %zu to %zu lost bytes", sizes[from], sizes[to]);
            memset(moved, 0x5a, malloc_usable_size(moved));
            free(moved);
        }
}

/* A long text that is cut to its length must not keep the memory of the long one. */
static void a_block_that_shrinks_to_a_quarter_gives_its_room_back(void) {
    for (size_t size = 128; size < 4000; size += 61) {
        void *block = malloc(opaque_size(size));
        size_t usable = malloc_usable_size(block);
        void *moved = realloc(block, size / 4);
        CHECK_SAY(malloc_usable_size(moved) < usable * 3 / 4,
                  "a block of %zu usable bytes has %zu when a quarter is asked for", usable,
                  malloc_usable_size(moved));
        free(moved);
    }
}

static void usable_bytes_beyond_the_request_survive_too(void) {
    for (size_t size = 1; size < 1400; size++) {
        void *block = malloc(opaque_size(size));
        size_t usable = malloc_usable_size(block);
        pattern_fill(block, usable, (unsigned)size);
        void *moved = realloc(block, usable + 3000);
        CHECK_SAY(pattern_holds(moved, usable, (unsigned)size), "realloc of %zu usable bytes",
                  usable);
        free(moved);
    }
}

static void growing_by_one_byte_at_a_time_loses_nothing(void) {
    unsigned char *text = NULL;
    for (size_t length = 0; length < 6000; length++) {
        text = realloc(text, length + 1);
        text[length] = pattern_byte(length, 5);
    }
    CHECK(pattern_holds(text, 6000, 5));
    for (size_t length = 5999; length > 0; length--) {
        text = realloc(text, length);
        CHECK(text[length - 1] == pattern_byte(length - 1, 5));
    }
    CHECK(pattern_holds(text, 1, 5));
    free(text);
}

static void realloc_of_NULL_is_malloc(void) {
    for (size_t size = 0; size < 2000; size += 13) {
        void *block = realloc(opaque(NULL), size);
        CHECK(block != NULL && is_aligned(block, 16) && malloc_usable_size(block) >= size);
        free(block);
    }
}

/* Either NULL (freed, as glibc does) or a block of its own: in no case memory that stays behind. */
static void realloc_to_0_frees_the_block(void) {
    size_t before_kib = 0;
    for (size_t i = 0; i < 60000; i++) {
        if (i == 20000)
            before_kib = resident_kib();
        void *block = malloc(i % 2 == 0 ? 1000 : 3000);
        memset(block, 1, 1000);
        errno = SENTINEL_ERRNO;
        void *rest = realloc(opaque(block), opaque_size(0));
        CHECK(errno == SENTINEL_ERRNO);
        free(rest);
    }
    CHECK_SAY(resident_kib() <= before_kib + 4096, "%zu KiB became %zu KiB", before_kib,
              resident_kib());
}

static void a_failure_keeps_the_block_and_sets_ENOMEM(void) {
    static const size_t impossible[] = {PTRDIFF_MAX, (size_t)PTRDIFF_MAX + 1, SIZE_MAX - 16,
                                        SIZE_MAX};
    for (size_t i = 0; i < SIZES; i++)
        for (size_t k = 0; k < sizeof impossible / sizeof impossible[0]; k++) {
            void *block = malloc(sizes[i]);
            pattern_fill(block, sizes[i], (unsigned)i);
            errno = 0;
            void *moved = realloc(opaque(block), opaque_size(impossible[k]));
            CHECK_SAY(moved == NULL && errno == ENOMEM, "realloc(%zu bytes, %#zx) = %p, errno %d",
                      sizes[i], impossible[k], moved, errno);
            CHECK(pattern_holds(block, sizes[i], (unsigned)i));
            free(block);
        }
}

static void success_leaves_errno_alone(void) {
    for (size_t from = 0; from < SIZES; from++)
        for (size_t to = 0; to < SIZES; to++) {
            void *block = malloc(sizes[from]);
            errno = SENTINEL_ERRNO;
            block = realloc(block, sizes[to]);
            CHECK(errno == SENTINEL_ERRNO);
            free(block);
        }
}

static void reallocarray_multiplies(void) {
    unsigned char *block = reallocarray(NULL, 10, 10);
    CHECK(block != NULL && malloc_usable_size(block) >= 100);
    pattern_fill(block, 100, 9);
    block = reallocarray(block, 300, 10);
    CHECK(block != NULL && malloc_usable_size(block) >= 3000 && pattern_holds(block, 100, 9));
    block = reallocarray(block, 5, 10);
    CHECK(block != NULL && malloc_usable_size(block) >= 50 && pattern_holds(block, 50, 9));
    free(block);
}

static void reallocarray_refuses_a_product_that_overflows(void) {
    static const size_t factors[][2] = {{SIZE_MAX, 2},
                                        {2, SIZE_MAX},
                                        {SIZE_MAX / 2 + 1, 2},
                                        {SIZE_MAX / 16 + 2, 16},
                                        {(size_t)1 << 32, (size_t)1 << 32},
                                        {1, SIZE_MAX}};
    for (size_t i = 0; i < sizeof factors / sizeof factors[0]; i++)
        for (size_t size = 40; size < 5000; size += 4000) {
            void *block = malloc(size);
            pattern_fill(block, size, 3);
            errno = 0;
            void *moved =
                reallocarray(opaque(block), opaque_size(factors[i][0]), opaque_size(factors[i][1]));
            CHECK(moved == NULL && errno == ENOMEM && pattern_holds(block, size, 3));
            free(block);
            errno = 0;
            moved = reallocarray(NULL, opaque_size(factors[i][0]), opaque_size(factors[i][1]));
            CHECK(moved == NULL && errno == ENOMEM);
        }
}

/* Blocks from __libc_malloc are as if from before the library was loaded. */
static void foreign_blocks_can_be_resized(void) {
    for (size_t from = 0; from < SIZES; from++)
        for (size_t to = 0; to < SIZES; to += 3) {
            void *block = libc_malloc(sizes[from]);
            CHECK(malloc_usable_size(block) >= sizes[from]);
            pattern_fill(block, sizes[from], (unsigned)from);
            block = realloc(block, sizes[to]);
            CHECK(block != NULL &&
                  pattern_holds(block, smaller(sizes[from], sizes[to]), (unsigned)from));
            free(block);
        }
}

int main(void) {
    TAP_RUN(contents_survive_every_change_of_size);
    TAP_RUN(a_block_that_shrinks_to_a_quarter_gives_its_room_back);
    TAP_RUN(usable_bytes_beyond_the_request_survive_too);
    TAP_RUN(growing_by_one_byte_at_a_time_loses_nothing);
    TAP_RUN(realloc_of_NULL_is_malloc);
    TAP_RUN(realloc_to_0_frees_the_block);
    TAP_RUN(a_failure_keeps_the_block_and_sets_ENOMEM);
    TAP_RUN(success_leaves_errno_alone);
    TAP_RUN(reallocarray_multiplies);
    TAP_RUN(reallocarray_refuses_a_product_that_overflows);
    TAP_RUN(foreign_blocks_can_be_resized);
    return tap_done();
}
