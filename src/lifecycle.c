#include "lifecycle.h"

#include "config.h"
#include "os.h"
#include "stats.h"

#include <errno.h>
#include <pthread.h>

static struct config_complaints complaints;
static bool started;
static pthread_key_t thread_key;
static bool has_thread_key;
static unsigned forks_inside; /* forks under way while the lock was held by their own thread */

/* ---- the process ---- */

static const char *environment(const char *name) {
    return os_is_privileged() ? NULL : os_environment(name);
}

/* Read the options. Runs once, in the first thread: there is no second one
 * before libc is set up, and the constructor runs before main(). */
static void start(void) {
    started = true;
    config_read(&config, environment(TAGPOOL_OPTIONS_VARIABLE), &complaints);
    stats_start(environment(TAGPOOL_STATS_VARIABLE), config.strategy);
}

static void thread_ends(void *value) {
    struct heap *heap = value;
    if (heap == heap_current)
        heap_close(heap);
}

struct heap *lifecycle_heap(void) {
    struct heap *heap = heap_current;
    if (LIKELY(heap_is_real(heap)))
        return heap;
    if (heap == &heap_ended)
        return NULL;
    if (!started) {
        if (!os_has_environment()) /* too early even to read the options */
            return NULL;
        start();
    }
    heap = heap_open();
    /* May allocate (keys beyond glibc's first 32), so it comes when the heap can serve that. */
    int saved_errno = errno;
    if (heap != NULL && has_thread_key)
        pthread_setspecific(thread_key, heap);
    errno = saved_errno;
    return heap;
}

/* ---- fork ---- */

/* A fork inside a signal handler may have interrupted a call of ours that holds the lock, or
 * another fork between its handlers: then the child's copy of that call goes on and lets the lock
 * go, and nobody may wait for it here. */
static void before_fork(void) {
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

static void after_fork_in_child(void) {
    heap_after_fork(forks_inside == 0);
    after_fork();
}

/* ---- load and unload ---- */

/* What pthread_atfork() names this library by. The C start-up files define it; the library is
 * linked without them, because it needs nothing else of theirs and they make each start of a
 * program slower. */
__attribute__((visibility("hidden"))) void *__dso_handle = &__dso_handle;

/* A process that never allocates, as most short ones of a shell script do, gets no region and no
 * heap. */
__attribute__((constructor)) static void load(void) {
    if (!started)
        start();
    has_thread_key = pthread_key_create(&thread_key, thread_ends) == 0;
    if (has_thread_key && heap_is_real(heap_current))
        pthread_setspecific(thread_key, heap_current);
    pthread_atfork(before_fork, after_fork, after_fork_in_child);
    for (unsigned i = 0; i < complaints.count; i++)
        report_line(&complaints.lines[i]);
}

__attribute__((destructor)) static void unload(void) {
    heap_settle_counts();
    stats_end();
}
