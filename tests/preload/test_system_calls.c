/* If this failed, a system call that is refused once, or from some moment on, would crash the
 * program, lose what is in its blocks, or leave it without memory although the next allocator has
 * some: the nth call of each kind that the library makes fails, n = 0, 1, 2 ... until a scenario
 * passes without meeting it.
 *
 * The library calls the kernel itself. So the scenario runs under ptrace(2), with a seccomp filter
 * that stops it at the calls of that kind; only those from the library fail.
 */
#include "../harness/tap.h"
#include "behaviour.h"
#include "stats_reader.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>

/* linux/ptrace.h, which does not go together with sys/ptrace.h: the head of what ptrace(2) tells of
 * a stop. */
enum { GET_SYSCALL_INFO = 0x420e };
struct stop {
    uint8_t place;
    uint8_t unused[3];
    uint32_t machine;
    uint64_t instruction;
    uint64_t stack;
    uint64_t number;
    uint64_t arguments[7];
};

enum { MOST_CALLS = 400, EACH_OF_FIRST = 24 };

/* A library whose every call is refused may try again at each block. After so many the scenario
 * goes through all of its steps with few blocks: it reads a flag in memory that it shares with the
 * tracer. */
enum { ENOUGH_REFUSED = 1000, FEW_NODES = 300, FLAG_FILE = 9 };
static volatile bool *enough;

static bool map_flag(int file) {
    void *page = mmap(NULL, sizeof *enough, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    enough = page;
    return page != MAP_FAILED;
}

static const char *program;

/* ---- the refusals ---- */

static struct {
    long number; /* of the system call */
    int error;
    long at;           /* this one fails, counted from 0 */
    bool goes_on;      /* and all after it */
    long seen;         /* calls from the library */
    long refused;      /* of them */
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

/* A call is refused by making it one that there is not: the result is then what we say. */
#ifdef __x86_64__
static const bool is_known_processor = true;

static void refuse(pid_t thread, int error) {
    ptrace(PTRACE_POKEUSER, thread, offsetof(struct user, regs.orig_rax), -1L);
    ptrace(PTRACE_POKEUSER, thread, offsetof(struct user, regs.rax), (long)-error);
}
#else
static const bool is_known_processor = false;

static void refuse(pid_t thread, int error) {
    (void)thread, (void)error;
}
#endif

/* Why no call can be refused here, or NULL. */
static const char *no_refusals(void) {
    if (!is_known_processor)
        return "no way to refuse a call is written for this processor";
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0);
    return errno == EFAULT ? NULL : "the kernel has no seccomp filters";
}

/* Stops this process at each call with that number. */
static bool stop_at(long number) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program_of = {sizeof filter / sizeof filter[0], filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program_of, 0, 0) == 0;
}

static void at_system_call(pid_t thread) {
    struct stop stop = {.place = 0};
    syscall(SYS_ptrace, GET_SYSCALL_INFO, thread, sizeof stop, &stop);
    if (is_refused(thread, &stop)) {
        refusal.refused++;
        refuse(thread, refusal.error);
        *enough = refusal.refused >= ENOUGH_REFUSED;
    }
}

/* Lets the stopped child and all that it starts run to their ends. */
static void trace(struct child *child) {
    int status;
    pid_t thread;
    waitpid(child->pid, &status, 0);
    ptrace(PTRACE_SETOPTIONS, child->pid, NULL,
           PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_EXITKILL);
    ptrace(PTRACE_CONT, child->pid, NULL, NULL);
    while ((thread = waitpid(-1, &status, __WALL)) > 0) {
        if (!WIFSTOPPED(status)) {
            if (thread == child->pid)
                child->status = status;
            continue;
        }
        int signal = WSTOPSIG(status);
        if (status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8))
            at_system_call(thread);
        if (signal == SIGTRAP || signal == SIGSTOP)
            signal = 0; /* ours, and the start of what is new */
        ptrace(PTRACE_CONT, thread, NULL, (long)signal);
    }
}

static void run_traced(struct child *child, const char *const *changes, const char *const *argv) {
    int flag = memfd_create("flag", MFD_CLOEXEC);
    CHECK(ftruncate(flag, sizeof *enough) == 0 && map_flag(flag));
    int out = memfd_create("out", MFD_CLOEXEC), err = memfd_create("err", MFD_CLOEXEC);
    alarm(CHILD_SECONDS); /* ends this test, and the child with it */
    child->pid = fork();
    if (child->pid == 0) {
        dup2(out, STDOUT_FILENO);
        dup2(err, STDERR_FILENO);
        dup2(flag, FLAG_FILE);
        for (; *changes != NULL; changes++)
            putenv(strdup(*changes));
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        if (stop_at(refusal.number))
            execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    trace(child);
    alarm(0);
    munmap((void *)(uintptr_t)enough, sizeof *enough);
    close(flag);
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
    size_t made = 0;
    for (; held && made < count && !(*enough && made >= FEW_NODES); made++) {
        size_t i = made, bytes = node_bytes(i);
        bool cleared = i % 3 == 0;
        nodes[i] = cleared ? calloc(1, bytes) : malloc(bytes);
        held = nodes[i] != NULL && (!cleared || is_zero(nodes[i], bytes));
        if (held)
            pattern_fill(nodes[i], bytes, seed + (unsigned)i);
    }
    for (size_t i = 0; held && i < made; i++) {
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
    if (!map_flag(FLAG_FILE))
        return 9;
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
    const char *reason = no_refusals();
    if (reason != NULL) {
        tap_skip(reason);
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
