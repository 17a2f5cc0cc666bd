/* The size classes of the pools: the library is built from this list, and `tagpool profile`
 * computes from it what a program would waste.
 *
 * Strides are multiples of 16 up to 4096: every multiple to 512, then 16 to a doubling up to 1024
 * and 8 above, so that a slot is never more than an eighth larger than the request rounded up to
 * 16, and none of a parser's usual nodes by more than a sixteenth.
 */
#ifndef TAGPOOL_SIZE_CLASSES_H
#define TAGPOOL_SIZE_CLASSES_H

/* X(stride in bytes, ARGUMENT), ascending. The one list of the size classes. */
/* clang-format off */
#define SIZE_CLASSES(X, ARGUMENT)                                                                  \
    X(16, ARGUMENT) X(32, ARGUMENT) X(48, ARGUMENT) X(64, ARGUMENT)                                \
    X(80, ARGUMENT) X(96, ARGUMENT) X(112, ARGUMENT) X(128, ARGUMENT)                              \
    X(144, ARGUMENT) X(160, ARGUMENT) X(176, ARGUMENT) X(192, ARGUMENT)                            \
    X(208, ARGUMENT) X(224, ARGUMENT) X(240, ARGUMENT) X(256, ARGUMENT)                            \
    X(272, ARGUMENT) X(288, ARGUMENT) X(304, ARGUMENT) X(320, ARGUMENT)                            \
    X(336, ARGUMENT) X(352, ARGUMENT) X(368, ARGUMENT) X(384, ARGUMENT)                            \
    X(400, ARGUMENT) X(416, ARGUMENT) X(432, ARGUMENT) X(448, ARGUMENT)                            \
    X(464, ARGUMENT) X(480, ARGUMENT) X(496, ARGUMENT) X(512, ARGUMENT)                            \
    X(544, ARGUMENT) X(576, ARGUMENT) X(608, ARGUMENT) X(640, ARGUMENT)                            \
    X(672, ARGUMENT) X(704, ARGUMENT) X(736, ARGUMENT) X(768, ARGUMENT)                            \
    X(800, ARGUMENT) X(832, ARGUMENT) X(864, ARGUMENT) X(896, ARGUMENT)                            \
    X(928, ARGUMENT) X(960, ARGUMENT) X(992, ARGUMENT) X(1024, ARGUMENT)                           \
    X(1152, ARGUMENT) X(1280, ARGUMENT) X(1408, ARGUMENT) X(1536, ARGUMENT)                        \
    X(1664, ARGUMENT) X(1792, ARGUMENT) X(1920, ARGUMENT) X(2048, ARGUMENT)                        \
    X(2304, ARGUMENT) X(2560, ARGUMENT) X(2816, ARGUMENT) X(3072, ARGUMENT)                        \
    X(3328, ARGUMENT) X(3584, ARGUMENT) X(3840, ARGUMENT) X(4096, ARGUMENT)

/* The larger ones, which only the hardened mode uses: the last goes twice into a slab of 64 KiB. */
#define SIZE_CLASSES_LARGE(X, ARGUMENT)                                                            \
    X(5120, ARGUMENT) X(6144, ARGUMENT) X(7168, ARGUMENT) X(8176, ARGUMENT)                        \
    X(10912, ARGUMENT) X(13088, ARGUMENT) X(16368, ARGUMENT) X(21824, ARGUMENT)                    \
    X(32736, ARGUMENT)
/* clang-format on */

#endif
