/* A lock that never makes a thread wait for itself.
 *
 * It covers rare work: slabs that change hands and threads that come and go (pool_lock, in
 * region.h), or the order of traced calls (trace.c). It knows its holder, and whether that is a
 * call or a fork under way. Both matter, because a thread may come here while
 *
 *   it holds the lock itself: a signal handler interrupted a call of ours and allocates, forks or
 *       calls exit(), or another library's fork handler allocates;
 *   a fork in another thread holds it, and that fork waits for a lock which the thread has. fork()
 *       takes locks of the C library's own after all handlers: of streams, of popen(3), of the name
 *       service. Threads allocate while they hold those. Nobody can take all of them before ours,
 *       so nobody waits for a fork instead.
 *
 * lock_acquire() says no in both cases, and whoever asked does without the lock: the next allocator
 * serves a request, a freed block is delivered later.
 */
#ifndef LOCK_H
#define LOCK_H

#include "base.h"

/* What tells the calling thread from all others that run, and does not change by a fork. */
uintptr_t lock_this_thread(void);

/* lock_this_thread() of the holder; 0 if free. Its lowest bits, which are zero there, tell more
 * (lock.c). One word, so that there is no moment at which the lock is held and nobody knows by
 * whom: a signal may come at any. */
struct lock {
    _Atomic(uintptr_t) state;
};

/* Milliseconds without end. */
enum { LOCK_FOREVER = -1 };

/* Take the lock, waiting for calls in other threads. False, and not taken, if this thread holds it
 * or a fork does. Acquire order: what the last holder wrote is seen. */
__attribute__((warn_unused_result)) bool lock_acquire(struct lock *lock);

/* The same, waiting about so long for calls in other threads and so long for forks: for who can
 * afford to wait, but not for ever. When one thread has given a fork up, all do, until that fork is
 * over. */
__attribute__((warn_unused_result)) bool lock_acquire_within(struct lock *lock, int call_ms,
                                                             int fork_ms);

/* Let the lock go. Release order, the partner of lock_acquire(). */
void lock_release(struct lock *lock);

/* True if the calling thread holds the lock. */
bool lock_is_mine(const struct lock *lock);

/* Hold the lock for a fork that is about to begin, waiting for calls and forks in other threads. */
enum lock_fork {
    LOCK_TAKEN,   /* for this fork */
    LOCK_IN_CALL, /* this thread holds it already, in a call that a signal handler interrupted */
    LOCK_IN_FORK, /* or in a fork that one interrupted */
};
enum lock_fork lock_begin_fork(struct lock *lock);

/* That fork is over, in the parent or in the child. */
void lock_end_fork(struct lock *lock, enum lock_fork begun);

#endif
