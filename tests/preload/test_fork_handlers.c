/* If this failed, a program would hang in fork() that forks beside libraries with fork handlers, or
 * beside threads that allocate while they hold a lock which fork() takes. Handlers are registered
 * here as early as a library can: before any constructor of the preloaded ones has run. */
#include "../harness/tap.h"
#include "behaviour.h"
#include <pthread.h>
#include <pwd.h>
#include <spawn.h>
#include <stdatomic.h>
#include <sys/resource.h>

enum { DEADLINE_SECONDS = 100, FORKS = 60, MANY = 600, MANY_BYTES = 2000 };

/* What the handlers do in the running test. */
static void (*prepares)(void);
static void (*goes_on)(void); /* in the parent and in the child */
static void (*goes_on_in_child)(void);

static void prepare(void) {
    if (prepares != NULL)
        prepares();
}

static void in_parent(void) {
    if (goes_on != NULL)
        goes_on();
}

static void in_child(void) {
    in_parent();
    if (goes_on_in_child != NULL)
        goes_on_in_child();
}

static void register_early(void) {
    pthread_atfork(prepare, in_parent, in_child);
}

#ifdef __GLIBC__
__attribute__((section(".preinit_array"), used)) static void (*const first)(void) = register_early;
#else /* musl's loader knows no such functions */
__attribute__((constructor)) static void first(void) {
    register_early();
}
#endif

/* Runs a part of the test in a process of its own, which may hang or crash. */
static void check_process(int (*run)(void)) {
    int status = -1;
    pid_t pid = fork();
    if (pid == 0)
        _exit(run());
    CHECK_SAY(child_wait(pid, &status, DEADLINE_SECONDS), "it hung");
    CHECK_SAY(status == 0, "status %#x", (unsigned)status);
}

/* Forks, with `use` in the child. True if the child ended well. */
static bool fork_once(bool (*use)(void)) {
    int status = -1;
    pid_t pid = fork();
    if (pid == 0)
        _exit(use == NULL || use() ? 0 : 1);
    return child_wait(pid, &status, DEADLINE_SECONDS) && status == 0;
}

/* Takes more than the thread has at hand, and gives it back. */
static bool use_slabs(void) {
    unsigned char *block[MANY];
    bool held = true;
    for (unsigned i = 0; i < MANY; i++) {
        block[i] = malloc(MANY_BYTES);
        pattern_fill(block[i], MANY_BYTES, i);
    }
    for (unsigned i = 0; i < MANY; i++) {
        held &= pattern_holds(block[i], MANY_BYTES, i);
        free(block[i]);
    }
    return held;
}

static void *use_slabs_in_a_thread(void *argument) {
    return use_slabs() ? NULL : argument;
}

static void allocate(void) {
    static size_t bytes = 16;
    (void)use_slabs();
    free(malloc(bytes));
    free(malloc(100000)); /* hardened, the library serves these too */
    bytes = bytes % 3000 + 16;
}

/* ---- what handlers do ---- */

static int fork_with_allocating_handlers(void) {
    prepares = goes_on = allocate;
    for (int i = 0; i < 5; i++)
        if (!fork_once(use_slabs))
            return 2;
    return 0;
}

static void handlers_may_allocate(void) {
    check_process(fork_with_allocating_handlers);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool stop;

static void lock_mutex(void) {
    pthread_mutex_lock(&mutex);
}

static void unlock_mutex(void) {
    pthread_mutex_unlock(&mutex);
}

static void *allocate_under_mutex(void *argument) {
    bool held = true;
    while (!atomic_load(&stop)) {
        lock_mutex();
        held &= use_slabs();
        unlock_mutex();
        nap_ms(1); /* mutexes are not fair */
    }
    return held ? NULL : argument;
}

/* Forks while `work` runs in some threads. */
static int fork_beside(void *(*work)(void *), bool (*use)(void)) {
    pthread_t thread[2];
    void *result = NULL;
    bool well = true;
    for (int i = 0; i < 2; i++)
        pthread_create(&thread[i], NULL, work, &stop);
    for (int i = 0; i < FORKS && well; i++)
        well = fork_once(use);
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++) {
        pthread_join(thread[i], &result);
        well &= result == NULL;
    }
    return well ? 0 : 3;
}

static int fork_with_mutex(void) {
    prepares = lock_mutex;
    goes_on = unlock_mutex;
    return fork_beside(allocate_under_mutex, use_slabs);
}

static void a_handler_may_take_a_lock_under_which_threads_allocate(void) {
    check_process(fork_with_mutex);
}

/* As BLAS libraries and gRPC do: their threads end before the fork and start anew after it. */
static pthread_t worker;

static void *wait_for_the_end(void *argument) {
    while (!atomic_load(&stop)) {
        use_slabs();
        nap_ms(1);
    }
    return argument;
}

static void join_worker(void) {
    atomic_store(&stop, true);
    pthread_join(worker, NULL);
}

static void start_worker(void) {
    atomic_store(&stop, false);
    pthread_create(&worker, NULL, wait_for_the_end, NULL);
}

static int fork_with_worker(void) {
    start_worker();
    prepares = join_worker;
    goes_on = start_worker;
    for (int i = 0; i < 10; i++)
        if (!fork_once(use_slabs))
            return 2;
    return 0;
}

static void a_handler_may_end_threads_and_start_them_again(void) {
    check_process(fork_with_worker);
}

static void fork_inside(void) {
    static bool inside;
    if (inside)
        return;
    inside = true;
    if (!fork_once(use_slabs))
        _exit(4);
    inside = false;
}

static int fork_inside_handlers(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, use_slabs_in_a_thread, &stop);
    prepares = goes_on = fork_inside;
    bool well = fork_once(use_slabs);
    pthread_join(thread, NULL);
    return well ? 0 : 2;
}

static void a_handler_may_fork(void) {
    if (!LIBC_IS_GLIBC)
        tap_skip("musl's fork() waits there for itself");
    else
        check_process(fork_inside_handlers);
}

static void leave(void) {
    exit(0);
}

static int exit_in_prepare(void) {
    prepares = leave;
    fork();
    return 2;
}

static int exit_in_child(void) {
    goes_on_in_child = leave;
    return fork_once(NULL) ? 0 : 2;
}

static void a_handler_may_exit(void) {
    check_process(exit_in_prepare);
    check_process(exit_in_child);
}

static void ask(void) {
    struct rlimit limit;
    (void)mallinfo2();
    malloc_trim(0);
    getrlimit(RLIMIT_AS, &limit);
    setrlimit(RLIMIT_AS, &limit);
}

static int fork_with_asking_handlers(void) {
    prepares = goes_on = ask;
    return fork_once(use_slabs) ? 0 : 2;
}

static void a_handler_may_ask_and_trim(void) {
    check_process(fork_with_asking_handlers);
}

/* ---- locks of the C library's that fork() takes after all handlers ---- */

static void *open_pipes(void *argument) {
    while (!atomic_load(&stop)) {
        FILE *pipe = popen(":", "r");
        if (!LIBC_IS_GLIBC && pipe == NULL && errno == EBADF)
            continue; /* musl's closes what another thread's has opened */
        if (pipe == NULL || pclose(pipe) != 0)
            return argument;
        use_slabs();
    }
    return NULL;
}

static int fork_beside_popen(void) {
    return fork_beside(open_pipes, use_slabs);
}

static void a_fork_beside_popen_waits_for_nothing(void) {
    check_process(fork_beside_popen);
}

static void *look_names_up(void *argument) {
    struct passwd entry, *found;
    while (!atomic_load(&stop)) {
        char *room = malloc(5000);
        if (getpwuid_r(0, &entry, room, 5000, &found) != 0)
            return argument;
        free(room);
        use_slabs();
    }
    return NULL;
}

static int fork_beside_names(void) {
    return fork_beside(look_names_up, use_slabs);
}

static void a_fork_beside_name_look_ups_waits_for_nothing(void) {
    check_process(fork_beside_names);
}

/* ---- where forks come from ---- */

static pthread_key_t key;

static void fork_at_end(void *value) {
    if (!fork_once(use_slabs))
        atomic_store((atomic_bool *)value, true);
}

static void *set_key(void *failed) {
    use_slabs();
    pthread_setspecific(key, failed);
    return NULL;
}

static int fork_at_thread_end(void) {
    static atomic_bool failed;
    pthread_t thread;
    pthread_key_create(&key, fork_at_end);
    for (int i = 0; i < 20; i++) {
        pthread_create(&thread, NULL, set_key, &failed);
        pthread_join(thread, NULL);
    }
    return atomic_load(&failed) ? 2 : 0;
}

static void a_thread_may_fork_at_its_end(void) {
    check_process(fork_at_thread_end);
}

static void *fork_in_thread(void *argument) {
    return fork_once(use_slabs) ? NULL : argument;
}

/* Whose first call it is, or nearly. */
static int fork_in_threads(void) {
    pthread_t thread[8];
    void *result = NULL;
    bool well = true;
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 8; i++)
            pthread_create(&thread[i], NULL, i % 2 == 0 ? fork_in_thread : use_slabs_in_a_thread,
                           &stop);
        for (int i = 0; i < 8; i++) {
            pthread_join(thread[i], &result);
            well &= result == NULL;
        }
    }
    return well ? 0 : 2;
}

static void several_threads_may_fork_at_once(void) {
    check_process(fork_in_threads);
}

static void *keep_allocating(void *argument) {
    bool held = true;
    while (!atomic_load(&stop))
        held &= use_slabs();
    return held ? NULL : argument;
}

static int spawn_beside_threads(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, keep_allocating, &stop);
    bool well = true;
    for (int i = 0; i < 20; i++) {
        char *argv[] = {(char[]){"true"}, NULL};
        pid_t pid = -1, borrower;
        int status = -1;
        well &= posix_spawnp(&pid, "true", NULL, NULL, argv, environ) == 0;
        well &= waitpid(pid, &status, 0) == pid && status == 0;
        borrower = vfork();
        if (borrower == 0) {
            execlp("true", "true", (char *)NULL);
            _exit(1);
        }
        well &= waitpid(borrower, &status, 0) == borrower && status == 0;
        well &= system(":") == 0;
    }
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    return well ? 0 : 2;
}

static void programs_may_be_spawned_beside_threads(void) {
    check_process(spawn_beside_threads);
}

int main(void) {
    TAP_RUN(handlers_may_allocate);
    TAP_RUN(a_handler_may_take_a_lock_under_which_threads_allocate);
    TAP_RUN(a_handler_may_end_threads_and_start_them_again);
    TAP_RUN(a_handler_may_fork);
    TAP_RUN(a_handler_may_exit);
    TAP_RUN(a_handler_may_ask_and_trim);
    TAP_RUN(a_fork_beside_popen_waits_for_nothing);
    TAP_RUN(a_fork_beside_name_look_ups_waits_for_nothing);
    TAP_RUN(a_thread_may_fork_at_its_end);
    TAP_RUN(several_threads_may_fork_at_once);
    TAP_RUN(programs_may_be_spawned_beside_threads);
    return tap_done();
}
