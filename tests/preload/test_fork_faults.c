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

enum { GROWN_BYTES = 64 << 20, HUGE_BYTES = 2 << 20 };

static long page_faults(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
}

static int grow_scene(void) {
    enum { SIZE = 100 };
    long before = page_faults();
    for (size_t bytes = 0; bytes < GROWN_BYTES; bytes += SIZE)
        memset(malloc(SIZE), 1, SIZE);
    printf("%ld\n", page_faults() - before);
    return 0;
}

/* As much memory, mapped and advised by hand: what the kernel gives who asks it. */
static int mapped_scene(void) {
    char *start = mmap(NULL, GROWN_BYTES + HUGE_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED)
        return 1;
    start += HUGE_BYTES - (uintptr_t)start % HUGE_BYTES;
    (void)madvise(start, GROWN_BYTES, MADV_HUGEPAGE);
    long before = page_faults();
    memset(start, 1, GROWN_BYTES);
    printf("%ld\n", page_faults() - before);
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

/* The kernel may have none: it is told so, or memory is short or in small pieces at the moment. */
static bool huge_pages_are_had(void) {
    size_t faults;
    return run_scene("mapped", false, &faults) &&
           faults <= (size_t)GROWN_BYTES / (size_t)sysconf(_SC_PAGESIZE) / 8;
}

/* What the kernel gives is looked at before and afterwards, for it may change. */
static void a_pool_that_grows_takes_huge_pages(void) {
    size_t ours, theirs;
    bool are_had = pools_are_unlimited() && huge_pages_are_had();
    if (!are_had || !count_faults("grow", &ours, &theirs) || !huge_pages_are_had()) {
        tap_skip("no huge pages are to be had here, or no pool that grows");
        return;
    }
    CHECK_SAY(ours <= theirs / 3, "%zu page faults, with the system's allocator %zu", ours, theirs);
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc > 1)
        return argv[1][0] == 'f' ? fork_scene() : argv[1][0] == 'g' ? grow_scene() : mapped_scene();
    TAP_RUN(a_child_of_fork_leaves_the_slabs_of_other_threads_alone);
    TAP_RUN(a_pool_that_grows_takes_huge_pages);
    return tap_done();
}
