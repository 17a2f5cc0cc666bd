/* A group of threads that run the same function, each on its own element of an array of contexts.
 */
#ifndef WORKLOADS_WORKERS_H
#define WORKLOADS_WORKERS_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORKERS_MAX 64

static inline void worker_start(pthread_t *thread, void *(*function)(void *), void *context) {
    int error = pthread_create(thread, NULL, function, context);
    if (error != 0) {
        fprintf(stderr, "cannot start a thread: %s\n", strerror(error));
        exit(1);
    }
}

/* Starts `count` (at most WORKERS_MAX) threads and waits for all. `contexts` is an array whose
 * elements have `context_bytes`; results belong into them, the return values of the threads are
 * dropped. */
static inline void workers_run(size_t count, void *(*function)(void *), void *contexts,
                               size_t context_bytes) {
    pthread_t threads[WORKERS_MAX];
    for (size_t i = 0; i < count; i++)
        worker_start(&threads[i], function, (char *)contexts + i * context_bytes);
    for (size_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

#endif
