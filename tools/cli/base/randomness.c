#include "base/randomness.h"

#include <time.h>
#include <unistd.h>

uint64_t randomness_next(struct randomness *randomness) {
    uint64_t z = randomness->state += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

uint32_t randomness_below(struct randomness *randomness, uint32_t bound) {
    return (uint32_t)(((randomness_next(randomness) >> 32) * bound) >> 32);
}

double randomness_fraction(struct randomness *randomness) {
    return (double)(randomness_next(randomness) >> 11) * 0x1p-53;
}

uint64_t randomness_fresh_seed(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct randomness mixed = {(uint64_t)now.tv_sec * 1000000007u ^ (uint64_t)now.tv_nsec ^
                               (uint64_t)getpid() << 40};
    return randomness_next(&mixed) % 1000000;
}
