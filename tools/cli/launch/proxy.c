#include "launch/proxy.h"

#include "base/clock.h"
#include "base/leftover.h"
#include "base/say.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Signals that are sent to us and meant for the program. */
static const int proxy_forwarded[] = {SIGINT,  SIGQUIT, SIGTERM, SIGHUP,
                                      SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH};

static void proxy_watched_signals(sigset_t *set) {
    sigemptyset(set);
    sigaddset(set, SIGCHLD);
    for (size_t i = 0; i < sizeof proxy_forwarded / sizeof proxy_forwarded[0]; i++)
        sigaddset(set, proxy_forwarded[i]);
}

/* Does the signal mean the end, unless the program thinks otherwise? What we were started to ignore
 * does not. */
static bool proxy_is_stop(int number) {
    struct sigaction action;
    bool stops = number == SIGINT || number == SIGQUIT || number == SIGTERM || number == SIGHUP;
    return stops && sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_IGN;
}

/* Waits for the child's end and passes signals on. */
static int proxy_wait(pid_t child, const sigset_t *watched, struct rusage *usage, int *stopped_by) {
    for (;;) {
        int status;
        siginfo_t info;
        pid_t ended = wait4(child, &status, WNOHANG, usage);
        if (ended == child)
            return status;
        if (ended < 0 && errno != EINTR)
            say_and_exit(STATUS_OWN_FAILURE, "cannot wait for the program: %s", strerror(errno));
        int number = sigwaitinfo(watched, &info);
        if (proxy_is_stop(number))
            *stopped_by = number;
        if (number > 0 && number != SIGCHLD && info.si_code <= 0)
            kill(child, number);
    }
}

static bool proxy_mute(void) {
    int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    return nothing >= 0 && dup2(nothing, STDOUT_FILENO) >= 0 && dup2(nothing, STDERR_FILENO) >= 0;
}

/* In the forked child: files that are to be removed at the end are the parent's, so nothing of
 * stdio's is touched. */
__attribute__((noreturn)) static void proxy_child(const struct proxy_run *run,
                                                  const sigset_t *inherited) {
    int error = 0;
    sigprocmask(SIG_SETMASK, inherited, NULL);
    if (run->input >= 0 && dup2(run->input, STDIN_FILENO) < 0)
        error = errno;
    if (error == 0 && run->mute && !proxy_mute())
        error = errno;
    if (error == 0 && run->output >= 0 && dup2(run->output, STDOUT_FILENO) < 0)
        error = errno;
    if (error == 0) {
        execve(run->target->path, run->target->argv, run->envp);
        error = errno;
    }
    say_error("cannot execute %s: %s", run->target->path, strerror(error));
    _exit(error == ENOENT ? STATUS_NOT_FOUND : STATUS_CANNOT_RUN);
}

static double proxy_seconds(const struct timeval *time) {
    return (double)time->tv_sec + (double)time->tv_usec * 1e-6;
}

bool proxy_run(const struct proxy_run *run, struct proxy_result *result) {
    sigset_t watched, inherited;
    struct rusage usage;
    fflush(NULL);
    proxy_watched_signals(&watched);
    sigprocmask(SIG_BLOCK, &watched, &inherited);
    double start_s = clock_wall_s();
    pid_t child = fork();
    if (child == 0)
        proxy_child(run, &inherited);
    int error = errno;
    if (child > 0) {
        result->stopped_by = 0;
        result->wait_status = proxy_wait(child, &watched, &usage, &result->stopped_by);
        result->wall_s = clock_wall_s() - start_s;
        result->cpu_s = proxy_seconds(&usage.ru_utime) + proxy_seconds(&usage.ru_stime);
    }
    sigprocmask(SIG_SETMASK, &inherited, NULL);
    errno = error;
    return child > 0;
}

void proxy_end_like(int wait_status) {
    fflush(NULL);
    leftover_remove_all();
    if (!WIFSIGNALED(wait_status))
        _exit(WEXITSTATUS(wait_status));
    int number = WTERMSIG(wait_status);
    sigset_t all;
    /* The program has left its core already, if any. */
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    signal(number, SIG_DFL);
    sigemptyset(&all);
    sigaddset(&all, number);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    raise(number);
    _exit(128 + number);
}
