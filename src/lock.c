#include "lock.h"

#include "assertion.h"
#include "kernel.h"
#include "libc.h"

#include <stdatomic.h>

enum { LOCK_SPINS = 64 }; /* looks before sleeping: critical sections are shorter than a sleep */

#define LOCK_FREE    ((uintptr_t)0)
#define LOCK_AWAITED ((uintptr_t)1) /* beside the holder */

/* Futexes have 32 bits: they wait on the half of the state that has the flag. */
enum { FUTEX_OFFSET_BYTES = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0 };

static void futex(struct lock *lock, int operation, uint32_t value) {
    KERNEL(futex, (uintptr_t)&lock->state + FUTEX_OFFSET_BYTES, operation | LIBC_FUTEX_PRIVATE,
           value);
}

/* Where a variable of its own lies. Aligned, so that LOCK_AWAITED has room beside it. */
uintptr_t lock_this_thread(void) {
    static _Thread_local _Alignas(16) char mine;
    return (uintptr_t)&mine;
}

static bool try_acquire(struct lock *lock, uintptr_t holder) {
    uintptr_t expected = LOCK_FREE;
    return atomic_compare_exchange_strong_explicit(&lock->state, &expected, holder,
                                                   memory_order_acquire, memory_order_relaxed);
}

/* Sleep until the lock may be free. Returns at once if it is. */
static void await(struct lock *lock) {
    uintptr_t state = atomic_load_explicit(&lock->state, memory_order_relaxed);
    while (state != LOCK_FREE && (state & LOCK_AWAITED) == 0)
        if (atomic_compare_exchange_weak_explicit(&lock->state, &state, state | LOCK_AWAITED,
                                                  memory_order_relaxed, memory_order_relaxed))
            state |= LOCK_AWAITED;
    if (state != LOCK_FREE)
        futex(lock, LIBC_FUTEX_WAIT, (uint32_t)state);
}

void lock_acquire(struct lock *lock) {
    uintptr_t self = lock_this_thread();
    ASSERT((self & LOCK_AWAITED) == 0 && !lock_is_mine(lock));
    bool held = try_acquire(lock, self);
    for (int spin = 0; !held && spin < LOCK_SPINS; spin++)
        held = try_acquire(lock, self);
    while (!held) {
        await(lock);
        /* With the flag, because others may have waited beside this thread. */
        held = try_acquire(lock, self | LOCK_AWAITED);
    }
}

void lock_release(struct lock *lock) {
    ASSERT(lock_is_mine(lock));
    uintptr_t before = atomic_exchange_explicit(&lock->state, LOCK_FREE, memory_order_release);
    if ((before & LOCK_AWAITED) != 0)
        futex(lock, LIBC_FUTEX_WAKE, 1);
}

bool lock_is_mine(struct lock *lock) {
    uintptr_t state = atomic_load_explicit(&lock->state, memory_order_relaxed);
    return (state & ~LOCK_AWAITED) == lock_this_thread();
}
