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
enum { SIZE_CLASS_COUNT = 1 SIZE_CLASSES(SIZE_CLASS_ONE, ) };
#undef SIZE_CLASS_ONE

/* Classes are counted from 1, so that up to SIZE_CLASS_LINEAR_MAX a class is its size in steps of
 * 16 bytes. Class 0 has no slots. */
enum { SIZE_CLASS_FIRST = 1, SIZE_CLASS_LINEAR_MAX = 256 };

enum { SIZE_CLASS_STEPS = TAGPOOL_NODE_MAX / SLOT_ALIGN + 1 };

/* Bytes from one slot of a class to the next; 0 for class 0. */
extern const uint16_t size_class_stride[SIZE_CLASS_COUNT];

/* The class of a request, by its size in steps, rounded up. */
extern const uint8_t size_class_index[SIZE_CLASS_STEPS];

/* The class of a request of `bytes`, at most TAGPOOL_NODE_MAX; size 0 is served as 1. */
static inline unsigned size_class_of(size_t bytes) {
    return size_class_index[(bytes + SLOT_ALIGN - 1) / SLOT_ALIGN];
}

/* The same without the table, for at most SIZE_CLASS_LINEAR_MAX bytes, and with class 0 for size 0:
 * for the fast path, which finds no slot there. */
static inline size_t size_class_linear(size_t bytes) {
    return (bytes + SLOT_ALIGN - 1) / SLOT_ALIGN;
}

/* The smallest class whose slots hold `bytes` and all start at a multiple of `alignment` (a power
 * of two), provided that their slab does; SIZE_CLASS_COUNT if there is none. */
unsigned size_class_of_aligned(size_t bytes, size_t alignment);

#endif
