/* If this failed, programs that hand work from thread to thread would get damaged or lost blocks,
 * or grow without end: producers fill blocks, queues carry them, consumers check every byte and
 * free them. */
#include "../harness/tap.h"
#include "../preload/behaviour.h"
#include <pthread.h>

enum { QUEUE_PLACES = 512, ITEMS_PER_PRODUCER = 60000, MOST_THREADS = 4 };

/* What is passed on: a block that says its own size and seed. */
struct item {
    uint32_t bytes; /* of filling */
    uint32_t seed;
    unsigned char filling[];
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct item *place[QUEUE_PLACES];
    size_t put_count, got_count;
    bool closed;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void queue_put(struct item *item) {
    pthread_mutex_lock(&queue.lock);
    while (queue.put_count - queue.got_count == QUEUE_PLACES)
        pthread_cond_wait(&queue.changed, &queue.lock);
    queue.place[queue.put_count++ % QUEUE_PLACES] = item;
    pthread_cond_broadcast(&queue.changed);
    pthread_mutex_unlock(&queue.lock);
}

static struct item *queue_get(void) {
    struct item *item = NULL;
    pthread_mutex_lock(&queue.lock);
    while (queue.put_count == queue.got_count && !queue.closed)
        pthread_cond_wait(&queue.changed, &queue.lock);
    if (queue.put_count != queue.got_count) {
        item = queue.place[queue.got_count++ % QUEUE_PLACES];
        pthread_cond_broadcast(&queue.changed);
    }
    pthread_mutex_unlock(&queue.lock);
    return item;
}

static void *produce(void *argument) {
    uint64_t random = (uintptr_t)argument;
    for (int i = 0; i < ITEMS_PER_PRODUCER; i++) {
        uint32_t bytes = random_below(&random, i % 100 == 0 ? 5000 : i % 4 == 0 ? 900 : 100);
        struct item *item = malloc(sizeof *item + bytes);
        item->bytes = bytes;
        item->seed = random_next(&random);
        pattern_fill(item->filling, bytes, item->seed);
        queue_put(item);
    }
    return NULL;
}

/* Checks and frees; every third item is resized and kept a while first. Returns how many were
 * damaged. */
static void *consume(void *argument) {
    struct item *kept[32] = {NULL};
    uintptr_t damaged = 0;
    size_t number = 0;
    (void)argument;
    for (struct item *item; (item = queue_get()) != NULL; number++) {
        damaged += !pattern_holds(item->filling, item->bytes, item->seed);
        if (number % 3 == 0) {
            item = realloc(item, sizeof *item + item->bytes + 64);
            damaged += !pattern_holds(item->filling, item->bytes, item->seed);
            struct item *older = kept[number / 3 % 32];
            kept[number / 3 % 32] = item;
            item = older;
        }
        free(item);
    }
    for (size_t i = 0; i < 32; i++)
        free(kept[i]);
    return (void *)damaged;
}

static void run_pipeline(size_t producers, size_t consumers) {
    pthread_t producer[MOST_THREADS], consumer[MOST_THREADS];
    queue.closed = false;
    for (size_t i = 0; i < consumers; i++)
        pthread_create(&consumer[i], NULL, consume, NULL);
    for (size_t i = 0; i < producers; i++)
        pthread_create(&producer[i], NULL, produce, (void *)(uintptr_t)(i + 1));
    for (size_t i = 0; i < producers; i++)
        pthread_join(producer[i], NULL);
    pthread_mutex_lock(&queue.lock);
    queue.closed = true;
    pthread_cond_broadcast(&queue.changed);
    pthread_mutex_unlock(&queue.lock);
    for (size_t i = 0; i < consumers; i++) {
        void *damaged = NULL;
        pthread_join(consumer[i], &damaged);
        CHECK_SAY(damaged == NULL, "consumer %zu got %ju damaged items", i,
                  (uintmax_t)(uintptr_t)damaged);
    }
}

static void one_producer_and_one_consumer_lose_nothing(void) {
    run_pipeline(1, 1);
}

static void many_producers_and_consumers_lose_nothing(void) {
    run_pipeline(3, 3);
}

static void a_long_pipeline_does_not_grow(void) {
    run_pipeline(2, 2);
    size_t before_kib = resident_kib();
    for (int round = 0; round < 4; round++)
        run_pipeline(2, 2);
    CHECK_SAY(resident_kib() <= before_kib + 8192, "%zu KiB became %zu KiB", before_kib,
              resident_kib());
}

int main(void) {
    TAP_RUN(one_producer_and_one_consumer_lose_nothing);
    TAP_RUN(many_producers_and_consumers_lose_nothing);
    TAP_RUN(a_long_pipeline_does_not_grow);
    return tap_done();
}
