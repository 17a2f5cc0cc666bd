/* Blocks filled with a byte, for programs whose tests look for what reads memory that nobody has
 * written: glibc's MALLOC_PERTURB_, its tunable glibc.malloc.perturb and mallopt(M_PERTURB) for
 * blocks of the pools. A new block is filled with the complement of the byte, but by calloc(); a
 * freed one with the byte, but hardened, where it is cleared.
 *
 * Only if it is set as the process starts: then no fast path finds a block, as where blocks are
 * traced (origins.h). Otherwise nothing asks for it.
 */
#ifndef PERTURB_H
#define PERTURB_H

#include "base.h"

/* True if the process was started with a byte for it. */
extern HIDDEN bool perturb_is_on;

/* Look for it, once, as the options are read. */
void perturb_read(void);

/* After the region was reserved, before the first heap is opened. */
void perturb_start(void);

/* The program has set another byte; 0 for none. */
void perturb_set(int value);

/* Fill a block of the pools that was taken, so many bytes of it, or that is about to be freed. */
void perturb_taken(void *block, size_t bytes);
void perturb_freed(void *block, size_t bytes);

#endif
