/* How the command-line program asks libtagpool-trace.so to make allocation dearer.
 *
 * TAGPOOL_INFLATE_VARIABLE holds a number k, 0 to TAGPOOL_INFLATE_MOST: every request of up to
 * TAGPOOL_INFLATE_BYTES is followed by k pairs of malloc and free of the same size, passed to the
 * same allocator. From how the CPU time grows with k follows what it would be at k = -1: the
 * program without the cost of its own pairs. Larger requests are left alone: they are few, and
 * extra ones would change when the system's allocator goes to the kernel.
 */
#ifndef TAGPOOL_INFLATE_H
#define TAGPOOL_INFLATE_H

#define TAGPOOL_INFLATE_VARIABLE "TAGPOOL_INFLATE"

enum { TAGPOOL_INFLATE_MOST = 9, TAGPOOL_INFLATE_BYTES = 32768 };

#endif
