/* Blocks straight from a heap, as route.h takes and gives them; for the tests of the core. */
#ifndef HEAP_CALLS_H
#define HEAP_CALLS_H

#include "checked_paths.h"
#include "config.h"
#include "heap.h"
#include "heap_life.h"
#include "idle.h"
#include "orphans.h"
#include "pattern.h"
#include "rescue.h"
#include "sweep.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static inline void start_pool(void) {
    slab_tag_start(0x123456789abcdef);
    region_start(config.pool_limit, config.retain);
    sweep_start(config.decay);
}

/* The class that serves a request, as route.c chooses it. */
static inline unsigned class_for(size_t bytes) {
    size_t slot_bytes = bytes + checked_tag_bytes;
    if (slot_bytes > SIZE_CLASS_MAX_BYTES)
        return LARGE_CLASS;
    if (checked_is_hardened && bytes == 0)
        return 0;
    return slot_bytes <= TAGPOOL_NODE_MAX ? size_class_of(slot_bytes)
                                          : size_class_of_large(slot_bytes);
}

/* NULL when the pool has no room. */
static inline void *take(size_t bytes) {
    struct bin *bin = heap_fill(heap_current, class_for(bytes));
    return bin != NULL ? heap_take_bin(bin) : NULL;
}

static inline void give(void *pointer) {
    static const struct call call = {.function = "free", .form = BLOCK_MALLOC};
    if (!heap_give(pointer))
        checked_give(heap_current, pointer, &call, CHECKED_BYTES_UNKNOWN, NULL);
}

/* Runs the function in `count` threads at once, at most 16, with the arguments `first`, `first` + 1
 * ... */
static inline void run_threads(void *(*function)(void *), size_t count, uintptr_t first) {
    pthread_t threads[16];
    for (size_t i = 0; i < count; i++)
        pthread_create(&threads[i], NULL, function, (void *)(first + i));
    for (size_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

/* What malloc_trim() and mallinfo() do, again and again until `left` threads are no more. */
static inline void trim_until_none(const _Atomic(unsigned) *left) {
    while (atomic_load(left) != 0) {
        struct heap_life_sums sums;
        heap_life_sum(&sums);
        (void)idle_trim();
        if (lock_acquire(&pool_lock)) {
            (void)(rescue_all() + orphans_trim() + region_trim(0));
            lock_release(&pool_lock);
        }
    }
}

/* Run `crime` in a child of its own; the signal that ended it (0: none), what it wrote to standard
 * error in `text`. */
static inline int die_of(void (*crime)(void), char *text, size_t text_bytes) {
    int ends[2];
    int status = 0;
    memset(text, 0, text_bytes);
    if (pipe(ends) != 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        crime();
        _exit(0);
    }
    close(ends[1]);
    for (size_t length = 0; length + 1 < text_bytes;) {
        ssize_t bytes = read(ends[0], text + length, text_bytes - 1 - length);
        if (bytes <= 0)
            break;
        length += (size_t)bytes;
    }
    close(ends[0]);
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

#endif
