/* Files that the process shares with a reader: made or found, mapped, left to it.
 *
 * As in os.h: every function leaves errno as it was, allocates nothing and takes no lock. Sizes are
 * in bytes.
 */
#ifndef SHARED_H
#define SHARED_H

#include "base.h"

/* Map the first `bytes` of an existing file, shared and writable; NULL if it cannot be or is
 * shorter. */
void *shared_map(const char *path, size_t bytes);

/* Make a new file of `bytes`, with room on the disk for all of them, in the place of one of that
 * name, and map it shared and writable: it reads as zero and is readable for its owner alone. NULL
 * if it cannot be; then there is none. */
void *shared_create(const char *path, size_t bytes);

/* Remove a file. */
void shared_remove(const char *path);

/* Make an existing file at least `offset` + `bytes` long, with room on the disk for these, and map
 * them shared and writable; NULL if it cannot be. `offset` is a multiple of the page size. */
void *shared_extend(const char *path, uint64_t offset, size_t bytes);

/* Give a shared mapping back; its file keeps what was written. */
void shared_unmap(void *start, size_t bytes);

/* Cut a shared mapping off from its file: it stays accessible, is this process's own from now on
 * and reads as zero. */
void shared_detach(void *start, size_t bytes);

#endif
