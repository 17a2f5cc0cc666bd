/* Runs a program as if it ran in our place, for the commands that look at what it did afterwards.
 *
 * Signals that are sent to us go on to the program, and in the end we end as it did. What a
 * terminal sends goes to the whole group and needs no forwarding.
 */
#ifndef LAUNCH_PROXY_H
#define LAUNCH_PROXY_H

#include "target/target.h"

#include <stdbool.h>
#include <stdint.h>

struct proxy_run {
    const struct target *target;
    char **envp; /* the whole environment */
    int input;   /* becomes standard input; -1: ours */
    int output;  /* becomes standard output; -1: ours */
    bool mute;   /* its output and its errors go to /dev/null */
};

struct proxy_result {
    int wait_status; /* as waitpid() gives it */
    int stopped_by;  /* the last SIGINT, SIGQUIT, SIGTERM or SIGHUP that came meanwhile, or 0 */
    double wall_s;
    double cpu_s; /* of it and of the children that it waited for */
};

/* False with errno when it could not be started; a program that cannot be executed is told on
 * standard error and ends with 126 or 127. */
bool proxy_run(const struct proxy_run *run, struct proxy_result *result);

/* Ends this program with the exit status or by the signal that `wait_status` names. */
__attribute__((noreturn)) void proxy_end_like(int wait_status);

#endif
