/* If this failed, a program could crash whose threads come to glibc's allocator past the library,
 * as through a wrapper that ends at __libc_malloc(). glibc sets its allocator up with the first
 * call, and no lock keeps a second thread or a fork off that: it counts on pthread_create(), which
 * allocates in the first thread. glibc 2.36 and newer call getrandom() there: so it is seen. */
#include "../harness/tap.h"
#include "behaviour.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum { BYTES = 5000 };

static volatile sig_atomic_t set_ups;

static void count(int signal) {
    (void)signal;
    set_ups++;
}

/* Only of the thread that calls it. */
static bool trap_getrandom(void) {
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getrandom, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {.len = sizeof steps / sizeof steps[0], .filter = steps};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

static void *allocate(void *has_filter) {
    *(bool *)has_filter = trap_getrandom();
    return memset(libc_malloc(BYTES), 1, BYTES);
}

static int allocate_in_thread(void) {
    struct sigaction action = {.sa_handler = count};
    sigaction(SIGSYS, &action, NULL);
    pthread_t thread;
    bool has_filter = false;
    void *block;
    if (pthread_create(&thread, NULL, allocate, &has_filter) != 0 ||
        pthread_join(thread, &block) != 0)
        return 1;
    free(block);
    return has_filter ? set_ups : CHILD_SKIPPED;
}

static const char *program;

static void a_thread_finds_glibcs_allocator_set_up(void) {
    static struct child child;
    const char *const arguments[] = {program, "allocate", NULL};
    if (!LIBC_IS_GLIBC) {
        tap_skip("the C library is another");
        return;
    }
    child_run(&child, NULL, arguments);
    if (child_skipped(&child))
        tap_skip("the kernel has no such filter");
    else
        CHECK_SAY(child_succeeded(&child), "status %#x: %s", (unsigned)child.status, child.err);
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc > 1)
        return allocate_in_thread();
    TAP_RUN(a_thread_finds_glibcs_allocator_set_up);
    return tap_done();
}
