/* What an allocator adds to the start of a process: `true` under each variant, many times. */
#ifndef BENCH_START_H
#define BENCH_START_H

#include "bench/results.h"

#include <stdint.h>

/* `path` is the program. Ends this program with a message when it cannot be started. */
void start_measure(struct results_start *start, const char *path, const struct variant *variants,
                   unsigned variant_count, unsigned rounds, uint64_t seed);

#endif
