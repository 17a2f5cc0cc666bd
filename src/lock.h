/* A lock that a fork inside an interrupted call survives: it knows which thread holds it.
 *
 * There is one lock in the library (pool_lock, in region.h); it covers rare work only: slabs that
 * change hands and threads that come and go. It is not recursive: a second acquire by the holder
 * would wait for ever. Code that may run in a signal handler asks lock_is_mine() first.
 */
#ifndef LOCK_H
#define LOCK_H

#include "base.h"

/* What tells the calling thread from all others that run, and does not change by a fork. */
uintptr_t lock_this_thread(void);

/* lock_this_thread() of the holder; 0 if free. The lowest bit is set if somebody may wait. One
 * word, so that there is no moment at which the lock is held and nobody knows by whom: a signal may
 * come at any. */
struct lock {
    _Atomic(uintptr_t) state;
};

/* Wait for the lock and take it. Acquire order: what the last holder wrote is seen. */
void lock_acquire(struct lock *lock);

/* Let the lock go. Release order, the partner of lock_acquire(). */
void lock_release(struct lock *lock);

/* True if the calling thread holds the lock. */
bool lock_is_mine(struct lock *lock);

#endif
