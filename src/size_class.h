/* Size classes: which sizes of slot there are, and which of them serves a request.
 *
 * The strides are listed in tagpool/size_classes.h; src/DECISIONS.md holds the measurement that
 * chose their spacing.
 */
#ifndef SIZE_CLASS_H
#define SIZE_CLASS_H

#include "base.h"
#include "tagpool/options.h"
#include "tagpool/size_classes.h"

#define SIZE_CLASS_ONE(stride, ignored) +1
/* The classes of node-sized requests are below SIZE_CLASS_COUNT, those of the hardened mode below
 * SIZE_CLASS_ALL. */
enum {
    SIZE_CLASS_COUNT = 1 SIZE_CLASSES(SIZE_CLASS_ONE, ),
    SIZE_CLASS_ALL = SIZE_CLASS_COUNT SIZE_CLASSES_LARGE(SIZE_CLASS_ONE, ),
};
#undef SIZE_CLASS_ONE

/* The largest slot that fits into a slab, after its gap. */
#ifdef TAGPOOL_SMALL_WORLD
enum { SIZE_CLASS_MAX_BYTES = 7168 };
#else
enum { SIZE_CLASS_MAX_BYTES = 32736 };
#endif

/* Classes are counted from 1, so that up to SIZE_CLASS_LINEAR_MAX a class is its size in steps of
 * 16 bytes. Class 0 is for the blocks of no bytes of the hardened mode, and has no slots otherwise.
 */
enum { SIZE_CLASS_FIRST = 1, SIZE_CLASS_LINEAR_MAX = 512 };

/* The largest slot that the hardened mode looks at in a few steps, without a loop. */
enum { SIZE_CLASS_SMALL_MAX = 256 };

enum { SIZE_CLASS_STEPS = TAGPOOL_NODE_MAX / SLOT_ALIGN + 1 };

/* Bytes from one slot of a class to the next. */
extern HIDDEN const uint16_t size_class_stride[SIZE_CLASS_ALL];

/* The class of a request, by its size in steps, rounded up. */
extern HIDDEN const uint8_t size_class_index[SIZE_CLASS_STEPS];

/* The class of a request of `bytes`, at most TAGPOOL_NODE_MAX; size 0 is served as 1. */
static inline unsigned size_class_of(size_t bytes) {
    return size_class_index[(bytes + SLOT_ALIGN - 1) / SLOT_ALIGN];
}

/* The same without the table, for at most SIZE_CLASS_LINEAR_MAX bytes, and with class 0 for size 0:
 * for the fast path, which finds no slot there. */
static inline size_t size_class_linear(size_t bytes) {
    return (bytes + SLOT_ALIGN - 1) / SLOT_ALIGN;
}

/* The class that hosts a class as long as both need little: slots of its slabs serve both then. Its
 * stride is the next power of two, so it has the alignment of its guests'. Up to
 * SIZE_CLASS_ALONE_MAX bytes each class is its own. */
enum { SIZE_CLASS_ALONE_MAX = 128 };
static inline unsigned size_class_host(unsigned class_index) {
    uint32_t stride = size_class_stride[class_index];
    if (stride <= SIZE_CLASS_ALONE_MAX)
        return class_index;
    return size_class_index[(2u << (31 - __builtin_clz(stride - 1))) / SLOT_ALIGN];
}

/* The smallest class that a class hosts: itself, if it is no host. */
static inline unsigned size_class_first_guest(unsigned class_index) {
    uint32_t stride = size_class_stride[class_index];
    bool is_host = stride > SIZE_CLASS_ALONE_MAX && (stride & (stride - 1)) == 0;
    return is_host ? size_class_index[stride / 2 / SLOT_ALIGN] + 1u : class_index;
}

/* The class of more than TAGPOOL_NODE_MAX and at most SIZE_CLASS_MAX_BYTES bytes. */
unsigned size_class_of_large(size_t bytes);

/* A block that grows may well grow again: do not take it through each of the classes that lie close
 * together. The bytes to ask for instead of `bytes`, which are at most `most`. */
static inline size_t size_class_to_grow(size_t bytes, size_t most) {
    enum { FROM_BYTES = 256, TO_BYTES = 1024, STEP_BYTES = 64 };
    if (bytes <= FROM_BYTES || bytes > TO_BYTES)
        return bytes;
    size_t roomy = (bytes + STEP_BYTES - 1) & ~(size_t)(STEP_BYTES - 1);
    return roomy <= most ? roomy : bytes;
}

/* The smallest class whose slots hold `bytes` and all start at a multiple of `alignment` (a power
 * of two), provided that their slab does; SIZE_CLASS_ALL if there is none. */
unsigned size_class_of_aligned(size_t bytes, size_t alignment);

#endif
