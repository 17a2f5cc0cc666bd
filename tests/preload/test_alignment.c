/* If this failed, blocks of posix_memalign, aligned_alloc, memalign, valloc and pvalloc would be
 * misaligned, too small or not freeable, or wrong arguments would not be refused as the standards
 * say. */
#include "../harness/tap.h"
#include "behaviour.h"

static const size_t sizes[] = {0,   1,   8,   16,   24,   48,   64,   100,
                               128, 500, 512, 1000, 1024, 1025, 5000, 70000};
enum { SIZES = sizeof sizes / sizeof sizes[0], LIVE = 24, LARGEST_ALIGNMENT = 4 << 20 };

typedef void *aligned_function(size_t alignment, size_t size);

static void *by_posix_memalign(size_t alignment, size_t size) {
    void *block = NULL;
    errno = SENTINEL_ERRNO;
    int failure = posix_memalign(&block, alignment, size);
    CHECK_SAY(failure == 0, "posix_memalign(%zu, %zu) = %d", alignment, size, failure);
    CHECK(errno == SENTINEL_ERRNO);
    return block;
}

/* Many live blocks of one alignment and size: aligned, their own, freeable, and resizable. */
static void check_alignment(aligned_function *allocate, size_t alignment, size_t size) {
    unsigned char *block[LIVE];
    size_t count = alignment > 65536 ? 3 : LIVE;
    for (size_t i = 0; i < count; i++) {
        block[i] = allocate(alignment, opaque_size(size));
        CHECK_SAY(block[i] != NULL && is_aligned(block[i], alignment) && is_aligned(block[i], 16),
                  "alignment %zu, size %zu: %p", alignment, size, (void *)block[i]);
        CHECK(malloc_usable_size(block[i]) >= size);
        pattern_fill(block[i], malloc_usable_size(block[i]), (unsigned)i);
    }
    for (size_t i = 0; i < count; i++)
        CHECK_SAY(pattern_holds(block[i], malloc_usable_size(block[i]), (unsigned)i),
                  "alignment %zu, size %zu: block %zu was overwritten", alignment, size, i);
    for (size_t i = 0; i < count; i++) {
        if (i % 2 == 0) {
            block[i] = realloc(block[i], size + 777);
            CHECK(block[i] != NULL && pattern_holds(block[i], size, (unsigned)i));
        }
        free(block[i]);
    }
}

static void check_every_alignment(aligned_function *allocate, size_t smallest) {
    for (size_t alignment = smallest; alignment <= LARGEST_ALIGNMENT; alignment *= 2)
        for (size_t i = 0; i < SIZES; i++)
            check_alignment(allocate, alignment, sizes[i]);
}

static void posix_memalign_gives_every_power_of_2(void) {
    check_every_alignment(by_posix_memalign, sizeof(void *));
}

static void aligned_alloc_gives_every_power_of_2(void) {
    check_every_alignment(aligned_alloc, 1);
}

static void memalign_gives_every_power_of_2(void) {
    check_every_alignment(memalign, 1);
}

static void posix_memalign_refuses_wrong_alignments(void) {
    static const size_t wrong[] = {0,  1,  2,  3,   4,    6,        7,
                                   12, 24, 48, 100, 4095, SIZE_MAX, SIZE_MAX - 7};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        void *block = &block;
        errno = SENTINEL_ERRNO;
        int failure = posix_memalign(&block, opaque_size(wrong[i]), 64);
        CHECK_SAY(failure == EINVAL, "posix_memalign with alignment %zu = %d", wrong[i], failure);
        CHECK(errno == SENTINEL_ERRNO && block == (void *)&block);
    }
}

static void posix_memalign_reports_ENOMEM_and_leaves_its_result_alone(void) {
    static const size_t impossible[] = {PTRDIFF_MAX, (size_t)PTRDIFF_MAX + 1, SIZE_MAX - 64,
                                        SIZE_MAX};
    for (size_t alignment = 8; alignment <= 1 << 21; alignment *= 2)
        for (size_t i = 0; i < sizeof impossible / sizeof impossible[0]; i++) {
            void *block = &block;
            errno = SENTINEL_ERRNO;
            int failure = posix_memalign(&block, alignment, opaque_size(impossible[i]));
            CHECK_SAY(failure == ENOMEM, "posix_memalign(%zu, %#zx) = %d", alignment, impossible[i],
                      failure);
            CHECK(errno == ENOMEM && block == (void *)&block); /* errno too, in glibc */
        }
}

static void impossible_sizes_give_NULL_and_ENOMEM(void) {
    static const size_t impossible[] = {PTRDIFF_MAX, (size_t)PTRDIFF_MAX + 1, SIZE_MAX - 64,
                                        SIZE_MAX};
    for (size_t alignment = 1; alignment <= 1 << 21; alignment *= 2)
        for (size_t i = 0; i < sizeof impossible / sizeof impossible[0]; i++) {
            size_t size = opaque_size(impossible[i]);
            errno = 0;
            CHECK(aligned_alloc(alignment, size) == NULL && errno == ENOMEM);
            errno = 0;
            CHECK(memalign(alignment, size) == NULL && errno == ENOMEM);
        }
    for (size_t i = 0; i < sizeof impossible / sizeof impossible[0]; i++) {
        errno = 0;
        CHECK(valloc(opaque_size(impossible[i])) == NULL && errno == ENOMEM);
        errno = 0;
        CHECK_SAY(pvalloc(opaque_size(impossible[i])) == NULL && errno == ENOMEM,
                  "pvalloc(%#zx): errno %d", impossible[i], errno);
    }
}

static void an_alignment_beyond_half_the_address_space_is_refused(void) {
    errno = 0;
    CHECK(memalign(opaque_size(SIZE_MAX / 2 + 2), 64) == NULL && errno == EINVAL);
    errno = 0;
    void *block = aligned_alloc(opaque_size(SIZE_MAX / 2 + 2), 64);
    CHECK(block == NULL && errno == EINVAL);
    errno = 0;
    block = memalign(opaque_size(SIZE_MAX / 2 + 1), 64);
    CHECK(block == NULL && (errno == ENOMEM || errno == EINVAL));
}

/* C17 lets aligned_alloc refuse; glibc does so from 2.38 on, before it rounds up. memalign rounds
 * up. */
static void an_alignment_that_is_no_power_of_2_is_refused_or_rounded_up(void) {
    static const size_t odd[][2] = {{3, 4}, {24, 32}, {48, 64}, {100, 128}, {5000, 8192}};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        errno = 0;
        void *block = aligned_alloc(opaque_size(odd[i][0]), 64);
        CHECK_SAY(block != NULL ? is_aligned(block, odd[i][1]) : errno == EINVAL,
                  "aligned_alloc(%zu, 64) = %p, errno %d", odd[i][0], block, errno);
        free(block);
        block = memalign(opaque_size(odd[i][0]), 64);
        CHECK_SAY(block != NULL && is_aligned(block, odd[i][1]), "memalign(%zu, 64) = %p",
                  odd[i][0], block);
        free(block);
    }
    void *block = memalign(opaque_size(0), 64);
    CHECK(block != NULL && is_aligned(block, 16));
    free(block);
}

/* What pvalloc(0) gives: ours a page, glibc's nothing. */
static size_t page_of_nothing(size_t page) {
    return shim_is_loaded() ? page : 0;
}

static void valloc_and_pvalloc_give_pages(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (size_t i = 0; i < SIZES; i++) {
        unsigned char *block = valloc(sizes[i]), *pages = pvalloc(opaque_size(sizes[i]));
        CHECK(block != NULL && is_aligned(block, page) && malloc_usable_size(block) >= sizes[i]);
        CHECK(pages != NULL && is_aligned(pages, page));
        size_t least = sizes[i] > 0 ? (sizes[i] + page - 1) / page * page : page_of_nothing(page);
        CHECK_SAY(malloc_usable_size(pages) >= least, "pvalloc(%zu)", sizes[i]);
        memset(block, 1, malloc_usable_size(block));
        memset(pages, 2, malloc_usable_size(pages));
        CHECK(sizes[i] == 0 || block[sizes[i] - 1] == 1);
        free(block);
        free(pages);
    }
}

int main(void) {
    TAP_RUN(posix_memalign_gives_every_power_of_2);
    TAP_RUN(aligned_alloc_gives_every_power_of_2);
    TAP_RUN(memalign_gives_every_power_of_2);
    TAP_RUN(posix_memalign_refuses_wrong_alignments);
    TAP_RUN(posix_memalign_reports_ENOMEM_and_leaves_its_result_alone);
    TAP_RUN(impossible_sizes_give_NULL_and_ENOMEM);
    TAP_RUN(an_alignment_beyond_half_the_address_space_is_refused);
    TAP_RUN(an_alignment_that_is_no_power_of_2_is_refused_or_rounded_up);
    TAP_RUN(valloc_and_pvalloc_give_pages);
    return tap_done();
}
