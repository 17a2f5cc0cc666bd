/* Runs a program under libtagpool-trace.so, which counts or records its allocation calls. */
#ifndef LAUNCH_TRACING_H
#define LAUNCH_TRACING_H

#include "launch/proxy.h"

#include <stddef.h>

/* A file that the library shares with us, and the variable that names it. */
struct tracing_file {
    const char *variable;
    const char *path; /* NULL: it is not wanted */
};

/* One run with `count` files. `input` and `output` as in proxy_run. Ends the program with a message
 * when it cannot be started. */
void tracing_run(const struct target *target, const struct tracing_file *files, size_t count,
                 int input, int output, struct proxy_result *result);

/* One run without the library, to compare with; its output goes nowhere. */
void tracing_run_plain(const struct target *target, int input, struct proxy_result *result);

#endif
