/* If this failed, a program would be killed by a filter of system calls that allows what the manual
 * says that the library needs: gettid and prlimit64 come as late as with the first allocation. */
#include "../harness/tap.h"
#include "behaviour.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum { THREADS = 3, BLOCKS = 2000, ROUNDS = 60 };

static const char *program;

/* Of the manual, LIMITS: from the first allocation on. */
static const int library_calls[] = {
    SYS_clock_gettime, SYS_close,     SYS_futex,      SYS_getpid, SYS_getrandom,
    SYS_gettid,        SYS_madvise,   SYS_membarrier, SYS_mmap,   SYS_mprotect,
    SYS_munmap,        SYS_nanosleep, SYS_newfstatat, SYS_openat, SYS_prlimit64,
    SYS_read,          SYS_tgkill,    SYS_mincore,    SYS_mremap,
};

/* Of the C library, to start and end threads and the process, and for memory of its own. */
static const int other_calls[] = {
    SYS_rt_sigaction,      SYS_clone, SYS_clone3, SYS_rseq,       SYS_set_robust_list,
    SYS_rt_sigprocmask,    SYS_exit,  SYS_brk,    SYS_exit_group, SYS_sched_yield,
    SYS_sched_getaffinity,
};

enum {
    LIBRARY_CALLS = sizeof library_calls / sizeof library_calls[0],
    OTHER_CALLS = sizeof other_calls / sizeof other_calls[0],
    MOST_STEPS = 2 * (LIBRARY_CALLS + OTHER_CALLS) + 2,
};

/* Nothing here may allocate. */
static bool set_filter(void) {
    static struct sock_filter steps[MOST_STEPS];
    unsigned short count = 0;
    steps[count++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (int i = 0; i < LIBRARY_CALLS + OTHER_CALLS; i++) {
        int number = i < LIBRARY_CALLS ? library_calls[i] : other_calls[i - LIBRARY_CALLS];
        steps[count++] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1);
        steps[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
    steps[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    struct sock_fprog filter = {.len = count, .filter = steps};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

/* Threads that free what others took, and come again; then memory goes back. */
static unsigned char *shared[BLOCKS];

static void *exchange(void *seed) {
    uint64_t random = (uint64_t)(uintptr_t)seed;
    for (int i = 0; i < ROUNDS * BLOCKS; i++) {
        size_t bytes = 1 + random_below(&random, random_below(&random, 50) == 0 ? 70000 : 900);
        unsigned char *block = memset(malloc(bytes), 1, bytes);
        free(__atomic_exchange_n(&shared[random_below(&random, BLOCKS)], block, __ATOMIC_ACQ_REL));
    }
    return NULL;
}

static int work_behind_filter(void) {
    if (!set_filter())
        return CHILD_SKIPPED;
    for (uintptr_t round = 1; round <= 2; round++) {
        pthread_t threads[THREADS];
        for (uintptr_t i = 0; i < THREADS; i++)
            if (pthread_create(&threads[i], NULL, exchange, (void *)(round * THREADS + i)) != 0)
                return 1;
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
    }
    for (int i = 0; i < BLOCKS; i++)
        free(shared[i]);
    malloc_trim(0);
    return 0;
}

static void what_the_manual_lists_is_enough(void) {
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        execl(program, program, "behind a filter", (char *)NULL);
        _exit(1);
    }
    bool ended = child_wait(pid, &status, CHILD_SECONDS);
    if (ended && WIFEXITED(status) && WEXITSTATUS(status) == CHILD_SKIPPED)
        tap_skip("the kernel has no such filter");
    else
        CHECK_SAY(ended && status == 0, "status %#x", (unsigned)status);
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc > 1)
        return work_behind_filter();
    TAP_RUN(what_the_manual_lists_is_enough);
    return tap_done();
}
