/* What both libraries do about fork(): hold their lock over it, so that the child finds whole what
 * the lock covers; and do so inside of all other libraries' handlers.
 *
 * Handlers run from the outside in: those to prepare in the reverse order of registration, the
 * others in that order. A library that the program needs registers its own before any constructor
 * of a preloaded one has run. If its handlers came inside ours they would find the lock held: they
 * allocate, take locks under which other threads allocate, join threads. So both libraries export
 * the function by which handlers are registered, and register theirs before the first of others.
 * Nothing rests on that: lock.h says what becomes of who comes while a fork holds the lock, as
 * happens when a library is loaded by dlopen().
 *
 * fork() inside a signal handler that interrupted a call which holds the lock does not wait for
 * that call: the child's copy of the call goes on, and lets the lock go.
 */
#ifndef FORK_H
#define FORK_H

#include "lock.h"

typedef void fork_handler(void);

/* Hold a lock over forks from now on. Before it is taken, `before` runs, if not NULL. Before it is
 * let go in the child, `in_child` runs: `intact` is false if the fork interrupted a call that holds
 * the lock, in whatever state. Later calls do nothing. */
void fork_guard(struct lock *lock, fork_handler *before, void (*in_child)(bool intact));

/* Register handlers of others, after fork_guard(). `module` is what glibc knows the library by that
 * they are in. 0, or an error number. */
int fork_register(fork_handler *prepare, fork_handler *parent, fork_handler *child, void *module);

/* The exported functions by which libraries register handlers; `guard` is a call that leads to
 * fork_guard(). pthread_atfork() is part of each library that calls it, with glibc; with musl it is
 * musl's own. */
#ifdef __GLIBC__
#define FORK_EXPORT(guard)                                                                         \
    EXPORT int __register_atfork(fork_handler *prepare, fork_handler *parent, fork_handler *child, \
                                 void *module);                                                    \
    EXPORT int __register_atfork(fork_handler *prepare, fork_handler *parent, fork_handler *child, \
                                 void *module) {                                                   \
        guard;                                                                                     \
        return fork_register(prepare, parent, child, module);                                      \
    }
#else
#define FORK_EXPORT(guard)                                                                         \
    EXPORT int pthread_atfork(fork_handler *prepare, fork_handler *parent, fork_handler *child);   \
    EXPORT int pthread_atfork(fork_handler *prepare, fork_handler *parent, fork_handler *child) {  \
        guard;                                                                                     \
        return fork_register(prepare, parent, child, NULL);                                        \
    }
#endif

#endif
