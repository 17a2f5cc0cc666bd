/* If this failed, blocks that other threads are about to take or free would count as leaked, or a
 * program would end otherwise because somebody looked for its leaks: with a signal lost, a thread
 * that does not go on, or never. */
#include "halt.h"
#include "kernel.h"
#include "tap.h"

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, HALTS = 15, SIGNALS = 300 };

/* ---- code that nobody may be found in ---- */

#define INSIDE                                                                                     \
    __attribute__((section("inside"), noinline, no_sanitize_thread, no_sanitize_address,           \
                   no_sanitize("undefined")))

extern const char __start_inside[], __stop_inside[];

static _Atomic(uint32_t) lock;
static unsigned long first, second; /* under the lock; the same outside of it */

/* In the C library's code; but a sanitizer's memset() calls others, and who is in those counts as
 * outside. Fewer bytes there: each takes some steps, and a busy machine takes long for each. */
#ifdef TAGPOOL_DEBUG
static char cleared[512];
#else
static char cleared[4096];
#endif

INSIDE static void clear(int byte) {
#ifdef TAGPOOL_DEBUG
    for (size_t i = 0; i < sizeof cleared; i++)
        *(volatile char *)&cleared[i] = (char)byte;
#else
    memset(cleared, byte, sizeof cleared);
#endif
}

INSIDE static void go_inside(void) {
    while (atomic_exchange_explicit(&lock, 1, memory_order_acquire) != 0)
        KERNEL(futex, &lock, FUTEX_WAIT_PRIVATE, 1, NULL);
    first++;
    clear((int)first);
    second++;
    atomic_store_explicit(&lock, 0, memory_order_release);
    KERNEL(futex, &lock, FUTEX_WAKE_PRIVATE, 1);
}

static atomic_bool is_over;
static _Atomic(unsigned) entered, ready;
static _Atomic(unsigned) unblocked; /* threads that found SIGTRAP not blocked any more */

static pid_t numbers[THREADS]; /* of the threads that are ready */

static void *come_and_go(void *argument) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTRAP);
    if (argument == NULL)
        pthread_sigmask(SIG_BLOCK, &set, NULL);
    numbers[atomic_fetch_add(&entered, 1)] = gettid();
    atomic_fetch_add(&ready, 1);
    while (!atomic_load(&is_over))
        go_inside();
    pthread_sigmask(SIG_BLOCK, NULL, &set);
    if (sigismember(&set, SIGTRAP) != (argument == NULL) || sigismember(&set, SIGRTMIN))
        atomic_fetch_add(&unblocked, 1);
    return argument;
}

static pthread_t threads[THREADS];

/* With SIGTRAP blocked if `argument` is NULL. */
static void start_threads_with(void *argument) {
    atomic_store(&entered, 0);
    atomic_store(&ready, 0);
    atomic_store(&is_over, false);
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, come_and_go, argument);
    while (atomic_load(&ready) != THREADS)
        usleep(1000);
}

static void start_threads(void) {
    start_threads_with(NULL);
}

static void join_threads(void) {
    atomic_store(&is_over, true);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static struct halt_code inside(void) {
    return (struct halt_code){.start = (uintptr_t)__start_inside, .end = (uintptr_t)__stop_inside};
}

/* False, and skipped, where the system lets nobody trace: under an emulator, in a sandbox. */
static bool may_trace(void) {
#ifdef __SANITIZE_ADDRESS__
    tap_skip("the address sanitizer does not know a helper that shares the stack");
    return false;
#endif
    pid_t child = fork();
    if (child == 0) {
        raise(SIGSTOP);
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, WUNTRACED);
    bool is_allowed = ptrace(PTRACE_SEIZE, child, 0, 0) == 0;
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    if (!is_allowed)
        tap_skip("no process may be traced here");
    return is_allowed;
}

/* ---- what is looked at ---- */

struct seen {
    unsigned threads;
    unsigned long first, second;
    uint32_t lock;
};

static void see(const struct halted *thread, void *context) {
    struct seen *seen = context;
    seen->threads += thread->stack != 0 && thread->count != 0;
}

__attribute__((no_sanitize_thread)) static void look(void *context) {
    struct seen *seen = context;
    *seen = (struct seen){.first = first,
                          .second = second,
                          .lock = atomic_load_explicit(&lock, memory_order_relaxed)};
    halt_each(see, context);
}

static void nobody_is_found_inside(void) {
    if (!may_trace())
        return;
    start_threads();
    for (int i = 0; i < HALTS; i++) {
        struct seen seen = {.threads = 0};
        unsigned unseen = 1;
        bool is_done = halt_others(inside(), look, &seen, &unseen);
        /* A sanitizer may have a thread of its own. */
        CHECK_SAY(is_done && unseen == 0 && seen.threads >= THREADS,
                  "%d done, %u threads seen, %u not", is_done, seen.threads, unseen);
        CHECK_SAY(seen.lock == 0 && seen.first == seen.second, "the lock is %u, %lu and %lu",
                  seen.lock, seen.first, seen.second);
        usleep(500);
    }
    join_threads();
    CHECK_SAY(atomic_load(&unblocked) == 0, "%u threads", atomic_load(&unblocked));
}

/* Sleeping, by the letter behind the name of the program. */
static bool is_asleep(pid_t thread) {
    char path[64], line[256] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)thread);
    FILE *file = fopen(path, "r");
    if (file == NULL || fgets(line, sizeof line, file) == NULL)
        line[0] = '\0';
    if (file != NULL)
        fclose(file);
    const char *name_end = strrchr(line, ')');
    return name_end != NULL && name_end[1] == ' ' && name_end[2] == 'S';
}

/* Once they are ready, the threads sleep for the lock and for nothing else. */
static void await_sleep(void) {
    enum { WAITS_MOST = 60000 };
    unsigned waits = 0;
    for (size_t i = 0; i < THREADS; i++)
        while (!is_asleep(numbers[i]) && waits++ < WAITS_MOST)
            usleep(1000);
    CHECK(waits < WAITS_MOST);
}

/* The lock is the main thread's, which does not let it go before all threads go on. */
static void who_waits_inside_goes_on_afterwards(void) {
    if (!may_trace())
        return;
    atomic_store(&lock, 1);
    start_threads_with(threads);
    for (int i = 0; i < 3; i++) {
        struct seen seen;
        unsigned unseen = 0;
        await_sleep();
        CHECK(halt_others(inside(), look, &seen, &unseen));
/* A sanitizer's build has the system call in a function of its own, which is outside. */
#ifndef TAGPOOL_DEBUG
        CHECK_SAY(unseen >= THREADS, "%u", unseen);
#endif
    }
    atomic_store(&is_over, true);
    atomic_store(&lock, 0);
    KERNEL(futex, &lock, FUTEX_WAKE_PRIVATE, THREADS);
    join_threads();
    CHECK(first == second);
    CHECK_SAY(atomic_load(&unblocked) == 0, "%u threads", atomic_load(&unblocked));
}

/* ---- signals ---- */

static _Atomic(unsigned) came[SIGNALS];
static _Atomic(unsigned) came_otherwise;

static void count_signal(int number, siginfo_t *info, void *context) {
    (void)number;
    (void)context;
    int value = info->si_value.sival_int;
    if (info->si_code == SI_QUEUE && value >= 0 && value < SIGNALS)
        atomic_fetch_add(&came[value], 1);
    else
        atomic_fetch_add(&came_otherwise, 1);
}

static void send_signals(pid_t process) {
    for (int i = 0; i < SIGNALS; i++) {
        while (sigqueue(process, SIGRTMIN, (union sigval){.sival_int = i}) != 0)
            usleep(1000);
        usleep(100);
    }
}

static void each_signal_comes_once_as_it_was_sent(void) {
    struct sigaction action = {.sa_sigaction = count_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
#ifdef __SANITIZE_THREAD__
    tap_skip("the thread sanitizer joins signals of one number");
    return;
#endif
    if (!may_trace())
        return;
    sigaction(SIGRTMIN, &action, NULL);
    sigaction(SIGTRAP, &action, NULL);
    start_threads();
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        send_signals(parent);
        _exit(0);
    }
    /* A thread in a handler is outside, also where that interrupted it inside: who waits for its
     * lock then goes unseen. */
    do {
        struct seen seen;
        unsigned unseen;
        CHECK(halt_others(inside(), look, &seen, &unseen));
    } while (waitpid(child, NULL, WNOHANG) == 0);
    join_threads();
    unsigned wrong = 0;
    for (int i = 0; i < SIGNALS; i++)
        wrong += atomic_load(&came[i]) != 1;
    CHECK_SAY(wrong == 0 && atomic_load(&came_otherwise) == 0,
              "%u came not once, %u as they were not sent", wrong, atomic_load(&came_otherwise));
    sigaction(SIGTRAP, NULL, &action);
    CHECK(action.sa_sigaction == count_signal);
}

/* ---- a helper that does not come to the end ---- */

static void meet_a_hole(void *context) {
    (void)context;
    *(volatile int *)(uintptr_t)16 = 0;
}

static void be_killed(void *context) {
    (void)context;
    kill((pid_t)KERNEL(getpid, 0), SIGKILL);
}

static void threads_go_on_when_the_helper_dies(void) {
    void (*const deaths[])(void *) = {meet_a_hole, be_killed};
    if (!may_trace())
        return;
    for (size_t i = 0; i < sizeof deaths / sizeof deaths[0]; i++) {
        unsigned unseen;
        start_threads();
        CHECK(!halt_others(inside(), deaths[i], NULL, &unseen));
        join_threads();
    }
    CHECK(waitpid(-1, NULL, __WALL) < 0);
}

int main(void) {
    TAP_RUN(nobody_is_found_inside);
    TAP_RUN(who_waits_inside_goes_on_afterwards);
    TAP_RUN(each_signal_comes_once_as_it_was_sent);
    TAP_RUN(threads_go_on_when_the_helper_dies);
    return tap_done();
}
