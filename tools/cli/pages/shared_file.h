/* A file shared with the target: made here in full, filled in by the library in the target, read
 * here.
 *
 * It lies in TMPDIR, /dev/shm, /tmp or /var/tmp, the first that takes it. It does not
 * outlive the program.
 */
#ifndef PAGES_SHARED_FILE_H
#define PAGES_SHARED_FILE_H

#include <stddef.h>

struct shared_file {
    char *path; /* passed to the target in its environment */
};

/* What a new file holds: a head, and zeroes behind it up to `bytes`. */
struct shared_content {
    const char *kind; /* part of its name, and of messages: "stats" */
    const void *head;
    size_t head_bytes;
    size_t bytes; /* of the whole file; allocated, so that a full disk hurts here and not there */
};

/* Ends the program with a message when no directory takes it. */
void shared_file_create(struct shared_file *file, const struct shared_content *content);

/* The file as new. */
void shared_file_reset(struct shared_file *file, const struct shared_content *content);

void shared_file_remove(struct shared_file *file);

/* A copy of its first bytes, at most `most`; free() gives it back. NULL if it cannot be opened. */
char *shared_file_read(const char *path, size_t most, size_t *bytes);

#endif
