/* If this failed, slabs would be given out twice or lost, memory of empty ones would stay or hold
 * old bytes where zeroes are promised, or a limit would be passed. */
#include "region.h"
#include "tap.h"

#include <unistd.h>

enum { LIMIT_SLABS = 60, RETAIN_SLABS = 24 };

static size_t taken[REGION_SLABS];

static unsigned char *start_of(size_t slab_index) {
    return (unsigned char *)(region.base + (slab_index << SLAB_SHIFT));
}

static bool is_zero(size_t slab_index) {
    for (size_t i = 0; i < SLAB_BYTES; i++)
        if (start_of(slab_index)[i] != 0)
            return false;
    return true;
}

static size_t take_all(void) {
    size_t count = 0;
    bool zeroed;
    while (count < REGION_SLABS &&
           (taken[count] = region_take_slab(0, &zeroed)) != REGION_NO_SLAB) {
        CHECK(!zeroed || is_zero(taken[count]));
        memset(start_of(taken[count]), (int)count + 1, SLAB_BYTES);
        count++;
    }
    return count;
}

static void slabs_are_given_out_once_and_up_to_the_limit(void) {
    size_t count = take_all();
    CHECK_SAY(count == LIMIT_SLABS && region_counts.taken == count, "%zu slabs", count);
    for (size_t i = 0; i < count; i++)
        CHECK(taken[i] == i && start_of(i)[0] == i + 1 && start_of(i)[SLAB_BYTES - 1] == i + 1);
    for (size_t i = 0; i < count; i++)
        region_return_slab(taken[i]);
    CHECK(region_counts.taken == 0 && region_counts.taken_peak == LIMIT_SLABS);
}

static void the_lowest_slab_comes_back_first(void) {
    bool zeroed;
    region_trim(0);
    for (size_t i = 0; i < RETAIN_SLABS; i++)
        CHECK(region_take_slab(0, &zeroed) == i);
    region_return_slab(3);
    region_return_slab(1);
    CHECK(region_take_slab(0, &zeroed) == 1);
    CHECK(region_take_slab(0, &zeroed) == 3);
    for (size_t i = 0; i < RETAIN_SLABS; i++)
        region_return_slab(i);
}

/* Else it would touch the pages that a kind before it did not need. */
static void a_warm_slab_serves_the_same_kind_again(void) {
    bool zeroed;
    region_trim(0);
    for (unsigned i = 0; i < RETAIN_SLABS; i++)
        CHECK(region_take_slab(i + 1, &zeroed) == i);
    for (size_t i = 0; i < RETAIN_SLABS; i++)
        region_return_slab(i);
    CHECK(region_take_slab(3, &zeroed) == 2 && !zeroed);
    CHECK(region_take_slab(3, &zeroed) == 0 && !zeroed); /* there is none: the lowest */
    region_return_slab(0);
    region_return_slab(2);
    CHECK(region_take_slab(3, &zeroed) == 0);
    CHECK(region_take_slab(1, &zeroed) == 1); /* 0 served another one meanwhile */
    region_return_slab(0);
    region_return_slab(1);
}

static void trimmed_slabs_read_as_zero_again(void) {
    size_t count = take_all();
    for (size_t i = 0; i < count; i++)
        region_return_slab(taken[i]);
    region_trim(0);
    CHECK(region_counts.warm == 0);
    for (size_t i = 0; i < count; i++)
        CHECK(is_zero(taken[i]));
    CHECK(region_trim(0) == 0);
}

static void whole_huge_pages_are_returned_first(void) {
    enum { HUGE_SLABS = 32, MORE = 8 }; /* together as many more than are retained as it takes */
    CHECK(take_all() == LIMIT_SLABS);
    for (size_t i = 0; i < HUGE_SLABS + MORE; i++) {
        CHECK(region_counts.warm == i);
        region_return_slab(i);
    }
    CHECK(region_counts.warm == MORE);
    for (size_t i = 0; i < HUGE_SLABS; i++)
        CHECK(is_zero(i));
    for (size_t i = 0; i < MORE; i++)
        CHECK(start_of(HUGE_SLABS + i)[0] != 0);
    for (size_t i = HUGE_SLABS + MORE; i < LIMIT_SLABS; i++)
        region_return_slab(i);
    region_trim(0);
}

static void warm_slabs_that_nobody_needed_are_returned(void) {
    bool zeroed;
    region_trim(0);
    for (size_t i = 0; i < RETAIN_SLABS; i++) {
        CHECK(region_take_slab(0, &zeroed) == i);
        memset(start_of(i), 1, SLAB_BYTES);
    }
    region_decay(); /* none was warm all the time */
    for (size_t i = 0; i < RETAIN_SLABS; i++)
        region_return_slab(i);
    region_decay();
    CHECK(region_counts.warm == RETAIN_SLABS);
    CHECK(region_take_slab(0, &zeroed) == 0 && !zeroed); /* one is needed for a moment */
    region_return_slab(0);
    region_decay();
    CHECK(region_counts.warm == 1 && start_of(0)[0] == 1);
    for (size_t i = 1; i < RETAIN_SLABS; i++)
        CHECK(is_zero(i));
    region_decay();
    CHECK(region_counts.warm == 0);
}

static void pointers_are_told_apart(void) {
    int outside;
    CHECK(region_owns(start_of(0)) && region_owns(start_of(REGION_SLABS) - 1));
    CHECK(!region_owns(start_of(0) - 1));
    char *tables_end = region.asides + (size_t)REGION_SLABS * REGION_ASIDE_BYTES;
    CHECK(region_owns(region.descriptors) && region_owns(region.remotes));
    CHECK(region_owns(tables_end - 1) && !region_owns(tables_end));
    CHECK(region_slab_index(region.descriptors) >= REGION_SLABS);
    CHECK(!region_owns(&outside) && !region_owns(NULL));
    CHECK(region_slab_index(start_of(7) + 5) == 7);
}

static void hardened_slabs_rest_before_they_serve_again(void) {
    enum { RESTING = 3 };
    bool zeroed;
    size_t rests[RESTING];
    region_trim(0);
    region_harden(RESTING, 0);
    for (size_t i = 0; i < RESTING; i++)
        rests[i] = region_take_slab(0, &zeroed);
    for (size_t i = 0; i < RESTING; i++)
        region_return_slab(rests[i]);
    for (size_t i = 0; i < RESTING; i++)
        CHECK(region_take_slab(0, &zeroed) >=
              RESTING); /* and not the lowest, which just came back */
    for (size_t i = RESTING; i < (size_t)2 * RESTING; i++)
        region_return_slab(i);
    region_trim(0);
    region_harden(0, 0);
}

/* The kernel's word for it: whether it can read the slab. */
static bool is_accessible(size_t slab_index) {
    int ends[2];
    CHECK(pipe(ends) == 0);
    bool is_read = write(ends[1], start_of(slab_index), 1) == 1;
    close(ends[0]);
    close(ends[1]);
    return is_read;
}

static void where_data_is_limited_empty_slabs_are_inaccessible_and_serve_again(void) {
    enum { SERVING = 7 };
    bool zeroed;
    size_t count = take_all();
    for (size_t i = 0; i < count; i++)
        if (i != SERVING)
            region_return_slab(i);
    CHECK(!region_yield_data(false)); /* as far as is known it is not */
    CHECK(is_accessible(0));
    region_trim(1); /* some are cold already, and accessible */
    CHECK(region_yield_data(true) && region_counts.warm == 0);
    CHECK(!region_yield_data(true)); /* there are no more */
    for (size_t i = 0; i < LIMIT_SLABS; i++)
        CHECK(is_accessible(i) == (i == SERVING));
    for (size_t i = 0; i < RETAIN_SLABS; i++)
        if (i != SERVING)
            CHECK(region_take_slab(0, &zeroed) == i && zeroed && is_zero(i));
    CHECK(!is_accessible(RETAIN_SLABS)); /* but for those that were taken */
    for (size_t i = 0; i < RETAIN_SLABS; i++)
        region_return_slab(i);
    region_trim(0);
    CHECK(!is_accessible(0) && !is_accessible(SERVING));
}

static void the_rest_of_the_region_can_be_given_back(void) {
    size_t before = region.owned_bytes;
    bool released = region_release_unused(0);
    CHECK(released == (region.owned_bytes < before));
    CHECK(!region_release_unused(0));
    CHECK(take_all() == LIMIT_SLABS);
}

int main(void) {
    CHECK(!region_owns(&taken) && region.bytes == 0); /* nothing is ours before the start */
    CHECK(region_start(LIMIT_SLABS * SLAB_BYTES, RETAIN_SLABS * SLAB_BYTES));
    CHECK(lock_acquire(&pool_lock));
    TAP_RUN(slabs_are_given_out_once_and_up_to_the_limit);
    TAP_RUN(the_lowest_slab_comes_back_first);
    TAP_RUN(a_warm_slab_serves_the_same_kind_again);
    TAP_RUN(trimmed_slabs_read_as_zero_again);
    TAP_RUN(whole_huge_pages_are_returned_first);
    TAP_RUN(warm_slabs_that_nobody_needed_are_returned);
    TAP_RUN(pointers_are_told_apart);
    TAP_RUN(hardened_slabs_rest_before_they_serve_again);
    TAP_RUN(where_data_is_limited_empty_slabs_are_inaccessible_and_serve_again);
    TAP_RUN(the_rest_of_the_region_can_be_given_back);
    lock_release(&pool_lock);
    return tap_done();
}
