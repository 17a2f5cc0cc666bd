#include "lifecycle.h"

#include "checked.h"
#include "clock.h"
#include "config.h"
#include "cxx.h"
#include "environment.h"
#include "findings.h"
#include "fixed.h"
#include "fork.h"
#include "heap_life.h"
#include "inherited.h"
#include "leaks.h"
#include "libc.h"
#include "modules.h"
#include "next.h"
#include "origins.h"
#include "os.h"
#include "perturb.h"
#include "runtime.h"
#include "stats.h"
#include "sweep.h"

#include <errno.h>
#include <pthread.h>

static FIXED bool started;
static FIXED bool is_told; /* something, perhaps, by a variable of ours */
static FIXED bool has_complaints;
static FIXED bool is_serving; /* a first heap was asked for */
static FIXED pthread_key_t thread_key;
static FIXED bool has_thread_key;

/* ---- the process ---- */

/* NULL for all where none is set, as in most processes, which so look through their environment
 * once. */
AT_LOAD static const char *environment(const char *name) {
    return is_told ? environment_get(name) : NULL;
}

/* Read the options. Runs once, in the first thread: there is no second one
 * before libc is set up, and the constructor runs before main(). */
AT_LOAD static void start(void) {
    started = true;
    is_told = environment_has_any("TAGPOOL_") && !os_is_privileged();
    has_complaints = !config_read(&config, environment(TAGPOOL_OPTIONS_VARIABLE), NULL);
    if (environment_has_memory_tool() || next_is_partly_before())
        config.strategy = TAGPOOL_STRATEGY_DIRECT;
    perturb_read();
    fault_start(config.on_fault);
    stats_start(environment(TAGPOOL_STATS_VARIABLE), config.strategy,
                config.strategy == TAGPOOL_STRATEGY_TAGGED ? BLOCK_TAG_BYTES : 0);
    if (!findings_start(environment(TAGPOOL_FINDINGS_VARIABLE)) ||
        !stats_is_made(environment(TAGPOOL_STATS_VARIABLE)))
        has_complaints = true;
}

/* The region comes with the first heap. Without one, all requests go to the next allocator. */
static void start_pool(void) {
    if (config.strategy == TAGPOOL_STRATEGY_DIRECT)
        return;
    next_set_up_glibcs();
    slab_tag_start(os_random());
    region_start(config.pool_limit, config.retain);
    os_prepare_to_order_threads();
    sweep_start(config.decay);
    if (config.strategy == TAGPOOL_STRATEGY_TAGGED)
        checked_start();
    if (config.strategy == TAGPOOL_STRATEGY_TAGGED && config.harden != 0)
        checked_harden(config.quarantine, config.guard);
    if (config.origins != 0)
        origins_start(config.origins);
    perturb_start();
}

/* False if this is no moment for it. */
static bool start_serving(void) {
    if (!lock_acquire(&pool_lock))
        return false;
    if (!is_serving) {
        is_serving = true;
        start_pool();
    }
    lock_release(&pool_lock);
    return true;
}

static void thread_ends(void *value) {
    struct heap *heap = value;
    if (heap != heap_current)
        return;
    heap_life_close(heap);
}

/* May allocate (keys beyond glibc's first 32), so it comes when the heap can serve that. */
static void note_thread(struct heap *heap) {
    int saved_errno = errno;
    if (has_thread_key)
        pthread_setspecific(thread_key, heap);
    errno = saved_errno;
}

struct heap *lifecycle_heap(void) {
    struct heap *heap = heap_current;
    if (LIKELY(heap_is_real(heap)))
        return heap;
    if (heap == (struct heap *)(uintptr_t)&heap_ended)
        return NULL;
    if (!started) {
        if (!environment_is_there()) /* too early even to read the options */
            return NULL;
        start();
    }
    if (!start_serving())
        return NULL;
    heap = heap_is_real(heap_current) ? heap_current : heap_life_open();
    if (heap != NULL)
        note_thread(heap);
    return heap;
}

/* ---- fork ---- */

/* Threads that do not wait for a fork go to the next allocator. The first of them to do so finds
 * it, and the child would wait for a thread that it does not have: so glibc's is found here. One
 * thread alone has nobody beside it. Any other allocator has handlers of its own, which may have
 * taken its locks by now. */
static void before_fork(void) {
    static bool has_called;
    if (config.leaks != 0)
        inherited_before_fork();
    if (has_called || (&__libc_single_threaded != NULL && __libc_single_threaded != 0))
        return;
    has_called = true;
    if (next_is_glibcs())
        (void)next();
}

static void after_fork(bool intact) {
    modules_after_fork();
    findings_after_fork();
    heap_life_after_fork(intact);
    if (config.leaks != 0)
        inherited_after_fork();
}

AT_LOAD void lifecycle_forks(void) {
    fork_guard(&pool_lock, before_fork, after_fork);
}

/* The C library has it for its own use, and for C++; atexit() is part of the start-up files. */
APART COLD static void look_for_leaks_at_end(void) {
    typedef int registers(void (*function)(void *), void *argument, void *module);
    registers *at_exit = AS_FUNCTION(registers, next_symbol("__cxa_atexit"));
    if (at_exit != NULL)
        at_exit(leaks_tell_at_end, NULL, NULL);
}

/* The hardened mode sets at start what is set otherwise at the first need, and makes it read-only.
 * Not beside other threads, which may be about to set some of it: they are there only if something
 * loaded the library late. */
APART static void close_fixed(void) {
    if (os_thread_count() != 1 || !start_serving())
        return;
    (void)next();
    (void)cxx_replaced(CXX_Znwm);
    (void)clock_ns();
    fixed_close();
}

/* Say what could not be understood of the options. */
APART COLD static void complain_of_options(const char *options) {
    struct config understood;
    struct config_complaints complaints;
    config_read(&understood, options, &complaints);
    for (unsigned i = 0; i < complaints.count; i++)
        fault_line(&complaints.lines[i]);
}

APART COLD static void complain_of_page(void) {
    struct text line = {0};
    text_add(&line, TAGPOOL_STATS_VARIABLE ": no statistics are kept: no file of ");
    text_add_number(&line, sizeof(struct tagpool_stats_head) + sizeof(struct tagpool_stats_row));
    text_add(&line, " bytes can be made in ");
    text_add(&line, environment(TAGPOOL_STATS_VARIABLE));
    fault_line(&line);
}

APART COLD static void complain_of_findings(void) {
    struct text line = {0};
    text_add(&line, TAGPOOL_FINDINGS_VARIABLE ": the file has another layout; library and program "
                                              "must be of one release");
    fault_line(&line);
}

/* start() may run too early to speak. */
APART COLD static void complain(void) {
    complain_of_options(environment(TAGPOOL_OPTIONS_VARIABLE));
    if (!stats_is_made(environment(TAGPOOL_STATS_VARIABLE)))
        complain_of_page();
    if (findings_are_of_other_release())
        complain_of_findings();
}

/* A process that never allocates, as most short ones of a shell script do, gets no region and no
 * heap. The key and the handlers of forks do not wait for the first heap: it may come beside
 * threads (with musl, whose pthread_create() allocates nothing), or in a handler of a signal that
 * interrupts fork() where that holds the lock of the list of handlers. */
AT_LOAD __attribute__((constructor)) static void load(void) {
    if (!started)
        start();
    next_start();
    has_thread_key = pthread_key_create(&thread_key, thread_ends) == 0;
    lifecycle_forks();
    if (heap_is_real(heap_current))
        note_thread(heap_current);
    if (config.leaks != 0) {
        runtime_start();
        look_for_leaks_at_end();
    }
    if (has_complaints)
        complain();
    /* The call that opens the first heap leaves no origin, and its block is not filled. */
    if (config.origins != 0 || perturb_is_on)
        (void)lifecycle_heap();
    if (config.harden != 0)
        close_fixed();
}

AT_LOAD __attribute__((destructor)) static void unload(void) {
    if (is_serving)
        heap_life_settle_counts();
    if (is_told)
        stats_end();
}
