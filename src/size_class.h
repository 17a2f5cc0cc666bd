/* Size classes: which sizes of slot there are, and which of them serves a request.
 *
 * The strides are listed in tagpool/size_classes.h; src/README.md holds the measurement that chose
 * their spacing.
 */
#ifndef SIZE_CLASS_H
#define SIZE_CLASS_H

#include "base.h"
#include "tagpool/options.h"
#include "tagpool/size_classes.h"

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
