/* If this failed, some program would crash or hang before main, at the start of a thread or on its
 * way out: each function of the family as the first call of a process, before any constructor, in a
 * constructor, as the first call of a thread, in destructors of threads and of the process. Every
 * combination runs in a process of its own, in which nothing was allocated before. */
#include "../harness/tap.h"
#include "behaviour.h"
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>

/* Calls one function and tells whether it did its duty. */
typedef bool operation_function(void);

static bool served(void *block, size_t size) {
    if (block == NULL || !is_aligned(block, 16) || malloc_usable_size(block) < size)
        return false;
    memset(block, 0x66, size);
    free(block);
    return true;
}

static bool first_malloc(void) {
    return served(malloc(opaque_size(40)), 40);
}
static bool first_malloc_large(void) {
    return served(malloc(opaque_size(300000)), 300000);
}
static bool first_calloc(void) {
    unsigned char *block = calloc(opaque_size(4), 10);
    return block != NULL && is_zero(block, 40) && served(block, 40);
}
static bool first_realloc(void) {
    return served(realloc(opaque(NULL), 40), 40);
}
static bool first_reallocarray(void) {
    return served(reallocarray(opaque(NULL), 4, 10), 40);
}
static bool first_free(void) {
    free(opaque(NULL));
    return true;
}
static bool first_free_of_a_foreign_block(void) {
    free(libc_malloc(40));
    return true;
}
static bool first_realloc_of_a_foreign_block(void) {
    unsigned char *block = libc_malloc(40);
    pattern_fill(block, 40, 1);
    block = realloc(block, 4000);
    return block != NULL && pattern_holds(block, 40, 1) && served(block, 4000);
}
static bool first_posix_memalign(void) {
    void *block = NULL;
    return posix_memalign(&block, 256, 300) == 0 && is_aligned(block, 256) && served(block, 300);
}
static bool first_aligned_alloc(void) {
    void *block = aligned_alloc(64, 128);
    return is_aligned(block, 64) && served(block, 128);
}
static bool first_memalign(void) {
    void *block = memalign(4096, 100);
    return is_aligned(block, 4096) && served(block, 100);
}
static bool first_valloc(void) {
    return served(valloc(opaque_size(100)), 100);
}
static bool first_pvalloc(void) {
    return served(pvalloc(opaque_size(100)), 4096);
}
static bool first_malloc_usable_size(void) {
    return malloc_usable_size(opaque(NULL)) == 0;
}
static bool first_malloc_usable_size_of_a_foreign_block(void) {
    return malloc_usable_size(libc_malloc(40)) >= 40;
}
static bool first_cfree(void) {
    void (*call)(void *) = (void (*)(void *))dlsym(RTLD_DEFAULT, "cfree");
    if (call != NULL)
        call(opaque(NULL));
    return call != NULL || !shim_is_loaded();
}
static bool first_free_sized(void) {
    void (*call)(void *, size_t) = (void (*)(void *, size_t))dlsym(RTLD_DEFAULT, "free_sized");
    if (call != NULL)
        call(opaque(NULL), 0);
    return call != NULL || !shim_is_loaded();
}
static bool first_free_aligned_sized(void) {
    void (*call)(void *, size_t, size_t) =
        (void (*)(void *, size_t, size_t))dlsym(RTLD_DEFAULT, "free_aligned_sized");
    if (call != NULL)
        call(opaque(NULL), 64, 0);
    return call != NULL || !shim_is_loaded();
}
static bool first_malloc_trim(void) {
    malloc_trim(0);
    return true;
}
static bool first_mallinfo(void) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    return mallinfo().uordblks >= 0;
#pragma GCC diagnostic pop
}
static bool first_mallinfo2(void) {
    return mallinfo2().uordblks < (size_t)1 << 40;
}
static bool first_malloc_info(void) {
    return malloc_info(0, stdout) == 0;
}
static bool first_malloc_stats(void) {
    malloc_stats();
    return true;
}
static bool first_mallopt(void) {
    return mallopt(M_MMAP_THRESHOLD, 1 << 20) == 1;
}
static bool first_operator_new(void) {
    void *(*make)(size_t) = (void *(*)(size_t))dlsym(RTLD_DEFAULT, "_Znwm");
    void (*delete)(void *) = (void (*)(void *))dlsym(RTLD_DEFAULT, "_ZdlPv");
    if (make == NULL || delete == NULL)
        return !shim_is_loaded();
    void *block = make(40);
    delete (memset(block, 1, 40));
    return block != NULL;
}
static bool first_aligned_operator_new(void) {
    void *(*make)(size_t, size_t) =
        (void *(*)(size_t, size_t))dlsym(RTLD_DEFAULT, "_ZnwmSt11align_val_t");
    void (*delete)(void *, size_t) =
        (void (*)(void *, size_t))dlsym(RTLD_DEFAULT, "_ZdlPvSt11align_val_t");
    if (make == NULL || delete == NULL)
        return !shim_is_loaded();
    void *block = make(40, 64);
    delete (memset(block, 1, 40), 64);
    return (uintptr_t)block % 64 == 0;
}

/* clang-format off */
#define OPERATIONS(X)                                                                              \
    X(malloc)                                                                                      \
    X(malloc_large)                                                                                \
    X(calloc)                                                                                      \
    X(realloc)                                                                                     \
    X(reallocarray)                                                                                \
    X(free)                                                                                        \
    X(free_of_a_foreign_block)                                                                     \
    X(realloc_of_a_foreign_block)                                                                  \
    X(posix_memalign)                                                                              \
    X(aligned_alloc)                                                                               \
    X(memalign)                                                                                    \
    X(valloc)                                                                                      \
    X(pvalloc)                                                                                     \
    X(malloc_usable_size)                                                                          \
    X(malloc_usable_size_of_a_foreign_block)                                                       \
    X(cfree)                                                                                       \
    X(free_sized)                                                                                  \
    X(free_aligned_sized)                                                                          \
    X(malloc_trim)                                                                                 \
    X(mallinfo)                                                                                    \
    X(mallinfo2)                                                                                   \
    X(malloc_info)                                                                                 \
    X(malloc_stats)                                                                                \
    X(mallopt)                                                                                     \
    X(operator_new)                                                                                \
    X(aligned_operator_new)
/* clang-format on */

static const struct operation {
    const char *name;
    operation_function *run;
} operations[] = {
#define OPERATION(name) {#name, first_##name},
    OPERATIONS(OPERATION)
#undef OPERATION
};
enum { OPERATION_COUNT = sizeof operations / sizeof operations[0] };

/* Where a child makes its first call. */
enum place {
    BEFORE_CONSTRUCTORS, /* the executable's preinit array runs before every library's constructor
                          */
    IN_CONSTRUCTOR,
    IN_MAIN,
    IN_THREAD,
    IN_KEY_DESTRUCTOR,      /* of a thread that allocated nothing */
    IN_LAST_KEY_DESTRUCTOR, /* in the last round of destructors, long after the library's own */
    IN_THREAD_LOCAL_DESTRUCTOR,
    AFTER_40_KEYS, /* keys from the 33rd on make pthread_setspecific allocate */
    IN_ATEXIT,
    IN_DESTRUCTOR,
    IN_FORKED_CHILD,
    PLACE_COUNT
};

static const char *const place_names[PLACE_COUNT] = {"before-constructors",
                                                     "constructor",
                                                     "main",
                                                     "thread",
                                                     "key-destructor",
                                                     "last-key-destructor",
                                                     "thread-local-destructor",
                                                     "40-keys",
                                                     "atexit",
                                                     "destructor",
                                                     "forked-child"};

/* What this child is to do; place is PLACE_COUNT in the test itself. */
static enum place chosen_place = PLACE_COUNT;
static operation_function *chosen_operation;

/* Does the call, then ordinary traffic that must work after it; ends the child if either fails. */
static void perform(void) {
    if (!chosen_operation())
        _exit(2);
    for (size_t size = 1; size < 1500; size += 37) {
        unsigned char *block = malloc(size);
        if (block == NULL)
            _exit(3);
        pattern_fill(block, size, (unsigned)size);
        block = realloc(block, size * 2);
        if (block == NULL || !pattern_holds(block, size, (unsigned)size))
            _exit(4);
        free(block);
    }
}

static void perform_at(enum place place) {
    if (chosen_place == place)
        perform();
}

static void before_constructors(int argc, char **argv, char **environment) {
    (void)environment;
    if (argc != 3)
        return;
    for (size_t i = 0; i < PLACE_COUNT; i++)
        if (strcmp(argv[1], place_names[i]) == 0)
            chosen_place = (enum place)i;
    for (size_t i = 0; i < OPERATION_COUNT; i++)
        if (strcmp(argv[2], operations[i].name) == 0)
            chosen_operation = operations[i].run;
    perform_at(BEFORE_CONSTRUCTORS);
}

__attribute__((section(".preinit_array"),
               used)) static void (*const preinit)(int, char **, char **) = before_constructors;

__attribute__((constructor)) static void in_constructor(void) {
    perform_at(IN_CONSTRUCTOR);
}

__attribute__((destructor)) static void in_destructor(void) {
    perform_at(IN_DESTRUCTOR);
}

static void in_atexit(void) {
    perform_at(IN_ATEXIT);
}

static pthread_key_t key;
static __thread int rounds_left = PTHREAD_DESTRUCTOR_ITERATIONS;

/* Sets the key again until the last round that the system runs for a thread. */
static void in_key_destructor(void *value) {
    rounds_left--;
    perform_at(IN_KEY_DESTRUCTOR);
    if (chosen_place == IN_LAST_KEY_DESTRUCTOR && rounds_left == 0)
        perform();
    if (rounds_left > 0)
        pthread_setspecific(key, value);
}

/* How a compiler registers the destructor of a C++ thread_local object. */
extern int __cxa_thread_atexit_impl(void (*destructor)(void *), void *object, void *library)
    __attribute__((weak));
extern void *__dso_handle;

static void in_thread_local_destructor(void *object) {
    (void)object;
    perform_at(IN_THREAD_LOCAL_DESTRUCTOR);
}

static void *thread_main(void *argument) {
    perform_at(IN_THREAD);
    if (chosen_place == IN_KEY_DESTRUCTOR || chosen_place == IN_LAST_KEY_DESTRUCTOR)
        pthread_setspecific(key, &key);
    if (chosen_place == IN_THREAD_LOCAL_DESTRUCTOR)
        __cxa_thread_atexit_impl(in_thread_local_destructor, NULL, &__dso_handle);
    if (chosen_place == AFTER_40_KEYS) {
        pthread_key_t keys[40];
        for (size_t i = 0; i < 40; i++)
            if (pthread_key_create(&keys[i], NULL) != 0 ||
                pthread_setspecific(keys[i], &keys[i]) != 0)
                _exit(5);
        perform();
        for (size_t i = 0; i < 40; i++)
            if (pthread_getspecific(keys[i]) != &keys[i])
                _exit(6);
    }
    return argument;
}

static int child_main(void) {
    pthread_t thread;
    int status = 0;
    perform_at(IN_MAIN);
    if (chosen_place == IN_FORKED_CHILD) {
        pid_t pid = fork();
        if (pid == 0) {
            perform();
            _exit(0);
        }
        return child_wait(pid, &status, CHILD_SECONDS) && status == 0 ? 0 : 7;
    }
    if (chosen_place == IN_ATEXIT)
        atexit(in_atexit);
    if (chosen_place < IN_THREAD || chosen_place > AFTER_40_KEYS)
        return 0;
    pthread_key_create(&key, in_key_destructor);
    if (pthread_create(&thread, NULL, thread_main, NULL) != 0)
        return 8;
    pthread_join(thread, NULL);
    return 0;
}

static const char *program;

static void check_place(enum place place) {
    static struct child child;
    for (size_t i = 0; i < OPERATION_COUNT; i++) {
        const char *const argv[] = {program, place_names[place], operations[i].name, NULL};
        child_run(&child, NULL, argv);
        CHECK_SAY(child_succeeded(&child), "%s first in %s: status %#x%s: %.300s",
                  operations[i].name, place_names[place], (unsigned)child.status,
                  child.late ? ", it hung" : "", child.err);
    }
}

static void each_name_may_be_called_before_any_constructor(void) {
    check_place(BEFORE_CONSTRUCTORS);
}
static void each_name_may_be_called_first_in_a_constructor(void) {
    check_place(IN_CONSTRUCTOR);
}
static void each_name_may_be_called_first_in_main(void) {
    check_place(IN_MAIN);
}
static void each_name_may_be_called_first_in_a_thread(void) {
    check_place(IN_THREAD);
}
static void each_name_may_be_called_in_a_key_destructor(void) {
    check_place(IN_KEY_DESTRUCTOR);
}
static void each_name_may_be_called_in_the_last_round_of_key_destructors(void) {
    check_place(IN_LAST_KEY_DESTRUCTOR);
}
static void each_name_may_be_called_in_a_thread_local_destructor(void) {
    if (__cxa_thread_atexit_impl == NULL)
        tap_skip("the C library has none");
    else
        check_place(IN_THREAD_LOCAL_DESTRUCTOR);
}
static void each_name_may_be_called_after_40_thread_keys(void) {
    check_place(AFTER_40_KEYS);
}
static void each_name_may_be_called_in_an_exit_handler(void) {
    check_place(IN_ATEXIT);
}
static void each_name_may_be_called_in_a_destructor(void) {
    check_place(IN_DESTRUCTOR);
}
static void each_name_may_be_called_first_in_a_forked_child(void) {
    check_place(IN_FORKED_CHILD);
}

int main(int argc, char **argv) {
    if (argc == 3)
        return chosen_operation != NULL && chosen_place != PLACE_COUNT ? child_main() : 9;
    program = argv[0];
    if (!LIBC_IS_GLIBC) {
        printf("1..0 # SKIP musl's loader runs nothing before constructors\n");
        return 0;
    }
    TAP_RUN(each_name_may_be_called_before_any_constructor);
    TAP_RUN(each_name_may_be_called_first_in_a_constructor);
    TAP_RUN(each_name_may_be_called_first_in_main);
    TAP_RUN(each_name_may_be_called_first_in_a_thread);
    TAP_RUN(each_name_may_be_called_in_a_key_destructor);
    TAP_RUN(each_name_may_be_called_in_the_last_round_of_key_destructors);
    TAP_RUN(each_name_may_be_called_in_a_thread_local_destructor);
    TAP_RUN(each_name_may_be_called_after_40_thread_keys);
    TAP_RUN(each_name_may_be_called_in_an_exit_handler);
    TAP_RUN(each_name_may_be_called_in_a_destructor);
    TAP_RUN(each_name_may_be_called_first_in_a_forked_child);
    return tap_done();
}
