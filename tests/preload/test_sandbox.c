/* If this failed, a program that has forbidden itself all system calls but read and write would be
 * killed by its allocator, which has all the memory that it needs. */
#include "../harness/tap.h"
#include "behaviour.h"

#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum { BLOCKS = 1000, REPLACEMENTS = 300000, HELD = 0 };

static unsigned char *block[BLOCKS];

static void replace_blocks(uint64_t *random) {
    for (int i = 0; i < REPLACEMENTS; i++) {
        size_t bytes = 16 + random_below(random, 600);
        unsigned char **place = &block[random_below(random, BLOCKS)];
        free(*place);
        *place = memset(malloc(bytes), 1, bytes);
    }
}

static _Noreturn void work_in_sandbox(void) {
    uint64_t random = 7;
    replace_blocks(&random);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
        _exit(CHILD_SKIPPED);
    replace_blocks(&random);
    for (;;) /* the call that exit() makes is forbidden, too */
        syscall(SYS_exit, HELD);
}

static void blocks_come_and_go_without_system_calls(void) {
    int status;
    if (pools_are_hardened()) {
        tap_skip("hardened, memory becomes accessible slab by slab");
        return;
    }
    if (!LIBC_IS_GLIBC && !pools_are_unlimited()) {
        tap_skip("musl's allocator makes system calls");
        return;
    }
    pid_t pid = fork();
    if (pid == 0)
        work_in_sandbox();
    bool ended = child_wait(pid, &status, CHILD_SECONDS);
    if (ended && WIFEXITED(status) && WEXITSTATUS(status) == CHILD_SKIPPED)
        tap_skip("the kernel has no such sandbox");
    else
        CHECK_SAY(ended && WIFEXITED(status) && WEXITSTATUS(status) == HELD, "status %#x",
                  (unsigned)status);
}

int main(void) {
    TAP_RUN(blocks_come_and_go_without_system_calls);
    return tap_done();
}
