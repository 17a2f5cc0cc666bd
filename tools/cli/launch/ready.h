/* Is a service ready? Asked in one of three ways:
 *
 *   tcp:PORT, tcp:HOST:PORT    something accepts a connection there (HOST: localhost)
 *   http:URL, http://...       it answers with a status below 400
 *   COMMAND                    the shell's exit status is 0
 */
#ifndef LAUNCH_READY_H
#define LAUNCH_READY_H

#include <stdbool.h>

/* NULL if a test is of one of these forms; else what is wrong with it, in a new string. */
char *ready_fault(const char *test);

/* Asks once; takes a few seconds at most. */
bool ready_is(const char *test);

#endif
