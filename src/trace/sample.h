/* Which calls are looked at where every call would cost too much: an unbiased sample by bytes.
 *
 * Points are thrown on the bytes that a thread asks for, one after the other, as a Poisson process:
 * from one to the next it is `sample_distance` bytes on average, exponentially distributed. A
 * request with a point in it is sampled, which has the probability
 *
 *     p = 1 - exp(-(bytes + 1) / sample_distance)
 *
 * (one more byte, so that empty blocks have a chance) and it stands for 1/p requests of its size:
 * so that sums over samples are, on average, the sums over all calls. No size and no period in the
 * program can hide from it. It is what tcmalloc does (its "TCMalloc Sampling") and jemalloc (its
 * "jemalloc profiling internals"); the estimate is Horvitz and Thompson's (JASA 47, 1952).
 *
 * A request that is not sampled takes a few instructions. So does a free: a filter knows which
 * addresses cannot be those of sampled blocks.
 */
#ifndef SAMPLE_H
#define SAMPLE_H

#include "base.h"

/* The mean distance; 0: every call is looked at. */
extern HIDDEN uint64_t sample_distance;

void sample_start(uint64_t distance);

/* In the child of a fork: points of its own. */
void sample_after_fork(void);

/* Of the calling thread: bytes up to its next point, and the requests that it has made. */
extern HIDDEN _Thread_local int64_t sample_left;
extern HIDDEN _Thread_local uint64_t sample_requests;

/* The point was reached, or the thread has none yet. True if the request is sampled. */
bool sample_reached(size_t bytes);

/* True if a request is not sampled. Once for each request, of the calling thread. */
FAST bool sample_passes(size_t bytes) {
    sample_requests++;
    sample_left -= (int64_t)(bytes >> 1 < INT64_MAX >> 1 ? bytes : INT64_MAX >> 1) + 1;
    return LIKELY(sample_left > 0) || !sample_reached(bytes);
}

/* How many requests a sampled one of so many bytes stands for: 1/p, rounded up or down at random,
 * by `key`, so that the mean is right. */
uint64_t sample_weight(uint64_t bytes, uint64_t key);

/* Sampled blocks, by address. Under the lock of the caller. */
void sample_note(uintptr_t address);
void sample_forget(uintptr_t address);

enum { SAMPLE_FILTER_BITS = 17 };
extern HIDDEN uint64_t sample_filter[];

FAST uint64_t sample_hash(uint64_t key) {
    return key * 0x9e3779b97f4a7c15u;
}

/* False if it is no sampled block's. From any thread: who frees a block has seen its address, and
 * so what was noted before it. */
FAST bool sample_is_likely(uintptr_t address) {
    uint64_t bit = sample_hash(address >> 4) >> (64 - SAMPLE_FILTER_BITS);
    uint64_t word = __atomic_load_n(&sample_filter[bit / WORD_BITS], __ATOMIC_RELAXED);
    return UNLIKELY((word >> bit % WORD_BITS & 1) != 0);
}

#endif
