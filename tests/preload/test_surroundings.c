/* If this failed, programs in unusual surroundings would not start or would find their descriptors
 * used: closed standard streams, no descriptor left, no environment, little memory for data, vfork
 * and posix_spawn. */
#include "../harness/tap.h"
#include "behaviour.h"
#include <spawn.h>
#include <sys/resource.h>

static const char *program;
extern char **environ;

/* Node-sized and large traffic with every byte checked. */
static bool traffic_holds(void) {
    static unsigned char *block[400];
    bool held = true;
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 0; i < 400; i++) {
            size_t bytes = i * (round + 1) * 5 + 1;
            block[i] = realloc(block[i], bytes);
            if (block[i] == NULL)
                return false;
            pattern_fill(block[i], bytes, i);
        }
        for (unsigned i = 0; i < 400; i++)
            held &= pattern_holds(block[i], i * (round + 1) * 5 + 1, i);
    }
    for (unsigned i = 0; i < 400; i++) {
        free(block[i]);
        block[i] = NULL;
    }
    return held;
}

/* The library opens nothing that stays open: the next descriptor is the lowest that was free at
 * start. */
static int child_main(const char *lowest_free) {
    if (!traffic_holds())
        return 2;
    if (lowest_free[0] == '-')
        return 0;
    int descriptor = open("/", O_RDONLY);
    return descriptor == atoi(lowest_free) ? 0 : 3;
}

static void check_prepared(const char *what, void (*prepare)(void), const char *lowest_free) {
    static struct child child;
    const char *const argv[] = {program, lowest_free, NULL};
    child_run_prepared(&child, NULL, prepare, argv);
    CHECK_SAY(child_succeeded(&child), "%s: status %#x: %.200s", what, (unsigned)child.status,
              child.err);
    CHECK_SAY(child.err[0] == '\0', "%s: it wrote: %.200s", what, child.err);
}

static void close_all_streams(void) {
    for (int i = 0; i < 10; i++)
        close(i);
}

static void leave_no_descriptor(void) {
    struct rlimit limit = {3, 3};
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* A slab for each size takes room, in the hardened mode for large ones too. */
static void limit_data(void) {
    rlim_t bytes = pools_are_hardened() ? 32 << 20 : 8 << 20;
    struct rlimit limit = {bytes, bytes};
    setrlimit(RLIMIT_DATA, &limit);
}

static void limit_file_size(void) {
    struct rlimit limit = {0, 0};
    setrlimit(RLIMIT_FSIZE, &limit);
}

static void a_program_with_all_streams_closed_runs(void) {
    check_prepared("closed streams", close_all_streams, "0");
}

static void no_descriptor_is_kept_open(void) {
    check_prepared("descriptors", NULL, "3");
}

/* Three descriptors are for the streams; the loader needs one more for a moment, for the library
 * itself. So without the fourth the library is not loaded, and with it there is none to spare
 * afterwards. */
static void a_program_with_few_descriptors_runs(void) {
    static struct child child;
    const char *const argv[] = {program, "-", NULL};
    child_run_prepared(&child, NULL, leave_no_descriptor, argv);
    CHECK(!child.late && WIFEXITED(child.status));
    CHECK(WEXITSTATUS(child.status) == 0 || WEXITSTATUS(child.status) == 127);
}

static void a_program_with_limited_data_runs(void) {
    check_prepared("RLIMIT_DATA", limit_data, "-");
}

static void a_program_that_may_write_no_file_runs(void) {
    check_prepared("RLIMIT_FSIZE", limit_file_size, "-");
}

/* --- ways to start another program --- */

static void check_spawned(const char *what, pid_t pid) {
    int status = -1;
    CHECK_SAY(pid > 0, "%s: no process", what);
    CHECK_SAY(child_wait(pid, &status, CHILD_SECONDS) && status == 0, "%s: status %#x", what,
              (unsigned)status);
}

static pid_t vfork_and_exec(char *const *argv) {
    pid_t pid = vfork();
    if (pid == 0) {
        execve(program, argv, environ);
        _exit(127);
    }
    return pid;
}

static void posix_spawn_and_vfork_work_between_allocations(void) {
    char *argv[] = {(char *)(uintptr_t)program, (char[]){"-"}, NULL};
    for (int i = 0; i < 20; i++) {
        pid_t pid = -1;
        void *block = malloc(100);
        CHECK(posix_spawn(&pid, program, NULL, NULL, argv, environ) == 0);
        check_spawned("posix_spawn", pid);
        check_spawned("vfork", vfork_and_exec(argv));
        free(block);
    }
    CHECK(traffic_holds());
}

/* Nothing but what makes the loader load the library. */
static void a_program_without_environment_runs(void) {
    static char preload[512];
    char *argv[] = {(char *)(uintptr_t)program, (char[]){"-"}, NULL};
    char *environment[] = {preload, NULL};
    const char *value = getenv("LD_PRELOAD");
    pid_t pid = -1;
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s", value != NULL ? value : "");
    CHECK(posix_spawn(&pid, program, NULL, NULL, argv, environment) == 0);
    check_spawned("no environment", pid);
    pid = -1;
    environment[0] = NULL;
    CHECK(posix_spawn(&pid, program, NULL, NULL, argv, environment) == 0);
    check_spawned("empty environment", pid);
}

/* clearenv and putenv replace what the library may have looked at. */
static void a_program_may_replace_its_environment(void) {
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        clearenv();
        setenv("TAGPOOL_OPTIONS", "strategy=direct,colour=red", 1);
        _exit(traffic_holds() ? 0 : 1);
    }
    CHECK(child_wait(pid, &status, CHILD_SECONDS) && status == 0);
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc == 2)
        return child_main(argv[1]);
    TAP_RUN(a_program_with_all_streams_closed_runs);
    TAP_RUN(no_descriptor_is_kept_open);
    TAP_RUN(a_program_with_few_descriptors_runs);
    TAP_RUN(a_program_with_limited_data_runs);
    TAP_RUN(a_program_that_may_write_no_file_runs);
    TAP_RUN(posix_spawn_and_vfork_work_between_allocations);
    TAP_RUN(a_program_without_environment_runs);
    TAP_RUN(a_program_may_replace_its_environment);
    return tap_done();
}
