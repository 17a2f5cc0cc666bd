/* The findings of a checked run, told. */
#ifndef CHECK_REPORT_H
#define CHECK_REPORT_H

#include "base/json.h"
#include "check/check.h"

/* On standard error: each fault with its stacks, then the leaks by the stack that allocated them,
 * ten of them or all, then what can still be reached. Lines of stacks are indented. */
void check_print(const struct check *check, bool all_leaks);

/* As JSON, a document of the schema "tagpool-check". `command` is the command line. */
void check_write_json(const struct check *check, struct json *json, const char *command);

#endif
