#include "launch/launcher.h"

#include "base/clock.h"
#include "base/interrupt.h"
#include "base/memory.h"
#include "base/say.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LAUNCHER_DESCRIPTORS = 5 }; /* the memfd, the target's 0, 1, 2, and a service's log */

/* The memfd: this head, then path, arguments and environment as strings that end in NUL; for a
 * service also its test, and path and arguments of the load. */
struct launcher_request {
    uint64_t argument_count;
    uint64_t variable_count;
    uint64_t text_bytes;
    uint64_t counted;
    uint64_t is_service;
    uint64_t load_count;
    uint64_t settle_ns;
    uint64_t patience_ns;
};

/* What the forked child tells the launcher; shared memory, written before exec. */
struct launcher_note {
    uint64_t start_ns;
    int exec_errno;
    bool is_service;
    struct supervisor_report report;
};

static int launcher_socket = -1;
static pid_t launcher_process;

enum { LAUNCHER_SIGNALS = 4 };
static const int launcher_signals[LAUNCHER_SIGNALS] = {SIGINT, SIGQUIT, SIGHUP, SIGTERM};
static struct sigaction launcher_inherited[LAUNCHER_SIGNALS];

/* In the launcher: the running target, and whether tagpool wants no more of them. */
static volatile sig_atomic_t launcher_target;
static volatile sig_atomic_t launcher_is_told;

/* ---- the side of tagpool ---- */

static bool launcher_write(int descriptor, const void *data, size_t bytes) {
    const char *next = data;
    while (bytes > 0) {
        ssize_t written = write(descriptor, next, bytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        next += written;
        bytes -= (size_t)written;
    }
    return true;
}

static uint64_t launcher_measure(char *const *strings, uint64_t *count) {
    uint64_t bytes = 0;
    for (*count = 0; strings[*count] != NULL; ++*count)
        bytes += strlen(strings[*count]) + 1;
    return bytes;
}

static bool launcher_write_strings(int memory, char *const *strings) {
    bool written = true;
    for (char *const *p = strings; written && *p != NULL; p++)
        written = launcher_write(memory, *p, strlen(*p) + 1);
    return written;
}

static bool launcher_write_service(int memory, const struct launch_service *service) {
    return launcher_write(memory, service->ready, strlen(service->ready) + 1) &&
           launcher_write(memory, service->load_path, strlen(service->load_path) + 1) &&
           launcher_write_strings(memory, service->load_argv);
}

static bool launcher_write_request(int memory, const struct launch *launch) {
    const struct launch_service *service = launch->service;
    struct launcher_request head = {.counted = launch->counted};
    if (service != NULL) {
        head.is_service = 1;
        head.settle_ns = (uint64_t)(service->settle_s * 1e9);
        head.patience_ns = (uint64_t)(service->patience_s * 1e9);
        launcher_measure(service->load_argv, &head.load_count);
    }
    head.text_bytes = strlen(launch->path) + 1;
    head.text_bytes += launcher_measure(launch->argv, &head.argument_count);
    head.text_bytes += launcher_measure(launch->envp, &head.variable_count);
    return launcher_write(memory, &head, sizeof head) &&
           launcher_write(memory, launch->path, strlen(launch->path) + 1) &&
           launcher_write_strings(memory, launch->argv) &&
           launcher_write_strings(memory, launch->envp) &&
           (service == NULL || launcher_write_service(memory, service));
}

static bool launcher_send(int memory, const struct launch *launch) {
    const int *descriptors = launch->descriptors;
    int log = launch->service != NULL ? launch->service->log : descriptors[2];
    int passed[LAUNCHER_DESCRIPTORS] = {memory, descriptors[0], descriptors[1], descriptors[2],
                                        log};
    union {
        char bytes[CMSG_SPACE(sizeof passed)];
        struct cmsghdr align;
    } control;
    char byte = 0;
    struct iovec text = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &text,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    memset(&control, 0, sizeof control);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof passed);
    memcpy(CMSG_DATA(header), passed, sizeof passed);
    ssize_t sent;
    do
        sent = sendmsg(launcher_socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == 1;
}

bool launcher_begin(const struct launch *launch) {
    int memory = memfd_create("tagpool-launch", MFD_CLOEXEC);
    if (memory < 0)
        return false;
    bool sent = launcher_write_request(memory, launch) && launcher_send(memory, launch);
    int error = errno;
    if (sent)
        interrupt_pass_to(launcher_process);
    close(memory);
    errno = error;
    return sent;
}

int launcher_descriptor(void) {
    return launcher_socket;
}

bool launcher_finish(struct launch_result *result) {
    ssize_t received;
    do
        received = recv(launcher_socket, result, sizeof *result, 0);
    while (received < 0 && errno == EINTR);
    interrupt_pass_to(0);
    return received == (ssize_t)sizeof *result;
}

char *launcher_describe_end(int wait_status) {
    if (WIFSIGNALED(wait_status))
        return memory_format("signal %d (%s)", WTERMSIG(wait_status),
                             strsignal(WTERMSIG(wait_status)));
    return memory_format("exit status %d", WEXITSTATUS(wait_status));
}

/* ---- the side of the launcher ---- */

static bool launcher_receive(int socket, int descriptors[LAUNCHER_DESCRIPTORS]) {
    union {
        char bytes[CMSG_SPACE(LAUNCHER_DESCRIPTORS * sizeof(int))];
        struct cmsghdr align;
    } control;
    char byte;
    struct iovec text = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &text,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    ssize_t received;
    do
        received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (received < 0 && errno == EINTR);
    struct cmsghdr *header = received == 1 ? CMSG_FIRSTHDR(&message) : NULL;
    if (header == NULL || header->cmsg_len != CMSG_LEN(LAUNCHER_DESCRIPTORS * sizeof(int)))
        return false;
    memcpy(descriptors, CMSG_DATA(header), LAUNCHER_DESCRIPTORS * sizeof(int));
    return true;
}

/* Points `strings` at `count` strings that lie one behind the other; returns what follows them. */
static char *launcher_point(char **strings, uint64_t count, char *text) {
    for (uint64_t i = 0; i < count; i++) {
        strings[i] = text;
        text += strlen(text) + 1;
    }
    strings[count] = NULL;
    return text;
}

/* In the forked child: the supervisor of a service. `text` is what follows the environment. */
__attribute__((noreturn)) static void launcher_supervise(const struct launcher_request *head,
                                                         struct supervisor_request *request,
                                                         char *text, struct launcher_note *note) {
    size_t bytes = (head->load_count + 1) * sizeof(char *);
    char **load = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (load == MAP_FAILED)
        _exit(127);
    request->ready = text;
    request->load_path = text + strlen(text) + 1;
    request->load_argv = load;
    request->load_envp = environ;
    request->settle_ns = head->settle_ns;
    request->patience_ns = head->patience_ns;
    launcher_point(load, head->load_count,
                   text + strlen(text) + 1 + strlen(request->load_path) + 1);
    note->is_service = true;
    note->exec_errno = 0;
    supervisor_run(request, &note->report);
    _exit(0);
}

/* In the forked child. It waits for a byte in `gate` (-1: for nothing): until then its counters are
 * being opened. The arrays of pointers are mapped, not allocated, so that the parent's heap
 * stays as it is. */
__attribute__((noreturn)) static void launcher_execute(const int *descriptors, int gate,
                                                       struct launcher_note *note) {
    struct stat about;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int i = 0; i < LAUNCHER_SIGNALS; i++)
        sigaction(launcher_signals[i], &launcher_inherited[i], NULL);
    /* Before this line it was noted in our copy. */
    if (launcher_is_told)
        raise(SIGTERM);
    note->exec_errno = EIO;
    if (fstat(descriptors[0], &about) != 0)
        _exit(127);
    char *memory =
        mmap(NULL, (size_t)about.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, descriptors[0], 0);
    if (memory == MAP_FAILED)
        _exit(127);
    struct launcher_request *head = (void *)memory;
    size_t pointers = (head->argument_count + head->variable_count + 2) * sizeof(char *);
    char **argv = mmap(NULL, pointers, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (argv == MAP_FAILED)
        _exit(127);
    char *path = memory + sizeof *head;
    char **envp = argv + head->argument_count + 1;
    char *variables = launcher_point(argv, head->argument_count, path + strlen(path) + 1);
    char *rest = launcher_point(envp, head->variable_count, variables);
    for (int i = 0; i < 3; i++)
        if (dup2(descriptors[1 + i], i) < 0)
            _exit(127);
    char byte;
    while (gate >= 0 && read(gate, &byte, 1) < 0 && errno == EINTR) {
    }
    struct supervisor_request service = {
        .path = path, .argv = argv, .envp = envp, .log = descriptors[4]};
    if (head->is_service != 0)
        launcher_supervise(head, &service, rest, note);
    note->exec_errno = 0;
    note->start_ns = clock_wall_ns();
    execve(path, argv, envp);
    note->exec_errno = errno;
    _exit(127);
}

static bool launcher_is_counted(const int *descriptors) {
    struct launcher_request head;
    return pread(descriptors[0], &head, sizeof head, 0) == (ssize_t)sizeof head &&
           head.counted != 0;
}

/* Forks the target; with counters it is let go when they are open. -1 with errno. */
static pid_t launcher_fork(const int *descriptors, struct launcher_note *note,
                           struct counter_set *counters) {
    int gate[2] = {-1, -1};
    if (counters != NULL && pipe2(gate, O_CLOEXEC) != 0)
        return -1;
    pid_t child = fork();
    if (child == 0) {
        close(gate[1]);
        launcher_execute(descriptors, gate[0], note);
    }
    launcher_target = child;
    if (launcher_is_told && child > 0)
        kill(child, SIGTERM);
    if (counters != NULL && child > 0)
        counters_open(counters, child);
    /* The end of the pipe opens the gate. */
    if (counters != NULL) {
        close(gate[0]);
        close(gate[1]);
    }
    return child;
}

/* Waits for the child's end, but leaves it there: the kernel still knows how it was scheduled. */
static void launcher_await(pid_t child) {
    siginfo_t info;
    while (waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
    }
    launcher_target = 0;
}

/* "RUNNING WAITING SLICES", of its first thread, in nanoseconds. */
static uint64_t launcher_delay_ns(pid_t child) {
    char path[64], text[128];
    snprintf(path, sizeof path, "/proc/%d/schedstat", (int)child);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t bytes = file >= 0 ? read(file, text, sizeof text - 1) : -1;
    if (file >= 0)
        close(file);
    if (bytes <= 0)
        return 0;
    text[bytes] = '\0';
    const char *waiting = strchr(text, ' '); /* after the time that it ran */
    return waiting != NULL ? strtoull(waiting, NULL, 10) : 0;
}

/* What is known of a service takes the place of what is known of its supervisor. */
static void launcher_take_service(const struct supervisor_report *report,
                                  struct launch_result *result) {
    int32_t error = result->exec_errno;
    *result = (struct launch_result){
        .wait_status = report->load_status,
        .exec_errno = error,
        .wall_ns = report->load_ns,
        .user_us = report->cpu_ns / 1000,
        .peak_kib = report->peak_bytes / 1024,
        .minor_faults = report->minor_faults,
        .major_faults = report->major_faults,
        .service = *report,
    };
}

static void launcher_run(const int *descriptors, struct launcher_note *note,
                         struct launch_result *result) {
    struct rusage usage = {0};
    struct counter_set counters;
    bool counted = launcher_is_counted(descriptors);
    int status = 0;
    memset(result, 0, sizeof *result);
    note->is_service = false;
    note->start_ns = clock_wall_ns();
    pid_t child = launcher_fork(descriptors, note, counted ? &counters : NULL);
    if (child < 0) {
        result->exec_errno = errno;
        return;
    }
    launcher_await(child);
    result->wall_ns = clock_wall_ns() - note->start_ns;
    result->delay_ns = launcher_delay_ns(child);
    pid_t ended;
    do
        ended = wait4(child, &status, 0, &usage);
    while (ended < 0 && errno == EINTR);
    int error = ended < 0 ? errno : note->exec_errno;
    if (counted)
        counters_read(&counters, result->counters);
    result->wait_status = status;
    result->exec_errno = error;
    result->user_us = (uint64_t)usage.ru_utime.tv_sec * 1000000u + (uint64_t)usage.ru_utime.tv_usec;
    result->system_us =
        (uint64_t)usage.ru_stime.tv_sec * 1000000u + (uint64_t)usage.ru_stime.tv_usec;
    result->peak_kib = (uint64_t)usage.ru_maxrss;
    result->minor_faults = (uint64_t)usage.ru_minflt;
    result->major_faults = (uint64_t)usage.ru_majflt;
    result->voluntary_switches = (uint64_t)usage.ru_nvcsw;
    result->involuntary_switches = (uint64_t)usage.ru_nivcsw;
    if (note->is_service)
        launcher_take_service(&note->report, result);
}

/* SIGTERM, from tagpool or for its whole group: what runs is ended, and what comes after it. The
 * launcher goes on, so that tagpool learns of the end. */
static void launcher_end_target(int number) {
    launcher_is_told = 1;
    if (launcher_target > 0)
        kill((pid_t)launcher_target, number);
}

__attribute__((noreturn)) static void launcher_serve(int socket, pid_t parent) {
    int descriptors[LAUNCHER_DESCRIPTORS];
    struct launch_result result;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction end = {.sa_handler = launcher_end_target, .sa_flags = SA_RESTART};
    /* The terminal's Ctrl-C is for the target and for tagpool; the launcher ends with its socket.
     */
    for (int i = 0; i < LAUNCHER_SIGNALS; i++)
        sigaction(launcher_signals[i], launcher_signals[i] == SIGTERM ? &end : &ignore,
                  &launcher_inherited[i]);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct launcher_note *note =
        mmap(NULL, sizeof *note, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (note == MAP_FAILED || getppid() != parent)
        _exit(1);
    while (launcher_receive(socket, descriptors)) {
        launcher_run(descriptors, note, &result);
        for (int i = 0; i < LAUNCHER_DESCRIPTORS; i++)
            close(descriptors[i]);
        if (send(socket, &result, sizeof result, MSG_NOSIGNAL) != (ssize_t)sizeof result)
            break;
    }
    _exit(0);
}

bool launcher_start(void) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return false;
    pid_t parent = getpid();
    pid_t child = fork();
    if (child < 0)
        return false;
    if (child == 0) {
        close(pair[0]);
        launcher_serve(pair[1], parent);
    }
    close(pair[1]);
    launcher_socket = pair[0];
    launcher_process = child;
    return true;
}

void launcher_must_start(void) {
    if (!launcher_start())
        say_and_exit(STATUS_OWN_FAILURE, "cannot start the launcher: %s", strerror(errno));
}
