/* The other threads of the process, halted for a moment: at its end, so that what they keep can be
 * looked through.
 *
 * A helper that shares our memory does it, by ptrace(2), while the calling thread waits. Where that
 * is not allowed, as under a debugger, the threads go on, and are counted. Whatever happens, all of
 * it is over in some seconds, and the threads go on; so they do if the helper is killed.
 *
 * A thread that is inside of a call of ours may have a block that is neither taken nor free yet,
 * and that nothing points to: its address is being worked out, or its live bit cleared. So such a
 * thread goes on, instruction by instruction, until it has left our code.
 */
#ifndef HALT_H
#define HALT_H

#include "base.h"

/* General registers, and behind them those for vectors, as far as there is room. */
enum { HALT_REGISTERS = 400 };

/* What a halted thread has in its registers. */
struct halted {
    uintptr_t stack; /* what lies below is not the thread's any more */
    size_t count;    /* of registers, in words */
    uintptr_t registers[HALT_REGISTERS];
};

/* Where our code is. */
struct halt_code {
    uintptr_t start;
    uintptr_t end;
};

/* Halt all threads but the calling one, none of them in code of ours; call `work`, then let them go
 * on. False if `work` was not called, or did not come to its end. The threads that could not be
 * halted so go to `unseen`. The function must not allocate, wait, or ask who it is: the helper
 * calls it. It may read what a thread that goes on may unmap: then it does not come to its end. */
bool halt_others(struct halt_code ours, void (*work)(void *context), void *context,
                 unsigned *unseen);

/* Show each thread that is halted. For `work` alone. */
void halt_each(void (*see)(const struct halted *thread, void *context), void *context);

#endif
