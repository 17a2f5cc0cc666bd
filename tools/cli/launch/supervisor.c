#include "launch/supervisor.h"

#include "base/clock.h"
#include "launch/ready.h"
#include "launch/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    SUPERVISOR_STEP_NS = 10000000, /* between two looks at a service that is not ready yet */
    SUPERVISOR_DYING_NS = 500000000,
    SUPERVISOR_KILL_STEPS = 500, /* looks at processes that were killed */
};

struct supervisor {
    const struct supervisor_request *request;
    struct supervisor_report *report;
    pid_t service; /* 0: it has ended */
    pid_t group;   /* its */
    pid_t load;    /* 0: it does not run */
    struct tree_usage reaped;
    bool interrupted;
};

/* ---- waiting ---- */

static void supervisor_add_usage(struct supervisor *supervisor, const struct rusage *usage) {
    uint64_t us = (uint64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000u +
                  (uint64_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
    supervisor->reaped.cpu_ns += us * 1000;
    supervisor->reaped.minor_faults += (uint64_t)usage->ru_minflt;
    supervisor->reaped.major_faults += (uint64_t)usage->ru_majflt;
}

/* Takes in all that has ended. False when there is no child any more. */
static bool supervisor_reap(struct supervisor *supervisor) {
    int status;
    struct rusage usage;
    pid_t ended;
    while ((ended = wait4(-1, &status, WNOHANG, &usage)) > 0) {
        if (ended == supervisor->load) {
            supervisor->report->load_ns = clock_wall_ns() - supervisor->report->load_start_ns;
            supervisor->report->load_status = status;
            supervisor->load = 0;
            continue;
        }
        if (ended == supervisor->service) {
            supervisor->report->status = status;
            supervisor->service = 0;
        }
        supervisor_add_usage(supervisor, &usage);
    }
    return ended == 0;
}

/* Until a child ends, somebody wants us to stop, or the time is up. */
static void supervisor_pause(struct supervisor *supervisor, uint64_t ns) {
    sigset_t awaited;
    struct timespec limit = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGCHLD);
    sigaddset(&awaited, SIGTERM);
    if (sigtimedwait(&awaited, NULL, &limit) == SIGTERM)
        supervisor->interrupted = true;
}

/* ---- children ---- */

/* In the child: nothing of ours is blocked or ignored. */
static void supervisor_free_child(const sigset_t *inherited) {
    signal(SIGINT, SIG_DFL);
    signal(SIGQUIT, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    sigprocmask(SIG_SETMASK, inherited, NULL);
}

static pid_t supervisor_start_service(const struct supervisor *supervisor, int *error) {
    const struct supervisor_request *request = supervisor->request;
    sigset_t none;
    sigemptyset(&none);
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    pid_t child = nothing < 0 ? -1 : fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setpgid(0, 0);
        supervisor_free_child(&none);
        if (dup2(nothing, 0) >= 0 && dup2(request->log, 1) >= 0 && dup2(request->log, 2) >= 0)
            execve(request->path, request->argv, request->envp);
        *error = errno;
        _exit(127);
    }
    if (child > 0)
        setpgid(child, child);
    if (nothing >= 0)
        close(nothing);
    return child;
}

static pid_t supervisor_start_load(const struct supervisor *supervisor, int *error) {
    const struct supervisor_request *request = supervisor->request;
    sigset_t none;
    sigemptyset(&none);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        supervisor_free_child(&none);
        supervisor->report->load_start_ns = clock_wall_ns();
        execve(request->load_path, request->load_argv, request->load_envp);
        *error = errno;
        _exit(127);
    }
    return child;
}

/* ---- what is used ---- */

static struct tree_usage supervisor_measure(struct supervisor *supervisor) {
    struct tree_usage usage;
    supervisor_reap(supervisor);
    tree_measure(supervisor->load, &usage);
    usage.cpu_ns += supervisor->reaped.cpu_ns;
    usage.minor_faults += supervisor->reaped.minor_faults;
    usage.major_faults += supervisor->reaped.major_faults;
    return usage;
}

static uint64_t supervisor_more(uint64_t after, uint64_t before) {
    return after > before ? after - before : 0;
}

/* ---- the steps ---- */

/* The service has ended: did it leave processes in the background, or did it die? */
static enum supervisor_end supervisor_gone(const struct supervisor *supervisor,
                                           enum supervisor_end died) {
    struct tree_usage rest;
    tree_measure(supervisor->load, &rest);
    return rest.processes != 0 && supervisor->report->status == 0 ? SUPERVISOR_FORKED_AWAY : died;
}

static enum supervisor_end supervisor_await_ready(struct supervisor *supervisor) {
    uint64_t end_ns = clock_wall_ns() + supervisor->request->patience_ns;
    for (;;) {
        /* Asked first, judged after: a service that has ended in between was not the one that
         * answered. */
        bool ready = ready_is(supervisor->request->ready);
        supervisor_reap(supervisor);
        if (supervisor->interrupted)
            return SUPERVISOR_INTERRUPTED;
        if (supervisor->service == 0) {
            if (supervisor->report->error != 0)
                return SUPERVISOR_NOT_STARTED;
            return supervisor_gone(supervisor, SUPERVISOR_DIED);
        }
        if (ready)
            return SUPERVISOR_SERVED;
        if (clock_wall_ns() >= end_ns)
            return SUPERVISOR_NEVER_READY;
        supervisor_pause(supervisor, SUPERVISOR_STEP_NS);
    }
}

static enum supervisor_end supervisor_load(struct supervisor *supervisor) {
    struct supervisor_report *report = supervisor->report;
    uint64_t died_ns = 0;
    supervisor->load = supervisor_start_load(supervisor, &report->error);
    if (supervisor->load < 0) {
        report->error = errno;
        supervisor->load = 0;
        return SUPERVISOR_NO_LOAD;
    }
    while (supervisor_reap(supervisor), supervisor->load != 0) {
        if (supervisor->interrupted)
            return SUPERVISOR_INTERRUPTED;
        /* A load without its service may wait for ever. */
        if (supervisor->service == 0 && died_ns == 0)
            died_ns = clock_wall_ns();
        if (died_ns != 0 && clock_wall_ns() - died_ns > supervisor->request->patience_ns)
            return supervisor_gone(supervisor, SUPERVISOR_DIED_AT_LOAD);
        supervisor_pause(supervisor, 1000000000u);
    }
    if (report->error != 0)
        return SUPERVISOR_NO_LOAD;
    /* Where the load failed, the service may be about to end, which would be the reason. */
    uint64_t failed_ns = clock_wall_ns();
    while (report->load_status != 0 && supervisor->service != 0 && !supervisor->interrupted &&
           clock_wall_ns() - failed_ns < SUPERVISOR_DYING_NS) {
        supervisor_pause(supervisor, SUPERVISOR_STEP_NS);
        supervisor_reap(supervisor);
    }
    return supervisor->service != 0 ? SUPERVISOR_SERVED
                                    : supervisor_gone(supervisor, SUPERVISOR_DIED_AT_LOAD);
}

static enum supervisor_end supervisor_settle(struct supervisor *supervisor) {
    uint64_t end_ns = clock_wall_ns() + supervisor->request->settle_ns;
    struct tree_memory memory;
    for (uint64_t now_ns; (now_ns = clock_wall_ns()) < end_ns;) {
        supervisor_pause(supervisor, end_ns - now_ns);
        supervisor_reap(supervisor);
        if (supervisor->interrupted)
            return SUPERVISOR_INTERRUPTED;
    }
    supervisor_reap(supervisor);
    tree_measure_memory(0, &memory);
    supervisor->report->settled_bytes = memory.bytes;
    return supervisor->service != 0 ? SUPERVISOR_SERVED : SUPERVISOR_DIED_AT_LOAD;
}

/* From ready to settled. */
static enum supervisor_end supervisor_use(struct supervisor *supervisor) {
    struct supervisor_report *report = supervisor->report;
    struct tree_usage before = supervisor_measure(supervisor);
    enum supervisor_end end = supervisor_load(supervisor);
    if (end != SUPERVISOR_SERVED)
        return end;
    struct tree_usage after = supervisor_measure(supervisor);
    struct tree_memory memory;
    tree_measure_memory(0, &memory);
    report->cpu_ns = supervisor_more(after.cpu_ns, before.cpu_ns);
    report->minor_faults = supervisor_more(after.minor_faults, before.minor_faults);
    report->major_faults = supervisor_more(after.major_faults, before.major_faults);
    report->peak_bytes = memory.peak_bytes;
    report->after_bytes = report->settled_bytes = memory.bytes;
    return supervisor->request->settle_ns != 0 ? supervisor_settle(supervisor) : end;
}

/* ---- the end ---- */

/* Until nothing is left, or for so long. True if nothing is. */
static bool supervisor_await_end(struct supervisor *supervisor, uint64_t patience_ns) {
    uint64_t end_ns = clock_wall_ns() + patience_ns;
    bool asked_rest = false;
    while (supervisor_reap(supervisor)) {
        if (clock_wall_ns() >= end_ns)
            return false;
        /* What has left the group is asked when its parent is gone. */
        if (supervisor->service == 0 && !asked_rest) {
            asked_rest = true;
            tree_signal(SIGTERM);
        }
        supervisor_pause(supervisor, SUPERVISOR_STEP_NS);
    }
    return true;
}

/* New ones may be started while others are killed: until there is none. */
static void supervisor_kill_all(struct supervisor *supervisor) {
    for (int step = 0; step < SUPERVISOR_KILL_STEPS && supervisor_reap(supervisor); step++) {
        tree_signal(SIGKILL);
        supervisor_pause(supervisor, SUPERVISOR_STEP_NS);
    }
}

static void supervisor_stop(struct supervisor *supervisor, enum supervisor_end end) {
    if (supervisor->load != 0)
        kill(supervisor->load, SIGKILL);
    if (supervisor->group > 0)
        kill(-supervisor->group, SIGTERM);
    bool hurry = end == SUPERVISOR_INTERRUPTED;
    uint64_t patience_ns = supervisor->request->patience_ns;
    if (!supervisor_await_end(supervisor,
                              hurry && patience_ns > 1000000000u ? 1000000000u : patience_ns)) {
        supervisor->report->killed = 1;
        supervisor_kill_all(supervisor);
    }
}

void supervisor_run(const struct supervisor_request *request, struct supervisor_report *report) {
    struct supervisor supervisor = {.request = request, .report = report};
    sigset_t awaited;
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGCHLD);
    sigaddset(&awaited, SIGTERM);
    sigprocmask(SIG_BLOCK, &awaited, NULL);
    /* Ctrl-C is for tagpool and for the load; what comes of it reaches us as SIGTERM. */
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    *report = (struct supervisor_report){.end = SUPERVISOR_READY_BEFORE};
    if (ready_is(request->ready))
        return;
    supervisor.service = supervisor.group = supervisor_start_service(&supervisor, &report->error);
    enum supervisor_end end = SUPERVISOR_NOT_STARTED;
    if (supervisor.service > 0)
        end = supervisor_await_ready(&supervisor);
    else
        report->error = errno;
    if (end == SUPERVISOR_SERVED)
        end = supervisor_use(&supervisor);
    supervisor_stop(&supervisor, end);
    report->end = end;
}
