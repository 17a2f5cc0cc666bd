/* Environment variables, what glibc is told by them, and the tools that come by way of them.
 *
 * Nothing here allocates, takes a lock or changes errno.
 */
#ifndef ENVIRONMENT_H
#define ENVIRONMENT_H

#include "base.h"

/* True once the environment can be found: glibc sets it up only after the first constructors may
 * have run. */
bool environment_is_there(void);

/* The value of an environment variable as it was when the process started or, once libc is set up,
 * as it is; NULL if it is not set or the environment cannot be found yet. */
const char *environment_get(const char *name);

/* True if environment_get() finds one whose name begins so. */
bool environment_has_any(const char *prefix);

/* The value of one as it was when the process started, which stays where it is: other threads may
 * be changing the environment. NULL where that is not known. */
const char *environment_at_start(const char *name);

/* What GLIBC_TUNABLES gave one of glibc's tunables then: the value ends with the text or at a
 * colon. NULL if it is not there. */
const char *environment_tunable(const char *name);

/* True if a tool is at work in this process that must see every block itself: a sanitizer with a
 * malloc of its own, or one of valgrind's tools that replaces malloc. */
bool environment_has_memory_tool(void);

#endif
