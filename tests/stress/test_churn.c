/* If this failed, servers with a thread per request would grow until they are killed: thousands of
 * short threads, with and without blocks that outlive them, must leave the memory of the process as
 * it was. */
#include "../harness/tap.h"
#include "../preload/behaviour.h"
#include <limits.h>
#include <pthread.h>

enum { MOST_THREADS = 10000, WARM_UP = 1000, AT_ONE_TIME = 4, BLOCKS = 60, SLACK_KIB = 3072 };

static unsigned threads;

struct task {
    unsigned seed;
    void *left[4]; /* blocks that the thread leaves behind */
    bool held;
};

static size_t block_bytes(unsigned i) {
    return i * i % 1500 + 8;
}

/* The life of a short thread: blocks of many sizes, freed in another order, a few left behind. */
static void *short_life(void *argument) {
    struct task *task = argument;
    void *block[BLOCKS];
    task->held = true;
    for (unsigned i = 0; i < BLOCKS; i++) {
        block[i] = malloc(block_bytes(i + task->seed));
        pattern_fill(block[i], block_bytes(i + task->seed), i);
    }
    for (unsigned k = 0; k < BLOCKS; k++) {
        unsigned i = k * 7 % BLOCKS;
        task->held &= pattern_holds(block[i], block_bytes(i + task->seed), i);
        if (i < 4)
            task->left[i] = block[i];
        else
            free(block[i]);
    }
    return NULL;
}

/* In random order it takes tens of thousands of threads until each slab in use has been touched all
 * over, and 4 MiB more. */
static size_t slack_kib(void) {
    return pools_are_hardened() ? (size_t)2 * SLACK_KIB : SLACK_KIB;
}

static bool run_threads(unsigned count) {
    struct task task[AT_ONE_TIME];
    pthread_t thread[AT_ONE_TIME];
    bool held = true;
    for (unsigned done = 0; done < count; done += AT_ONE_TIME) {
        for (unsigned i = 0; i < AT_ONE_TIME; i++) {
            task[i].seed = done + i;
            if (pthread_create(&thread[i], NULL, short_life, &task[i]) != 0)
                return false;
        }
        for (unsigned i = 0; i < AT_ONE_TIME; i++) {
            pthread_join(thread[i], NULL);
            held &= task[i].held;
            for (unsigned k = 0; k < 4; k++) {
                held &= pattern_holds(task[i].left[k], block_bytes(k + task[i].seed), k);
                free(task[i].left[k]);
            }
        }
    }
    return held;
}

static void many_threads_do_not_grow_memory(void) {
    CHECK(run_threads(WARM_UP));
    size_t before_kib = resident_kib();
    CHECK_SAY(run_threads(threads), "a thread could not start or lost bytes");
    CHECK_SAY(resident_kib() <= before_kib + slack_kib(), "%zu KiB became %zu KiB", before_kib,
              resident_kib());
}

static void *free_one(void *block) {
    free(block);
    return NULL;
}

/* Threads whose only call is a free of another thread's block. */
static void threads_that_only_free_do_not_grow_memory(void) {
    size_t before_kib = 0;
    for (int i = 0; i < (int)threads / 2; i++) {
        pthread_t thread;
        if (i == WARM_UP)
            before_kib = resident_kib();
        pthread_create(&thread, NULL, free_one, memset(malloc(300), 1, 300));
        pthread_join(thread, NULL);
    }
    CHECK_SAY(resident_kib() <= before_kib + slack_kib(), "%zu KiB became %zu KiB", before_kib,
              resident_kib());
}

static void *leave_one(void *argument) {
    enum { MANY = 900, BYTES = 64 };
    void *block[MANY];
    for (size_t i = 0; i < MANY; i++)
        block[i] = memset(malloc(BYTES), 1, BYTES);
    for (size_t i = 0; i < MANY; i++)
        if (i != MANY / 2)
            free(block[i]);
    (void)argument;
    return block[MANY / 2];
}

/* Each leaves one block behind, in memory that it filled: what is free around the block serves the
 * next. */
static void slabs_with_one_block_left_serve_the_next_threads(void) {
    static void *left[MOST_THREADS / 5];
    size_t before_kib = 0;
    for (size_t i = 0; i < threads / 5; i++) {
        pthread_t thread;
        if (i == WARM_UP / 10)
            before_kib = resident_kib();
        pthread_create(&thread, NULL, leave_one, NULL);
        pthread_join(thread, &left[i]);
    }
    CHECK_SAY(resident_kib() <= before_kib + slack_kib(), "%zu KiB became %zu KiB", before_kib,
              resident_kib());
    for (size_t i = 0; i < threads / 5; i++)
        free(left[i]);
}

static pthread_key_t late_key;
static __thread int rounds_left = PTHREAD_DESTRUCTOR_ITERATIONS;

/* Allocates in every round of destructors, the last one included. */
static void allocate_late(void *value) {
    for (size_t bytes = 8; bytes < 1000; bytes += 60)
        free(memset(malloc(bytes), 1, bytes));
    if (--rounds_left > 0)
        pthread_setspecific(late_key, value);
}

static void *end_late(void *argument) {
    pthread_setspecific(late_key, &late_key);
    free(malloc(100));
    return argument;
}

static void threads_that_allocate_while_they_end_do_not_grow_memory(void) {
    size_t before_kib = 0;
    pthread_key_create(&late_key, allocate_late);
    for (int i = 0; i < (int)threads / 3; i++) {
        pthread_t thread;
        if (i == WARM_UP / 2)
            before_kib = resident_kib();
        pthread_create(&thread, NULL, end_late, NULL);
        pthread_join(thread, NULL);
    }
    CHECK_SAY(resident_kib() <= before_kib + slack_kib(), "%zu KiB became %zu KiB", before_kib,
              resident_kib());
}

static void *end_at_once(void *argument) {
    free(malloc(100));
    return argument;
}

static void detached_threads_do_not_grow_memory(void) {
    size_t before_kib = 0;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 64 * 1024);
    for (int i = 0; i < (int)threads / 2; i++) {
        pthread_t thread;
        if (i == WARM_UP)
            before_kib = resident_kib();
        while (pthread_create(&thread, &attributes, end_at_once, NULL) != 0)
            nap_ms(1);
        if (i % 8 == 0)
            nap_ms(1); /* let them end: what is measured is not how many live at one time */
    }
    CHECK_SAY(resident_kib() <= before_kib + 4 * SLACK_KIB, "%zu KiB became %zu KiB", before_kib,
              resident_kib());
}

int main(void) {
    threads = tap_repeats(4000, MOST_THREADS);
    TAP_RUN(many_threads_do_not_grow_memory);
    TAP_RUN(threads_that_only_free_do_not_grow_memory);
    TAP_RUN(slabs_with_one_block_left_serve_the_next_threads);
    TAP_RUN(threads_that_allocate_while_they_end_do_not_grow_memory);
    TAP_RUN(detached_threads_do_not_grow_memory);
    return tap_done();
}
