/* A copy of the process, for a moment, in which something is tried that the process would not
 * survive.
 *
 * It has all memory of its own, but what is shared with other processes, and one thread. It has no
 * descriptors, so that nothing it writes goes anywhere; no handler of the program's runs in it, and
 * nobody learns that it was there, nor how it ended.
 */
#ifndef TWIN_H
#define TWIN_H

#include "base.h"

/* Call `work` in a copy of the process, while the calling thread waits. False if there is no copy,
 * or if it did not come to the end of it, in some seconds. */
bool twin_run(void (*work)(void *context), void *context);

#endif
