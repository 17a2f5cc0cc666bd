/* If this failed, two threads would change the pool's lists at one time, or one would sleep for
 * ever. */
#include "lock.h"
#include "tap.h"

#include <pthread.h>
#include <time.h>

enum { THREADS = 6, ROUNDS = 40000 };

static struct lock lock;
static unsigned long counter, inside, overlaps;

static void *count(void *argument) {
    for (int i = 0; i < ROUNDS; i++) {
        lock_acquire(&lock);
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
    lock_acquire(&lock);
    CHECK(lock_is_mine(&lock));
    pthread_create(&thread, NULL, is_theirs, &lock);
    pthread_join(thread, &theirs);
    CHECK(theirs == NULL);
    lock_release(&lock);
    CHECK(!lock_is_mine(&lock));
}

int main(void) {
    TAP_RUN(one_thread_at_a_time_holds_it);
    TAP_RUN(it_knows_its_holder);
    return tap_done();
}
