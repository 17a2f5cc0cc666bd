/* What the behaviour tests share: values hidden from the compiler, resident
 * memory, and children that are run under a time limit with their output kept.
 *
 * The tests are ordinary programs. The runner preloads the library into them and says so by
 * TAGPOOL_TEST_SHIM=1; without it they judge the system's allocator by the same contracts, and only
 * what the library promises beyond them is left out (shim_is_loaded()). BUILD names the build
 * folder, and the current directory is the root of the project.
 */
#ifndef BEHAVIOUR_H
#define BEHAVIOUR_H

#include "../harness/pattern.h"
#include "../harness/random.h"
#include "../harness/system.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SHARED __attribute__((unused)) static

enum {
    CHILD_OUTPUT_BYTES = 16384,
    CHILD_SECONDS = 120,  /* no child of these tests takes longer on a busy machine */
    CHILD_SKIPPED = 77,   /* exit status of a child that cannot do its part on this system */
    SENTINEL_ERRNO = 4711 /* no system call sets it */
};

SHARED bool shim_is_loaded(void) {
    const char *value = getenv("TAGPOOL_TEST_SHIM");
    return value != NULL && strcmp(value, "1") == 0;
}

/* True when the pools serve node-sized requests in this run. */
SHARED bool pools_are_on(void) {
    const char *options = getenv("TAGPOOL_OPTIONS");
    return shim_is_loaded() && (options == NULL || strstr(options, "strategy=direct") == NULL);
}

/* True when they serve all of them, however many there are. */
SHARED bool pools_are_unlimited(void) {
    const char *options = getenv("TAGPOOL_OPTIONS");
    return pools_are_on() && (options == NULL || strstr(options, "pool_limit") == NULL);
}

/* True when the library guards its blocks in this run. */
SHARED bool pools_are_hardened(void) {
    const char *options = getenv("TAGPOOL_OPTIONS");
    return shim_is_loaded() && options != NULL && strstr(options, "harden=on") != NULL;
}

/* True when each block has a tag in front of it. */
SHARED bool blocks_are_tagged(void) {
    const char *options = getenv("TAGPOOL_OPTIONS");
    return pools_are_hardened() ||
           (shim_is_loaded() && options != NULL && strstr(options, "strategy=tagged") != NULL);
}

SHARED const char *build_folder(void) {
    const char *folder = getenv("BUILD");
    return folder != NULL && folder[0] != '\0' ? folder : "build";
}

/* The value, but the compiler cannot know it: no warning about and no folding of deliberate
 * oddities. */
SHARED size_t opaque_size(size_t value) {
    __asm__ volatile("" : "+r"(value));
    return value;
}

SHARED void *opaque(void *pointer) {
    __asm__ volatile("" : "+r"(pointer) : : "memory");
    return pointer;
}

SHARED bool is_aligned(const void *pointer, size_t alignment) {
    return ((uintptr_t)pointer & (alignment - 1)) == 0;
}

SHARED bool is_zero(const void *block, size_t bytes) {
    const unsigned char *byte = (const unsigned char *)block;
    for (size_t i = 0; i < bytes; i++)
        if (byte[i] != 0)
            return false;
    return true;
}

/* Resident memory of this process in KiB, or 0 where /proc does not tell. Allocates nothing. */
SHARED size_t resident_kib(void) {
    char text[128];
    int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    if (length <= 0)
        return 0;
    text[length] = '\0';
    char *rest = text;
    strtoull(rest, &rest, 10);
    return (size_t)strtoull(rest, NULL, 10) * ((size_t)sysconf(_SC_PAGESIZE) / 1024);
}

SHARED void nap_ms(long milliseconds) {
    struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

/* What became of a child. */
struct child {
    pid_t pid;
    int status; /* as waitpid() gives it */
    bool late;  /* it was killed because its time was over */
    char out[CHILD_OUTPUT_BYTES];
    char err[CHILD_OUTPUT_BYTES];
};

/* Sleeps until the process ends; false if its time is over before. Returns early where the kernel
 * has no descriptors of processes, and when a signal comes. */
SHARED bool child_sleep(pid_t pid, int seconds) {
    int file = (int)syscall(SYS_pidfd_open, pid, 0);
    if (file < 0)
        return true;
    struct pollfd wait = {.fd = file, .events = POLLIN, .revents = 0};
    int ready = poll(&wait, 1, seconds * 1000);
    close(file);
    return ready != 0;
}

/* Waits for `pid`; after `seconds` kills it. False when it had to be killed. */
SHARED bool child_wait(pid_t pid, int *status, int seconds) {
    long most_ms = child_sleep(pid, seconds) ? seconds * 1000L : 0;
    for (long waited_ms = 0; waited_ms < most_ms; waited_ms++) {
        pid_t ended = waitpid(pid, status, WNOHANG);
        if (ended == pid)
            return true;
        if (ended < 0 && errno != EINTR)
            return false;
        nap_ms(1);
    }
    kill(pid, SIGKILL);
    waitpid(pid, status, 0);
    return false;
}

SHARED void child_read(int file, char *text) {
    ssize_t length = pread(file, text, CHILD_OUTPUT_BYTES - 1, 0);
    text[length < 0 ? 0 : length] = '\0';
    close(file);
}

/* Runs argv with the environment of this process changed by `changes`, a NULL-ended list of
 * "NAME=VALUE" (set) and "NAME" (remove), or NULL. `prepare`, if any, runs in the child before
 * exec. */
SHARED void child_run_prepared(struct child *child, const char *const *changes,
                               void (*prepare)(void), const char *const *argv) {
    int out = memfd_create("out", MFD_CLOEXEC), err = memfd_create("err", MFD_CLOEXEC);
    child->pid = fork();
    if (child->pid == 0) {
        dup2(out, STDOUT_FILENO);
        dup2(err, STDERR_FILENO);
        for (; changes != NULL && *changes != NULL; changes++) {
            if (strchr(*changes, '=') != NULL)
                putenv(strdup(*changes));
            else
                unsetenv(*changes);
        }
        if (prepare != NULL)
            prepare();
        execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    child->late = !child_wait(child->pid, &child->status, CHILD_SECONDS);
    child_read(out, child->out);
    child_read(err, child->err);
}

SHARED void child_run(struct child *child, const char *const *changes, const char *const *argv) {
    child_run_prepared(child, changes, NULL, argv);
}

SHARED bool child_succeeded(const struct child *child) {
    return !child->late && WIFEXITED(child->status) && WEXITSTATUS(child->status) == 0;
}

SHARED bool child_skipped(const struct child *child) {
    return !child->late && WIFEXITED(child->status) && WEXITSTATUS(child->status) == CHILD_SKIPPED;
}

#endif
