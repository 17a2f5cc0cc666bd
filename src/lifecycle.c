#include "lifecycle.h"

#include "checked.h"
#include "config.h"
#include "cxx.h"
#include "fixed.h"
#include "heap_life.h"
#include "leaks.h"
#include "libc.h"
#include "next.h"
#include "os.h"
#include "stats.h"

#include <errno.h>
#include <pthread.h>

static FIXED bool started;
static FIXED bool is_serving; /* a first heap was asked for */
static FIXED pthread_key_t thread_key;
static FIXED bool has_thread_key;
static bool streams_are_locked; /* by a fork under way */
static unsigned forks_inside;   /* forks under way while the lock was held by their own thread */

/* ---- the process ---- */

static const char *environment(const char *name) {
    return os_is_privileged() ? NULL : os_environment(name);
}

/* Read the options. Runs once, in the first thread: there is no second one
 * before libc is set up, and the constructor runs before main(). */
static void start(void) {
    started = true;
    config_read(&config, environment(TAGPOOL_OPTIONS_VARIABLE), NULL);
    if (os_has_memory_tool())
        config.strategy = TAGPOOL_STRATEGY_DIRECT;
    fault_start(config.on_fault);
    stats_start(environment(TAGPOOL_STATS_VARIABLE), config.strategy,
                config.strategy == TAGPOOL_STRATEGY_TAGGED ? BLOCK_TAG_BYTES : 0);
}

/* The region comes with the first heap. Without one, all requests go to the next allocator. */
static void start_pool(void) {
    if (config.strategy == TAGPOOL_STRATEGY_DIRECT)
        return;
    slab_tag_start(os_random());
    region_start(config.pool_limit, config.retain);
    if (config.strategy == TAGPOOL_STRATEGY_TAGGED)
        checked_start();
    if (config.strategy == TAGPOOL_STRATEGY_TAGGED && config.harden != 0)
        checked_harden(config.quarantine, config.guard);
}

static void start_serving(void) {
    lock_acquire(&pool_lock);
    if (!is_serving) {
        is_serving = true;
        start_pool();
    }
    lock_release(&pool_lock);
}

static void thread_ends(void *value) {
    struct heap *heap = value;
    if (heap != heap_current)
        return;
    heap_life_close(heap);
}

struct heap *lifecycle_heap(void) {
    struct heap *heap = heap_current;
    if (LIKELY(heap_is_real(heap)))
        return heap;
    if (heap == (struct heap *)(uintptr_t)&heap_ended)
        return NULL;
    if (!started) {
        if (!os_has_environment()) /* too early even to read the options */
            return NULL;
        start();
    }
    start_serving();
    heap = heap_life_open();
    /* May allocate (keys beyond glibc's first 32), so it comes when the heap can serve that. */
    int saved_errno = errno;
    if (heap != NULL && has_thread_key)
        pthread_setspecific(thread_key, heap);
    errno = saved_errno;
    return heap;
}

/* ---- fork ---- */

/* A thread may need new slabs while it holds a stream's lock (getline(3)), another holds the list
 * of streams and waits for that stream (fflush(NULL)), and fork() locks the list after our handler
 * has run. So it is locked before our own lock here. One thread alone waits for nobody. */
static void lock_streams(void) {
    streams_are_locked =
        _IO_list_lock != NULL && (&__libc_single_threaded == NULL || __libc_single_threaded == 0);
    if (streams_are_locked)
        _IO_list_lock();
}

/* A fork inside a signal handler may have interrupted a call of ours that holds the lock, or
 * another fork between its handlers: then the child's copy of that call goes on and lets the lock
 * go, and nobody may wait for it here. */
static void before_fork(void) {
    lock_streams();
    if (lock_is_mine(&pool_lock))
        forks_inside++;
    else
        lock_acquire(&pool_lock);
}

static void after_fork(void) {
    if (forks_inside != 0)
        forks_inside--;
    else
        lock_release(&pool_lock);
}

static void after_fork_in_parent(void) {
    after_fork();
    if (streams_are_locked)
        _IO_list_unlock();
}

static void after_fork_in_child(void) {
    heap_life_after_fork(forks_inside == 0);
    after_fork();
    if (streams_are_locked)
        _IO_list_resetlock();
}

/* ---- load and unload ---- */

/* The C library has it for its own use, and for C++; atexit() is part of the start-up files. */
extern int __cxa_atexit(void (*function)(void *), void *argument, void *module);

/* What pthread_atfork() names this library by. The C start-up files define it; the library is
 * linked without them, because it needs nothing else of theirs and they make each start of a
 * program slower. Weak: a test that is linked with this file has theirs. */
__attribute__((visibility("hidden"), weak)) void *const __dso_handle =
    (void *)(uintptr_t)&__dso_handle;

/* The hardened mode sets at start what is set otherwise at the first need, and makes it read-only.
 * Not beside other threads, which may be about to set some of it: they are there only if something
 * loaded the library late. */
static void close_fixed(void) {
    if (os_thread_count() != 1)
        return;
    start_serving();
    (void)next();
    (void)cxx_replaced(CXX_Znwm);
    fixed_close();
}

/* Say what could not be understood of the options. start() may run too early to speak. */
COLD static void complain(const char *options) {
    struct config understood;
    struct config_complaints complaints;
    config_read(&understood, options, &complaints);
    for (unsigned i = 0; i < complaints.count; i++)
        fault_line(&complaints.lines[i]);
}

/* A process that never allocates, as most short ones of a shell script do, gets no region and no
 * heap. */
__attribute__((constructor)) static void load(void) {
    if (!started)
        start();
    next_start();
    has_thread_key = pthread_key_create(&thread_key, thread_ends) == 0;
    if (has_thread_key && heap_is_real(heap_current))
        pthread_setspecific(thread_key, heap_current);
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
    if (config.leaks != 0)
        __cxa_atexit(leaks_tell_at_end, NULL, NULL);
    const char *options = environment(TAGPOOL_OPTIONS_VARIABLE);
    if (options != NULL)
        complain(options);
    if (config.harden != 0)
        close_fixed();
}

__attribute__((destructor)) static void unload(void) {
    if (is_serving)
        heap_life_settle_counts();
    stats_end();
}
