/* Where the program allocates, seen from the process that is profiled: a call stack a site, each
 * once. tagpool/sites_page.h describes the file.
 *
 *   index     hash of a stack -> number of its site; open addressing, half filled at most
 *   sites     by number: where its stack and its counts are in the file, and what is live
 *   file      stacks, modules and counts, shared with the reader
 *
 * Index and sites are in memory of their own, 7 MiB of address space, touched as far as it is
 * used. Site 0 has no stack: it takes what finds no room. Nothing here takes a lock but
 * sites_take_stack(), which any thread may call without one: the caller (profile) holds its own.
 */
#ifndef SITES_H
#define SITES_H

#include "base.h"
#include "tagpool/sites_page.h"

struct stack {
    unsigned count;
    uint32_t epoch;
    uintptr_t frames[TAGPOOL_SITES_FRAMES];
};

/* True once the sites are kept. */
extern HIDDEN bool sites_are_kept;

/* Map the file at `path`, for the process of a row of the profile. False if it is not what the
 * header says, or there is no memory for the tables. Sites are kept from now on. */
bool sites_start(const char *path, unsigned row);

/* The following do nothing where sites are not kept.
 *
 * In the child of a fork: its counts begin with what lives, in its own row. */
void sites_after_fork(unsigned row);

/* In the child of a fork that interrupted a call in here: what that still writes does not reach the
 * file. */
void sites_abandon(void);

/* The mean distance of samples in bytes; 0: every call. */
uint64_t sites_sample_bytes(void);

/* Only where sites are kept: */

/* The stack of the calling thread, without our own frames. */
void sites_take_stack(struct stack *stack);

/* Count `count` requests of `bytes` bytes each; the number of the site. */
uint32_t sites_request(const struct stack *stack, uint64_t count, uint64_t bytes);

/* So many blocks more, or less, are live. */
void sites_add_live(uint32_t site, uint64_t count, uint64_t bytes);
void sites_remove_live(uint32_t site, uint64_t count, uint64_t bytes);

/* So many blocks were freed. */
void sites_freed(uint32_t site, uint64_t count, bool is_short);

/* What is live now is the most so far. */
void sites_mark_peak(void);

#endif
