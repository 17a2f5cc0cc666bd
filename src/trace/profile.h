/* The counts of `tagpool profile`, seen from the process that is profiled. tagpool/profile_page.h
 * describes the file. Where the environment names a file for sites, these are kept too, and where
 * that wants samples, all numbers are estimates from them: each call told here counts for as many
 * as it stands for.
 *
 * Nothing here takes a lock: the caller (trace) holds its own.
 */
#ifndef PROFILE_H
#define PROFILE_H

#include "base.h"
#include "blocks.h"
#include "sites.h"

/* What the program called to get a block. */
enum request { REQUEST_MALLOC, REQUEST_CALLOC, REQUEST_ALIGNED };

/* Map the page at `path` and claim a row of it. False if it is not what the header says, or full.
 * `sites_path` is NULL if no sites are wanted. */
bool profile_start(const char *path, const char *sites_path);

/* In the child of a fork: claim a row of its own, with the blocks that live. False if there is
 * none. */
bool profile_after_fork(void);

/* In the child of a fork that interrupted a call in here: the child is left out, and what the
 * interrupted call still writes does not reach the file. */
void profile_abandon(void);

/* The stack is only read where sites are kept. */
void profile_take(enum request request, const void *block, size_t bytes, uint32_t thread,
                  const struct stack *stack);
void profile_give(const void *block, uint32_t thread);

/* A realloc in two halves, because between them the old address may become another block's.
 * profile_resize_begin() forgets the block; profile_resize_end() says where it is now: `moved` is
 * its new address, or NULL if it got no memory and stays. */
void profile_resize_begin(const void *block, struct block *known);
void profile_resize_end(const struct block *known, const void *block, const void *moved,
                        size_t bytes, uint32_t thread, const struct stack *stack);

/* The same halves where calls are sampled: a block that stays unknown is none of the sample, and
 * the new one is if `is_sampled`. */
void profile_resample_end(const struct block *known, const void *moved, size_t bytes,
                          uint32_t thread, const struct stack *stack, bool is_sampled);

void profile_failed(void); /* a request got no memory */
void profile_missed(void); /* a call that is not traced: trace.h */
void profile_note_threads(uint32_t threads);

/* The process ends by exit(). */
void profile_end(void);

#endif
