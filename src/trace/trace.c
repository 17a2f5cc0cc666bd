#include "trace.h"

#include "inflate.h"
#include "lock.h"
#include "next.h"
#include "os.h"
#include "record.h"
#include "tagpool/profile_page.h"
#include "tagpool/trace_file.h"

#include <pthread.h>

enum mode { MODE_NOTHING, MODE_PROFILE, MODE_RECORD };

static struct lock trace_lock; /* covers all of profile, record and blocks */
static enum mode mode;
static bool started;
static uint32_t threads;              /* that called */
static _Thread_local uint32_t thread; /* number of the calling one, from 1; 0: none yet */
static unsigned forks_inside; /* forks under way while the lock was held by their own thread */

/* ---- the process ---- */

/* Runs once, in the first thread: there is no second one before libc is set up, and the constructor
 * runs before main(). */
static void start(void) {
    started = true;
    if (os_is_privileged())
        return;
    inflate_start();
    const char *profile = os_environment(TAGPOOL_PROFILE_VARIABLE);
    const char *record = os_environment(TAGPOOL_TRACE_VARIABLE);
    if (profile != NULL && profile_start(profile))
        mode = MODE_PROFILE;
    else if (profile == NULL && record != NULL && record_start(record))
        mode = MODE_RECORD;
}

static void number_thread(void) {
    if (LIKELY(thread != 0))
        return;
    thread = ++threads;
    if (mode == MODE_PROFILE)
        profile_note_threads(threads);
}

/* Take the lock. False if the call is not to be traced. */
static bool enter(void) {
    if (UNLIKELY(!started)) {
        if (!os_has_environment()) /* too early even to know what to do */
            return false;
        start();
    }
    if (mode == MODE_NOTHING)
        return false;
    if (UNLIKELY(lock_is_mine(&trace_lock))) {
        if (mode == MODE_PROFILE)
            profile_missed();
        else
            record_missed();
        return false;
    }
    lock_acquire(&trace_lock);
    number_thread();
    return true;
}

static void leave(void) {
    lock_release(&trace_lock);
}

/* ---- calls ---- */

void trace_taken(enum request request, const void *block, size_t alignment, size_t bytes) {
    if (!enter())
        return;
    if (mode == MODE_PROFILE && block == NULL)
        profile_failed();
    else if (mode == MODE_PROFILE)
        profile_take(request, block, bytes, thread);
    else if (block != NULL)
        record_take(request, block, alignment, bytes, thread - 1);
    leave();
}

void trace_giving(const void *block) {
    if (!enter())
        return;
    if (mode == MODE_PROFILE)
        profile_give(block, thread);
    else
        record_give(block, thread - 1);
    leave();
}

void trace_resizing(const void *block, struct trace_resize *resize) {
    resize->traced = enter();
    if (!resize->traced)
        return;
    if (mode == MODE_PROFILE)
        profile_resize_begin(block, &resize->known);
    else
        record_resize_begin(block, &resize->known);
    leave();
}

void trace_resized(const struct trace_resize *resize, const void *block, const void *moved,
                   size_t bytes) {
    if (!resize->traced || !enter())
        return;
    if (mode == MODE_PROFILE)
        profile_resize_end(&resize->known, block, moved, bytes, thread);
    else
        record_resize_end(&resize->known, moved, bytes, thread - 1);
    leave();
}

/* ---- fork, load and unload ---- */

/* As in lifecycle.c: a fork inside a signal handler may have interrupted a call that holds the
 * lock; then its copy in the child goes on and lets the lock go. */
static void before_fork(void) {
    if (lock_is_mine(&trace_lock))
        forks_inside++;
    else
        lock_acquire(&trace_lock);
}

static void after_fork(void) {
    if (forks_inside != 0)
        forks_inside--;
    else
        lock_release(&trace_lock);
}

/* A call that was interrupted left its work half done, in the child's copy of the blocks too. */
static void after_fork_in_child(void) {
    threads = 1;
    thread = 1;
    bool traced = false;
    if (mode == MODE_RECORD)
        record_after_fork();
    else if (mode == MODE_PROFILE && forks_inside != 0)
        profile_abandon();
    else if (mode == MODE_PROFILE)
        traced = profile_after_fork();
    if (!traced)
        mode = MODE_NOTHING;
    after_fork();
}

/* What pthread_atfork() names this library by, as in lifecycle.c. */
__attribute__((visibility("hidden"))) void *__dso_handle = &__dso_handle;

__attribute__((constructor)) static void load(void) {
    if (!started)
        start();
    next_start();
    if (mode != MODE_NOTHING)
        pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

__attribute__((destructor)) static void unload(void) {
    if (mode == MODE_NOTHING || lock_is_mine(&trace_lock))
        return;
    lock_acquire(&trace_lock);
    if (mode == MODE_PROFILE)
        profile_end();
    else
        record_end();
    lock_release(&trace_lock);
}
