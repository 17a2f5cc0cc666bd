/* If this failed, a system call that is refused once, or from some moment on, would crash the
 * program, lose what is in its blocks, or leave it without memory although the next allocator has
 * some: the nth call of each kind that the library makes fails, n = 0, 1, 2 ... until a scenario
 * passes without meeting it.
 *
 * The library calls the kernel itself. So the scenario runs under ptrace(2), which stops it at each
 * system call; only those from the library fail.
 */
#include "../harness/tap.h"
#include "behaviour.h"
#include "stats_reader.h"
#include <pthread.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>

/* linux/ptrace.h, which does not go together with sys/ptrace.h: the head of what ptrace(2) tells of
 * a stop. */
enum { GET_SYSCALL_INFO = 0x420e, AT_ENTRY = 1, AT_EXIT = 2 };
struct stop {
    uint8_t place;
    uint8_t unused[3];
    uint32_t machine;
    uint64_t instruction;
    uint64_t stack;
    uint64_t number; /* at the entry */
    uint64_t arguments[6];
};

enum { MOST_CALLS = 400, EACH_OF_FIRST = 24 };

static const char *program;

/* ---- the refusals ---- */

static struct {
    long number; /* of the system call */
    int error;
    long at;           /* this one fails, counted from 0 */
    bool goes_on;      /* and all after it */
    long seen;         /* calls from the library */
    long refused;      /* of them */
    pid_t thread;      /* whose call is being refused */
    uintptr_t library; /* where it lies; 0: not known yet */
    uintptr_t library_end;
} refusal;

static void find_library(pid_t pid) {
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "r");
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        uintptr_t start, end;
        if (strstr(line, "libtagpool") == NULL || sscanf(line, "%lx-%lx", &start, &end) != 2)
            continue;
        if (refusal.library == 0)
            refusal.library = start;
        refusal.library_end = end;
    }
    if (maps != NULL)
        fclose(maps);
}

static bool is_refused(pid_t thread, const struct stop *stop) {
    if ((long)stop->number != refusal.number)
        return false;
    if (refusal.library == 0)
        find_library(thread);
    if (stop->instruction < refusal.library || stop->instruction >= refusal.library_end)
        return false;
    long seen = refusal.seen++;
    return seen == refusal.at || (refusal.goes_on && seen > refusal.at);
}

/* A call is refused by making it one that there is not, and its result ours. */
#ifdef __x86_64__
static const bool can_refuse = true;

static void set_call(pid_t thread, long number) {
    ptrace(PTRACE_POKEUSER, thread, offsetof(struct user, regs.orig_rax), number);
}

static void set_result(pid_t thread, long result) {
    ptrace(PTRACE_POKEUSER, thread, offsetof(struct user, regs.rax), result);
}
#else
static const bool can_refuse = false;

static void set_call(pid_t thread, long number) {
    (void)thread, (void)number;
}

static void set_result(pid_t thread, long result) {
    (void)thread, (void)result;
}
#endif

static void at_system_call(pid_t thread) {
    struct stop stop = {.place = 0};
    ptrace((enum __ptrace_request)GET_SYSCALL_INFO, thread, sizeof stop, &stop);
    if (stop.place == AT_ENTRY && is_refused(thread, &stop)) {
        refusal.refused++;
        refusal.thread = thread;
        set_call(thread, -1);
    } else if (stop.place == AT_EXIT && thread == refusal.thread) {
        refusal.thread = 0;
        set_result(thread, -refusal.error);
    }
}

/* Lets the stopped child and all that it starts run to their ends. */
static void trace(struct child *child) {
    enum { SYSTEM_CALL = SIGTRAP | 0x80 };
    int status;
    pid_t thread;
    waitpid(child->pid, &status, 0);
    ptrace(PTRACE_SETOPTIONS, child->pid, NULL,
           PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_EXITKILL);
    ptrace(PTRACE_SYSCALL, child->pid, NULL, NULL);
    while ((thread = waitpid(-1, &status, __WALL)) > 0) {
        if (!WIFSTOPPED(status)) {
            if (thread == child->pid)
                child->status = status;
            continue;
        }
        int signal = WSTOPSIG(status);
        if (signal == SYSTEM_CALL)
            at_system_call(thread);
        if (signal == SYSTEM_CALL || signal == SIGTRAP || signal == SIGSTOP)
            signal = 0; /* ours, and the start of what is new */
        ptrace(PTRACE_SYSCALL, thread, NULL, (long)signal);
    }
}

static void run_traced(struct child *child, const char *const *changes, const char *const *argv) {
    int out = memfd_create("out", MFD_CLOEXEC), err = memfd_create("err", MFD_CLOEXEC);
    alarm(CHILD_SECONDS); /* ends this test, and the child with it */
    child->pid = fork();
    if (child->pid == 0) {
        dup2(out, STDOUT_FILENO);
        dup2(err, STDERR_FILENO);
        for (; *changes != NULL; changes++)
            putenv(strdup(*changes));
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    trace(child);
    alarm(0);
    child->late = false;
    child_read(out, child->out);
    child_read(err, child->err);
}

/* ---- the scenario ---- */

enum { NODES = 40000, THREADS = 3, LARGE_BYTES = 6 << 20 };

static size_t node_bytes(size_t i) {
    return i % 50 == 0 ? 900 : 24 + i % 60;
}

/* Builds and checks many blocks, and frees them: all of them were had and kept what they held. */
static bool nodes_hold(size_t count, unsigned seed) {
    unsigned char **nodes = calloc(count, sizeof *nodes);
    bool held = nodes != NULL;
    for (size_t i = 0; held && i < count; i++) {
        size_t bytes = node_bytes(i);
        bool cleared = i % 3 == 0;
        nodes[i] = cleared ? calloc(1, bytes) : malloc(bytes);
        held = nodes[i] != NULL && (!cleared || is_zero(nodes[i], bytes));
        if (held)
            pattern_fill(nodes[i], bytes, seed + (unsigned)i);
    }
    for (size_t i = 0; held && i < count; i++) {
        held = pattern_holds(nodes[i], node_bytes(i), seed + (unsigned)i);
        if (i % 7 == 0) {
            nodes[i] = realloc(nodes[i], 2000);
            held &= nodes[i] != NULL && pattern_holds(nodes[i], node_bytes(i), seed + (unsigned)i);
        }
        free(nodes[i]);
    }
    free(nodes);
    return held;
}

static void *thread_main(void *argument) {
    bool held = nodes_hold(NODES / 20, (unsigned)(uintptr_t)argument);
    return held ? argument : NULL;
}

static bool threads_hold(void) {
    pthread_t thread[THREADS];
    bool held = true;
    for (size_t i = 0; i < THREADS; i++)
        held &= pthread_create(&thread[i], NULL, thread_main, (void *)(uintptr_t)(i + 1)) == 0;
    for (size_t i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(thread[i], &result);
        held &= result != NULL;
    }
    return held;
}

static bool child_holds(void) {
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(nodes_hold(NODES / 20, 9) ? 0 : 1);
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static int scenario(void) {
    unsigned char *large = malloc(LARGE_BYTES);
    if (large == NULL)
        return 10;
    pattern_fill(large, LARGE_BYTES, 5);
    /* The hardened mode makes a call for each slab: fewer nodes meet as many calls there. */
    size_t nodes = pools_are_hardened() ? NODES / 4 : NODES;
    if (!nodes_hold(nodes, 1))
        return 11;
    malloc_trim(0);
    if (!threads_hold())
        return 12;
    if (!child_holds())
        return 13;
    if (!nodes_hold(nodes, 2))
        return 14;
    if (!pattern_holds(large, LARGE_BYTES, 5))
        return 15;
    free(large);
    return 0;
}

/* ---- the tests ---- */

/* True for the one line that the hardened mode says when a block comes from elsewhere. */
static bool tells_of_no_room(const char *text) {
    const char *end = strchr(text, '\n');
    return pools_are_hardened() && strstr(text, "]: no room in the pools for ") != NULL &&
           end != NULL && end[1] == '\0';
}

/* Runs the scenario with the nth call failing; false when that is one call too far. */
static bool passes(long number, int error, long n, bool goes_on) {
    static struct child child;
    static struct stats_file stats;
    CHECK(stats_open(&stats));
    memset(&refusal, 0, sizeof refusal);
    refusal.number = number;
    refusal.error = error;
    refusal.at = n;
    refusal.goes_on = goes_on;
    const char *const changes[] = {stats.variable, NULL};
    const char *const argv[] = {program, "scenario", NULL};
    run_traced(&child, changes, argv);
    CHECK_SAY(child_succeeded(&child), "%ld%s: status %#x: %.300s", n, goes_on ? "+" : "",
              (unsigned)child.status, child.err);
    CHECK_SAY(child.err[0] == '\0' || tells_of_no_room(child.err), "%ld: it wrote: %.300s", n,
              child.err);
    stats_close(&stats);
    return refusal.refused != 0 && tap.faults == 0;
}

static void fail_each(long number, int error, long least_calls) {
    long n = 0;
    if (!can_refuse) {
        tap_skip("no way to refuse a call is written for this processor");
        return;
    }
    if (!pools_are_on())
        least_calls = 0;
    while (n < MOST_CALLS && passes(number, error, n, false))
        n++;
    CHECK_SAY(n >= least_calls, "only %ld calls were met", n);
    CHECK_SAY(n < MOST_CALLS, "the scenario still met one after %ld calls", n);
    /* All from one on: each of the first, then some of the many that are alike. */
    for (long from = 0; from < n; from += from < EACH_OF_FIRST ? 1 : 5)
        passes(number, error, from, true);
}

static void each_refused_mmap_is_survived(void) {
    fail_each(SYS_mmap, ENOMEM, 2);
}

static void each_refused_mprotect_is_survived(void) {
    fail_each(SYS_mprotect, ENOMEM, 3);
}

static void each_refused_munmap_is_survived(void) {
    fail_each(SYS_munmap, ENOMEM, 0);
}

static void each_refused_madvise_is_survived(void) {
    fail_each(SYS_madvise, EINVAL, 1);
}

static void each_refused_open_is_survived(void) {
    fail_each(SYS_openat, EMFILE, 1);
}

static void each_refused_fstat_is_survived(void) {
    fail_each(SYS_newfstatat, EIO, 1);
}

static void each_refused_readlink_is_survived(void) {
    fail_each(SYS_readlinkat, EACCES, 1);
}

static void each_refused_getrandom_is_survived(void) {
    fail_each(SYS_getrandom, EAGAIN, 1);
}

static void each_refused_getrlimit_is_survived(void) {
    fail_each(SYS_prlimit64, EPERM, 0);
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc == 2)
        return scenario();
    TAP_RUN(each_refused_mmap_is_survived);
    TAP_RUN(each_refused_mprotect_is_survived);
    TAP_RUN(each_refused_munmap_is_survived);
    TAP_RUN(each_refused_madvise_is_survived);
    TAP_RUN(each_refused_open_is_survived);
    TAP_RUN(each_refused_fstat_is_survived);
    TAP_RUN(each_refused_readlink_is_survived);
    TAP_RUN(each_refused_getrandom_is_survived);
    TAP_RUN(each_refused_getrlimit_is_survived);
    return tap_done();
}
