#include "lock.h"

#include "assertion.h"
#include "kernel.h"
#include "libc.h"

#include <limits.h>
#include <stdatomic.h>
#include <time.h>

enum { LOCK_SPINS = 64 }; /* looks before sleeping: critical sections are shorter than a sleep */

#define LOCK_FREE ((uintptr_t)0)

/* Beside the holder, in the bits that no thread's address has. */
#define LOCK_AWAITED  ((uintptr_t)1) /* somebody may be asleep */
#define LOCK_FORK     ((uintptr_t)2) /* a fork holds it */
#define LOCK_GIVEN_UP ((uintptr_t)4) /* somebody waited for this fork in vain */
#define LOCK_FLAGS    (LOCK_AWAITED | LOCK_FORK | LOCK_GIVEN_UP)

/* Futexes have 32 bits: they wait on the half of the state that has the flags. */
enum { FUTEX_OFFSET_BYTES = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0 };

static void futex(struct lock *lock, int operation, uint32_t value,
                  const struct timespec *timeout) {
    KERNEL(futex, (uintptr_t)&lock->state + FUTEX_OFFSET_BYTES, operation | LIBC_FUTEX_PRIVATE,
           value, timeout);
}

/* Where a variable of its own lies. Aligned, so that the flags have room beside it. */
uintptr_t lock_this_thread(void) {
    static _Thread_local _Alignas(16) char mine;
    return (uintptr_t)&mine;
}

static void wake(struct lock *lock, int threads) {
    futex(lock, LIBC_FUTEX_WAKE, (uint32_t)threads, NULL);
}

static uintptr_t look(const struct lock *lock) {
    return atomic_load_explicit(&lock->state, memory_order_relaxed);
}

static bool try_acquire(struct lock *lock, uintptr_t holder) {
    uintptr_t expected = LOCK_FREE;
    return atomic_compare_exchange_strong_explicit(&lock->state, &expected, holder,
                                                   memory_order_acquire, memory_order_relaxed);
}

/* Set a flag if the lock is still held as `state` says; `state` is the newest afterwards. */
static void add_flag(struct lock *lock, uintptr_t *state, uintptr_t flag) {
    while (*state != LOCK_FREE && (*state & flag) == 0)
        if (atomic_compare_exchange_weak_explicit(&lock->state, state, *state | flag,
                                                  memory_order_relaxed, memory_order_relaxed))
            *state |= flag;
}

/* Sleep until the lock may be free, or what holds it has changed, or a millisecond has passed. */
static void await(struct lock *lock, uintptr_t state, bool for_ever) {
    static const struct timespec millisecond = {.tv_nsec = 1000000};
    uintptr_t seen = state;
    add_flag(lock, &state, LOCK_AWAITED);
    if ((state & ~LOCK_AWAITED) == (seen & ~LOCK_AWAITED))
        futex(lock, LIBC_FUTEX_WAIT, (uint32_t)state, for_ever ? NULL : &millisecond);
}

/* This thread does not wait any longer: whoever slept beside it looks for himself. */
static bool give_up(struct lock *lock, uintptr_t state, bool waited) {
    if (!waited)
        return false;
    if ((state & LOCK_FORK) != 0)
        add_flag(lock, &state, LOCK_GIVEN_UP);
    wake(lock, INT_MAX);
    return false;
}

/* The time left for one more nap; false if there is none. */
static bool spend(int *left_ms) {
    if (*left_ms > 0)
        --*left_ms;
    else if (*left_ms == 0)
        return false;
    return true;
}

/* Take a lock that was held a moment ago, with `holder` as its state. */
COLD static bool acquire_slow(struct lock *lock, uintptr_t holder, int call_ms, int fork_ms) {
    bool waited = false;
    for (int spin = 0; spin < LOCK_SPINS; spin++)
        if (try_acquire(lock, holder))
            return true;
    for (;;) {
        uintptr_t state = look(lock);
        bool is_fork = (state & LOCK_FORK) != 0;
        int *left_ms = is_fork ? &fork_ms : &call_ms;
        if ((state & ~LOCK_FLAGS) == lock_this_thread())
            return false;
        if (state != LOCK_FREE) {
            bool is_given_up = (state & LOCK_GIVEN_UP) != 0 && *left_ms != LOCK_FOREVER;
            if (is_given_up || !spend(left_ms))
                return give_up(lock, state, waited);
            waited = true;
            await(lock, state, *left_ms == LOCK_FOREVER);
        }
        /* With the flag, because others may have waited beside this thread. */
        if (try_acquire(lock, holder | LOCK_AWAITED))
            return true;
    }
}

FAST bool acquire(struct lock *lock, uintptr_t flags, int call_ms, int fork_ms) {
    uintptr_t holder = lock_this_thread() | flags;
    ASSERT((lock_this_thread() & LOCK_FLAGS) == 0);
    return LIKELY(try_acquire(lock, holder)) || acquire_slow(lock, holder, call_ms, fork_ms);
}

bool lock_acquire(struct lock *lock) {
    return acquire(lock, 0, LOCK_FOREVER, 0);
}

bool lock_acquire_within(struct lock *lock, int call_ms, int fork_ms) {
    return acquire(lock, 0, call_ms, fork_ms);
}

void lock_release(struct lock *lock) {
    ASSERT(lock_is_mine(lock));
    uintptr_t before = atomic_exchange_explicit(&lock->state, LOCK_FREE, memory_order_release);
    if ((before & LOCK_AWAITED) != 0)
        wake(lock, 1);
}

bool lock_is_mine(const struct lock *lock) {
    return (look(lock) & ~LOCK_FLAGS) == lock_this_thread();
}

enum lock_fork lock_begin_fork(struct lock *lock) {
    enum lock_fork begun = LOCK_TAKEN;
    if (!acquire(lock, LOCK_FORK, LOCK_FOREVER, LOCK_FOREVER))
        begun = (look(lock) & LOCK_FORK) != 0 ? LOCK_IN_FORK : LOCK_IN_CALL;
    uintptr_t state = look(lock);
    add_flag(lock, &state, LOCK_FORK);
    if ((state & LOCK_AWAITED) != 0) /* who sleeps waits for a call: now it is a fork */
        wake(lock, INT_MAX);
    return begun;
}

void lock_end_fork(struct lock *lock, enum lock_fork begun) {
    if (begun == LOCK_TAKEN)
        lock_release(lock);
    else if (begun == LOCK_IN_CALL)
        atomic_fetch_and_explicit(&lock->state, ~(LOCK_FORK | LOCK_GIVEN_UP), memory_order_relaxed);
}
