/* Extra pairs of malloc and free after each request, for `tagpool compare --headroom`.
 * tagpool/inflate.h says what they are good for.
 *
 * Any thread may call inflate(); errno is kept.
 */
#ifndef INFLATE_H
#define INFLATE_H

#include "base.h"

/* Read the number of pairs from the environment. Before that, and without the variable, there are
 * none. */
void inflate_start(void);

/* Pairs after each request. */
extern unsigned inflate_pairs;

/* The pairs themselves, for a request of so many bytes. */
void inflate_request(size_t bytes);

static inline void inflate(size_t bytes) {
    if (UNLIKELY(inflate_pairs != 0))
        inflate_request(bytes);
}

#endif
