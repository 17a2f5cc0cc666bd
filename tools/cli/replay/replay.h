/* Performs the calls of a trace again, in the process whose allocator is measured.
 *
 *   time     once with the allocator, once with a null allocator that returns the same memory for
 *            every request: the difference is what the allocator costs, with the cache misses and
 *            page faults of the memory that it hands out, and without the loop around the calls
 *   verify   once, with each block filled with a pattern of its own, which has to be intact when
 *            the block is resized or freed, and at the end
 *
 * A new block is written to and a block that is freed is read, one byte in every 64, or in every
 * 4096 above 64 KiB, as a program would that parses into it. Each recorded thread has a thread
 * here, up to REPLAY_THREADS; then several share one. One runs at a time, in the recorded order:
 * the baton is passed on by semaphores, and the clock, which is the thread's CPU time, stops
 * meanwhile.
 *
 * What the program did to the caches between two calls is missing; in its place are the tables of
 * the replay, 20 bytes for each block. So times come out somewhat high: in four alternated pairs of
 * 10 rounds on "json_parse -r 5" with a 2 MB document, system against tagpool, replays found a
 * difference of 73 to 92 ms where `tagpool compare` found 65 to 77 ms of CPU time, 11 to 17 % less.
 *
 * Nothing here allocates while calls are replayed: calls are read ahead into a buffer, and all
 * tables are mapped and made resident before.
 */
#ifndef REPLAY_REPLAY_H
#define REPLAY_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

enum { REPLAY_THREADS = 64 };

#define REPLAY_RESULT_MAGIC 0x59414c5050544cULL

/* Appended to a file by each process that times a trace. */
struct replay_result {
    uint64_t magic;
    uint64_t calls;
    uint64_t real_ns;    /* spent in the loop with the allocator */
    uint64_t null_ns;    /* and with the null allocator */
    uint64_t before_kib; /* peak resident memory of the process before, and after the real pass */
    uint64_t after_kib;
    uint64_t page_faults; /* of the real pass */
};

/* NULL, or what is wrong with the trace or with the allocator, in a sentence. `single` performs the
 * calls of all threads in one. */
const char *replay_time(const char *path, bool single, struct replay_result *result);
const char *replay_verify(const char *path, bool single, uint64_t *calls, uint64_t *live_blocks);

#endif
