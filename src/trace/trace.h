/* When tracing begins and ends, and the one lock that brings the calls of all threads in order.
 *
 * Each call of the family tells what it did here, and that goes on to profile or to record, as the
 * environment says; without either variable every function does nothing. The first call may come
 * before any constructor; nothing here allocates. A call from a signal handler that interrupted a
 * call in here is passed on untraced, and so is one that a fork would keep waiting for long: lock.h
 * says why. errno is kept.
 */
#ifndef TRACE_H
#define TRACE_H

#include "base.h"
#include "blocks.h"
#include "profile.h"

/* A block was allocated, or, NULL, could not be. `alignment` is that of REQUEST_ALIGNED, a power of
 * two. */
void trace_taken(enum request request, const void *block, size_t alignment, size_t bytes);

/* A block is about to be freed: said before, because after it the address may be another block's.
 */
void trace_giving(const void *block);

/* A block is about to be resized, to a size above 0; said again after it, with where it is now, or
 * NULL if there was no memory. */
struct trace_resize {
    bool traced;
    struct block known;
};
void trace_resizing(const void *block, struct trace_resize *resize);
void trace_resized(const struct trace_resize *resize, const void *block, const void *moved,
                   size_t bytes);

/* Hold the lock over forks, inside of all handlers that are registered after this: fork.h. */
void trace_forks(void);

#endif
