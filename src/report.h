/* Lines that a person reads: one line, one write, nothing allocated.
 *
 *   tagpool[4711]: double free of 0x7f12a0010420 (48-byte class, slot 17 of slab 3, freed block) in
 * free() called from libxml2.so.2+0x4f3a2
 */
#ifndef REPORT_H
#define REPORT_H

#include "base.h"
#include "text.h"

/* The faults: X(NAME, TEXT before the address, STATE in the brackets). The one list for code, tests
 * and README. */
#define FAULTS(X)                                                                                  \
    X(DOUBLE_FREE, "double free of", "freed block")                                                \
    X(FREED_USE, "use of freed block", "freed block")                                              \
    X(INTERIOR, "interior pointer", "not at the start of its slot")                                \
    X(MISALIGNED, "misaligned pointer", "not a multiple of 16")                                    \
    X(NEVER_ALLOCATED, "never-allocated pointer", "never handed out")                              \
    X(CORRUPTED_SLAB_TAG, "corrupted slab tag of", "slab descriptor overwritten")

enum fault {
    FAULT_NONE,
#define FAULT_NAME(name, text, state) FAULT_##name,
    FAULTS(FAULT_NAME)
#undef FAULT_NAME
};

enum { FAULT_SLOT_UNKNOWN = UINT32_MAX }; /* the place of a slot in a slab that has no class */

/* What is known of a bad call. */
struct fault_report {
    enum fault fault;
    const void *address;
    size_t slab_index;
    uint32_t class_bytes; /* 0: the slab has no class */
    uint32_t slot;
    const char *function; /* the name that the program called, "free" */
    const void *caller;   /* where it called from; NULL if another thread did, some time ago */
};

/* Write the line of a fault to standard error and abort. */
_Noreturn void report_fault(const struct fault_report *report);

/* Write "tagpool[PID]: " and the text as a line to standard error. */
void report_line(const struct text *text);

#endif
