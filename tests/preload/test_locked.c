/* If this failed, a program that locks its memory, as those that must not wait do, would take much
 * more of it, or could not go on once it has given up the privilege to lock so much. */
#include "../harness/tap.h"
#include "behaviour.h"
#include <pthread.h>
#include <sys/resource.h>

enum { MIB = 1 << 20, NODE_BYTES = 64, STACK_BYTES = 256 << 10 };

static const char *program;

/* What the process has of a kind, by its status, in KiB. */
static size_t status_kib(const char *name) {
    char line[256];
    size_t kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            kib = strtoul(line + strlen(name), NULL, 10);
    if (status != NULL)
        fclose(status);
    return kib;
}

static size_t locked_kib(void) {
    return status_kib("VmLck:");
}

static void limit_locks(rlim_t bytes) {
    struct rlimit limit = {bytes, bytes};
    (void)setrlimit(RLIMIT_MEMLOCK, &limit); /* a privileged process has enough of any */
}

static void take_nodes(size_t bytes) {
    for (size_t taken = 0; taken < bytes; taken += NODE_BYTES)
        memset(opaque(malloc(NODE_BYTES)), 1, NODE_BYTES);
}

static void *thread_main(void *argument) {
    free(opaque(malloc(NODE_BYTES)));
    return argument;
}

/* Locks all as root does, and becomes somebody who may lock no more than is usual. */
static int drop_main(void) {
    pthread_t thread;
    pthread_attr_t attributes;
    take_nodes(NODE_BYTES);
    size_t most_bytes = 2 * 1024 * status_kib("VmRSS:") + 16 * MIB;
    if (geteuid() != 0)
        return CHILD_SKIPPED;
    limit_locks(most_bytes);
    if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0 || setuid(65534) != 0)
        return CHILD_SKIPPED;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    if (pthread_create(&thread, &attributes, thread_main, NULL) != 0)
        return 2;
    pthread_join(thread, NULL);
    for (int i = 0; i < 100; i++) {
        char *block = malloc(MIB);
        if (block == NULL)
            return 3;
        block[0] = block[MIB - 1] = 1;
        free(block);
    }
    take_nodes(MIB / 4);
    return mmap(NULL, STACK_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED ? 0
                                                                                                : 4;
}

/* False if what is mapped from now on may not be locked as far as is needed here. */
static bool lock_all(void) {
    enum { NEEDED_BYTES = 64 * MIB };
    if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
        return false;
    void *start = mmap(NULL, NEEDED_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return start != MAP_FAILED && munmap(start, NEEDED_BYTES) == 0;
}

/* What serves later is locked, what is only reserved does not count as that, and little is locked
 * ahead; until the program takes it back. */
static int lock_main(void) {
    enum { AHEAD_KIB = 4 << 10 };
    take_nodes(NODE_BYTES);
    limit_locks(RLIM_INFINITY);
    if (!lock_all())
        return CHILD_SKIPPED;
    size_t before_kib = locked_kib();
    if (before_kib == 0 || before_kib > 16 << 10)
        return 2;
    take_nodes(8 * MIB);
    size_t more_kib = locked_kib() - before_kib;
    if (more_kib < 8 << 10 || more_kib > (12 << 10) + AHEAD_KIB)
        return 3;
    if (munlockall() != 0)
        return 4;
    take_nodes(8 * MIB);
    return locked_kib() == 0 ? 0 : 5;
}

/* A child of fork has no locks. */
static int fork_main(void) {
    int status = 0;
    take_nodes(NODE_BYTES);
    limit_locks(RLIM_INFINITY);
    if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
        return CHILD_SKIPPED;
    pid_t child = fork();
    if (child == 0) {
        take_nodes(8 * MIB);
        _exit(locked_kib() == 0 ? 0 : 1);
    }
    return waitpid(child, &status, 0) == child && status == 0 ? 0 : 2;
}

/* Call stacks are kept in tables that are as large as the region. */
static void keep_origins(void) {
    const char *before = getenv("TAGPOOL_OPTIONS");
    char options[256];
    snprintf(options, sizeof options, "%s%sorigins=16", before != NULL ? before : "",
             before != NULL ? "," : "");
    setenv("TAGPOOL_OPTIONS", options, 1);
}

static void check_prepared(const char *mode, void (*prepare)(void)) {
    static struct child child;
    const char *const argv[] = {program, mode, NULL};
    child_run_prepared(&child, NULL, prepare, argv);
    if (child_skipped(&child))
        tap_skip("memory may not be locked here");
    CHECK_SAY(child_succeeded(&child) || child_skipped(&child), "%s: status %#x: %.300s", mode,
              (unsigned)child.status, child.err);
}

static void check(const char *mode) {
    check_prepared(mode, NULL);
}

static void who_locked_all_as_root_may_give_up_being_it(void) {
    check("drop");
}

static void and_if_call_stacks_are_kept(void) {
    check_prepared("drop", keep_origins);
}

static void what_serves_is_locked_and_what_is_reserved_is_not(void) {
    check("lock");
}

static void a_child_has_no_locks(void) {
    check("fork");
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc == 2)
        return argv[1][0] == 'd' ? drop_main() : argv[1][0] == 'l' ? lock_main() : fork_main();
    TAP_RUN(who_locked_all_as_root_may_give_up_being_it);
    TAP_RUN(and_if_call_stacks_are_kept);
    TAP_RUN(what_serves_is_locked_and_what_is_reserved_is_not);
    TAP_RUN(a_child_has_no_locks);
    return tap_done();
}
