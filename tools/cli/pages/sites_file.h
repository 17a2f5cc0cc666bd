/* The sites of a run: a file made here, filled in by libtagpool-trace.so, read here.
 *
 * include/tagpool/sites_page.h has the layout. The reader trusts nothing in the file: what does not
 * fit together is left out, and where no next record can be found, it ends.
 */
#ifndef PAGES_SITES_FILE_H
#define PAGES_SITES_FILE_H

#include "pages/shared_file.h"

#include <tagpool/sites_page.h>

/* `sample_bytes` is the mean distance of samples, 0 for every call. */
void sites_file_create(struct shared_file *file, uint64_t sample_bytes);

struct sites_file_module {
    uint32_t image;
    uint32_t number;
    char *path;
    const uint8_t *build_id;
    size_t build_id_bytes;
};

/* Frames are as in the file; sites_file_module() says what their modules are. */
struct sites_file_stack {
    uint32_t image;
    uint32_t frame_count;
    const uint64_t *frames;
};

struct sites_file_site {
    uint32_t row;   /* of the process, in the profile page */
    uint32_t stack; /* its place among the stacks */
#define SITES_FILE_FIELD(name, help) uint64_t name;
    TAGPOOL_SITES_COUNTERS(SITES_FILE_FIELD)
#undef SITES_FILE_FIELD
};

struct sites_file {
    uint64_t sample_bytes;
    uint64_t stacks_missed;
    struct sites_file_module *modules; /* by image and number */
    size_t module_count;
    struct sites_file_stack *stacks;
    size_t stack_count;
    struct sites_file_site *sites;
    size_t site_count;
    char *copy; /* of the file: stacks and build-ids point into it */
};

/* NULL when the file could be read and its head is sound; otherwise a sentence that says what is
 * wrong with it. */
const char *sites_file_read(const char *path, struct sites_file *file);

/* The same for a file in memory, which becomes the reader's: free() must fit it. */
const char *sites_file_parse(char *copy, size_t bytes, struct sites_file *file);

void sites_file_free(struct sites_file *file);

/* The module of a frame; NULL if it lies in none. */
const struct sites_file_module *sites_file_module(const struct sites_file *file,
                                                  const struct sites_file_stack *stack,
                                                  uint64_t frame);

#endif
