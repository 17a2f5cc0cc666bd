/* If this failed, a fork would copy what it need not, or a pool that grows would fault in its
 * memory page by page: time that shows in no count of instructions. Each scene runs once with the
 * library and once with the system's allocator. */
#include "../harness/tap.h"
#include "behaviour.h"

#include <pthread.h>
#include <sys/resource.h>

static const char *program;

/* ---- a fork beside a large heap of other threads ---- */

enum { HOLDERS = 4, HELD = 1000000, BLOCK_BYTES = 100 };
static pthread_barrier_t built;

static _Noreturn void *hold_much(void *argument) {
    (void)argument;
    for (size_t i = 0; i < HELD; i++)
        memset(malloc(BLOCK_BYTES), 1, BLOCK_BYTES);
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

/* ---- a pool that only grows ---- */

static int grow_scene(void) {
    enum { BYTES = 64 << 20, SIZE = 100 };
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    for (size_t bytes = 0; bytes < BYTES; bytes += SIZE)
        memset(malloc(SIZE), 1, SIZE);
    getrusage(RUSAGE_SELF, &after);
    printf("%ld\n", after.ru_minflt - before.ru_minflt);
    return 0;
}

/* ---- the tests ---- */

static bool run_scene(const char *name, bool with_library, size_t *faults) {
    static struct child child;
    const char *const argv[] = {program, name, NULL};
    const char *const without[] = {"LD_PRELOAD", NULL};
    child_run(&child, with_library ? NULL : without, argv);
    CHECK_SAY(child_succeeded(&child), "%s: status %#x: %.300s", name, (unsigned)child.status,
              child.err);
    *faults = strtoull(child.out, NULL, 10);
    return child_succeeded(&child);
}

static bool count_faults(const char *name, size_t *ours, size_t *theirs) {
    return run_scene(name, true, ours) && run_scene(name, false, theirs);
}

static void a_child_of_fork_leaves_the_slabs_of_other_threads_alone(void) {
    enum { FAULTS_MOST = 100 };
    size_t ours, theirs;
    if (count_faults("fork", &ours, &theirs))
        CHECK_SAY(ours <= theirs + FAULTS_MOST, "%zu page faults, %zu without the library", ours,
                  theirs);
}

static bool huge_pages_are_on(void) {
    char text[64] = "never";
    int file = open("/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY | O_CLOEXEC);
    if (file >= 0 && read(file, text, sizeof text - 1) <= 0)
        strcpy(text, "[never]");
    close(file);
    return strstr(text, "[always]") != NULL || strstr(text, "[madvise]") != NULL;
}

static void a_pool_that_grows_takes_huge_pages(void) {
    size_t ours, theirs;
    if (!pools_are_unlimited() || !huge_pages_are_on()) {
        tap_skip("no huge pages are to be had here, or no pool that grows");
        return;
    }
    if (count_faults("grow", &ours, &theirs))
        CHECK_SAY(ours <= theirs / 3, "%zu page faults, with the system's allocator %zu", ours,
                  theirs);
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc > 1)
        return strcmp(argv[1], "fork") == 0 ? fork_scene() : grow_scene();
    TAP_RUN(a_child_of_fork_leaves_the_slabs_of_other_threads_alone);
    TAP_RUN(a_pool_that_grows_takes_huge_pages);
    return tap_done();
}
