/* The other threads of the process, halted for a moment: at its end, so that what they keep can be
 * looked through.
 *
 * A helper that shares our memory does it, by ptrace(2), while the calling thread waits. Where that
 * is not allowed, as under a debugger, the threads go on, and are counted.
 */
#ifndef HALT_H
#define HALT_H

#include "base.h"

enum { HALT_REGISTERS = 40 };

/* What a halted thread has in its registers. */
struct halted {
    uintptr_t stack; /* the stack pointer */
    size_t count;    /* of registers, in words */
    uintptr_t registers[HALT_REGISTERS];
};

/* Halt all threads but the calling one; call `see` for each, then `work`, then let them go on. The
 * number of threads that could not be halted. The functions must not allocate, wait, or ask who
 * they are: the helper calls them. */
unsigned halt_others(void (*see)(const struct halted *thread, void *context),
                     void (*work)(void *context), void *context);

#endif
