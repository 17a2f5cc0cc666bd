#include "base/clock.h"

#include <time.h>

static uint64_t clock_read_ns(clockid_t which) {
    struct timespec now;
    clock_gettime(which, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t clock_wall_ns(void) {
    return clock_read_ns(CLOCK_MONOTONIC);
}

double clock_wall_s(void) {
    return (double)clock_wall_ns() * 1e-9;
}

uint64_t clock_thread_ns(void) {
    return clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
}
