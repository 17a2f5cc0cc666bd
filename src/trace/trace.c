#include "trace.h"

#include "environment.h"
#include "fork.h"
#include "inflate.h"
#include "lock.h"
#include "next.h"
#include "os.h"
#include "record.h"
#include "sample.h"
#include "tagpool/profile_page.h"
#include "tagpool/sites_page.h"
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

/* 1 in this process. 0 in a child that clone(2) made without the handlers of forks: it has our
 * files, and maybe a lock that a thread of its parent holds. */
static uint8_t *is_here;

/* ---- the process ---- */

static void note_process(void) {
    static uint8_t unknown = 1;
    size_t bytes = os_page_bytes();
    uint8_t *page = os_reserve(bytes, bytes);
    is_here =
        page != NULL && os_commit(page, bytes) && os_wipe_on_fork(page, bytes) ? page : &unknown;
    *is_here = 1;
}

COLD static void abandon(void) {
    if (mode == MODE_PROFILE)
        profile_abandon();
    else
        record_after_fork();
    mode = MODE_NOTHING;
}

/* Runs once, in the first thread: there is no second one before libc is set up, and the constructor
 * runs before main(). */
static void start(void) {
    started = true;
    if (os_is_privileged())
        return;
    inflate_start();
    const char *profile = environment_get(TAGPOOL_PROFILE_VARIABLE);
    const char *record = environment_get(TAGPOOL_TRACE_VARIABLE);
    const char *sites = environment_get(TAGPOOL_SITES_VARIABLE);
    if (profile != NULL && profile_start(profile, sites))
        mode = MODE_PROFILE;
    else if (profile == NULL && record != NULL && record_start(record))
        mode = MODE_RECORD;
    if (mode != MODE_NOTHING)
        note_process();
}

static void number_thread(void) {
    if (LIKELY(thread != 0))
        return;
    thread = ++threads;
    if (mode == MODE_PROFILE)
        profile_note_threads(threads);
}

/* True if calls are traced at all. */
static bool is_traced(void) {
    if (UNLIKELY(!started)) {
        if (!environment_is_there()) /* too early even to know what to do */
            return false;
        start();
    }
    if (mode != MODE_NOTHING && UNLIKELY(*is_here == 0))
        abandon();
    return mode != MODE_NOTHING;
}

/* Take the lock. False if the call is not to be traced. */
static bool enter(void) {
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

static void tell_taken(enum request request, const void *block, size_t alignment, size_t bytes,
                       const struct stack *stack) {
    if (!enter())
        return;
    if (mode == MODE_PROFILE && block == NULL)
        profile_failed();
    else if (mode == MODE_PROFILE)
        profile_take(request, block, bytes, thread, stack);
    else if (block != NULL)
        record_take(request, block, alignment, bytes, thread - 1);
    leave();
}

/* The stack is taken without the lock: threads need not wait for each other. */
static SLOW void tell_taken_at(enum request request, const void *block, size_t alignment,
                               size_t bytes) {
    struct stack stack;
    sites_take_stack(&stack);
    tell_taken(request, block, alignment, bytes, &stack);
}

void trace_taken(enum request request, const void *block, size_t alignment, size_t bytes) {
    if (!is_traced())
        return;
    if (sample_distance != 0 && block != NULL && sample_passes(bytes))
        return;
    if (sites_are_kept && block != NULL)
        tell_taken_at(request, block, alignment, bytes);
    else
        tell_taken(request, block, alignment, bytes, NULL);
}

void trace_giving(const void *block) {
    if (!is_traced() || (sample_distance != 0 && !sample_is_likely((uintptr_t)block)) || !enter())
        return;
    if (mode == MODE_PROFILE)
        profile_give(block, thread);
    else
        record_give(block, thread - 1);
    leave();
}

void trace_resizing(const void *block, struct trace_resize *resize) {
    resize->traced = is_traced();
    resize->known = (struct block){.address = 0};
    if (!resize->traced || (sample_distance != 0 && !sample_is_likely((uintptr_t)block)))
        return;
    resize->traced = enter();
    if (!resize->traced)
        return;
    if (mode == MODE_PROFILE)
        profile_resize_begin(block, &resize->known);
    else
        record_resize_begin(block, &resize->known);
    leave();
}

static void tell_resized(const struct trace_resize *resize, const void *block, const void *moved,
                         size_t bytes, const struct stack *stack, bool is_sampled) {
    if (!enter())
        return;
    if (mode == MODE_PROFILE && sample_distance != 0)
        profile_resample_end(&resize->known, moved, bytes, thread, stack, is_sampled);
    else if (mode == MODE_PROFILE)
        profile_resize_end(&resize->known, block, moved, bytes, thread, stack);
    else
        record_resize_end(&resize->known, moved, bytes, thread - 1);
    leave();
}

static SLOW void tell_resized_at(const struct trace_resize *resize, const void *block,
                                 const void *moved, size_t bytes, bool is_sampled) {
    struct stack stack;
    sites_take_stack(&stack);
    tell_resized(resize, block, moved, bytes, &stack, is_sampled);
}

void trace_resized(const struct trace_resize *resize, const void *block, const void *moved,
                   size_t bytes) {
    if (!resize->traced)
        return;
    bool is_sampled = sample_distance == 0 || (moved != NULL && !sample_passes(bytes));
    if (!is_sampled && resize->known.address == 0 && moved != NULL)
        return;
    if (sites_are_kept && is_sampled)
        tell_resized_at(resize, block, moved, bytes, is_sampled);
    else
        tell_resized(resize, block, moved, bytes, NULL, is_sampled);
}

/* ---- fork, load and unload ---- */

/* A call that was interrupted left its work half done, in the child's copy of the blocks too. */
static void after_fork_in_child(bool intact) {
    threads = 1;
    thread = 1;
    bool traced = false;
    if (is_here != NULL)
        *is_here = 1;
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
    if (!is_traced())
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
