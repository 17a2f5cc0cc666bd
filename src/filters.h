/* The filters of system calls (seccomp(2)) that the process has set itself since it was started:
 * one of them may end it for a call that it does not make otherwise. Those that it was started with
 * are meant for any program.
 */
#ifndef FILTERS_H
#define FILTERS_H

#include <stdbool.h>

/* Note what there is. */
void filters_start(void);

/* True if there are others now. Where the system does not say, there are none. */
bool filters_were_added(void);

#endif
