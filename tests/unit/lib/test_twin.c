/* If this failed, what leaks=on tries in a copy of the process would show in the process: a text
 * written twice, a handler that runs, a child that somebody waits for, or a program that never
 * ends.
 */
#include "kernel.h"
#include "sandbox.h"
#include "tap.h"
#include "twin.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int *shared; /* with the copy */
static volatile int own;
static int file;

static void count(void *context) {
    own++;
    *shared += *(int *)context;
}

static void memory_is_a_copy_but_what_is_shared(void) {
    int number = 3;
    *shared = 0;
    CHECK(twin_run(count, &number));
    CHECK_SAY(*shared == 3 && own == 0, "%d, %d", *shared, own);
}

static void write_and_say(void *context) {
    const char *text = context;
    *shared = write(file, text, strlen(text)) < 0 && errno == EBADF;
}

static void check_silence(void) {
    char text[16] = "";
    *shared = 0;
    CHECK(twin_run(write_and_say, (char[]){"text"}));
    CHECK(*shared == 1 && pread(file, text, sizeof text, 0) == 0);
    CHECK(write(file, "more", 4) == 4 && ftruncate(file, 0) == 0 && lseek(file, 0, SEEK_SET) == 0);
}

static void what_it_writes_goes_nowhere(void) {
    check_silence();
}

/* ---- kernels that lack a call, or filters that refuse it ---- */

static void without_a_range(void) {
    answer_call(SYS_close_range, SECCOMP_RET_ERRNO | ENOSYS);
    check_silence();
}

static void without_closing(void) {
    int number = 3;
    *shared = 0;
    answer_call(SYS_close_range, SECCOMP_RET_ERRNO | ENOSYS);
    answer_call(SYS_close, SECCOMP_RET_ERRNO | EPERM);
    CHECK(!twin_run(count, &number) && *shared == 0);
}

/* As the first process of its namespace it gets no signal that it has no handler for: nothing would
 * end it in time. */
static void in_a_new_namespace(void) {
    int number = 3;
    *shared = 0;
    if (unshare(CLONE_NEWPID) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0)
        return;
    CHECK(!twin_run(count, &number) && *shared == 0);
}

static void without_copies(void) {
    int number = 3;
    *shared = 0;
    answer_call(SYS_clone, SECCOMP_RET_ERRNO | EAGAIN);
    CHECK(!twin_run(count, &number) && *shared == 0);
}

static void nor_does_it_where_files_are_closed_one_by_one(void) {
    check_apart(without_a_range);
}

static void where_files_cannot_be_closed_nothing_is_done(void) {
    check_apart(without_closing);
}

static void where_it_cannot_be_ended_nothing_is_done(void) {
    check_apart(in_a_new_namespace);
}

static void where_there_is_no_copy_nothing_is_done(void) {
    check_apart(without_copies);
}

/* ---- other ends ---- */

static void note_signal(int number) {
    *shared = number;
}

static void crash(void *context) {
    *(volatile int *)context = 1;
}

static void trap(void *context) {
    (void)context;
    __builtin_trap();
}

static void give_up(void *context) {
    (void)context;
    abort();
}

static void leave(void *context) {
    _exit(*(int *)context);
}

static void wait_for_ever(void *context) {
    (void)context;
    for (;;)
        pause();
}

static void run_to_another_end(void (*work)(void *context), void *context) {
    CHECK(!twin_run(work, context));
    CHECK_SAY(*shared == 0, "signal %d", *shared);
    errno = 0;
    CHECK(waitpid(-1, NULL, __WALL) < 0 && errno == ECHILD);
}

static void only_one_that_came_to_its_end_counts(void) {
    static const int numbers[] = {SIGSEGV, SIGILL, SIGTRAP, SIGABRT, SIGCHLD, SIGALRM};
    int status = 0;
    *shared = 0;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        signal(numbers[i], note_signal);
    run_to_another_end(crash, NULL);
    run_to_another_end(trap, NULL);
    run_to_another_end(give_up, NULL);
    run_to_another_end(leave, &status);
    run_to_another_end(wait_for_ever, NULL);
}

static void signals_are_blocked_no_longer_than_that(void) {
    int number = 0;
    uint64_t before = 1, after = 2;
    KERNEL(rt_sigprocmask, SIG_BLOCK, NULL, &before, sizeof before);
    CHECK(twin_run(count, &number));
    KERNEL(rt_sigprocmask, SIG_BLOCK, NULL, &after, sizeof after);
    CHECK(before == after);
}

int main(void) {
    FILE *stream = tmpfile();
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    file = fileno(stream);
    TAP_RUN(memory_is_a_copy_but_what_is_shared);
    TAP_RUN(what_it_writes_goes_nowhere);
    TAP_RUN(nor_does_it_where_files_are_closed_one_by_one);
    TAP_RUN(where_files_cannot_be_closed_nothing_is_done);
    TAP_RUN(where_it_cannot_be_ended_nothing_is_done);
    TAP_RUN(where_there_is_no_copy_nothing_is_done);
    TAP_RUN(only_one_that_came_to_its_end_counts);
    TAP_RUN(signals_are_blocked_no_longer_than_that);
    return tap_done();
}
