/* The findings of a checked run, told. */
#ifndef CHECK_REPORT_H
#define CHECK_REPORT_H

#include "base/json.h"
#include "check/check.h"

/* On standard error: each fault with its stacks, then the leaks by the stack that allocated them,
 * ten of them or all, then what can still be reached. Lines of stacks are indented. */
void check_print(const struct check *check, bool all_leaks);

/* What the run came to. */
struct check_outcome {
    const char *status; /* "found", "clean", or "no result": it was not seen at all */
    int wait_status;    /* how the program ended */
    uint64_t processes; /* that ran with the library */
    uint64_t not_ended; /* those that did not leave by exit(): their leaks are not counted */
};

/* As JSON, a document of the schema "tagpool-check". `command` is the command line. */
void check_write_json(const struct check *check, const struct check_outcome *outcome,
                      struct json *json, const char *command);

#endif
