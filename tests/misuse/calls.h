/* The calls of the malloc family that the misuse tests make: how blocks are made and freed in C and
 * in C++, and in another thread.
 *
 * The operators are found by their linker names, so that the tests need no C++ compiler.
 */
#ifndef CALLS_H
#define CALLS_H

#include "misuse.h"
#include <pthread.h>

typedef void *make_function(size_t);
typedef void pointer_function(void *);
typedef void pointer_size_function(void *, size_t);
typedef void pointer_size_size_function(void *, size_t, size_t);

/* How a block is made, and must be freed. */
enum form { FORM_MALLOC, FORM_NEW, FORM_NEW_ARRAY, FORM_COUNT };

static const char *const form_makers[] = {"malloc", "operator new", "operator new[]"};

/* Found before the misuse, so that the call itself is all that happens in a call site. */
static make_function *makers[FORM_COUNT];
static pointer_function *found_cfree, *found_delete, *found_delete_array;
static pointer_size_function *found_free_sized, *found_sized_delete, *found_sized_delete_array;
static pointer_size_function *found_aligned_delete, *found_aligned_delete_array;
static pointer_size_size_function *found_free_aligned_sized;

SHARED void *find_function(const char *name) {
    void *found = dlsym(RTLD_DEFAULT, name);
    if (found == NULL) {
        printf("%s is missing\n", name);
        _exit(2);
    }
    return found;
}

SHARED void find_functions(void) {
    makers[FORM_MALLOC] = malloc;
    makers[FORM_NEW] = (make_function *)find_function("_Znwm");
    makers[FORM_NEW_ARRAY] = (make_function *)find_function("_Znam");
    found_cfree = (pointer_function *)find_function("cfree");
    found_delete = (pointer_function *)find_function("_ZdlPv");
    found_delete_array = (pointer_function *)find_function("_ZdaPv");
    found_free_sized = (pointer_size_function *)find_function("free_sized");
    found_sized_delete = (pointer_size_function *)find_function("_ZdlPvm");
    found_sized_delete_array = (pointer_size_function *)find_function("_ZdaPvm");
    found_aligned_delete = (pointer_size_function *)find_function("_ZdlPvSt11align_val_t");
    found_aligned_delete_array = (pointer_size_function *)find_function("_ZdaPvSt11align_val_t");
    found_free_aligned_sized = (pointer_size_size_function *)find_function("free_aligned_sized");
}

/* What take() makes, and what a call says the size and the alignment are. */
static enum form form;
static size_t given_bytes;
static size_t given_alignment = 16;

SHARED void *make(size_t bytes) {
    return makers[form](bytes);
}

SHARED void *take(size_t bytes) {
    return memset(make(bytes), 0x41, bytes);
}

/* Frees as it was made. */
SHARED void give(void *block) {
    pointer_function *const givers[] = {free, found_delete, found_delete_array};
    givers[form](opaque(block));
}

/* --- in another thread --- */

SHARED void *run_thread(void *(*function)(void *), void *argument) {
    pthread_t thread;
    void *result = NULL;
    pthread_create(&thread, NULL, function, argument);
    pthread_join(thread, &result);
    return result;
}

SHARED void *thread_give(void *block) {
    give(block);
    return block;
}

SHARED void *thread_take(void *bytes) {
    return take((size_t)(uintptr_t)bytes);
}

/* A thread that lives until the end of the process and does what it is told. */
static struct {
    pthread_barrier_t asked, done;
    void *(*function)(void *);
    void *argument, *result;
} helper;

SHARED void *helper_main(void *argument) {
    for (;;) {
        pthread_barrier_wait(&helper.asked);
        helper.result = helper.function(helper.argument);
        pthread_barrier_wait(&helper.done);
    }
    return argument;
}

SHARED void *ask_helper(void *(*function)(void *), void *argument) {
    static bool started;
    pthread_t thread;
    if (!started) {
        pthread_barrier_init(&helper.asked, NULL, 2);
        pthread_barrier_init(&helper.done, NULL, 2);
        pthread_create(&thread, NULL, helper_main, NULL);
        started = true;
    }
    helper.function = function;
    helper.argument = argument;
    pthread_barrier_wait(&helper.asked);
    pthread_barrier_wait(&helper.done);
    return helper.result;
}

/* --- the block that a misuse is about --- */

/* Whose it is: this thread's, the helper's, or that of a thread that has ended; or this thread's in
 * a slab of which another thread has freed a block that is not taken in yet. */
static enum { MADE_HERE, MADE_BY_HELPER, MADE_BY_ENDED, MADE_BESIDE_FREED } suspect_maker;

SHARED bool are_in_one_slab(const void *one, const void *other) {
    return ((uintptr_t)one ^ (uintptr_t)other) < 0x10000;
}

SHARED void *take_beside_freed(size_t bytes) {
    enum { TRIES = 64 };
    void *block = take(bytes);
    for (int i = 0; i < TRIES; i++) {
        void *other = take(bytes);
        if (!are_in_one_slab(block, other))
            continue;
        run_thread(thread_give, other);
        break;
    }
    return block;
}

SHARED void *take_suspect(size_t bytes) {
    void *argument = (void *)(uintptr_t)bytes;
    switch (suspect_maker) {
    case MADE_BY_HELPER:
        return ask_helper(thread_take, argument);
    case MADE_BY_ENDED:
        return run_thread(thread_take, argument);
    case MADE_BESIDE_FREED:
        return take_beside_freed(bytes);
    default:
        return take(bytes);
    }
}

/* --- the calls that a wrong pointer is passed to, each with a call site of its own: the line must
 * name this program and an offset inside the function --- */

#define CRIME __attribute__((noinline)) SHARED void

CRIME by_free(void *pointer) {
    free(pointer);
    CALL_ENDS_HERE;
}
CRIME by_cfree(void *pointer) {
    found_cfree(pointer);
    CALL_ENDS_HERE;
}
CRIME by_free_sized(void *pointer) {
    found_free_sized(pointer, given_bytes);
    CALL_ENDS_HERE;
}
CRIME by_free_aligned_sized(void *pointer) {
    found_free_aligned_sized(pointer, given_alignment, given_bytes);
    CALL_ENDS_HERE;
}
CRIME by_delete(void *pointer) {
    found_delete(pointer);
    CALL_ENDS_HERE;
}
CRIME by_delete_array(void *pointer) {
    found_delete_array(pointer);
    CALL_ENDS_HERE;
}
CRIME by_sized_delete(void *pointer) {
    found_sized_delete(pointer, given_bytes);
    CALL_ENDS_HERE;
}
CRIME by_sized_delete_array(void *pointer) {
    found_sized_delete_array(pointer, given_bytes);
    CALL_ENDS_HERE;
}
CRIME by_aligned_delete(void *pointer) {
    found_aligned_delete(pointer, given_alignment);
    CALL_ENDS_HERE;
}
CRIME by_aligned_delete_array(void *pointer) {
    found_aligned_delete_array(pointer, given_alignment);
    CALL_ENDS_HERE;
}
CRIME by_realloc(void *pointer) {
    opaque(realloc(pointer, 4000));
    CALL_ENDS_HERE;
}
CRIME by_realloc_in_place(void *pointer) {
    opaque(realloc(pointer, 33));
    CALL_ENDS_HERE;
}
CRIME by_reallocarray(void *pointer) {
    opaque(reallocarray(pointer, 10, 400));
    CALL_ENDS_HERE;
}
CRIME by_malloc_usable_size(void *pointer) {
    opaque_size(malloc_usable_size(pointer));
    CALL_ENDS_HERE;
}

/* What is no call of the family, but touches the block. */

/* How many bytes by_reuse() takes, until it meets the block. */
static size_t reused_bytes;

/* Frees and takes so much that every freed block of that size comes round again. */
CRIME by_reuse(void *pointer) {
    enum { KEPT = 2048 };
    static void *kept[KEPT];
    size_t most = (64 << 20) / (reused_bytes + 64);
    for (size_t i = 0; i < KEPT && i < most; i++)
        kept[i] = malloc(reused_bytes);
    for (size_t i = 0; i < KEPT && i < most; i++)
        free(kept[i]);
    for (size_t i = 0; i < 4096 && i < most; i++)
        kept[i % KEPT] = malloc(reused_bytes);
    opaque(pointer);
    CALL_ENDS_HERE;
}

CRIME by_read(void *pointer) {
    opaque_size((size_t)(unsigned char)*(volatile char *)pointer);
}

CRIME by_write(void *pointer) {
    *(volatile char *)pointer = 1;
}

struct call {
    pointer_function *run;
    const char *name; /* as the line names it */
    enum form form;   /* of the blocks that it may be given */
};

static const struct call call_free = {by_free, "free()", FORM_MALLOC};
static const struct call call_cfree = {by_cfree, "cfree()", FORM_MALLOC};
static const struct call call_free_sized = {by_free_sized, "free_sized()", FORM_MALLOC};
static const struct call call_free_aligned_sized = {by_free_aligned_sized, "free_aligned_sized()",
                                                    FORM_MALLOC};
static const struct call call_delete = {by_delete, "operator delete()", FORM_NEW};
static const struct call call_delete_array = {by_delete_array, "operator delete[]()",
                                              FORM_NEW_ARRAY};
static const struct call call_sized_delete = {by_sized_delete, "operator delete()", FORM_NEW};
static const struct call call_sized_delete_array = {by_sized_delete_array, "operator delete[]()",
                                                    FORM_NEW_ARRAY};
static const struct call call_aligned_delete = {by_aligned_delete, "operator delete()", FORM_NEW};
static const struct call call_aligned_delete_array = {by_aligned_delete_array,
                                                      "operator delete[]()", FORM_NEW_ARRAY};
static const struct call call_realloc = {by_realloc, "realloc()", FORM_MALLOC};
static const struct call call_realloc_in_place = {by_realloc_in_place, "realloc()", FORM_MALLOC};
static const struct call call_reallocarray = {by_reallocarray, "reallocarray()", FORM_MALLOC};
static const struct call call_usable_size = {by_malloc_usable_size, "malloc_usable_size()",
                                             FORM_MALLOC};
static const struct call call_reuse = {by_reuse, "malloc()", FORM_MALLOC};
static const struct call call_read = {by_read, "", FORM_MALLOC};
static const struct call call_write = {by_write, "", FORM_MALLOC};

/* What frees blocks of a form. */
static const struct call *const form_calls[] = {&call_free, &call_delete, &call_delete_array};

#endif
