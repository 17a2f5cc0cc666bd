/* If this failed, programs that fork (shells, servers, Python's multiprocessing) would hang in the
 * child or find their memory damaged: fork while other threads allocate, and fork from a signal
 * handler that interrupted malloc. */
#include "../harness/tap.h"
#include "behaviour.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/time.h>

enum { THREADS = 3, PLACES = 400, DEADLINE_SECONDS = 100 };

static unsigned forks, signal_forks;

static atomic_bool stop;

/* Blocks that threads publish and others take: in a forked child the thread that owns them is gone.
 */
static _Atomic(unsigned char *) published[PLACES];
enum { PUBLISHED_BYTES = 72 };

/* Takes and gives blocks of all sizes until told to stop. Returns NULL when every byte held. */
static void *traffic(void *argument) {
    uint64_t random = (uintptr_t)argument;
    unsigned char *mine[64] = {NULL};
    size_t size[64] = {0};
    bool held = true;
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        size_t i = random_below(&random, 64);
        if (mine[i] != NULL)
            held &= pattern_holds(mine[i], size[i], (unsigned)i);
        free(mine[i]);
        size[i] = random_below(&random, random_below(&random, 40) == 0 ? 20000 : 600);
        mine[i] = malloc(size[i]);
        pattern_fill(mine[i], size[i], (unsigned)i);
        unsigned char *gift = malloc(PUBLISHED_BYTES);
        pattern_fill(gift, PUBLISHED_BYTES, 1);
        free(atomic_exchange(&published[random_below(&random, PLACES)], gift));
    }
    for (size_t i = 0; i < 64; i++)
        free(mine[i]);
    return held ? NULL : argument;
}

static void *short_thread(void *argument) {
    for (size_t size = 0; size < 1200; size += 11)
        free(malloc(size));
    return argument;
}

/* What a forked child does: uses what it inherited, allocates, starts a thread. The result is its
 * exit status. */
static int use_inherited_heap(void) {
    for (size_t i = 0; i < PLACES; i++) {
        unsigned char *block = atomic_load(&published[i]);
        if (block == NULL)
            continue;
        if (!pattern_holds(block, PUBLISHED_BYTES, 1))
            return 2;
        if (i % 2 == 0) {
            free(block);
        } else {
            block = realloc(block, 2000);
            if (block == NULL || !pattern_holds(block, PUBLISHED_BYTES, 1))
                return 3;
        }
    }
    for (size_t round = 0; round < 3; round++)
        for (size_t size = 0; size < 1500; size += 7) {
            void *block = malloc(size);
            if (block == NULL)
                return 4;
            memset(block, 0x11, size);
            free(block);
        }
    pthread_t thread;
    if (pthread_create(&thread, NULL, short_thread, NULL) != 0 || pthread_join(thread, NULL) != 0)
        return 5;
    return 0;
}

static void a_child_forked_while_threads_allocate_can_use_the_heap(void) {
    pthread_t thread[THREADS];
    atomic_store(&stop, false);
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, traffic, (void *)(uintptr_t)(i + 1));
    for (unsigned i = 0; i < forks; i++) {
        int status = -1;
        pid_t pid = fork();
        if (pid == 0)
            _exit(use_inherited_heap());
        CHECK_SAY(child_wait(pid, &status, DEADLINE_SECONDS), "fork %u: the child hung", i);
        CHECK_SAY(status == 0, "fork %u: the child ended with status %#x", i, (unsigned)status);
        if (tap.faults != 0)
            break;
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < THREADS; i++) {
        void *result = NULL;
        pthread_join(thread[i], &result);
        CHECK_SAY(result == NULL, "thread %zu of the parent lost bytes", i);
    }
    for (size_t i = 0; i < PLACES; i++)
        free(atomic_exchange(&published[i], NULL));
}

/* A child that runs it ends with 0: for pools that may grow. */
static void check_with_room(int (*run)(void)) {
    int status = -1;
    if (!pools_are_unlimited()) {
        tap_skip("only pools without a limit promise it");
        return;
    }
    pid_t pid = fork();
    if (pid == 0)
        _exit(run());
    CHECK_SAY(child_wait(pid, &status, CHILD_SECONDS) && status == 0, "status %#x",
              (unsigned)status);
}

static int tell_nothing_beside_forks(void) {
    pthread_t thread[THREADS];
    FILE *told = tmpfile();
    dup2(fileno(told), STDERR_FILENO);
    atomic_store(&stop, false);
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, traffic, (void *)(uintptr_t)(i + 1));
    for (unsigned i = 0; i < forks; i++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        waitpid(pid, NULL, 0);
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    return lseek(STDERR_FILENO, 0, SEEK_END) == 0 ? 0 : 1;
}

/* A fork in another thread passes: a request waits for it, and no hardened block goes without its
 * guards. */
static void a_fork_in_another_thread_is_no_lack_of_room(void) {
    check_with_room(tell_nothing_beside_forks);
}

/* A child of a child of a child: each inherits what the one before left. */
static void generations_of_forks_keep_the_heap(void) {
    unsigned char *block[6];
    int status = -1;
    pid_t first = fork();
    if (first == 0) {
        for (size_t depth = 0; depth < 6; depth++) {
            block[depth] = malloc(200);
            pattern_fill(block[depth], 200, (unsigned)depth);
            pid_t next = fork();
            if (next != 0)
                _exit(child_wait(next, &status, DEADLINE_SECONDS) && status == 0 ? 0 : 1);
            for (size_t i = 0; i <= depth; i++)
                if (!pattern_holds(block[i], 200, (unsigned)i))
                    _exit(2);
        }
        for (size_t i = 0; i < 6; i++)
            free(block[i]);
        exit(0);
    }
    CHECK(child_wait(first, &status, DEADLINE_SECONDS) && status == 0);
}

enum { HELD_BYTES = 200, HELD_COUNT = (30 << 20) / HELD_BYTES, HELD_SLACK_KIB = 8 << 10 };

static void *kept[HELD_COUNT];
static pthread_barrier_t held_ready, held_over;

static void take_held(void) {
    for (size_t i = 0; i < HELD_COUNT; i++)
        kept[i] = memset(malloc(HELD_BYTES), 1, HELD_BYTES);
}

static void *hold(void *argument) {
    take_held();
    pthread_barrier_wait(&held_ready);
    pthread_barrier_wait(&held_over);
    return argument;
}

/* Frees what the thread of the parent held, and takes as much again. */
static int use_memory_again(void) {
    size_t before_kib = resident_kib();
    for (size_t i = 0; i < HELD_COUNT; i++)
        free(kept[i]);
    take_held();
    return resident_kib() <= before_kib + HELD_SLACK_KIB ? 0 : 2;
}

/* glibc's child cannot: the memory of the thread stays in that thread's arena. */
static void memory_of_threads_that_are_gone_is_used_again_in_the_child(void) {
    pthread_t thread;
    int status = -1;
    if (!pools_are_unlimited()) {
        tap_skip("only pools without a limit promise it");
        return;
    }
    pthread_barrier_init(&held_ready, NULL, 2);
    pthread_barrier_init(&held_over, NULL, 2);
    pthread_create(&thread, NULL, hold, NULL);
    pthread_barrier_wait(&held_ready);
    pid_t pid = fork();
    if (pid == 0)
        _exit(use_memory_again());
    CHECK_SAY(child_wait(pid, &status, DEADLINE_SECONDS) && status == 0, "status %#x",
              (unsigned)status);
    pthread_barrier_wait(&held_over);
    pthread_join(thread, NULL);
    for (size_t i = 0; i < HELD_COUNT; i++)
        free(kept[i]);
}

/* --- fork from a signal handler --- */

static volatile sig_atomic_t forks_done, children_failed, in_child;

/* Forks in the middle of whatever was interrupted. Both processes return into it. */
static void fork_here(int number) {
    (void)number;
    int saved = errno;
    if (in_child || forks_done >= (int)signal_forks)
        return;
    pid_t pid = fork();
    if (pid == 0)
        in_child = 1;
    else
        forks_done++;
    errno = saved;
}

static void set_timer(long microseconds) {
    struct itimerval timer = {{0, microseconds}, {0, microseconds}};
    setitimer(ITIMER_REAL, &timer, NULL);
}

/* Takes and gives whole slabs: the calls that hold the pool's lock. */
static void take_and_give_slabs(void) {
    enum { MANY = 200, BYTES = 1000 };
    void *block[MANY];
    for (size_t i = 0; i < MANY; i++)
        block[i] = malloc(BYTES);
    for (size_t i = 0; i < MANY; i++)
        free(block[i]);
}

/* Node-sized traffic; a forked child leaves it after `child_steps` more steps. True when every byte
 * held. */
static bool interrupted_traffic(void) {
    enum { LIVE = 100 };
    static unsigned char *block[LIVE];
    static size_t size[LIVE];
    uint64_t random = 99;
    int child_steps = 3000;
    bool held = true;
    while (forks_done < (int)signal_forks && held && (!in_child || child_steps-- > 0)) {
        size_t i = random_below(&random, LIVE);
        if (block[i] != NULL)
            held = pattern_holds(block[i], size[i], (unsigned)i);
        free(block[i]);
        size[i] = random_below(&random, 300);
        block[i] = malloc(size[i]);
        pattern_fill(block[i], size[i], (unsigned)i);
        if (random_below(&random, 64) == 0)
            take_and_give_slabs();
        int status = 0;
        if (!in_child && waitpid(-1, &status, WNOHANG) > 0 && status != 0)
            children_failed++;
    }
    for (size_t i = 0; i < LIVE; i++)
        free(block[i]);
    return held;
}

/* Runs in a process of its own, so that a deadlock is a failed test and not a hang. */
static int fork_from_handler(bool with_thread) {
    struct sigaction action = {.sa_handler = fork_here, .sa_flags = SA_RESTART};
    pthread_t thread;
    atomic_store(&stop, false);
    if (with_thread) {
        /* Signals are for the main thread alone. */
        sigset_t alarm_only, before;
        sigemptyset(&alarm_only);
        sigaddset(&alarm_only, SIGALRM);
        pthread_sigmask(SIG_BLOCK, &alarm_only, &before);
        pthread_create(&thread, NULL, short_thread, NULL);
        pthread_join(thread, NULL);
        pthread_create(&thread, NULL, traffic, (void *)(uintptr_t)7);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    sigaction(SIGALRM, &action, NULL);
    set_timer(1000);
    bool held = interrupted_traffic();
    set_timer(0);
    if (in_child)
        _exit(held ? 0 : 1);
    int status = 0;
    while (waitpid(-1, &status, 0) > 0)
        children_failed += status != 0;
    atomic_store(&stop, true);
    if (with_thread)
        pthread_join(thread, NULL);
    return !held ? 2 : children_failed != 0 ? 3 : 0;
}

static void check_fork_from_handler(bool with_thread) {
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        _exit(fork_from_handler(with_thread));
    }
    setpgid(pid, pid);
    bool in_time = child_wait(pid, &status, CHILD_SECONDS);
    kill(-pid, SIGKILL); /* children that hung */
    CHECK_SAY(in_time, "the program or one of its children hung");
    CHECK_SAY(status == 0, "status %#x", (unsigned)status);
}

static void a_signal_handler_that_interrupted_malloc_can_fork(void) {
    check_fork_from_handler(false);
}

/* glibc's own fork waits for a lock that an interrupted call of glibc's malloc may hold. The pools
 * have none, and the interrupted calls here are all of their sizes; but a limited pool passes some
 * on to glibc. */
static void it_can_fork_while_another_thread_allocates(void) {
    if (!pools_are_unlimited()) {
        tap_skip("only pools without a limit promise it");
        return;
    }
    check_fork_from_handler(true);
}

/* --- fork in the middle of taking in what another thread freed --- */

enum { POSTED = 3000, POSTED_BYTES = 4000, PER_SLAB_MOST = 16 };

static void *posted_block[POSTED * PER_SLAB_MOST];
static pthread_t interrupted;

/* Frees a block in each slab. */
static void *free_one_in_each(void *place) {
    for (size_t i = (uintptr_t)place; i < POSTED * PER_SLAB_MOST; i += PER_SLAB_MOST)
        free(posted_block[i]);
    return NULL;
}

static void in_a_thread(void *(*function)(void *), void *argument) {
    pthread_t thread;
    pthread_create(&thread, NULL, function, argument);
    pthread_join(thread, NULL);
}

static void *signal_later(void *microseconds) {
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - start.tv_sec) * 1000000 + (now.tv_nsec - start.tv_nsec) / 1000 <
           (long)(uintptr_t)microseconds);
    pthread_kill(interrupted, SIGALRM);
    return NULL;
}

static volatile sig_atomic_t signal_came;

static void fork_and_note(int number) {
    fork_here(number);
    signal_came = 1;
}

/* Frees from another thread put a slab into the inbox once, however the fork found it. */
static void use_slabs_after_the_fork(void) {
    alarm(0);
    signal(SIGALRM, SIG_DFL);
    alarm(DEADLINE_SECONDS);
    for (uintptr_t place = 1; place < 4; place++) {
        in_a_thread(free_one_in_each, (void *)place);
        for (size_t i = 0; i < 2 * POSTED; i++)
            (void)opaque(malloc(POSTED_BYTES));
    }
    _exit(0);
}

/* A child has none of its parent's threads, so no fork may interrupt the start or the join of one:
 * on a busy machine the signal comes after the requests that it is for. */
static int fork_while_taking_in(void) {
    struct sigaction action = {.sa_handler = fork_and_note, .sa_flags = SA_RESTART};
    sigset_t alarm_only, before;
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    uintptr_t rounds = tap_repeats(6, 12), shift = 70 * 12 / rounds;
    pthread_t sender;
    interrupted = pthread_self();
    sigaction(SIGALRM, &action, NULL);
    for (uintptr_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < POSTED * PER_SLAB_MOST; i++)
            posted_block[i] = malloc(POSTED_BYTES);
        in_a_thread(free_one_in_each, (void *)0);
        signal_came = 0;
        pthread_sigmask(SIG_BLOCK, &alarm_only, &before);
        pthread_create(&sender, NULL, signal_later, (void *)(100 + shift * round));
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        for (size_t i = 0; i < PER_SLAB_MOST; i++) /* at one of these they come in */
            (void)opaque(malloc(POSTED_BYTES));
        while (!signal_came)
            sched_yield();
        if (in_child)
            use_slabs_after_the_fork();
        pthread_join(sender, NULL);
        for (size_t i = 0; i < POSTED * PER_SLAB_MOST; i++)
            if (i % PER_SLAB_MOST != 0)
                free(posted_block[i]);
    }
    for (int status = 0; waitpid(-1, &status, 0) > 0;)
        children_failed += status != 0;
    return children_failed != 0 ? 3 : forks_done == 0 ? 4 : 0;
}

static void a_handler_can_fork_while_remote_frees_are_taken_in(void) {
    check_with_room(fork_while_taking_in);
}

/* --- fork beside streams --- */

/* Lines of a file, so long that new slabs are needed while the file's lock is held. */
static void *read_lines(void *file) {
    enum { LINES = 512 };
    char *line[LINES];
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        size_t count = 0;
        rewind(file);
        for (; count < LINES; count++) {
            size_t room = 0;
            line[count] = NULL;
            if (getline(&line[count], &room, file) < 0)
                break;
        }
        for (size_t i = 0; i <= count && i < LINES; i++)
            free(line[i]);
    }
    return NULL;
}

static void *flush_all(void *argument) {
    while (!atomic_load_explicit(&stop, memory_order_relaxed))
        fflush(NULL);
    return argument;
}

static int fork_beside_streams(void) {
    enum { LINES = 1000 };
    FILE *file = tmpfile();
    pthread_t thread[3];
    atomic_store(&stop, false);
    for (int i = 0; i < LINES; i++)
        fprintf(file, "%0*d\n", 100 + i * 3 % 3000, i);
    for (size_t i = 0; i < 2; i++)
        pthread_create(&thread[i], NULL, read_lines, file);
    pthread_create(&thread[2], NULL, flush_all, NULL);
    for (unsigned i = 0; i < forks / 2; i++) {
        int status = -1;
        pid_t pid = fork();
        if (pid == 0)
            _exit(use_inherited_heap());
        if (!child_wait(pid, &status, DEADLINE_SECONDS) || status != 0)
            return 2;
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < 3; i++)
        pthread_join(thread[i], NULL);
    fclose(file);
    return 0;
}

/* glibc locks the list of all streams in fork() and in fflush(NULL), and a stream while it
 * allocates for getline(). */
static void a_fork_beside_streams_waits_for_nothing(void) {
    int status = -1;
    pid_t pid = fork();
    if (pid == 0)
        _exit(fork_beside_streams());
    CHECK_SAY(child_wait(pid, &status, CHILD_SECONDS), "the program hung");
    CHECK_SAY(status == 0, "status %#x", (unsigned)status);
}

int main(void) {
    forks = tap_repeats(60, 120);
    signal_forks = tap_repeats(75, 150);
    /* First, because a process that ever had a second thread makes glibc's fork wait for locks. */
    TAP_RUN(a_signal_handler_that_interrupted_malloc_can_fork);
    TAP_RUN(a_fork_in_another_thread_is_no_lack_of_room);
    TAP_RUN(it_can_fork_while_another_thread_allocates);
    TAP_RUN(a_child_forked_while_threads_allocate_can_use_the_heap);
    TAP_RUN(memory_of_threads_that_are_gone_is_used_again_in_the_child);
    TAP_RUN(generations_of_forks_keep_the_heap);
    TAP_RUN(a_handler_can_fork_while_remote_frees_are_taken_in);
    TAP_RUN(a_fork_beside_streams_waits_for_nothing);
    return tap_done();
}
