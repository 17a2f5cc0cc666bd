/* One run of a service: started, waited for, loaded, looked at, ended.
 *
 *   supervisor   (a process of its own, forked by the launcher; inherits all that gets orphaned)
 *     |
 *     +-- service, in a group of its own, with what it starts
 *     +-- load, when the service is ready
 *
 * Nothing of the service outlives the supervisor. SIGTERM goes to the service's group, then to what
 * has left the group, and SIGKILL to what is still there when the patience is over. The supervisor
 * itself does the same when the launcher is gone, because tagpool was interrupted or killed.
 *
 * CPU time and page faults are those of the service's whole tree from the moment it is ready until
 * the load has ended.
 */
#ifndef LAUNCH_SUPERVISOR_H
#define LAUNCH_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

enum supervisor_end {
    SUPERVISOR_SERVED,       /* the load ran to its end, and the service lived */
    SUPERVISOR_NOT_STARTED,  /* `error` says why it could not be executed */
    SUPERVISOR_READY_BEFORE, /* the test said so without the service */
    SUPERVISOR_DIED,         /* before it was ready; `status` is its end */
    SUPERVISOR_FORKED_AWAY,  /* it ended and left processes in the background */
    SUPERVISOR_NEVER_READY,  /* not within the patience */
    SUPERVISOR_NO_LOAD,      /* `error` says why the load could not be executed */
    SUPERVISOR_DIED_AT_LOAD, /* during the load, or before the end of settling */
    SUPERVISOR_INTERRUPTED,
};

/* What to run. */
struct supervisor_request {
    const char *path; /* the service: all end in NULL */
    char *const *argv;
    char *const *envp;
    const char *load_path;
    char *const *load_argv;
    char *const *load_envp;
    const char *ready; /* as in ready.h */
    uint64_t settle_ns;
    uint64_t patience_ns; /* to become ready, and to end */
    int log;              /* becomes the service's standard output and standard error */
};

/* What became of it; in memory that is shared with the launcher. */
struct supervisor_report {
    uint32_t end; /* enum supervisor_end */
    int32_t status;
    int32_t error;
    uint32_t killed; /* it did not end by itself after SIGTERM */
    int32_t load_status;
    uint64_t load_start_ns;
    uint64_t load_ns;
    uint64_t cpu_ns;
    uint64_t minor_faults;
    uint64_t major_faults;
    uint64_t peak_bytes;    /* the sum of the peaks of the processes that live after the load */
    uint64_t after_bytes;   /* memory after the load; what several share counts once */
    uint64_t settled_bytes; /* and after settling */
};

/* In a process that does nothing else. Its standard descriptors are those of the load. */
void supervisor_run(const struct supervisor_request *request, struct supervisor_report *report);

#endif
