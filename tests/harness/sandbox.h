/* Sandboxes that a child of a test shuts itself in. */
#ifndef SANDBOX_H
#define SANDBOX_H

#include "tap.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SANDBOX_REFUSED = 77 }; /* the status of a child that may not shut itself in */

/* A filter of system calls, from here on. */
static inline void set_filter(struct sock_filter *filter, size_t steps) {
    struct sock_fprog program = {.len = (unsigned short)steps, .filter = filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        _exit(SANDBOX_REFUSED);
}

/* A system call is answered so (SECCOMP_RET_...), from here on. */
static inline void answer_call(long number, unsigned answer) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, answer),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    set_filter(filter, sizeof filter / sizeof filter[0]);
}

/* Run checks in a process of their own, as a filter stays. */
static inline void check_apart(void (*checks)(void)) {
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        checks();
        _exit(tap.faults != 0);
    }
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == SANDBOX_REFUSED)
        tap_skip("system calls cannot be filtered here");
    else
        CHECK_SAY(status == 0, "status %#x", (unsigned)status);
}

/* Nobody may be looked at any more. */
static inline void refuse_looks(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpid, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    };
    set_filter(filter, sizeof filter / sizeof filter[0]);
}

/* As servers do with those of their processes that talk to strangers: no file may be opened any
 * more, and whatever they do not need ends them. */
static inline void enter_sandbox(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 8, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_newfstatat, 7, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigtimedwait, 5, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigpending, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
    };
    set_filter(filter, sizeof filter / sizeof filter[0]);
}

/* Standard error is a file that may not grow. Servers limit files in their sandbox. */
static inline void limit_error(void) {
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = 0};
    FILE *file = tmpfile();
    if (file == NULL || dup2(fileno(file), STDERR_FILENO) < 0 || setrlimit(RLIMIT_FSIZE, &none))
        _exit(1);
}

#endif
