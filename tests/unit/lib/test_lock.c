/* If this failed, two threads would change the pool's lists at one time, or one would sleep for
 * ever. */
#include "lock.h"
#include "tap.h"

#include <pthread.h>
#include <sys/resource.h>
#include <time.h>

enum { THREADS = 6, ROUNDS = 40000 };

static struct lock lock;
static unsigned long counter, inside, overlaps;

static void *count(void *argument) {
    for (int i = 0; i < ROUNDS; i++) {
        if (!lock_acquire(&lock))
            return NULL;
        overlaps += inside++ != 0;
        counter++;
        if (i % 2000 == 0) /* long enough for the others to sleep */
            nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
        inside--;
        lock_release(&lock);
    }
    return argument;
}

static void one_thread_at_a_time_holds_it(void) {
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, count, NULL);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK(overlaps == 0);
    CHECK_SAY(counter == (unsigned long)THREADS * ROUNDS, "%lu", counter);
}

static void *is_theirs(void *argument) {
    return lock_is_mine(&lock) ? argument : NULL;
}

static void it_knows_its_holder(void) {
    pthread_t thread;
    void *theirs = &thread;
    CHECK(!lock_is_mine(&lock));
    CHECK(lock_acquire(&lock));
    CHECK(lock_is_mine(&lock));
    pthread_create(&thread, NULL, is_theirs, &lock);
    pthread_join(thread, &theirs);
    CHECK(theirs == NULL);
    lock_release(&lock);
    CHECK(!lock_is_mine(&lock));
}

/* ---- who would wait for himself, or for a fork ---- */

static void nobody_waits_for_himself(void) {
    CHECK(lock_acquire(&lock));
    CHECK(!lock_acquire(&lock));
    CHECK(!lock_acquire_within(&lock, LOCK_FOREVER, LOCK_FOREVER));
    CHECK(lock_is_mine(&lock));
    lock_release(&lock);
    CHECK(lock_acquire(&lock));
    lock_release(&lock);
}

enum { PATIENCE_MS = 20 };

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* How often this thread has gone to sleep of itself: a busy machine adds nothing. */
static long sleeps(void) {
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
}

static uint64_t waited_ms[2];
static long slept[2];

/* Returns its argument if it got the lock. */
static void *come_beside_a_fork(void *argument) {
    if (lock_acquire(&lock))
        return argument;
    for (int i = 0; i < 2; i++) {
        uint64_t start = now_ms();
        long before = sleeps();
        if (lock_acquire_within(&lock, LOCK_FOREVER, PATIENCE_MS))
            return argument;
        slept[i] = sleeps() - before;
        waited_ms[i] = now_ms() - start;
    }
    return NULL;
}

static void *in_a_thread(void *(*function)(void *)) {
    pthread_t thread;
    void *result = NULL;
    pthread_create(&thread, NULL, function, &lock);
    pthread_join(thread, &result);
    return result;
}

static void *come_after(void *argument) {
    if (!lock_acquire(&lock))
        return NULL;
    lock_release(&lock);
    return argument;
}

static void a_fork_is_waited_for_by_the_patient_and_not_for_ever(void) {
    CHECK(lock_begin_fork(&lock) == LOCK_TAKEN);
    CHECK(!lock_acquire(&lock));
    CHECK(in_a_thread(come_beside_a_fork) == NULL);
    CHECK_SAY(waited_ms[0] >= PATIENCE_MS / 4, "%ju ms", (uintmax_t)waited_ms[0]);
    CHECK_SAY(slept[0] > 0 && slept[1] == 0, "slept %ld and %ld times", slept[0], slept[1]);
    CHECK(lock_begin_fork(&lock) == LOCK_IN_FORK);
    lock_end_fork(&lock, LOCK_IN_FORK);
    CHECK(in_a_thread(come_beside_a_fork) == NULL);
    lock_end_fork(&lock, LOCK_TAKEN);
    CHECK(in_a_thread(come_after) == &lock);
}

static void *wait_for_a_call(void *argument) {
    return lock_acquire(&lock) ? argument : NULL;
}

/* A handler that interrupts a call forks: who sleeps until the call is over wakes, for the fork may
 * be waiting for him. */
static void a_fork_in_a_call_wakes_who_waits_for_the_call(void) {
    pthread_t thread;
    void *result = &thread;
    CHECK(lock_acquire(&lock));
    pthread_create(&thread, NULL, wait_for_a_call, &lock);
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    CHECK(lock_begin_fork(&lock) == LOCK_IN_CALL);
    pthread_join(thread, &result);
    CHECK(result == NULL);
    lock_end_fork(&lock, LOCK_IN_CALL);
    CHECK(lock_is_mine(&lock));
    lock_release(&lock);
    CHECK(in_a_thread(come_after) == &lock);
}

static void *wait_shortly(void *argument) {
    return lock_acquire_within(&lock, PATIENCE_MS, PATIENCE_MS) ? argument : NULL;
}

static void who_is_in_a_hurry_does_not_wait_for_a_call_for_ever(void) {
    CHECK(lock_acquire(&lock));
    CHECK(in_a_thread(wait_shortly) == NULL);
    lock_release(&lock);
    CHECK(in_a_thread(come_after) == &lock);
}

static void *fork_or_come(void *argument) {
    for (int i = 0; i < ROUNDS / 10; i++) {
        enum lock_fork begun = LOCK_TAKEN;
        bool forks = i % 50 == 0;
        if (forks)
            begun = lock_begin_fork(&lock);
        else if (!lock_acquire(&lock))
            continue;
        overlaps += inside++ != 0;
        inside--;
        if (forks)
            lock_end_fork(&lock, begun);
        else
            lock_release(&lock);
    }
    return argument;
}

/* Nobody is left asleep either. */
static void forks_and_calls_hold_it_one_at_a_time(void) {
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, fork_or_come, NULL);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK(overlaps == 0);
    CHECK(in_a_thread(come_after) == &lock);
}

int main(void) {
    TAP_RUN(one_thread_at_a_time_holds_it);
    TAP_RUN(it_knows_its_holder);
    TAP_RUN(nobody_waits_for_himself);
    TAP_RUN(a_fork_is_waited_for_by_the_patient_and_not_for_ever);
    TAP_RUN(a_fork_in_a_call_wakes_who_waits_for_the_call);
    TAP_RUN(who_is_in_a_hurry_does_not_wait_for_a_call_for_ever);
    TAP_RUN(forks_and_calls_hold_it_one_at_a_time);
    return tap_done();
}
