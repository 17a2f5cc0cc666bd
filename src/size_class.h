/* Size classes: which sizes of slot there are, and which of them serves a request.
 *
 * Strides are multiples of 16 up to 1024: every multiple to 256, then 8 to a doubling, so that a
 * slot is never more than an eighth larger than the request rounded up to 16. src/README.md holds
 * the measurement that chose this spacing.
 */
#ifndef SIZE_CLASS_H
#define SIZE_CLASS_H

#include "base.h"
#include "tagpool/options.h"

/* X(stride in bytes, ARGUMENT), ascending. The one list of the size classes. */
/* clang-format off */
#define SIZE_CLASSES(X, ARGUMENT)                                                                  \
    X(16, ARGUMENT) X(32, ARGUMENT) X(48, ARGUMENT) X(64, ARGUMENT)                                \
    X(80, ARGUMENT) X(96, ARGUMENT) X(112, ARGUMENT) X(128, ARGUMENT)                              \
    X(144, ARGUMENT) X(160, ARGUMENT) X(176, ARGUMENT) X(192, ARGUMENT)                            \
    X(208, ARGUMENT) X(224, ARGUMENT) X(240, ARGUMENT) X(256, ARGUMENT)                            \
    X(288, ARGUMENT) X(320, ARGUMENT) X(352, ARGUMENT) X(384, ARGUMENT)                            \
    X(416, ARGUMENT) X(448, ARGUMENT) X(480, ARGUMENT) X(512, ARGUMENT)                            \
    X(576, ARGUMENT) X(640, ARGUMENT) X(704, ARGUMENT) X(768, ARGUMENT)                            \
    X(832, ARGUMENT) X(896, ARGUMENT) X(960, ARGUMENT) X(1024, ARGUMENT)
/* clang-format on */

#define SIZE_CLASS_ONE(stride, ignored) +1
enum { SIZE_CLASS_COUNT = SIZE_CLASSES(SIZE_CLASS_ONE, ) };
#undef SIZE_CLASS_ONE

/* Requests are looked up by their size in steps of 16 bytes, rounded up. */
enum { SIZE_CLASS_STEPS = TAGPOOL_NODE_MAX / SLOT_ALIGN + 1 };

/* Bytes from one slot of a class to the next. */
extern const uint16_t size_class_stride[SIZE_CLASS_COUNT];

/* The class that serves a request, by its size in steps. */
extern const uint8_t size_class_index[SIZE_CLASS_STEPS];

/* The class of a request of `bytes`, at most TAGPOOL_NODE_MAX; size 0 is served as 1. */
static inline unsigned size_class_of(size_t bytes) {
    return size_class_index[(bytes + SLOT_ALIGN - 1) / SLOT_ALIGN];
}

/* The smallest class whose slots hold `bytes` and all start at a multiple of `alignment` (a power
 * of two), provided that their slab does; SIZE_CLASS_COUNT if there is none. */
unsigned size_class_of_aligned(size_t bytes, size_t alignment);

#endif
