#include "sample.h"

#include "os.h"

uint64_t sample_distance;
_Thread_local int64_t sample_left;
_Thread_local uint64_t sample_requests;
static _Thread_local uint64_t random_state; /* 0: the thread has no point yet */

/* A bit is set where its count is not 0. A count that is full stays so. */
uint64_t sample_filter[(1u << SAMPLE_FILTER_BITS) / WORD_BITS];
static SELDOM uint16_t filter_counts[1u << SAMPLE_FILTER_BITS];

void sample_start(uint64_t distance) {
    sample_distance = distance;
}

void sample_after_fork(void) {
    random_state = 0;
}

/* ---- numbers ---- */

/* xorshift64*: Vigna, ACM TOMS 42, 2016. */
static uint64_t next_random(void) {
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545f4914f6cdd1du;
}

/* The natural logarithm of a number in (0, 1], without the library of mathematics: of the exponent,
 * and of m in [1, 2) by 2 artanh((m - 1) / (m + 1)), whose terms fall by more than 9. */
static double logarithm(double number) {
    union {
        double number;
        uint64_t bits;
    } parts = {number};
    int exponent = (int)(parts.bits >> 52) - 1023;
    parts.bits = (parts.bits & 0x000fffffffffffffu) | 0x3ff0000000000000u;
    double t = (parts.number - 1) / (parts.number + 1), term = t, sum = 0;
    for (int i = 1; i < 20; i += 2) {
        sum += term / i;
        term *= t * t;
    }
    return 2 * sum + 0.69314718055994531 * exponent;
}

/* 1 - exp(-x) for x >= 0: by its series for a small part of x, and then 1 - (1 - p)^2 for each
 * doubling. */
static double probability(double x) {
    unsigned doublings = 0;
    if (x > 40)
        return 1;
    while (x > 0.01) {
        x /= 2;
        doublings++;
    }
    double p = x * (1 - x / 2 * (1 - x / 3 * (1 - x / 4)));
    for (; doublings != 0; doublings--)
        p *= 2 - p;
    return p;
}

/* Bytes to the next point: above 0. */
static int64_t draw(void) {
    double uniform = (double)((next_random() >> 12) + 1) * 0x1p-52;
    return 1 + (int64_t)(-logarithm(uniform) * (double)sample_distance);
}

bool sample_reached(size_t bytes) {
    if (random_state == 0) {
        random_state = os_random() | 1;
        sample_left += draw();
        if (bytes < INT64_MAX && sample_left > 0)
            return false;
    }
    sample_left = draw();
    return true;
}

uint64_t sample_weight(uint64_t bytes, uint64_t key) {
    double weight = 1 / probability(((double)bytes + 1) / (double)sample_distance);
    uint64_t whole = (uint64_t)weight;
    double part = (double)(sample_hash(key ^ key >> 29) >> 12) * 0x1p-52;
    return whole + (part < weight - (double)whole);
}

/* ---- the filter ---- */

static void set_bit(uint64_t bit, bool is_set) {
    uint64_t *word = &sample_filter[bit / WORD_BITS];
    uint64_t mask = (uint64_t)1 << bit % WORD_BITS;
    /* Relaxed: the lock orders the writers, and sample_is_likely() says why readers see enough. */
    __atomic_store_n(word, is_set ? *word | mask : *word & ~mask, __ATOMIC_RELAXED);
}

void sample_note(uintptr_t address) {
    uint64_t bit = sample_hash(address >> 4) >> (64 - SAMPLE_FILTER_BITS);
    if (filter_counts[bit] < UINT16_MAX)
        filter_counts[bit]++;
    set_bit(bit, true);
}

void sample_forget(uintptr_t address) {
    uint64_t bit = sample_hash(address >> 4) >> (64 - SAMPLE_FILTER_BITS);
    if (filter_counts[bit] != 0 && filter_counts[bit] < UINT16_MAX && --filter_counts[bit] == 0)
        set_bit(bit, false);
}
