/* If this failed, memory of the program that lies where the library gave address space back would
 * not be looked through for pointers: blocks in use would be called leaks. Or a line of the library
 * would end a program that writes nothing itself. */
#include "os.h"
#include "tap.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static uintptr_t page_bytes;

/* The pages from `first` on are known to be reserved up to `end`; both count from `start`. */
static bool is_reserved(uintptr_t start, unsigned first, unsigned end) {
    uintptr_t from = start + first * page_bytes;
    return os_end_of_reserved(from, from + 100 * page_bytes) == start + end * page_bytes;
}

static bool is_free(uintptr_t start, unsigned first, unsigned end) {
    uintptr_t from = start + first * page_bytes, to = start + end * page_bytes;
    return os_end_of_reserved(from, to) == from && os_start_of_reserved(from, to) == to;
}

static void what_is_given_back_is_no_longer_known_as_reserved(void) {
    page_bytes = os_page_bytes();
    uintptr_t start = (uintptr_t)os_reserve(10 * page_bytes, page_bytes);
    CHECK(start != 0 && is_reserved(start, 0, 10) && is_reserved(start, 4, 10));
    os_unreserve((void *)(start + 9 * page_bytes), page_bytes);
    os_unreserve((void *)start, page_bytes);
    CHECK(is_free(start, 0, 1) && is_reserved(start, 1, 9) && is_free(start, 9, 10));
    os_unreserve((void *)(start + 4 * page_bytes), 2 * page_bytes);
    CHECK(is_reserved(start, 1, 4) && is_free(start, 4, 6) && is_reserved(start, 6, 9));
    CHECK(os_start_of_reserved(start, start + 10 * page_bytes) == start + page_bytes);
    os_unreserve((void *)(start + page_bytes), 8 * page_bytes);
    CHECK(is_free(start, 0, 10));
}

/* ---- lines that nobody can read ---- */

static void break_pipe(void) {
    int ends[2];
    if (pipe(ends) != 0 || dup2(ends[1], STDERR_FILENO) < 0)
        _exit(2);
    close(ends[0]);
}

static void fill_file(void) {
    char name[] = "/tmp/tagpool-test-XXXXXX";
    struct rlimit none = {0, 0};
    int file = mkstemp(name);
    if (file < 0 || dup2(file, STDERR_FILENO) < 0 || setrlimit(RLIMIT_FSIZE, &none) != 0)
        _exit(2);
    unlink(name);
}

static void write_plainly(void) {
    _exit(write(STDERR_FILENO, "line\n", 5) == 5 ? 0 : 3);
}

/* The signals come to nothing, and are let through again afterwards. */
static void write_a_line(void) {
    sigset_t blocked, pending;
    os_write_error("line\n", 5);
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    sigpending(&pending);
    bool is_as_before = !sigismember(&blocked, SIGPIPE) && !sigismember(&pending, SIGPIPE);
    _exit(is_as_before ? 0 : 3);
}

/* A signal that the program itself keeps waiting goes on waiting. */
static void write_a_line_while_one_waits(void) {
    sigset_t pipes, pending;
    sigemptyset(&pipes);
    sigaddset(&pipes, SIGPIPE);
    sigprocmask(SIG_BLOCK, &pipes, NULL);
    raise(SIGPIPE);
    os_write_error("line\n", 5);
    sigpending(&pending);
    _exit(sigismember(&pending, SIGPIPE) ? 0 : 3);
}

static int status_after(void (*prepare)(void), void (*act)(void)) {
    int status = -1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        prepare();
        act();
    }
    CHECK(waitpid(child, &status, 0) == child);
    return status;
}

static void a_line_that_nobody_can_read_ends_no_program(void) {
    int status = status_after(break_pipe, write_plainly);
    CHECK_SAY(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE, "status %#x", (unsigned)status);
    status = status_after(fill_file, write_plainly);
    CHECK_SAY(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ, "status %#x", (unsigned)status);
    CHECK(status_after(break_pipe, write_a_line) == 0);
    CHECK(status_after(fill_file, write_a_line) == 0);
    CHECK(status_after(break_pipe, write_a_line_while_one_waits) == 0);
}

int main(void) {
    TAP_RUN(what_is_given_back_is_no_longer_known_as_reserved);
    TAP_RUN(a_line_that_nobody_can_read_ends_no_program);
    return tap_done();
}
