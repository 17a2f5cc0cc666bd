/* The launcher: a small process that starts the targets, so that their peak memory is their own.
 *
 * ru_maxrss survives exec: a child forked from a process of 64 MiB reports 64 MiB for /bin/true. So
 * main() forks the launcher before anything else, while the program is about one MiB. The launcher
 * forks every target and waits for it with wait4().
 *
 *              {argv, envp} in a memfd, three descriptors                fork, exec
 *   tagpool  ---------------------------------------------->  launcher  ------------>  target
 *            <----------------------------------------------            <------------
 *                        struct launch_result                               wait4
 *
 * A target that is a service is run by a supervisor (supervisor.h), which the launcher forks in its
 * place.
 *
 * One target runs at a time. The wall clock starts in the forked child right before exec and stops
 * when its end is seen. The launcher ends when its socket does; should `tagpool` be killed, the
 * running target is killed too. Where signals are watched (base/interrupt.h), one that is noted
 * ends the running target with SIGTERM.
 */
#ifndef LAUNCH_LAUNCHER_H
#define LAUNCH_LAUNCHER_H

#include "launch/counters.h"
#include "launch/supervisor.h"

#include <stdbool.h>
#include <stdint.h>

/* The target is a service: what loads it, and when. */
struct launch_service {
    const char *ready; /* as in ready.h */
    const char *load_path;
    char *const *load_argv; /* NULL-ended; its environment is ours */
    double settle_s;
    double patience_s;
    int log; /* where the service writes to */
};

struct launch {
    const char *path;                     /* what is executed */
    char *const *argv;                    /* NULL-ended */
    char *const *envp;                    /* NULL-ended, the whole environment */
    int descriptors[3];                   /* become 0, 1 and 2; stay open here */
    bool counted;                         /* with the processor's counters */
    const struct launch_service *service; /* NULL: a program that ends. Else the descriptors are
                                             those of the load, and nothing is counted */
};

struct launch_result {
    int32_t wait_status; /* as waitpid() gives it */
    int32_t exec_errno;  /* why the target could not be executed; 0: it was */
    uint64_t wall_ns;
    uint64_t user_us; /* sampled at the timer tick: only user + system is exact */
    uint64_t system_us;
    uint64_t peak_kib;
    uint64_t minor_faults;
    uint64_t major_faults;
    uint64_t voluntary_switches;
    uint64_t involuntary_switches;
    uint64_t delay_ns; /* that its first thread was ready and waited for a processor; 0: unknown */
    struct counter_value counters[COUNTER_COUNT]; /* if asked for */
    /* Of a service, whose load the wait status and the wall time are. */
    struct supervisor_report service;
};

/* Forks the launcher; to be called first thing in main. False with errno when the system refuses.
 */
bool launcher_start(void);

/* The same; ends the program with a message if it cannot be. */
void launcher_must_start(void);

/* Hands over a request; the answer is awaited with launcher_finish. False with errno. */
bool launcher_begin(const struct launch *launch);

/* Readable as soon as the target has ended, for poll(). */
int launcher_descriptor(void);

/* Waits for the target's end. False when the launcher itself is gone. */
bool launcher_finish(struct launch_result *result);

/* How a process ended, by its wait status: "exit status 3" or "signal 11 (Segmentation fault)", in
 * a new string. */
char *launcher_describe_end(int wait_status);

#endif
