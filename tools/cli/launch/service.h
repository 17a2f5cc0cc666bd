/* A service as the target: what the command line says of it, and how a run of it is explained.
 *
 *   tagpool COMMAND --service 'SERVICE' --ready TEST [--settle SECONDS] -- LOAD
 *
 * SERVICE is divided into words as a shell would, and run without one: what a shell loads would be
 * taken for what the service does. It is the target, and the load is what launches carry along.
 */
#ifndef LAUNCH_SERVICE_H
#define LAUNCH_SERVICE_H

#include "base/args.h"
#include "launch/launcher.h"
#include "target/target.h"

/* What the options say. */
struct service_options {
    const char *command; /* NULL: no service is asked for */
    const char *ready;
    double settle_s;
    double patience_s; /* 0: SERVICE_PATIENCE_S */
};

#define SERVICE_PATIENCE_S 30

/* Rows of a command's options. */
#define SERVICE_OPTIONS(REQUEST, FIELD)                                                            \
    {0, "service", "COMMAND",                                                                      \
     "measure this service, and let PROGRAM load it; it is started\n"                              \
     "and ended for every run",                                                                    \
     ARGS_TEXT(REQUEST, FIELD.command)},                                                           \
        {0, "ready", "TEST",                                                                       \
         "when the service is ready: tcp:PORT or tcp:HOST:PORT accepts a\n"                        \
         "connection, http://HOST:PORT/PATH answers, or a command of the\n"                        \
         "shell succeeds",                                                                         \
         ARGS_TEXT(REQUEST, FIELD.ready)},                                                         \
        {0, "settle", "SECONDS", "look at the service's memory again, so long after the load",     \
         ARGS_SECONDS(REQUEST, FIELD.settle_s)},                                                   \
    {                                                                                              \
        0, "patience", "SECONDS",                                                                  \
            "how long the service may take to become ready, and to end\n"                          \
            "before it is killed (default: 30)",                                                   \
            ARGS_SECONDS(REQUEST, FIELD.patience_s)                                                \
    }

struct service {
    struct service_options options;
    char **command; /* the service's words: the target */
    struct target load;
    struct launch_service launch; /* for struct launch; its log is opened for each run */
};

/* Takes the options and the command line of the load: false if no service is asked for. Refuses, as
 * args_refuse does, what does not fit. */
bool service_take(struct service *service, const struct service_options *options, char **load);

/* "nginx -g 'daemon off;', loaded by wrk ...", in a new string. */
char *service_title(const struct service_options *options, char **load);

/* A new log for the next run. False with errno. */
bool service_open_log(struct service *service);
void service_close_log(struct service *service);

/* Runs the service in an environment, through the launcher, with its load on our standard
 * descriptors, but for `output` in place of standard output. The load's wait status; ends the
 * program with a message if there was nothing to load. */
int service_run(struct service *service, const struct target *target, char *const *envp,
                int output);

/* Why a run shows nothing, with the last line of the log, in a new string; NULL: it served. */
char *service_fault(const struct service *service, const struct launch_result *result);

#endif
