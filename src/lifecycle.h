/* When things begin and end: the process, its threads, forks.
 *
 * The first call of the malloc family may come before any constructor, from inside the loader.
 * lifecycle_heap() then starts what it needs (options, region, a heap), with nothing that could
 * allocate; the constructor does the rest (the thread key, fork handlers) and says what the options
 * had wrong.
 */
#ifndef LIFECYCLE_H
#define LIFECYCLE_H

#include "heap.h"

/* The heap of the calling thread, made at its first call. NULL if it has none: too early, thread
 * ending, no room, too many threads. Called when the fast path of heap_current found nothing. errno
 * is kept. */
struct heap *lifecycle_heap(void);

/* Hold pool_lock over forks, inside of all handlers that are registered after this: fork.h. */
void lifecycle_forks(void);

#endif
