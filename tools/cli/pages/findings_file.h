/* The findings of a checked run: the file is made here, filled in by libtagpool.so, read here.
 *
 * include/tagpool/findings.h has the layout. The reader works on a copy and trusts nothing in it:
 * a record that is not sound is left out, texts are made printable.
 */
#ifndef PAGES_FINDINGS_FILE_H
#define PAGES_FINDINGS_FILE_H

#include "pages/shared_file.h"

#include <stdbool.h>
#include <tagpool/findings.h>

void findings_file_create(struct shared_file *file);

struct findings_module {
    uint32_t image;
    uint64_t start;
    uint64_t end;
    uint64_t bias;
    uint32_t born;
    uint32_t died;
    char *path;
    uint8_t build_id[TAGPOOL_FINDINGS_BUILD_ID];
    uint32_t build_id_bytes;
};

struct findings_stack {
    const uint64_t *frames; /* return addresses, the innermost first; they live in the page */
    unsigned count;
    uint32_t image;
    uint32_t epoch;
    uint32_t thread; /* 0: not known */
};

struct findings_fault {
    uint32_t pid;
    uint64_t address;
    char *text;
    struct findings_stack stacks[TAGPOOL_FINDING_ROLES];
};

struct findings_leak {
    uint32_t pid;
    uint64_t blocks;
    uint64_t bytes;
    struct findings_stack stack;
};

struct findings {
    char *page;
    uint64_t images; /* processes that took the file, and what they became by execve() */
    struct findings_module *modules;
    size_t module_count;
    struct findings_fault *faults;
    size_t fault_count;
    struct findings_leak *leaks;
    size_t leak_count;
    uint64_t reachable_blocks; /* over all processes */
    uint64_t reachable_bytes;
    uint64_t doubtful_blocks; /* lost, or kept by what could not be looked at */
    uint64_t doubtful_bytes;
    uint64_t threads_unseen;
    bool is_memory_unseen; /* of a process */
    uint64_t stacks_missed;
    uint64_t missed; /* findings that had no room in the file */
};

/* NULL when the file could be read and its head is sound; otherwise a sentence that says what is
 * wrong with it. */
const char *findings_file_read(const char *path, struct findings *findings);

/* The same for a file in memory of `bytes` bytes, which is given back with the findings. */
const char *findings_file_parse(char *page, size_t bytes, struct findings *findings);

void findings_file_free(struct findings *findings);

/* The module that an address lay in when the stack was taken; NULL if it is not known. */
const struct findings_module *findings_module_at(const struct findings *findings,
                                                 const struct findings_stack *stack,
                                                 uint64_t address);

#endif
