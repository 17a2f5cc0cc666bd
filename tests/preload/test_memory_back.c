/* If this failed, memory would stay with threads that are gone or that do not come: a server with a
 * thread for each request, or one that hands its data to another, would swell beside what it needs.
 * Each scene runs once with the library and once with the C library's allocator alone. */
#include "../harness/tap.h"
#include "behaviour.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>

enum { SHARE_PERCENT = 115, SLACK_KIB = 6 * 1024, BLOCK_BYTES = 100 };

static const char *program;

/* Memory at one moment of a scene, which the parent reads. */
static void tell(void) {
    printf("%zu\n", resident_kib());
    fflush(stdout);
}

static void *touched(size_t bytes) {
    return memset(malloc(bytes), 1, bytes);
}

/* ---- threads that leave a block each ---- */

enum { REQUESTS = 6000 };
static void *left[REQUESTS];

static void *serve_request(void *argument) {
    void **place = argument;
    for (int i = 0; i < 20; i++)
        free(touched(64));
    *place = touched(64);
    return NULL;
}

static int requests_scene(void) {
    for (size_t i = 0; i < REQUESTS; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, serve_request, &left[i]);
        pthread_join(thread, NULL);
    }
    tell();
    return 0;
}

/* ---- a thread that builds, and another that frees ---- */

enum { NODES = 600000 };
static void *nodes[NODES];
static pthread_barrier_t built;
static bool builder_is_busy;
static bool half_is_the_builders;

static _Noreturn void *build_and_stay(void *argument) {
    (void)argument;
    for (size_t i = 0; i < NODES; i++)
        nodes[i] = touched(BLOCK_BYTES);
    for (size_t i = 0; half_is_the_builders && i < NODES; i += 2) {
        free(nodes[i]);
        nodes[i] = NULL;
    }
    pthread_barrier_wait(&built);
    for (;;) {
        for (size_t i = 0; builder_is_busy && i < 32; i++)
            free(touched(16 + i * 8));
        nap_ms(1);
    }
}

static void free_nodes(bool shuffled) {
    uint64_t random = 4711;
    for (size_t i = NODES - 1; shuffled && i > 0; i--) {
        size_t other = random_below(&random, (uint32_t)i + 1);
        void *node = nodes[i];
        nodes[i] = nodes[other];
        nodes[other] = node;
    }
    for (size_t i = 0; i < NODES; i++)
        free(nodes[i]);
}

/* After the frees and malloc_trim(), and after this thread has built as much. */
static int handed_over_scene(bool shuffled) {
    pthread_t thread;
    pthread_barrier_init(&built, NULL, 2);
    pthread_create(&thread, NULL, (void *(*)(void *))build_and_stay, NULL);
    pthread_barrier_wait(&built);
    free_nodes(shuffled);
    malloc_trim(0);
    tell();
    for (size_t i = 0; i < NODES; i++)
        nodes[i] = touched(BLOCK_BYTES);
    tell();
    return 0;
}

/* ---- a fork beside a large heap of other threads ---- */

enum { HOLDERS = 4, HELD = 200000 };

static _Noreturn void *hold_much(void *argument) {
    (void)argument;
    for (size_t i = 0; i < HELD; i++)
        touched(BLOCK_BYTES);
    pthread_barrier_wait(&built);
    for (;;)
        pause();
}

static int fork_scene(void) {
    pthread_barrier_init(&built, NULL, HOLDERS + 1);
    for (int i = 0; i < HOLDERS; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, (void *(*)(void *))hold_much, NULL);
    }
    pthread_barrier_wait(&built);
    pid_t pid = fork();
    if (pid == 0) {
        struct rusage usage;
        getrusage(RUSAGE_SELF, &usage);
        printf("%ld\n", usage.ru_minflt);
        fflush(stdout);
        _exit(0);
    }
    int status;
    bool ended = child_wait(pid, &status, CHILD_SECONDS);
    return ended && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int scene(const char *name) {
    builder_is_busy = strcmp(name, "busy") == 0;
    half_is_the_builders = strcmp(name, "half") == 0;
    if (strcmp(name, "requests") == 0)
        return requests_scene();
    if (strcmp(name, "fork") == 0)
        return fork_scene();
    return handed_over_scene(strcmp(name, "shuffled") == 0);
}

/* ---- beside the C library's allocator ---- */

/* What a scene told, with the library or without: up to two numbers. False if it failed. */
static bool run_scene(const char *name, bool with_library, size_t numbers[2]) {
    static struct child child;
    const char *const argv[] = {program, name, NULL};
    const char *const without[] = {"LD_PRELOAD", NULL};
    child_run(&child, with_library ? NULL : without, argv);
    CHECK_SAY(child_succeeded(&child), "%s: status %#x: %.300s", name, (unsigned)child.status,
              child.err);
    char *rest = child.out;
    for (int i = 0; i < 2; i++)
        numbers[i] = strtoull(rest, &rest, 10);
    return child_succeeded(&child);
}

static void check_memory(const char *name) {
    size_t ours[2], theirs[2];
    if (!run_scene(name, true, ours) || !run_scene(name, false, theirs))
        return;
    for (int i = 0; i < 2; i++)
        CHECK_SAY(ours[i] <= theirs[i] * SHARE_PERCENT / 100 + SLACK_KIB,
                  "%s: %zu KiB, where the C library's allocator has %zu", name, ours[i], theirs[i]);
}

static void threads_that_leave_a_block_each_share_slabs(void) {
    check_memory("requests");
}

static void what_others_freed_comes_back_from_a_thread_that_idles(void) {
    check_memory("idle");
}

static void and_from_one_that_works_in_small(void) {
    check_memory("busy");
}

static void and_where_the_owner_has_freed_half_itself(void) {
    check_memory("half");
}

static void and_when_it_was_freed_in_random_order(void) {
    check_memory("shuffled");
}

static void a_child_of_fork_leaves_the_slabs_of_other_threads_alone(void) {
    enum { FAULTS_MOST = 100 };
    size_t ours[2], theirs[2];
    if (run_scene("fork", true, ours) && run_scene("fork", false, theirs))
        CHECK_SAY(ours[0] <= theirs[0] + FAULTS_MOST, "%zu page faults, %zu without the library",
                  ours[0], theirs[0]);
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc > 1)
        return scene(argv[1]);
    if (resident_kib() == 0) {
        printf("1..0 # SKIP /proc does not tell what is resident\n");
        return 0;
    }
    TAP_RUN(threads_that_leave_a_block_each_share_slabs);
    TAP_RUN(what_others_freed_comes_back_from_a_thread_that_idles);
    TAP_RUN(and_from_one_that_works_in_small);
    TAP_RUN(and_where_the_owner_has_freed_half_itself);
    TAP_RUN(and_when_it_was_freed_in_random_order);
    TAP_RUN(a_child_of_fork_leaves_the_slabs_of_other_threads_alone);
    return tap_done();
}
