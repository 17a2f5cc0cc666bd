#include "trace.h"

#include "fork.h"
#include "inflate.h"
#include "lock.h"
#include "next.h"
#include "os.h"
#include "record.h"
#include "tagpool/profile_page.h"
#include "tagpool/trace_file.h"

enum {
    /* The longest that a call waits for a fork before it goes untraced. In so long a fork copies
     * the page tables of 1 GiB; but it may be waiting for this very thread (lock.h). */
    FORK_PATIENCE_MS = 10,
    /* The longest that the end of the process waits for a thread that holds the lock. It may itself
     * be waiting for the end, in a signal handler that calls exit(). */
    END_PATIENCE_MS = 500,
};

enum mode { MODE_NOTHING, MODE_PROFILE, MODE_RECORD };

static struct lock trace_lock; /* covers all of profile, record and blocks */
static enum mode mode;
static bool started;
static uint32_t threads;              /* that called */
static _Thread_local uint32_t thread; /* number of the calling one, from 1; 0: none yet */

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
    if (LIKELY(lock_acquire_within(&trace_lock, LOCK_FOREVER, FORK_PATIENCE_MS))) {
        number_thread();
        return true;
    }
    if (mode == MODE_PROFILE)
        profile_missed();
    else
        record_missed();
    return false;
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

/* A call that was interrupted left its work half done, in the child's copy of the blocks too. */
static void after_fork_in_child(bool intact) {
    threads = 1;
    thread = 1;
    bool traced = false;
    if (mode == MODE_RECORD)
        record_after_fork();
    else if (mode == MODE_PROFILE && !intact)
        profile_abandon();
    else if (mode == MODE_PROFILE)
        traced = profile_after_fork();
    if (!traced)
        mode = MODE_NOTHING;
}

void trace_forks(void) {
    fork_guard(&trace_lock, NULL, after_fork_in_child);
}

__attribute__((constructor)) static void load(void) {
    if (!started)
        start();
    next_start();
    trace_forks();
}

/* A call of this thread that a handler interrupted to call exit() does not go on: what it holds may
 * be ended. */
__attribute__((destructor)) static void unload(void) {
    if (mode == MODE_NOTHING)
        return;
    bool interrupted = lock_is_mine(&trace_lock);
    if (!interrupted && !lock_acquire_within(&trace_lock, END_PATIENCE_MS, END_PATIENCE_MS))
        return;
    if (mode == MODE_PROFILE)
        profile_end();
    else
        record_end();
    if (!interrupted)
        lock_release(&trace_lock);
}
