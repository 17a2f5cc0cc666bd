/* If this failed, malloc_trim() would take pages away in which another thread has just put a block:
 * the block would read as zeroes. Threads fill blocks and look at them again, some hand them to
 * others, and all pause now and then; meanwhile memory is trimmed again and again. */
#include "../harness/tap.h"
#include "../preload/behaviour.h"

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 3, BLOCKS = 300, ROUNDS = 400, TRIMS_AT_LEAST = 20, POST_PLACES = 64 };

static _Atomic(bool) have_ended;
static _Atomic(unsigned) running;

struct kept {
    unsigned char *block;
    size_t bytes;
    unsigned seed;
};

/* On its way to another thread, which looks at it and frees it. */
static _Atomic(struct kept *) post[POST_PLACES];

static bool hold_and_free(struct kept *kept) {
    bool held = kept->block == NULL || pattern_holds(kept->block, kept->bytes, kept->seed);
    free(kept->block);
    kept->block = NULL;
    return held;
}

static bool swap_with_post(struct kept *mine, uint32_t place) {
    struct kept *sent = malloc(sizeof *sent);
    *sent = *mine;
    mine->block = NULL;
    struct kept *got = atomic_exchange(&post[place], sent);
    bool held = got == NULL || hold_and_free(got);
    free(got);
    return held;
}

static bool replace(struct kept *kept, uint64_t *random) {
    bool held = hold_and_free(kept);
    kept->bytes = 1 + random_below(random, random_below(random, 4) != 0 ? 400 : 5000);
    kept->seed = random_next(random);
    kept->block = malloc(kept->bytes);
    pattern_fill(kept->block, kept->bytes, kept->seed);
    return held;
}

/* Rounds of much and of little; in some all is freed and the thread rests, so that its slabs have
 * nothing but what it has claimed. */
static void *work(void *number) {
    static _Thread_local struct kept kept[BLOCKS];
    uint64_t random = (uintptr_t)number + 1;
    bool held = true;
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint32_t count = 1 + random_below(&random, BLOCKS);
        for (uint32_t i = 0; i < count; i++)
            held &= replace(&kept[random_below(&random, BLOCKS)], &random);
        for (uint32_t i = 0; i < 4; i++)
            held &= swap_with_post(&kept[random_below(&random, BLOCKS)],
                                   random_below(&random, POST_PLACES));
        bool frees_all = random_below(&random, 4) == 0;
        for (uint32_t i = 0; i < BLOCKS && frees_all; i++)
            held &= hold_and_free(&kept[i]);
        if (random_below(&random, 16) == 0)
            nap_ms(1);
    }
    for (uint32_t i = 0; i < BLOCKS; i++)
        held &= hold_and_free(&kept[i]);
    if (atomic_fetch_sub(&running, 1) == 1)
        atomic_store(&have_ended, true);
    return held ? number : NULL;
}

static void a_trim_takes_nothing_from_threads_at_work(void) {
    pthread_t thread[THREADS];
    atomic_store(&running, THREADS);
    for (uintptr_t i = 0; i < THREADS; i++)
        if (pthread_create(&thread[i], NULL, work, (void *)(i + 1)) != 0)
            return;
    unsigned trims = 0;
    for (; trims < TRIMS_AT_LEAST || !atomic_load(&have_ended); trims++) {
        malloc_trim(0);
        if (trims % 8 == 0)
            nap_ms(1);
    }
    for (size_t i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(thread[i], &result);
        CHECK_SAY(result != NULL, "a block of thread %zu has changed", i);
    }
    for (size_t i = 0; i < POST_PLACES; i++) {
        struct kept *left = atomic_load(&post[i]);
        CHECK(left == NULL || hold_and_free(left));
        free(left);
    }
}

int main(void) {
    TAP_RUN(a_trim_takes_nothing_from_threads_at_work);
    return tap_done();
}
