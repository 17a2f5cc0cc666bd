#include "bench/syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    SYSCALLS_MARK = 0x80, /* what PTRACE_O_TRACESYSGOOD adds to a stop at a call */
    SYSCALLS_OPTIONS = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
                       PTRACE_O_TRACEVFORK | PTRACE_O_EXITKILL,
};

__attribute__((noreturn)) static void syscalls_run(const char *path, char *const *argv,
                                                   char *const *envp) {
    int nothing = open("/dev/null", O_RDWR);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(nothing, STDOUT_FILENO) < 0 ||
        dup2(nothing, STDERR_FILENO) < 0 || ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        _exit(127);
    raise(SIGSTOP); /* until the options are set */
    execve(path, argv, envp);
    _exit(127);
}

/* The signal that a thread is to get as it goes on; none of those that following it makes. */
static int syscalls_signal(int status) {
    int signal = WSTOPSIG(status);
    bool is_ours = signal == (SIGTRAP | SYSCALLS_MARK) || signal == SIGTRAP || signal == SIGSTOP;
    return is_ours ? 0 : signal;
}

/* Lets all of them go on until none is left. Each call stops twice; false if the first one did not
 * end well. */
static bool syscalls_follow(pid_t first, uint64_t *stops) {
    int status, first_status = -1;
    pid_t thread;
    while ((thread = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
        if (thread == first && !WIFSTOPPED(status))
            first_status = status;
        if (thread > 0 && WIFSTOPPED(status)) {
            *stops += WSTOPSIG(status) == (SIGTRAP | SYSCALLS_MARK);
            ptrace(PTRACE_SYSCALL, thread, NULL, syscalls_signal(status));
        }
        if (first_status != -1)
            break; /* the threads of a process are gone with it */
    }
    return first_status == 0;
}

uint64_t syscalls_count(const char *path, char *const *argv, char *const *envp) {
    uint64_t stops = 0;
    int status;
    pid_t first = fork();
    if (first == 0)
        syscalls_run(path, argv, envp);
    if (first < 0 || waitpid(first, &status, __WALL) != first || !WIFSTOPPED(status))
        return 0;
    if (ptrace(PTRACE_SETOPTIONS, first, NULL, SYSCALLS_OPTIONS) != 0 ||
        ptrace(PTRACE_SYSCALL, first, NULL, 0) != 0) {
        kill(first, SIGKILL);
        waitpid(first, &status, __WALL);
        return 0;
    }
    return syscalls_follow(first, &stops) ? (stops + 1) / 2 : 0;
}
