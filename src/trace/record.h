/* The calls of `tagpool record`, written from inside the process. tagpool/trace_file.h describes
 * the file.
 *
 * The stream is written through a window: a mapping of 1 MiB of the file, which moves on as it
 * fills up; the file is lengthened with room on the disk before it is mapped, so that a full disk
 * ends the recording and not the program. Besides, 4 bytes for each block that was ever live at one
 * time. Nothing here takes a lock: the caller (trace) holds its own.
 */
#ifndef RECORD_H
#define RECORD_H

#include "base.h"
#include "blocks.h"
#include "profile.h"

/* Map the file at `path` and claim it. False if it is not what the header says, or another process
 * has it. */
bool record_start(const char *path);

/* In the child of a fork: the file stays the parent's. A call in here that the fork interrupted
 * goes on in the child too, but what it writes does not reach the file. */
void record_after_fork(void);

/* As profile.h says. */
void record_take(enum request request, const void *block, size_t alignment, size_t bytes,
                 uint32_t thread);
void record_give(const void *block, uint32_t thread);
void record_resize_begin(const void *block, struct block *known);
void record_resize_end(const struct block *known, const void *moved, size_t bytes, uint32_t thread);

/* A call that is not recorded: trace.h says when. */
void record_missed(void);

/* The process ends by exit(). */
void record_end(void);

#endif
