/* What a checked run found: the findings of all its processes with names for their stacks, without
 * those that are suppressed, leaks of one place joined and the largest first.
 */
#ifndef CHECK_CHECK_H
#define CHECK_CHECK_H

#include "check/suppress.h"
#include "pages/findings_file.h"
#include "symbols/symbols.h"

/* A stack by the numbers of its frames in the symbols, the innermost first. */
struct check_stack {
    size_t *frames;
    unsigned count;
    uint32_t thread; /* 0: not known */
};

struct check_fault {
    const struct findings_fault *found;
    struct check_stack stacks[TAGPOOL_FINDING_ROLES];
    bool is_suppressed;
};

struct check_leak {
    uint64_t blocks;
    uint64_t bytes;
    struct check_stack stack;
    bool is_suppressed;
};

struct check {
    struct findings findings;
    struct symbols symbols;
    struct check_fault *faults;
    size_t fault_count;
    struct check_leak *leaks; /* those that are not suppressed first, most bytes first */
    size_t leak_count;
    /* Suppressed: faults, and leaks. */
    uint64_t suppressed_faults;
    uint64_t suppressed_blocks;
    uint64_t suppressed_bytes;
};

/* Reads the file of a run that has ended. NULL when that could be done; otherwise a sentence that
 * says what is wrong with it, and the check is empty. */
const char *check_read(struct check *check, const char *path, const struct suppress *suppress);

void check_free(struct check *check);

/* The part of a stack that is worth telling: without the allocator's own lines at its inner end,
 * and nothing outside of main(). Calls `tell` for each line of it, the innermost first. */
void check_each_line(const struct check *check, const struct check_stack *stack,
                     void (*tell)(const struct check *check, size_t frame, unsigned line,
                                  void *context),
                     void *context);

#endif
