/* Room for what the next allocator serves, where limits count what the pools have: the address
 * space that the region reserved and never used, and the data that are accessible and not used.
 */
#ifndef ROOM_H
#define ROOM_H

#include "base.h"

#include <errno.h>

/* The next allocator has no memory for `bytes` more, of which it needs at least `least_bytes` of
 * the address space. True if room was made and it is worth asking once more. */
COLD bool room_make(size_t least_bytes, size_t bytes);

/* The result of a call of the next allocator, asked once more if room could be made. errno as the
 * last try leaves it. */
#define ROOM_WITH(least_bytes, bytes, call)                                                        \
    ({                                                                                             \
        int saved_errno = errno;                                                                   \
        void *result = (call);                                                                     \
        if (UNLIKELY(result == NULL) && room_make(least_bytes, bytes)) {                           \
            errno = saved_errno;                                                                   \
            result = (call);                                                                       \
        }                                                                                          \
        result;                                                                                    \
    })

/* The same for a request of the pools, where data is known to be limited. */
COLD bool room_make_data(void);

/* Say once that a block is not hardened, because the pool has no room for it; and whether that was
 * said. */
COLD void room_tell_fallback(size_t bytes);
bool room_has_told_fallback(void);

/* Give back the address space that was never used, all but `keep_bytes` for slabs. False if there
 * was none, or if this is no moment for it. */
bool room_release_unused(size_t keep_bytes);

/* All memory was locked, by mlockall() with these flags: so is what becomes accessible later, if
 * they say so, but not what is only reserved. */
void room_lock(unsigned flags);

/* The process is about to limit data itself: give up what is accessible and not used. */
void room_limit_data(void);

/* A sum of sizes, SIZE_MAX if it is more than that; and a difference, 0 if it is less. */
static inline size_t room_sum(size_t a, size_t b) {
    return a <= SIZE_MAX - b ? a + b : SIZE_MAX;
}

static inline size_t room_excess(size_t bytes, size_t limit) {
    return bytes > limit ? bytes - limit : 0;
}

#endif
