/* If this failed, programs of many processes would lose memory or hang: storms of forks beside
 * threads that allocate, chains of exec, daemons that close every descriptor, a thousand threads at
 * one time, signals at any moment. */
#include "../harness/tap.h"
#include "behaviour.h"
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <sys/time.h>

enum { FORKS = 300, EXECS = 60, THREADS = 1000, BLOCKS = 50, DESCRIPTORS = 1024 };

static const char *program;

/* Blocks of many sizes taken, filled, checked and freed. */
static bool blocks_hold(unsigned seed) {
    unsigned char *block[BLOCKS];
    bool held = true;
    for (unsigned i = 0; i < BLOCKS; i++) {
        block[i] = malloc(1 + i * 23 % 1500);
        held &= block[i] != NULL;
        pattern_fill(block[i], 1 + i * 23 % 1500, seed + i);
    }
    for (unsigned i = 0; i < BLOCKS; i++) {
        held &= pattern_holds(block[i], 1 + i * 23 % 1500, seed + i);
        free(block[i]);
    }
    return held;
}

/* ---- forks ---- */

static atomic_bool stop;

static void *allocate_on(void *argument) {
    uintptr_t faults = 0;
    for (unsigned round = 0; !atomic_load(&stop); round++)
        faults += !blocks_hold(round);
    (void)argument;
    return (void *)faults;
}

/* Each second child forks once more. */
static bool fork_children(int count) {
    pid_t child[8];
    bool held = true;
    for (int i = 0; i < count; i += 8) {
        for (int j = 0; j < 8; j++) {
            child[j] = fork();
            if (child[j] != 0)
                continue;
            pid_t grandchild = j % 2 == 0 ? fork() : -1;
            int status = 0;
            if (grandchild > 0)
                child_wait(grandchild, &status, CHILD_SECONDS);
            _exit(blocks_hold((unsigned)i) && status == 0 ? 0 : 1);
        }
        for (int j = 0; j < 8; j++) {
            int status = -1;
            held &= child_wait(child[j], &status, CHILD_SECONDS) && status == 0;
        }
    }
    return held;
}

static void a_storm_of_forks_beside_threads_that_allocate_is_survived(void) {
    pthread_t thread[2];
    atomic_store(&stop, false);
    for (int i = 0; i < 2; i++)
        pthread_create(&thread[i], NULL, allocate_on, NULL);
    CHECK(fork_children(FORKS));
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++) {
        void *faults;
        pthread_join(thread[i], &faults);
        CHECK(faults == NULL);
    }
}

/* ---- exec ---- */

static int exec_main(int left) {
    char number[16];
    if (!blocks_hold((unsigned)left))
        return 1;
    if (left == 0)
        return 0;
    snprintf(number, sizeof number, "%d", left - 1);
    execl(program, program, "exec", number, (char *)NULL);
    return 2;
}

static void a_chain_of_exec_is_survived(void) {
    static struct child child;
    char number[16];
    snprintf(number, sizeof number, "%d", EXECS);
    const char *const argv[] = {program, "exec", number, NULL};
    child_run(&child, NULL, argv);
    CHECK_SAY(child_succeeded(&child), "status %#x: %.300s", (unsigned)child.status, child.err);
}

static void spawned_programs_run_while_threads_allocate(void) {
    pthread_t thread;
    atomic_store(&stop, false);
    pthread_create(&thread, NULL, allocate_on, NULL);
    for (int i = 0; i < 40; i++) {
        const char *const argv[] = {program, "exec", "0", NULL};
        pid_t pid;
        int status = -1;
        CHECK(posix_spawn(&pid, program, NULL, NULL, (char *const *)(uintptr_t)argv, environ) == 0);
        CHECK(child_wait(pid, &status, CHILD_SECONDS) && status == 0);
    }
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
}

/* ---- a daemon ---- */

/* As daemon(3) and stricter: every descriptor is closed, the library's too if it had any. It tells
 * by the one that is opened anew. */
static int daemon_main(const char *path) {
    unsigned char *before = malloc(100);
    pattern_fill(before, 100, 1);
    for (int file = 0; file < DESCRIPTORS; file++)
        close(file);
    if (fork() != 0)
        _exit(0);
    setsid();
    bool held = blocks_hold(2) && pattern_holds(before, 100, 1);
    free(before);
    for (unsigned i = 0; i < 200; i++)
        held &= blocks_hold(i);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    return write(file, held ? "y" : "n", 1) == 1 ? 0 : 1;
}

static void a_daemon_that_closes_all_descriptors_goes_on(void) {
    static struct child child;
    char path[] = "/tmp/tagpool-daemon-XXXXXX", answer = 0;
    int file = mkstemp(path);
    const char *const argv[] = {program, "daemon", path, NULL};
    child_run(&child, NULL, argv);
    CHECK(child_succeeded(&child));
    for (int waited_ms = 0; waited_ms < CHILD_SECONDS * 1000 && answer == 0; waited_ms += 5) {
        if (pread(file, &answer, 1, 0) != 1)
            nap_ms(5);
    }
    CHECK_SAY(answer == 'y', "the daemon said '%c'", answer);
    close(file);
    unlink(path);
}

/* ---- threads ---- */

static pthread_barrier_t all_here;

static void *hold_blocks(void *argument) {
    uintptr_t number = (uintptr_t)argument;
    unsigned char *own = malloc(64 + number % 700);
    pattern_fill(own, 64 + number % 700, (unsigned)number);
    pthread_barrier_wait(&all_here);
    bool held = blocks_hold((unsigned)number);
    if (!held || !pattern_holds(own, 64 + number % 700, (unsigned)number))
        return NULL;
    return own;
}

/* More threads than lanes of the statistics page, all alive together; the main thread frees what
 * they leave. */
static void a_thousand_threads_at_one_time_have_blocks_of_their_own(void) {
    static pthread_t thread[THREADS];
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 64 * 1024);
    pthread_barrier_init(&all_here, NULL, THREADS);
    for (uintptr_t i = 0; i < THREADS; i++)
        if (pthread_create(&thread[i], &attributes, hold_blocks, (void *)i) != 0) {
            printf("# thread %ju could not be started\n", (uintmax_t)i);
            exit(1); /* the others would wait for ever */
        }
    for (unsigned i = 0; i < THREADS; i++) {
        void *own;
        pthread_join(thread[i], &own);
        CHECK(own != NULL && pattern_holds(own, 64 + i % 700, i));
        free(own);
    }
}

/* ---- signals ---- */

static _Atomic(unsigned) signals_seen;

static void on_alarm(int number) {
    (void)number;
    atomic_fetch_add(&signals_seen, 1);
}

/* Handlers that do not allocate may interrupt a call at any point; system calls of ours that are
 * interrupted go on. */
static void signals_at_any_moment_do_no_harm(void) {
    struct sigaction action = {.sa_handler = on_alarm};
    struct itimerval timer = {{0, 200}, {0, 200}}, off = {{0, 0}, {0, 0}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
    for (unsigned i = 0; i < 4000 || (atomic_load(&signals_seen) < 100 && i < 400000); i++)
        CHECK(blocks_hold(i));
    malloc_trim(0);
    setitimer(ITIMER_REAL, &off, NULL);
    signal(SIGALRM, SIG_DFL);
    CHECK(atomic_load(&signals_seen) > 20);
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc == 3)
        return strcmp(argv[1], "exec") == 0 ? exec_main(atoi(argv[2])) : daemon_main(argv[2]);
    TAP_RUN(a_storm_of_forks_beside_threads_that_allocate_is_survived);
    TAP_RUN(a_chain_of_exec_is_survived);
    TAP_RUN(spawned_programs_run_while_threads_allocate);
    TAP_RUN(a_daemon_that_closes_all_descriptors_goes_on);
    TAP_RUN(a_thousand_threads_at_one_time_have_blocks_of_their_own);
    TAP_RUN(signals_at_any_moment_do_no_harm);
    return tap_done();
}
