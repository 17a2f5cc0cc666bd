/* The findings file, seen from the process in which something is found. tagpool/findings.h
 * describes it. Without a file all functions do nothing. Any thread may call them; records are
 * written without a lock.
 */
#ifndef FINDINGS_H
#define FINDINGS_H

#include "stacks.h"
#include "tagpool/findings.h"
#include "text.h"

/* Map the file at `path` (NULL: none). One that is not what the header says is not used. False if
 * it is findings_are_of_other_release(). */
bool findings_start(const char *path);

/* True if there is one that is not what the header says, but begins as one does. */
bool findings_are_of_other_release(void);

/* True if there is a file: then it is for its reader to tell stacks and leaks. */
bool findings_are_kept(void);

/* In the child of a fork: it is an image of its own. */
void findings_after_fork(void);

/* In a copy of the process that is nobody's: what it finds goes nowhere. */
void findings_detach(void);

/* A stack, and the system's number of its thread; 0 if that is not known. */
struct findings_stack {
    struct stack stack;
    uint32_t thread;
};

void findings_add_fault(uint32_t fault, const void *address, const struct text *line,
                        const struct findings_stack stacks[TAGPOOL_FINDING_ROLES]);

/* Lost blocks that one stack allocated. */
void findings_add_leak(uint64_t blocks, uint64_t bytes, struct stack stack);

/* The record's `finding` is filled in here. */
void findings_add_sum(const struct tagpool_finding_sum *sum);

#endif
