/* If this failed, leaks=on would make a process that has shut itself in a sandbox do what it is
 * ended for, or would look for less in one that was started in a sandbox.
 */
#include "filters.h"
#include "tap.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SKIPPED = 77 };

static void allow_all(void) {
    struct sock_filter filter[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {.len = 1, .filter = filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        _exit(SKIPPED);
}

static void set_one(void) {
    filters_start();
    CHECK(!filters_were_added());
    allow_all();
    CHECK(filters_were_added());
}

static void start_with_one(void) {
    allow_all();
    filters_start();
    CHECK(!filters_were_added());
}

/* In a process of its own: a filter stays. */
static void check_apart(void (*run)(void)) {
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        run();
        _exit(tap.faults);
    }
    waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
        tap_skip("no filter can be set here");
    else
        CHECK_SAY(status == 0, "status %#x", (unsigned)status);
}

static void a_filter_that_the_process_sets_is_seen(void) {
    check_apart(set_one);
}

static void one_that_it_was_started_with_is_none(void) {
    check_apart(start_with_one);
}

int main(void) {
    TAP_RUN(a_filter_that_the_process_sets_is_seen);
    TAP_RUN(one_that_it_was_started_with_is_none);
    return tap_done();
}
