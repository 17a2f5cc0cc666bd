/* If this failed, a request would get a slot too small for it or out of alignment, or one much
 * larger than it needs. */
#include "size_class.h"
#include "tap.h"

static void every_size_has_the_smallest_class_that_holds_it(void) {
    for (size_t bytes = 0; bytes <= TAGPOOL_NODE_MAX; bytes++) {
        unsigned index = size_class_of(bytes);
        CHECK(index >= SIZE_CLASS_FIRST && index < SIZE_CLASS_COUNT);
        CHECK_SAY(size_class_stride[index] >= bytes, "%zu bytes", bytes);
        CHECK(index == SIZE_CLASS_FIRST || size_class_stride[index - 1] < bytes);
        size_t rounded = (bytes + SLOT_ALIGN - 1) / SLOT_ALIGN * SLOT_ALIGN;
        CHECK(bytes == 0 || size_class_stride[index] <= rounded + rounded / 8);
    }
}

static void strides_ascend_and_keep_the_alignment(void) {
    for (unsigned i = SIZE_CLASS_FIRST; i < SIZE_CLASS_COUNT; i++) {
        CHECK(size_class_stride[i] % SLOT_ALIGN == 0);
        CHECK(i == SIZE_CLASS_FIRST || size_class_stride[i] > size_class_stride[i - 1]);
    }
    CHECK(size_class_stride[SIZE_CLASS_COUNT - 1] == TAGPOOL_NODE_MAX);
}

static void small_sizes_need_no_table(void) {
    for (size_t bytes = 1; bytes <= SIZE_CLASS_LINEAR_MAX; bytes++)
        CHECK(size_class_linear(bytes) == size_class_of(bytes));
    CHECK(size_class_linear(0) == 0);
}

static void an_aligned_request_gets_a_stride_of_whole_alignments(void) {
    for (size_t alignment = 1; alignment <= 2 * TAGPOOL_NODE_MAX; alignment *= 2) {
        for (size_t bytes = 0; bytes <= TAGPOOL_NODE_MAX + 1; bytes += 7) {
            unsigned index = size_class_of_aligned(bytes, alignment);
            bool can = bytes <= TAGPOOL_NODE_MAX && alignment <= TAGPOOL_NODE_MAX;
            CHECK_SAY((index < SIZE_CLASS_COUNT) == can, "%zu at %zu", bytes, alignment);
            if (index < SIZE_CLASS_COUNT)
                CHECK(size_class_stride[index] % alignment == 0 &&
                      size_class_stride[index] >= bytes);
        }
    }
}

int main(void) {
    TAP_RUN(every_size_has_the_smallest_class_that_holds_it);
    TAP_RUN(strides_ascend_and_keep_the_alignment);
    TAP_RUN(small_sizes_need_no_table);
    TAP_RUN(an_aligned_request_gets_a_stride_of_whole_alignments);
    return tap_done();
}
