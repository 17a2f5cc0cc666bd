#include "fork.h"

#include "libc.h"
#include "next.h"

#include <errno.h>

static FIXED struct {
    struct lock *lock;
    fork_handler *before;
    void (*in_child)(bool intact);
    bool is_set;
} guard;

/* Of forks under way. Only the thread that holds the lock changes it. */
static struct {
    enum lock_fork begun; /* of the outermost one */
    unsigned inside;      /* forks that interrupted it */
} forks;

static void before_fork(void) {
    if (guard.before != NULL)
        guard.before();
    enum lock_fork begun = lock_begin_fork(guard.lock);
    if (begun == LOCK_IN_FORK)
        forks.inside++;
    else
        forks.begun = begun;
}

static void after_fork(void) {
    if (forks.inside != 0)
        forks.inside--;
    else
        lock_end_fork(guard.lock, forks.begun);
}

static void after_fork_in_child(void) {
    guard.in_child(forks.inside == 0 && forks.begun == LOCK_TAKEN);
    after_fork();
}

/* What handlers are registered with by the name of this library. The C start-up files define it;
 * both libraries are linked without them, because they need nothing else of theirs, and they make
 * each start of a program slower. Weak: a test that is linked with this file has theirs. */
__attribute__((visibility("hidden"), weak)) void *const __dso_handle =
    (void *)(uintptr_t)&__dso_handle;

#ifdef __GLIBC__
typedef int registers(fork_handler *, fork_handler *, fork_handler *, void *);
#define REGISTERS                                          "__register_atfork"
#define REGISTER(function, prepare, parent, child, module) function(prepare, parent, child, module)
#else
typedef int registers(fork_handler *, fork_handler *, fork_handler *);
#define REGISTERS                                          "pthread_atfork"
#define REGISTER(function, prepare, parent, child, module) function(prepare, parent, child)
#endif

/* The C library's, or that of another library behind us. */
static FIXED registers *next_registers;

AT_LOAD int fork_register(fork_handler *prepare, fork_handler *parent, fork_handler *child,
                          void *module) {
    (void)module;
    return next_registers != NULL ? REGISTER(next_registers, prepare, parent, child, module)
                                  : ENOSYS;
}

AT_LOAD void fork_guard(struct lock *lock, fork_handler *before, void (*in_child)(bool intact)) {
    /* Asked first: once all is set, none of it can be written any more (fixed.h). */
    if (__atomic_load_n(&guard.is_set, __ATOMIC_RELAXED) ||
        __atomic_exchange_n(&guard.is_set, true, __ATOMIC_RELAXED))
        return;
    guard.lock = lock;
    guard.before = before;
    guard.in_child = in_child;
    next_registers = AS_FUNCTION(registers, next_symbol(REGISTERS));
    fork_register(before_fork, after_fork, after_fork_in_child, (void *)(uintptr_t)&__dso_handle);
}
