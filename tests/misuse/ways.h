/* How a pointer comes to be one that no call may be given: freed, into a block, or to an address
 * that was never handed out. The other ways to misuse memory are in damage.h.
 *
 * A way prepares the memory and returns the pointer that the call gets. Its control, with `misuse`
 * false, returns a live block.
 */
#ifndef WAYS_H
#define WAYS_H

#include "calls.h"

typedef void *prepare_function(size_t bytes, bool misuse);

/* The control of every case: a live block. */
SHARED void *freed(size_t bytes, bool misuse) {
    void *block = take_suspect(bytes);
    if (misuse)
        give(block);
    return block;
}

/* Freed while many neighbours live, so that its slab is full again but for it. */
SHARED void *freed_among_neighbours(size_t bytes, bool misuse) {
    void *block = NULL;
    for (int i = 0; i < 5000; i++) {
        void *neighbour = take(bytes);
        if (i == 2500)
            block = neighbour;
    }
    if (misuse)
        give(block);
    return block;
}

/* Freed, and a thousand other blocks after it. Not in the lowest slot, which the next request gets:
 * starting a thread is some. */
SHARED void *freed_long_ago(size_t bytes, bool misuse) {
    enum { BLOCKS = 1000, ONE = 20 };
    void *block[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++)
        block[i] = take(bytes);
    if (misuse)
        give(block[ONE]);
    for (size_t i = 0; i < BLOCKS; i++)
        if (i != ONE)
            give(block[i]);
    return block[ONE];
}

SHARED void *calloc_freed(size_t bytes, bool misuse) {
    void *block = calloc(1, bytes);
    if (misuse)
        free(opaque(block));
    return block;
}

SHARED void *freed_by_realloc(size_t bytes, bool misuse) {
    void *block = take(bytes);
    if (misuse)
        opaque(realloc(opaque(block), bytes * 8 + 5000));
    return block;
}

/* Freed, and perhaps handed out again: whose it is then, only the program knows. */
SHARED void *freed_and_handed_out(size_t bytes, bool misuse) {
    void *block = take(bytes);
    if (misuse)
        give(block);
    for (int i = 0; misuse && i < 100; i++)
        if (take(bytes) == block)
            break;
    return block;
}

SHARED void *interior_of_live(size_t bytes, bool misuse) {
    char *block = take_suspect(bytes);
    return misuse ? block + 16 : block;
}

SHARED void *interior_of_freed(size_t bytes, bool misuse) {
    char *block = take(bytes);
    if (misuse)
        give(block);
    return misuse ? block + 16 : block;
}

SHARED void *last_16_of_live(size_t bytes, bool misuse) {
    char *block = take(bytes);
    return misuse ? block + ((bytes - 16) & ~(size_t)15) : block;
}

SHARED void *off_by_1(size_t bytes, bool misuse) {
    char *block = take(bytes);
    return misuse ? block + 1 : block;
}

SHARED void *off_by_8(size_t bytes, bool misuse) {
    char *block = take_suspect(bytes);
    return misuse ? block + 8 : block;
}

SHARED size_t common_divisor(size_t a, size_t b) {
    while (b != 0) {
        size_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

SHARED uintptr_t slab_of(const void *pointer) {
    return (uintptr_t)pointer & ~(uintptr_t)0xffff;
}

/* A slot between, before or behind slots of one slab of which some are known. */
SHARED void *slot_never_taken(size_t bytes, bool misuse) {
    enum { KNOWN = 12 };
    char *known[KNOWN];
    size_t stride = 0;
    for (int i = 0; i < KNOWN; i++) {
        known[i] = take(bytes);
        if (slab_of(known[i]) == slab_of(known[0]))
            stride = common_divisor((uintptr_t)known[i] > (uintptr_t)known[0]
                                        ? (size_t)(known[i] - known[0])
                                        : (size_t)(known[0] - known[i]),
                                    stride);
    }
    /* The pools hand out neighbours, or spread over the slab: 20 slots on, nobody else was. */
    for (size_t steps = 20; misuse && stride != 0; steps++) {
        char *slot = known[0] + steps * stride;
        if (slab_of(slot + stride) != slab_of(known[0]))
            break;
        bool is_known = false;
        for (int i = 0; i < KNOWN; i++)
            is_known = is_known || known[i] == slot;
        if (!is_known)
            return slot;
    }
    return known[0];
}

/* Far behind all slabs, but still in the region that the library reserved. */
SHARED void *slab_never_used(size_t bytes, bool misuse) {
    char *block = take(bytes);
    return misuse ? (void *)(slab_of(block) + ((uintptr_t)64 << 30)) : block;
}

/* A thread that does not own it freed it first. */
SHARED void *freed_by_another_thread(size_t bytes, bool misuse) {
    void *block = take_suspect(bytes);
    if (misuse)
        run_thread(thread_give, block);
    return block;
}

/* As before, with traffic in between, so that the owner has taken the block back and given others
 * out. */
SHARED void *freed_by_another_thread_and_folded(size_t bytes, bool misuse) {
    void *block[3000];
    for (size_t i = 0; i < 3000; i++)
        block[i] = take(bytes);
    if (misuse)
        run_thread(thread_give, block[1500]);
    for (size_t i = 0; i < 3000; i++)
        if (i != 1500 && i % 2 == 0)
            give(block[i]);
    return block[1500];
}

/* The helper thread, which owns it, freed it; now this thread does. */
SHARED void *freed_by_its_living_owner(size_t bytes, bool misuse) {
    void *block = take_suspect(bytes);
    if (misuse)
        ask_helper(thread_give, block);
    return block;
}

/* The block was freed before the fork that made the process which frees it again. */
SHARED void *freed_before_fork(size_t bytes, bool misuse) {
    void *block = take(bytes);
    if (misuse)
        give(block);
    pid_t pid = fork();
    if (pid != 0) {
        int status = 0;
        waitpid(pid, &status, 0);
        if (WIFSIGNALED(status))
            raise(WTERMSIG(status));
        _exit(WEXITSTATUS(status));
    }
    return block;
}

#endif
