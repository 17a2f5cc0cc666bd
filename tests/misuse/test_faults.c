/* If this failed, a misused pointer would corrupt the heap in silence, would be reported as
 * something else, or a correct program would be stopped. Every misuse runs in a process of its own
 * under the library, which must write exactly one line and abort; the control of each is the same
 * program without the misuse. */
#include "../harness/tap.h"
#include "../preload/behaviour.h"
#include <dlfcn.h>
#include <pthread.h>
#include <regex.h>
#include <stdatomic.h>
#include <sys/resource.h>

/* --- the wordings, each once --- */

enum fault {
    DOUBLE_FREE,
    INTERIOR,
    MISALIGNED,
    NEVER_ALLOCATED,
    USE_AFTER_FREE,
    USE_OF_INTERIOR,
    USE_OF_MISALIGNED,
    USE_OF_NEVER_ALLOCATED,
    FAULT_COUNT
};

static const struct {
    const char *text;  /* after "tagpool[PID]: " and before the address */
    const char *state; /* what the brackets end with */
} wording[FAULT_COUNT] = {
    [DOUBLE_FREE] = {"double free of", "freed block"},
    [INTERIOR] = {"free of interior pointer", "not at the start of its slot"},
    [MISALIGNED] = {"free of misaligned pointer", "not a multiple of 16"},
    [NEVER_ALLOCATED] = {"free of never-allocated pointer", "never handed out"},
    [USE_AFTER_FREE] = {"use of freed pointer", "freed block"},
    [USE_OF_INTERIOR] = {"use of interior pointer", "not at the start of its slot"},
    [USE_OF_MISALIGNED] = {"use of misaligned pointer", "not a multiple of 16"},
    [USE_OF_NEVER_ALLOCATED] = {"use of never-allocated pointer", "never handed out"},
};

/* --- the calls that a wrong pointer is passed to --- */

/* A call site of its own for each: the line must name this function's file and an offset inside it.
 */
#define CRIME __attribute__((noinline)) static void

typedef void pointer_function(void *);
typedef void pointer_size_function(void *, size_t);
typedef void pointer_size_size_function(void *, size_t, size_t);

/* Found before the misuse, so that the call itself is all that happens in a call site. */
static pointer_function *found_cfree, *found_delete, *found_delete_array;
static pointer_size_function *found_free_sized, *found_sized_delete;
static pointer_size_size_function *found_free_aligned_sized;

/* Keeps the call above it from becoming a jump, which would hide the call site. */
#define CALL_ENDS_HERE __asm__ volatile("" : : : "memory")

CRIME by_free(void *pointer) {
    free(pointer);
    CALL_ENDS_HERE;
}
CRIME by_cfree(void *pointer) {
    found_cfree(pointer);
    CALL_ENDS_HERE;
}
CRIME by_free_sized(void *pointer) {
    found_free_sized(pointer, 40);
    CALL_ENDS_HERE;
}
CRIME by_free_aligned_sized(void *pointer) {
    found_free_aligned_sized(pointer, 16, 40);
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
    found_sized_delete(pointer, 40);
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

struct call {
    pointer_function *run;
    const char *name; /* as the line names it */
};

static const struct call call_free = {by_free, "free()"};
static const struct call call_cfree = {by_cfree, "cfree()"};
static const struct call call_free_sized = {by_free_sized, "free_sized()"};
static const struct call call_free_aligned_sized = {by_free_aligned_sized, "free_aligned_sized()"};
static const struct call call_delete = {by_delete, "operator delete()"};
static const struct call call_delete_array = {by_delete_array, "operator delete[]()"};
static const struct call call_sized_delete = {by_sized_delete, "operator delete()"};
static const struct call call_realloc = {by_realloc, "realloc()"};
static const struct call call_realloc_in_place = {by_realloc_in_place, "realloc()"};
static const struct call call_reallocarray = {by_reallocarray, "reallocarray()"};
static const struct call call_usable_size = {by_malloc_usable_size, "malloc_usable_size()"};

/* --- how a wrong pointer comes about; each returns the pointer that the call gets --- */

typedef void *prepare_function(size_t bytes, bool misuse);

static void *take(size_t bytes) {
    return memset(malloc(bytes), 0x41, bytes);
}

/* The control of every case: a live block. */
static void *freed(size_t bytes, bool misuse) {
    void *block = take(bytes);
    if (misuse)
        free(opaque(block));
    return block;
}

/* Freed while many neighbours live, so that its slab is full again but for it. */
static void *freed_among_neighbours(size_t bytes, bool misuse) {
    void *block = NULL;
    for (int i = 0; i < 5000; i++) {
        void *neighbour = take(bytes);
        if (i == 2500)
            block = neighbour;
    }
    if (misuse)
        free(opaque(block));
    return block;
}

/* Freed, and a thousand other blocks after it. */
static void *freed_long_ago(size_t bytes, bool misuse) {
    void *block[1000];
    for (size_t i = 0; i < 1000; i++)
        block[i] = take(bytes);
    for (size_t i = misuse ? 0 : 1; i < 1000; i++)
        free(opaque(block[i]));
    return block[0];
}

static void *calloc_freed(size_t bytes, bool misuse) {
    void *block = calloc(1, bytes);
    if (misuse)
        free(opaque(block));
    return block;
}

static void *freed_by_realloc(size_t bytes, bool misuse) {
    void *block = take(bytes);
    if (misuse)
        opaque(realloc(opaque(block), 5000));
    return block;
}

static void *interior_of_live(size_t bytes, bool misuse) {
    char *block = take(bytes);
    return misuse ? block + 16 : block;
}

static void *interior_of_freed(size_t bytes, bool misuse) {
    char *block = take(bytes);
    if (misuse)
        free(opaque(block));
    return misuse ? block + 16 : block;
}

static void *last_16_of_live(size_t bytes, bool misuse) {
    char *block = take(bytes);
    return misuse ? block + (malloc_usable_size(block) - 16) : block;
}

static void *off_by_1(size_t bytes, bool misuse) {
    char *block = take(bytes);
    return misuse ? block + 1 : block;
}

static void *off_by_8(size_t bytes, bool misuse) {
    char *block = take(bytes);
    return misuse ? block + 8 : block;
}

/* The pools hand out the lowest address first: of a class that nobody used, the slots behind the
 * first block of a slab were never handed out. They are one stride, which is the usable size,
 * apart. */
static void *slot_never_taken(size_t bytes, bool misuse) {
    char *block = take(bytes);
    return misuse ? block + 7 * malloc_usable_size(block) : block;
}

/* Far behind all slabs, but still in the region that the library reserved. */
static void *slab_never_used(size_t bytes, bool misuse) {
    char *block = take(bytes);
    uintptr_t far = ((uintptr_t)block & ~(uintptr_t)0xffff) + ((uintptr_t)64 << 20);
    return misuse ? (void *)far : block;
}

static void *run_thread(void *(*function)(void *), void *argument) {
    pthread_t thread;
    void *result = NULL;
    pthread_create(&thread, NULL, function, argument);
    pthread_join(thread, &result);
    return result;
}

static void *thread_free(void *block) {
    free(block);
    return block;
}

static void *thread_take(void *bytes) {
    return take((size_t)(uintptr_t)bytes);
}

/* Another thread freed it; the owner frees it again. */
static void *freed_by_another_thread(size_t bytes, bool misuse) {
    void *block = take(bytes);
    if (misuse)
        run_thread(thread_free, block);
    return block;
}

/* As before, with traffic in between, so that the owner has taken the block back and given others
 * out. */
static void *freed_by_another_thread_and_folded(size_t bytes, bool misuse) {
    void *block[3000];
    for (size_t i = 0; i < 3000; i++)
        block[i] = take(bytes);
    if (misuse)
        run_thread(thread_free, block[1500]);
    for (size_t i = 0; i < 3000; i++)
        if (i != 1500 && i % 2 == 0)
            free(block[i]);
    return block[1500];
}

/* Owned by a thread that has ended; freed once before. */
static void *freed_after_its_thread_ended(size_t bytes, bool misuse) {
    void *block = run_thread(thread_take, (void *)(uintptr_t)bytes);
    if (misuse)
        free(opaque(block));
    return block;
}

static void *interior_of_ended_thread(size_t bytes, bool misuse) {
    char *block = run_thread(thread_take, (void *)(uintptr_t)bytes);
    return misuse ? block + 16 : block;
}

/* A thread that lives until the end of the process and takes or frees when told. */
static struct {
    pthread_barrier_t asked, done;
    void *(*function)(void *);
    void *argument, *result;
} helper;

static void *helper_main(void *argument) {
    for (;;) {
        pthread_barrier_wait(&helper.asked);
        helper.result = helper.function(helper.argument);
        pthread_barrier_wait(&helper.done);
    }
    return argument;
}

static void *ask_helper(void *(*function)(void *), void *argument) {
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

/* The living thread that owns it freed it; now this thread does. */
static void *freed_by_its_living_owner(size_t bytes, bool misuse) {
    void *block = ask_helper(thread_take, (void *)(uintptr_t)bytes);
    if (misuse)
        ask_helper(thread_free, block);
    return block;
}

/* Owned by a living thread; this thread freed it once and frees it again. */
static void *freed_twice_by_a_stranger(size_t bytes, bool misuse) {
    void *block = ask_helper(thread_take, (void *)(uintptr_t)bytes);
    if (misuse)
        free(opaque(block));
    return block;
}

static void *freed_by_two_strangers(size_t bytes, bool misuse) {
    void *block = ask_helper(thread_take, (void *)(uintptr_t)bytes);
    if (misuse)
        run_thread(thread_free, block);
    return block;
}

static void *interior_of_a_living_owner(size_t bytes, bool misuse) {
    char *block = ask_helper(thread_take, (void *)(uintptr_t)bytes);
    return misuse ? block + 16 : block;
}

static void *off_by_8_of_a_living_owner(size_t bytes, bool misuse) {
    char *block = ask_helper(thread_take, (void *)(uintptr_t)bytes);
    return misuse ? block + 8 : block;
}

/* The block was freed before the fork that made the process which frees it again. */
static void *freed_before_fork(size_t bytes, bool misuse) {
    void *block = take(bytes);
    if (misuse)
        free(opaque(block));
    pid_t pid = fork();
    if (pid != 0) {
        int status = 0;
        waitpid(pid, &status, 0);
        if (WIFSIGNALED(status)) {
            struct rlimit no_core = {0, 0};
            setrlimit(RLIMIT_CORE, &no_core);
            raise(WTERMSIG(status));
        }
        _exit(WEXITSTATUS(status));
    }
    return block;
}

/* --- the table of misuses --- */

static const size_t all_sizes[] = {1, 16, 24, 48, 64, 100, 200, 333, 512, 800, 1000, 1024, 0};
static const size_t from_32[] = {32, 48, 64, 100, 200, 512, 800, 1024, 0};
static const size_t few_sizes[] = {40, 512, 0};
static const size_t one_size[] = {40, 0};

static const struct misuse {
    const char *name;
    enum fault fault;
    const struct call *call;
    prepare_function *prepare;
    const size_t *sizes; /* ends with 0 */
} misuses[] = {
    {"free twice", DOUBLE_FREE, &call_free, freed, all_sizes},
    {"free twice, full slabs around", DOUBLE_FREE, &call_free, freed_among_neighbours, few_sizes},
    {"free twice, with 999 frees between", DOUBLE_FREE, &call_free, freed_long_ago, few_sizes},
    {"free twice what calloc gave", DOUBLE_FREE, &call_free, calloc_freed, few_sizes},
    {"free what realloc moved away", DOUBLE_FREE, &call_free, freed_by_realloc, few_sizes},
    {"cfree twice", DOUBLE_FREE, &call_cfree, freed, one_size},
    {"free_sized twice", DOUBLE_FREE, &call_free_sized, freed, one_size},
    {"free_aligned_sized twice", DOUBLE_FREE, &call_free_aligned_sized, freed, one_size},
    {"delete twice", DOUBLE_FREE, &call_delete, freed, one_size},
    {"delete[] twice", DOUBLE_FREE, &call_delete_array, freed, one_size},
    {"sized delete twice", DOUBLE_FREE, &call_sized_delete, freed, one_size},
    {"free twice, in another thread first", DOUBLE_FREE, &call_free, freed_by_another_thread,
     few_sizes},
    {"the same after much traffic", DOUBLE_FREE, &call_free, freed_by_another_thread_and_folded,
     few_sizes},
    {"free twice a block of an ended thread", DOUBLE_FREE, &call_free, freed_after_its_thread_ended,
     few_sizes},
    {"free what its living owner freed", DOUBLE_FREE, &call_free, freed_by_its_living_owner,
     few_sizes},
    {"free twice another thread's block", DOUBLE_FREE, &call_free, freed_twice_by_a_stranger,
     few_sizes},
    {"free twice in two other threads", DOUBLE_FREE, &call_free, freed_by_two_strangers, few_sizes},
    {"free in a forked child what was freed before", DOUBLE_FREE, &call_free, freed_before_fork,
     one_size},
    {"free 16 bytes into a block", INTERIOR, &call_free, interior_of_live, from_32},
    {"free the end of a block", INTERIOR, &call_free, last_16_of_live, from_32},
    {"free 16 bytes into a freed block", INTERIOR, &call_free, interior_of_freed, from_32},
    {"free 16 bytes into a block of an ended thread", INTERIOR, &call_free,
     interior_of_ended_thread, few_sizes},
    {"free 16 bytes into another thread's block", INTERIOR, &call_free, interior_of_a_living_owner,
     few_sizes},
    {"delete 16 bytes into a block", INTERIOR, &call_delete, interior_of_live, one_size},
    {"free 1 byte into a block", MISALIGNED, &call_free, off_by_1, all_sizes},
    {"free 8 bytes into a block", MISALIGNED, &call_free, off_by_8, all_sizes},
    {"free 8 bytes into another thread's block", MISALIGNED, &call_free, off_by_8_of_a_living_owner,
     few_sizes},
    {"free a slot that was never handed out", NEVER_ALLOCATED, &call_free, slot_never_taken,
     few_sizes},
    {"free in a slab that is not in use", NEVER_ALLOCATED, &call_free, slab_never_used, few_sizes},
    {"realloc what was freed", USE_AFTER_FREE, &call_realloc, freed, few_sizes},
    {"realloc to a size that fits what was freed", USE_AFTER_FREE, &call_realloc_in_place, freed,
     one_size},
    {"reallocarray what was freed", USE_AFTER_FREE, &call_reallocarray, freed, one_size},
    {"malloc_usable_size of what was freed", USE_AFTER_FREE, &call_usable_size, freed, few_sizes},
    {"realloc what another thread freed", USE_AFTER_FREE, &call_realloc, freed_by_another_thread,
     one_size},
    {"realloc 16 bytes into a block", USE_OF_INTERIOR, &call_realloc, interior_of_live, few_sizes},
    {"realloc 8 bytes into a block", USE_OF_MISALIGNED, &call_realloc, off_by_8, few_sizes},
    {"realloc a slot never handed out", USE_OF_NEVER_ALLOCATED, &call_realloc, slot_never_taken,
     one_size},
    {"malloc_usable_size inside a block", USE_OF_INTERIOR, &call_usable_size, interior_of_live,
     one_size},
    {"malloc_usable_size 1 byte into a block", USE_OF_MISALIGNED, &call_usable_size, off_by_1,
     one_size},
    {"realloc in a slab that is not in use", USE_OF_NEVER_ALLOCATED, &call_realloc, slab_never_used,
     one_size},
};
enum { MISUSES = sizeof misuses / sizeof misuses[0] };

/* --- the child --- */

static bool find_functions(void) {
    found_cfree = (pointer_function *)dlsym(RTLD_DEFAULT, "cfree");
    found_delete = (pointer_function *)dlsym(RTLD_DEFAULT, "_ZdlPv");
    found_delete_array = (pointer_function *)dlsym(RTLD_DEFAULT, "_ZdaPv");
    found_free_sized = (pointer_size_function *)dlsym(RTLD_DEFAULT, "free_sized");
    found_sized_delete = (pointer_size_function *)dlsym(RTLD_DEFAULT, "_ZdlPvm");
    found_free_aligned_sized =
        (pointer_size_size_function *)dlsym(RTLD_DEFAULT, "free_aligned_sized");
    return found_cfree != NULL && found_delete != NULL && found_delete_array != NULL &&
           found_free_sized != NULL && found_sized_delete != NULL &&
           found_free_aligned_sized != NULL;
}

/* Tells the test on stdout what the line must say: process, address, offset of the call site in
 * this file. */
static void announce(void *pointer, pointer_function *call) {
    Dl_info info;
    dladdr((void *)(uintptr_t)call, &info);
    dprintf(STDOUT_FILENO, "%d %p %zx\n", (int)getpid(), pointer,
            (size_t)((uintptr_t)call - (uintptr_t)info.dli_fbase));
}

/* Two threads free one block of a third at the same moment; mode "control": two blocks. */
static struct {
    atomic_int ready;
    void *block[2];
} race;

static void *race_main(void *argument) {
    atomic_fetch_add(&race.ready, 1);
    while (atomic_load(&race.ready) < 2)
        continue;
    free(race.block[(size_t)(uintptr_t)argument]);
    return argument;
}

static int race_child(bool with_misuse) {
    pthread_t thread[2];
    race.block[0] = take(40);
    race.block[1] = with_misuse ? race.block[0] : take(40);
    for (size_t i = 0; i < 2; i++)
        pthread_create(&thread[i], NULL, race_main, (void *)(uintptr_t)i);
    for (size_t i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    return 0;
}

static int child_main(char **argv) {
    const struct misuse *misuse = &misuses[strtoul(argv[1], NULL, 10)]; /* 0 for "race" */
    bool with_misuse = strcmp(argv[3], "misuse") == 0;
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    if (strcmp(argv[1], "race") == 0)
        return race_child(with_misuse);
    if (!find_functions())
        return 2;
    void *pointer = misuse->prepare(strtoul(argv[2], NULL, 10), with_misuse);
    announce(pointer, misuse->call->run);
    misuse->call->run(opaque(pointer));
    return 0;
}

/* --- the judgement --- */

static const char *program;

static void run_child(struct child *child, size_t index, size_t bytes, const char *mode) {
    char number[32], size[32], preload[512];
    const char *const argv[] = {program, number, size, mode, NULL};
    const char *const changes[] = {preload, "TAGPOOL_OPTIONS=strategy=metadata", NULL};
    snprintf(number, sizeof number, "%zu", index);
    snprintf(size, sizeof size, "%zu", bytes);
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s/libtagpool.so", build_folder());
    child_run(child, changes, argv);
}

/* The line is, whole: who, what, where; in brackets what is known; in which call, from where in the
 * program. */
static void check_line(const struct misuse *misuse, const struct child *child, size_t bytes) {
    enum { CLASS = 1, OFFSET = 2 };
    int pid = 0;
    void *pointer = NULL;
    size_t call_offset = 0;
    char expression[512];
    regex_t regex;
    regmatch_t match[3] = {{-1, -1}, {-1, -1}, {-1, -1}};
    CHECK(sscanf(child->out, "%d %p %zx", &pid, &pointer, &call_offset) == 3);
    char call_name[64] = "";
    for (const char *p = misuse->call->name; *p != '\0'; p++) /* brackets are taken literally */
        snprintf(call_name + strlen(call_name), sizeof call_name - strlen(call_name), "%s%c",
                 strchr("()[]", *p) != NULL ? "\\" : "", *p);
    snprintf(
        expression, sizeof expression,
        "^tagpool\\[%d\\]: %s %p \\(%s, %s\\) in %s called from test_faults\\+0x([0-9a-f]+)\n$",
        pid, wording[misuse->fault].text, pointer,
        misuse->prepare == slab_never_used ? "()slab [0-9]+"
                                           : "([0-9]+)-byte class, slot [0-9]+ of slab [0-9]+",
        wording[misuse->fault].state, call_name);
    CHECK(regcomp(&regex, expression, REG_EXTENDED) == 0);
    int failure = regexec(&regex, child->err, 3, match, 0);
    CHECK_SAY(failure == 0, "%s, %zu bytes: \"%s\" does not match %s", misuse->name, bytes,
              child->err, expression);
    regfree(&regex);
    if (failure != 0)
        return;
    if (misuse->prepare != slab_never_used) {
        size_t class_bytes = strtoul(child->err + match[CLASS].rm_so, NULL, 10);
        CHECK_SAY(class_bytes >= bytes && class_bytes <= bytes * 5 / 4 + 16,
                  "a class of %zu for %zu", class_bytes, bytes);
    }
    size_t offset = strtoul(child->err + match[OFFSET].rm_so, NULL, 16);
    CHECK_SAY(offset > call_offset && offset < call_offset + 96,
              "%s: called from %#zx, the call is at %#zx", misuse->name, offset, call_offset);
}

static void check_misuse(size_t index) {
    static struct child child;
    const struct misuse *misuse = &misuses[index];
    for (const size_t *bytes = misuse->sizes; *bytes != 0; bytes++) {
        run_child(&child, index, *bytes, "control");
        CHECK_SAY(child_succeeded(&child) && child.err[0] == '\0',
                  "the control (%zu bytes) ends with %#x: %s", *bytes, (unsigned)child.status,
                  child.err);
        run_child(&child, index, *bytes, "misuse");
        CHECK_SAY(!child.late && WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGABRT,
                  "%zu bytes: the status is %#x, not SIGABRT", *bytes, (unsigned)child.status);
        check_line(misuse, &child, *bytes);
    }
}

/* The same misuses go to the next allocator when the pools are off: no line of ours may appear. */
static void strategy_direct_reports_nothing_of_its_own(void) {
    static struct child child;
    char preload[512];
    const char *const argv[] = {program, "0", "40", "misuse", NULL};
    const char *const changes[] = {preload, "TAGPOOL_OPTIONS=strategy=direct", NULL};
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s/libtagpool.so", build_folder());
    child_run(&child, changes, argv);
    CHECK_SAY(strstr(child.err, "tagpool[") == NULL, "it wrote: %s", child.err);
    CHECK(WIFSIGNALED(child.status) &&
          WTERMSIG(child.status) == SIGABRT); /* glibc finds this one too */
}

/* Whoever comes second, however close, is caught. */
static void two_threads_that_free_at_one_moment_are_caught(void) {
    enum { RACES = 100 };
    static struct child child;
    char preload[512];
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s/libtagpool.so", build_folder());
    const char *const changes[] = {preload, "TAGPOOL_OPTIONS=strategy=metadata", NULL};
    const char *const control[] = {program, "race", "40", "control", NULL};
    const char *const misuse[] = {program, "race", "40", "misuse", NULL};
    child_run(&child, changes, control);
    CHECK_SAY(child_succeeded(&child) && child.err[0] == '\0', "the control ends with %#x: %s",
              (unsigned)child.status, child.err);
    for (int i = 0; i < RACES && tap.faults == 0; i++) {
        child_run(&child, changes, misuse);
        CHECK_SAY(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGABRT &&
                      strstr(child.err, "]: double free of ") != NULL,
                  "race %d: status %#x, \"%s\"", i, (unsigned)child.status, child.err);
    }
}

static void close_stderr(void) {
    close(STDERR_FILENO);
}

static void a_fault_stops_the_program_even_without_stderr(void) {
    static struct child child;
    char preload[512];
    const char *const argv[] = {program, "0", "40", "misuse", NULL};
    const char *const changes[] = {preload, "TAGPOOL_OPTIONS=strategy=metadata", NULL};
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s/libtagpool.so", build_folder());
    child_run_prepared(&child, changes, close_stderr, argv);
    CHECK(!child.late && WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGABRT);
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc == 4)
        return child_main(argv);
    for (size_t i = 0; i < MISUSES; i++) {
        check_misuse(i);
        tap_report(misuses[i].name);
    }
    TAP_RUN(strategy_direct_reports_nothing_of_its_own);
    TAP_RUN(two_threads_that_free_at_one_moment_are_caught);
    TAP_RUN(a_fault_stops_the_program_even_without_stderr);
    return tap_done();
}
