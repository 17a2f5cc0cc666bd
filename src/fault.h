/* Lines that a person reads: one line, one write, nothing allocated.
 *
 *   tagpool[4711]: double free of 0x7f12a0010420 (48-byte class, slot 17 of slab 3 of another
 *   thread, freed block) in free() called from libxml2.so.2+0x4f3a2
 */
#ifndef FAULT_H
#define FAULT_H

#include "base.h"
#include "text.h"

/* The faults, for the code, the tests and the README: X(NAME, TEXT before the address when the call
 * was to free the block, TEXT when it was to use it, STATE in the brackets). */
#define FAULTS(X)                                                                                  \
    X(DOUBLE_FREE, "double free of", "use of freed pointer", "freed block")                        \
    X(INTERIOR, "free of interior pointer", "use of interior pointer",                             \
      "not at the start of its slot")                                                              \
    X(MISALIGNED, "free of misaligned pointer", "use of misaligned pointer",                       \
      "not a multiple of 16")                                                                      \
    X(NEVER_ALLOCATED, "free of never-allocated pointer", "use of never-allocated pointer",        \
      "never handed out")                                                                          \
    X(CORRUPTED_SLAB_TAG, "corrupted slab tag at free of", "corrupted slab tag at use of",         \
      "slab descriptor overwritten")                                                               \
    X(OVERFLOW_BEFORE, "corrupted block tag at free of", "corrupted block tag at use of",          \
      "overflow of the block before")                                                              \
    X(UNDERFLOW, "corrupted block tag at free of", "corrupted block tag at use of",                \
      "underflow of this block")                                                                   \
    X(CORRUPTED_BLOCK_TAG, "corrupted block tag at free of", "corrupted block tag at use of",      \
      "overflow or underflow")                                                                     \
    X(SIZE_MISMATCH, "size mismatch at free of", "size mismatch at use of", "freed as")            \
    X(ALIGNMENT_MISMATCH, "alignment mismatch at free of", "alignment mismatch at use of",         \
      "freed as aligned to")                                                                       \
    X(OVERFLOW, "overflow of", "overflow of", "bytes after the block changed")                     \
    X(WRITE_AFTER_FREE, "write after free to", "write after free to", "freed block changed")       \
    X(FORM_MISMATCH, "possible form mismatch at free of", "possible form mismatch at use of",      \
      "made by")

enum fault {
    FAULT_NONE,
#define FAULT_NAME(name, free_text, use_text, state) FAULT_##name,
    FAULTS(FAULT_NAME)
#undef FAULT_NAME
};

enum { FAULT_SLOT_UNKNOWN = UINT32_MAX }; /* the place of a slot in a slab that has no class */

enum { FAULT_BYTES_UNKNOWN = UINT32_MAX };

#define FAULT_CALLER_UNKNOWN ((const void *)-1)

/* Whose a block is: the thread's that made the call, or not. */
enum fault_owner { FAULT_OWNER_CALLER, FAULT_OWNER_ANOTHER, FAULT_OWNER_ENDED };

/* What is known of a bad call. */
struct fault_report {
    enum fault fault;
    const void *address;
    size_t slab_index;
    uint32_t class_bytes; /* 0: the slab has no class */
    uint32_t slot;
    enum fault_owner owner; /* of the slab, if that has a class */
    uint32_t requested;     /* bytes, FAULT_BYTES_UNKNOWN if not known */
    const void *neighbour;  /* the block before, for OVERFLOW_BEFORE if it is live */
    size_t freed_as;        /* bytes, for SIZE_MISMATCH and ALIGNMENT_MISMATCH */
    const char *made_by;    /* the function, for FORM_MISMATCH */
    bool is_use;            /* the call was to use the block or change its size, not to free it */
    const char *function;   /* the name that the program called, "free" */
    const void *caller;     /* where it called from; NULL if another thread did, some time ago;
                               FAULT_CALLER_UNKNOWN if the fault is found later and elsewhere */
};

/* What to do about faults: enum tagpool_on_fault. */
void fault_start(uint64_t on_fault);

/* Write the line of a fault to standard error, as on_fault says, and to `line` without what names
 * the process. False if nothing is to be told. */
bool fault_tell(const struct fault_report *report, struct text *line);

/* After a fault was told: abort, as on_fault says. */
void fault_end(void);

/* Write "tagpool[PID]: " and the text as a line to standard error. */
void fault_line(const struct text *text);

#endif
