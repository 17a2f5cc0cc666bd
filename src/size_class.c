#include "size_class.h"

#define STRIDE(stride, ignored) stride,
const uint16_t size_class_stride[SIZE_CLASS_ALL] = {SLOT_ALIGN, SIZE_CLASSES(STRIDE, )
                                                                    SIZE_CLASSES_LARGE(STRIDE, )};

/* The class of step s is the number of strides that are too small for 16 s bytes. */
#define TOO_SMALL(stride, step) +((stride) < (step)*SLOT_ALIGN)
#define CLASS_OF(step)          (SIZE_CLASS_FIRST SIZE_CLASSES(TOO_SMALL, step))
#define TWO(step)               CLASS_OF(step), CLASS_OF(step + 1)
#define FOUR(step)              TWO(step), TWO(step + 2)
#define SIXTEEN(step)           FOUR(step), FOUR(step + 4), FOUR(step + 8), FOUR(step + 12)
#define THIRTY_TWO(step)        SIXTEEN(step), SIXTEEN(step + 16)
#define SIXTY_FOUR(step)        THIRTY_TWO(step), THIRTY_TWO(step + 32)
const uint8_t size_class_index[SIZE_CLASS_STEPS] = {SIXTY_FOUR(0), SIXTY_FOUR(64), SIXTY_FOUR(128),
                                                    SIXTY_FOUR(192), CLASS_OF(256)};
static_assert(SIZE_CLASS_STEPS == 257, "the table above covers every step");

unsigned size_class_of_large(size_t bytes) {
    unsigned class_index = SIZE_CLASS_COUNT;
    while (size_class_stride[class_index] < bytes)
        class_index++;
    return class_index;
}

unsigned size_class_of_aligned(size_t bytes, size_t alignment) {
    if (bytes > TAGPOOL_NODE_MAX)
        return SIZE_CLASS_ALL;
    for (unsigned i = size_class_of(bytes); i < SIZE_CLASS_COUNT; i++)
        if (size_class_stride[i] % alignment == 0)
            return i;
    return SIZE_CLASS_ALL;
}
