#include "lock.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LOCK_FREE, LOCK_HELD, LOCK_AWAITED };

enum { LOCK_SPINS = 64 }; /* looks before sleeping: critical sections are shorter than a sleep */

static void futex(struct lock *lock, int operation, uint32_t value) {
    int saved_errno = errno;
    syscall(SYS_futex, &lock->state, operation | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
    errno = saved_errno;
}

static bool try_acquire(struct lock *lock) {
    uint32_t expected = LOCK_FREE;
    return atomic_compare_exchange_strong_explicit(&lock->state, &expected, LOCK_HELD,
                                                   memory_order_acquire, memory_order_relaxed);
}

void lock_acquire(struct lock *lock) {
    bool held = try_acquire(lock);
    for (int spin = 0; !held && spin < LOCK_SPINS; spin++)
        held = try_acquire(lock);
    while (!held) {
        held =
            atomic_exchange_explicit(&lock->state, LOCK_AWAITED, memory_order_acquire) == LOCK_FREE;
        if (!held)
            futex(lock, FUTEX_WAIT, LOCK_AWAITED);
    }
    atomic_store_explicit(&lock->holder, (uintptr_t)pthread_self(), memory_order_relaxed);
}

void lock_release(struct lock *lock) {
    ASSERT(lock_is_mine(lock));
    atomic_store_explicit(&lock->holder, 0, memory_order_relaxed);
    if (atomic_exchange_explicit(&lock->state, LOCK_FREE, memory_order_release) == LOCK_AWAITED)
        futex(lock, FUTEX_WAKE, 1);
}

bool lock_is_mine(struct lock *lock) {
    return atomic_load_explicit(&lock->holder, memory_order_relaxed) == (uintptr_t)pthread_self();
}
