/* The call stack of the calling thread, in few instructions: for who takes one at each call.
 *
 * A frame is found by a rule (cfi.h), and rules are kept by address: most calls come from where
 * others came from. Where there is no rule, as in code that was made at run time, the frame pointer
 * is followed, if it looks like one. On machines other than x86-64, and where the C library does
 * not tell without a lock which module an address lies in, it is always followed.
 *
 * A stack that is damaged ends early, or leads to addresses that mean nothing. No memory is read
 * that is not known to be readable, and the way only goes up.
 *
 * Nothing here allocates, waits or calls the loader. Any thread may call it, and a signal handler
 * on whatever stack.
 */
#ifndef UNWIND_H
#define UNWIND_H

#include "base.h"

enum { UNWIND_FRAMES_MOST = 32 };

/* Leave out the frames of this library itself from now on: of the module that `here` lies in,
 * unless that is the program; and keep rules. Before the first stack is taken. */
void unwind_start(const void *here);

/* Write up to `most` return addresses, the innermost first, and their epoch (modules.h). Their
 * number. What called is at an address less one; where a signal interrupted the frame, one was
 * added, so that the same holds. */
unsigned unwind_frames(uintptr_t *frames, unsigned most, uint32_t *epoch);

#endif
