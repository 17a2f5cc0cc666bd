/* If this failed, some sequence of calls would hand out a block twice, misaligned or too small,
 * lose or change what is in it, or leave dirt in what calloc() gives: random calls of the whole
 * family in 1 to 8 threads, which trade their blocks, are held against a shadow model.
 *
 * TAGPOOL_FUZZ_SEED=N chooses another sequence than the usual one, TAGPOOL_FUZZ_SECONDS=N goes on
 * with further seeds for that time, TAGPOOL_FUZZ_STEPS=N makes fewer or more calls. A failure
 * prints the seed.
 */
#include "tap.h"

#include "model.h"

#include <pthread.h>
#include <time.h>

enum { MOST_THREADS = 8, GENERATIONS = 4 };

static uint64_t steps; /* of all threads together */

static struct model models[MOST_THREADS];
static struct model_block nodes[MOST_THREADS * MODEL_SLOTS + MODEL_PLACES];
static model_place places[MODEL_PLACES];

static uint64_t number_of(const char *variable, uint64_t otherwise) {
    const char *text = getenv(variable);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static void *run(void *argument) {
    struct model *model = argument;
    model_run(model, model->steps);
    return NULL;
}

static void set_up(uint64_t seed, size_t threads) {
    memset(nodes, 0, sizeof nodes);
    for (size_t i = 0; i < threads; i++) {
        models[i] = (struct model){
            .choices.random = seed * MOST_THREADS + i,
            .places = threads > 1 ? places : NULL,
        };
        for (size_t slot = 0; slot < MODEL_SLOTS; slot++)
            models[i].slots[slot] = &nodes[i * MODEL_SLOTS + slot];
    }
    for (size_t i = 0; i < MODEL_PLACES; i++)
        places[i] = &nodes[threads * MODEL_SLOTS + i];
}

static void check(uint64_t seed, size_t threads) {
    for (size_t i = 0; i < threads; i++)
        CHECK_SAY(models[i].fault == NULL,
                  "%s (%zu bytes, step %ju of thread %zu of %zu); again: TAGPOOL_FUZZ_SEED=%ju",
                  models[i].fault, models[i].fault_bytes, (uintmax_t)models[i].steps, i, threads,
                  (uintmax_t)seed);
}

/* Threads end and others take their blocks over: generation after generation. */
static void fuzz(uint64_t seed, size_t threads) {
    pthread_t thread[MOST_THREADS];
    set_up(seed, threads);
    for (int generation = 0; generation < GENERATIONS && tap.faults == 0; generation++) {
        for (size_t i = 0; i < threads; i++) {
            models[i].steps = steps / threads / GENERATIONS;
            if (pthread_create(&thread[i], NULL, run, &models[i]) != 0)
                CHECK_SAY(false, "no thread could be started");
        }
        for (size_t i = 0; i < threads; i++)
            pthread_join(thread[i], NULL);
        check(seed, threads);
    }
    for (size_t i = 0; i < threads; i++)
        model_clear(&models[i]);
    for (size_t i = 0; i < MODEL_PLACES; i++)
        model_free(&models[0], places[i]);
    check(seed, threads);
}

static uint64_t first_seed;

static void one_thread_holds_to_the_model(void) {
    fuzz(first_seed, 1);
}

static void two_threads_that_trade_hold_to_the_model(void) {
    fuzz(first_seed, 2);
}

static void eight_threads_that_trade_hold_to_the_model(void) {
    fuzz(first_seed, 8);
}

/* The main thread does not end: its heap sees all generations. */
static void the_main_thread_holds_to_the_model(void) {
    set_up(first_seed, 1);
    model_run(&models[0], steps / 2);
    model_clear(&models[0]);
    check(first_seed, 1);
}

static void further_seeds_hold_to_the_model(void) {
    time_t end = time(NULL) + (time_t)number_of("TAGPOOL_FUZZ_SECONDS", 0);
    uint64_t seed = first_seed;
    while (time(NULL) < end && tap.faults == 0) {
        seed++;
        fuzz(seed, 1 + seed % MOST_THREADS);
    }
}

int main(void) {
    first_seed = number_of("TAGPOOL_FUZZ_SEED", 1);
    steps = number_of("TAGPOOL_FUZZ_STEPS", tap_repeats(100000, 160000));
    TAP_RUN(the_main_thread_holds_to_the_model);
    TAP_RUN(one_thread_holds_to_the_model);
    TAP_RUN(two_threads_that_trade_hold_to_the_model);
    TAP_RUN(eight_threads_that_trade_hold_to_the_model);
    TAP_RUN(further_seeds_hold_to_the_model);
    return tap_done();
}
