/* If this failed, a sampled profile would be wrong on average: sizes, threads or periods in the
 * program would count for more or less than they are. */
#include "tap.h"

#include "trace/sample.h"

#include <math.h>

enum { DISTANCE = 4096 };

/* Sampled requests of a number of one size, and the estimates of calls from them. */
struct estimate {
    uint64_t samples;
    uint64_t calls;
};

static struct estimate sample(uint64_t requests, size_t bytes) {
    struct estimate estimate = {0};
    for (uint64_t i = 0; i < requests; i++)
        if (!sample_passes(bytes)) {
            estimate.samples++;
            estimate.calls += sample_weight(bytes, i * 16);
        }
    return estimate;
}

/* 1 - exp(-x), by the library of mathematics. */
static double probability(size_t bytes) {
    return -expm1(-((double)bytes + 1) / DISTANCE);
}

static bool is_near(double found, double wanted, double deviations, double deviation) {
    if (fabs(found - wanted) <= deviations * deviation)
        return true;
    printf("# found %.0f, wanted %.0f +- %.0f\n", found, wanted, deviation);
    return false;
}

/* Six deviations: once in 500 million runs. */
static void each_size_is_sampled_as_often_as_it_should_be(void) {
    static const size_t sizes[] = {0, 1, 16, 100, 4095, 10000, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        double p = probability(sizes[i]);
        double requests = fmin(4e6, 20000 / p);
        struct estimate estimate = sample((uint64_t)requests, sizes[i]);
        double deviation = sqrt(requests * p * (1 - p)) + 1;
        CHECK(is_near((double)estimate.samples, requests * p, 6, deviation));
        CHECK(is_near((double)estimate.calls, requests, 6, deviation / p));
    }
}

/* A small block after each large one would be missed by points that lie at even distances. */
static void no_size_hides_behind_another(void) {
    enum { REQUESTS = 2000000 };
    uint64_t small = 0;
    for (uint64_t i = 0; i < REQUESTS; i++) {
        (void)sample_passes(DISTANCE - 20);
        if (!sample_passes(18))
            small += sample_weight(18, i * 16);
    }
    double p = probability(18);
    CHECK(is_near((double)small, REQUESTS, 6, sqrt(REQUESTS * p * (1 - p)) / p));
}

static void a_weight_is_a_whole_number_whose_mean_is_right(void) {
    for (size_t bytes = 0; bytes < 20000; bytes += 997) {
        double sum = 0;
        for (uint64_t key = 0; key < 20000; key++) {
            uint64_t weight = sample_weight(bytes, key * 48);
            CHECK(weight == sample_weight(bytes, key * 48));
            CHECK(weight == (uint64_t)(1 / probability(bytes)) ||
                  weight == (uint64_t)(1 / probability(bytes)) + 1);
            sum += (double)weight;
        }
        CHECK(is_near(sum / 20000, 1 / probability(bytes), 6, 0.5 / sqrt(20000)));
    }
}

static void a_huge_request_is_always_sampled(void) {
    for (int i = 0; i < 100; i++)
        CHECK(!sample_passes(SIZE_MAX) && sample_weight(SIZE_MAX, 1) == 1);
}

static void the_filter_knows_what_was_noted(void) {
    enum { BLOCKS = 20000 };
    unsigned likely = 0;
    for (uintptr_t i = 1; i <= BLOCKS; i++)
        sample_note(i * 4096);
    for (uintptr_t i = 1; i <= BLOCKS; i++) {
        CHECK(sample_is_likely(i * 4096));
        likely += sample_is_likely(i * 4096 + 2048);
    }
    CHECK(likely < BLOCKS / 2);
    for (uintptr_t i = 1; i <= BLOCKS; i++)
        sample_forget(i * 4096);
    for (uintptr_t i = 1; i <= BLOCKS; i++)
        CHECK(!sample_is_likely(i * 4096));
}

int main(void) {
    sample_start(DISTANCE);
    TAP_RUN(each_size_is_sampled_as_often_as_it_should_be);
    TAP_RUN(no_size_hides_behind_another);
    TAP_RUN(a_weight_is_a_whole_number_whose_mean_is_right);
    TAP_RUN(a_huge_request_is_always_sampled);
    TAP_RUN(the_filter_knows_what_was_noted);
    return tap_done();
}
