/* If this failed, a program would hang or crash as it ends, or as one of its threads does: exit()
 * in a signal handler at any moment, a thread that asks for its first block in its last destructor,
 * blocks taken and freed after everything else has ended. */
#include "../harness/tap.h"
#include "behaviour.h"
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/time.h>

enum { DEADLINE_SECONDS = 100, ROUNDS = 25, KEPT = 4096 };

static void check_process_with(void (*run)(long), long argument) {
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        run(argument);
        _exit(99);
    }
    CHECK_SAY(child_wait(pid, &status, DEADLINE_SECONDS), "with %ld: it hung", argument);
    CHECK_SAY(status == 0, "with %ld: status %#x", argument, (unsigned)status);
}

/* ---- exit() in a signal handler ---- */

static void leave(int number) {
    (void)number;
    exit(0);
}

static void stop_here(int number) {
    (void)number;
    abort();
}

static void set_timer(void (*handler)(int), long microseconds) {
    struct itimerval timer = {.it_value = {0, microseconds}};
    signal(SIGALRM, handler);
    setitimer(ITIMER_REAL, &timer, NULL);
}

static size_t traffic_bytes;

/* Takes and gives until the process ends; all are dropped now and then, so that slabs come and go.
 */
static void traffic(void) {
    static _Thread_local char *kept[KEPT];
    for (unsigned i = 0;; i++) {
        free(kept[i % KEPT]);
        kept[i % KEPT] = malloc(traffic_bytes);
        kept[i % KEPT][0] = 1;
        for (unsigned j = 0; i % 3000 == 0 && j < KEPT; j++) {
            free(kept[j]);
            kept[j] = NULL;
        }
    }
}

static void exit_in_handler(long microseconds) {
    set_timer(leave, microseconds);
    traffic();
}

static void check_exits(void (*run)(long)) {
    for (long i = 0; i < ROUNDS && tap.faults == 0; i++)
        check_process_with(run, 1000 + i * 313);
}

/* Only where the library serves blocks itself: glibc's own malloc may be interrupted by nothing
 * that exits, but it waits for no lock in one thread. */
static void exit_in_a_handler_that_interrupted_malloc_ends_the_program(void) {
    static const size_t sizes[] = {24, 1000, 4000, 60000, 200000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        traffic_bytes = sizes[i];
        check_exits(exit_in_handler);
    }
}

static void abort_in_handler(long microseconds) {
    signal(SIGABRT, leave);
    set_timer(stop_here, microseconds);
    traffic();
}

static void exit_in_a_handler_of_abort_ends_the_program(void) {
    traffic_bytes = 1000;
    check_exits(abort_in_handler);
}

static void fork_and_leave(int number) {
    (void)number;
    pid_t pid = fork();
    if (pid == 0)
        exit(0);
    waitpid(pid, NULL, 0);
}

/* Forks again and again; the handler interrupts a fork, and its child leaves. Not exit(): a child
 * that is made there waits in glibc's exit() for what its parent held. */
static void exit_in_fork(long microseconds) {
    set_timer(fork_and_leave, microseconds);
    for (int i = 0; i < 20; i++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    signal(SIGALRM, SIG_IGN);
    exit(0);
}

static void exit_in_a_handler_that_interrupted_fork_ends_the_program(void) {
    check_exits(exit_in_fork);
}

static void *wait_for_the_end(void *argument) {
    traffic();
    return argument;
}

/* The signal finds any of the threads. */
static void exit_beside_threads(long microseconds) {
    pthread_t thread;
    for (int i = 0; i < 3; i++)
        pthread_create(&thread, NULL, wait_for_the_end, NULL);
    set_timer(leave, microseconds);
    for (;;)
        pause();
}

static void exit_in_a_handler_of_a_thread_ends_the_program(void) {
    if (!pools_are_on()) {
        tap_skip("glibc's own malloc may wait for the thread that a handler interrupted");
        return;
    }
    traffic_bytes = 100;
    check_exits(exit_beside_threads);
}

/* ---- other ends ---- */

static void allocate_late(void) {
    for (size_t bytes = 1; bytes < 5000; bytes += 37)
        free(malloc(bytes));
}

static void *allocate_in_thread(void *argument) {
    allocate_late();
    return argument;
}

static void start_thread_late(void) {
    pthread_t thread;
    allocate_late();
    if (pthread_create(&thread, NULL, allocate_in_thread, NULL) == 0)
        pthread_join(thread, NULL);
}

static void end_quickly(long ignored) {
    (void)ignored;
    at_quick_exit(start_thread_late);
    quick_exit(0);
}

static void end_with_threads(long ignored) {
    (void)ignored;
    atexit(start_thread_late);
    exit(0);
}

static void *end_after_main(void *argument) {
    nap_ms(20);
    allocate_late();
    return argument;
}

/* The process ends when its last thread does. */
static void end_main_first(long ignored) {
    pthread_t thread;
    (void)ignored;
    atexit(allocate_late);
    allocate_late();
    pthread_create(&thread, NULL, end_after_main, NULL);
    pthread_exit(NULL);
}

static void functions_that_run_at_the_end_may_allocate_and_start_threads(void) {
    check_process_with(end_quickly, 0);
    check_process_with(end_with_threads, 0);
    check_process_with(end_main_first, 0);
}

/* ---- ends of threads ---- */

static pthread_key_t key;

static void ask_in_last_round(void *value) {
    uintptr_t round = (uintptr_t)value;
    if (round < PTHREAD_DESTRUCTOR_ITERATIONS)
        pthread_setspecific(key, (void *)(round + 1));
    else
        free(memset(malloc(100), 1, 100));
}

static void *set_key(void *argument) {
    pthread_setspecific(key, (void *)1);
    return argument;
}

/* Their heaps are not closed, because no destructor runs any more. */
static void first_requests_in_the_last_destructor_cost_no_memory(void) {
    enum { THREADS = 3000, SLACK_KIB = 4 << 10 };
    pthread_t thread;
    pthread_key_create(&key, ask_in_last_round);
    size_t before_kib = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&thread, NULL, set_key, NULL);
        pthread_join(thread, NULL);
        if (i == THREADS / 10)
            before_kib = resident_kib();
    }
    CHECK_SAY(resident_kib() <= before_kib + SLACK_KIB, "%zu KiB more",
              resident_kib() - before_kib);
    pthread_key_delete(key);
}

/* ---- limits that another process sets, or nobody ---- */

/* The pool's first blocks lie close together, and glibc's heap is terabytes away. */
static bool is_near(const void *block, const void *other) {
    uintptr_t a = (uintptr_t)block;
    uintptr_t b = (uintptr_t)other;
    return (a > b ? a - b : b - a) < (uintptr_t)1 << 30;
}

/* Its memory is the parent's, the limit its own. */
static void a_limit_in_a_child_of_vfork_takes_nothing_from_the_parent(void) {
    struct rlimit limit = {1 << 20, RLIM_INFINITY};
    enum { BLOCKS = 200000 };
    void *before = opaque(malloc(100));
    pid_t pid = vfork();
    if (pid == 0) {
        setrlimit(RLIMIT_AS, &limit);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    if (!pools_are_unlimited()) {
        tap_skip("only pools without a limit have a region that could be taken");
        return;
    }
    size_t elsewhere = 0;
    static void *block[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++) {
        block[i] = malloc(100);
        elsewhere += !is_near(block[i], before);
    }
    for (size_t i = 0; i < BLOCKS; i++)
        free(block[i]);
    free(before);
    CHECK_SAY(elsewhere == 0, "%zu blocks are not from the pool", elsewhere);
}

static void a_limit_that_is_not_given_is_answered_as_the_system_does(void) {
    const struct rlimit *none = opaque(NULL);
    CHECK(setrlimit(RLIMIT_AS, none) == 0 || errno == EFAULT);
    CHECK(prlimit(0, RLIMIT_AS, none, NULL) == 0);
}

int main(void) {
    TAP_RUN(exit_in_a_handler_that_interrupted_malloc_ends_the_program);
    TAP_RUN(exit_in_a_handler_of_abort_ends_the_program);
    TAP_RUN(exit_in_a_handler_that_interrupted_fork_ends_the_program);
    TAP_RUN(exit_in_a_handler_of_a_thread_ends_the_program);
    TAP_RUN(functions_that_run_at_the_end_may_allocate_and_start_threads);
    TAP_RUN(first_requests_in_the_last_destructor_cost_no_memory);
    TAP_RUN(a_limit_in_a_child_of_vfork_takes_nothing_from_the_parent);
    TAP_RUN(a_limit_that_is_not_given_is_answered_as_the_system_does);
    return tap_done();
}
