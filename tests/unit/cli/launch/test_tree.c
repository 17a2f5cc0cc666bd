/* If this failed, a service would be measured with what is not its own, or without what it started,
 * and something of it would stay behind. */
#include "tap.h"

#include "base/proc.h"
#include "launch/ready.h"
#include "launch/tree.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BURN_NS = 50000000, WAIT_STEPS = 1000, WAIT_NS = 10000000 };

static void burn(void) {
    struct timespec used;
    do
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    while (used.tv_sec == 0 && used.tv_nsec < BURN_NS);
}

/* A child that burns CPU time and says so, with a child of its own that does the same in a session
 * of its own; both wait for a signal. */
static pid_t start_family(int said) {
    pid_t child = fork();
    if (child != 0)
        return child;
    if (fork() == 0)
        setsid();
    burn();
    CHECK(write(said, "x", 1) == 1);
    for (;;)
        pause();
}

static void a_tree_is_measured_with_all_that_is_below_it(void) {
    struct tree_usage usage, less;
    struct tree_memory memory;
    int pipes[2];
    char two[2];
    CHECK(pipe(pipes) == 0);
    tree_measure(0, &usage);
    CHECK(usage.processes == 0 && usage.cpu_ns == 0);
    pid_t child = start_family(pipes[1]);
    for (size_t filled = 0; filled < sizeof two;)
        filled += (size_t)read(pipes[0], two, 1);
    tree_measure(0, &usage);
    CHECK(usage.processes == 2 && usage.cpu_ns >= 2ull * BURN_NS && usage.minor_faults > 0);
    tree_measure_memory(0, &memory);
    CHECK(memory.bytes > 0 && memory.peak_bytes >= memory.bytes / 2);
    tree_measure(child, &less); /* what is below it is left out with it */
    CHECK(less.processes == 0 && less.cpu_ns == 0);
    close(pipes[0]);
    close(pipes[1]);
}

static void a_signal_reaches_all_of_them_and_none_gets_away(void) {
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    CHECK(tree_signal(SIGKILL) == 2);
    int ended = 0;
    for (int step = 0; step < WAIT_STEPS; step++) {
        pid_t pid = waitpid(-1, NULL, WNOHANG);
        ended += pid > 0;
        if (pid < 0 && errno == ECHILD)
            break;
        if (pid == 0)
            nanosleep(&(struct timespec){0, WAIT_NS}, NULL);
    }
    CHECK_SAY(ended == 2, "%d", ended);
    CHECK(tree_signal(SIGKILL) == 0);
}

static void a_test_of_readiness_is_understood_or_refused(void) {
    static const char *const good[] = {
        "tcp:80",        "tcp:localhost:8080", "tcp:[::1]:80", "http://localhost",
        "http://h:81/x", "http:http://h/",     "true",         "curl -fs http://localhost:1/"};
    static const char *const bad[] = {"",        "tcp:",   "tcp:x",   "tcp:0",       "tcp:65536",
                                      "tcp:h:",  "http:x", "http://", "http://h:x/", "https://h/",
                                      "tcp:[::1"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char *fault = ready_fault(good[i]);
        CHECK_SAY(fault == NULL, "%s: %s", good[i], fault);
        free(fault);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char *fault = ready_fault(bad[i]);
        CHECK_SAY(fault != NULL, "%s", bad[i]);
        free(fault);
    }
}

static void readiness_is_what_a_command_says(void) {
    CHECK(ready_is("test -d /") && !ready_is("exit 3"));
}

/* Where a builder has no network at all, nothing can be connected with. */
static bool is_reached(const struct sockaddr_in *address) {
    int caller = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool reached = connect(caller, (const struct sockaddr *)address, sizeof *address) == 0 ||
                   errno != ENETUNREACH;
    close(caller);
    return reached;
}

static void readiness_is_what_a_port_says(void) {
    char test[64];
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t bytes = sizeof address;
    int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(bind(door, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(getsockname(door, (struct sockaddr *)&address, &bytes) == 0);
    snprintf(test, sizeof test, "tcp:127.0.0.1:%d", ntohs(address.sin_port));
    CHECK(!ready_is(test));
    CHECK(listen(door, 2) == 0);
    if (is_reached(&address))
        CHECK(ready_is(test));
    else
        tap_skip("the loopback network is down");
    close(door);
}

static void a_word_is_a_process_only_if_it_is_its_whole_number(void) {
    static const char *const none[] = {"", "0", "-1", "1x", "x", "99999999999999999999", "self"};
    struct proc_stat stat;
    CHECK(proc_pid("1") == 1);
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        CHECK_SAY(proc_pid(none[i]) == 0, "%s", none[i]);
    CHECK(proc_read_stat(getpid(), &stat) && stat.parent == getppid());
    CHECK(stat.resident_bytes > 0 && stat.name[0] != '\0');
    CHECK(proc_find(getpid(), "status", "VmRSS:") > 0);
}

int main(void) {
    TAP_RUN(a_tree_is_measured_with_all_that_is_below_it);
    TAP_RUN(a_signal_reaches_all_of_them_and_none_gets_away);
    TAP_RUN(a_test_of_readiness_is_understood_or_refused);
    TAP_RUN(readiness_is_what_a_command_says);
    TAP_RUN(readiness_is_what_a_port_says);
    TAP_RUN(a_word_is_a_process_only_if_it_is_its_whole_number);
    return tap_done();
}
