/* The call stacks that were seen, each kept once and known by a number from 1 on. They lie in a
 * reservation of their own, which is not touched before the first is taken.
 *
 * Their number is bounded. Beyond it new stacks get the number 0, those that are known keep theirs,
 * and that is said once on standard error.
 *
 * Any thread may call it, and a signal handler: stacks are added by compare-and-swap, without a
 * lock. One that two threads add at the same moment may be kept twice.
 */
#ifndef STACKS_H
#define STACKS_H

#include "base.h"

enum { STACKS_MOST = 1 << 18 }; /* a number fits 20 bits */

struct stack {
    const uintptr_t *frames; /* return addresses, the innermost first: unwind_frames() */
    uint32_t count;
    uint32_t epoch; /* modules.h */
};

/* Make room for stacks of up to so many frames. `here` is a function of this library, whose frames
 * are left out. False if there is none. Before the first stack is taken. */
bool stacks_start(unsigned frames, const void *here);

/* All memory of the process was locked: let what is only reserved not count as that. */
void stacks_unlock(void);

/* The number of the calling thread's stack; 0 if it cannot be kept. */
uint32_t stacks_take(void);

/* The stack of a number; without frames if there is none. */
struct stack stacks_get(uint32_t number);

/* Numbers given away; and stacks that found no room. */
uint32_t stacks_count(void);
uint32_t stacks_missed(void);

#endif
