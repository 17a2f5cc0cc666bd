/* If this failed, a call of the family would be a cancellation point: a thread that is to end would
 * end inside malloc, with what it was doing half done. */
#include "../harness/tap.h"
#include "behaviour.h"
#include <pthread.h>

enum { THREADS = 40, ROUNDS = 50 };

static const char *program;
static const char *kind;
static pthread_barrier_t gate;
static _Atomic(bool) passed;

static void call(void) {
    if (strcmp(kind, "node") == 0)
        opaque(malloc(24));
    else if (strcmp(kind, "large") == 0)
        free(opaque(malloc(100000)));
    else if (strcmp(kind, "aligned") == 0)
        free(opaque(aligned_alloc(8192, 8192)));
    else if (strcmp(kind, "calloc") == 0)
        free(opaque(calloc(10, 5000)));
    else if (strcmp(kind, "trim") == 0)
        malloc_trim(0);
    else
        malloc_stats();
}

static void *thread_main(void *none) {
    pthread_barrier_wait(&gate); /* the cancellation is pending */
    for (int i = 0; i < ROUNDS; i++)
        call();
    passed = true;
    pthread_testcancel();
    return none;
}

/* How many threads were cut short; afterwards the process goes on. */
static int cancelled_main(void) {
    int cut = 0;
    pthread_barrier_init(&gate, NULL, 2);
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        passed = false;
        if (pthread_create(&thread, NULL, thread_main, NULL) != 0)
            return 100;
        pthread_cancel(thread);
        pthread_barrier_wait(&gate);
        pthread_join(thread, NULL);
        cut += !passed;
    }
    for (size_t i = 0; i < 10000; i++)
        free(opaque(malloc(i % 40000)));
    malloc_trim(0);
    return cut;
}

static void check_kind(const char *wanted) {
    static struct child child;
    const char *const argv[] = {program, wanted, NULL};
    child_run(&child, NULL, argv);
    CHECK_SAY(child_succeeded(&child), "status %#x: %.200s", (unsigned)child.status, child.err);
}

static void a_node_is_no_cancellation_point(void) {
    check_kind("node");
}

static void a_large_request_is_no_cancellation_point(void) {
    check_kind("large");
}

static void an_aligned_request_is_no_cancellation_point(void) {
    check_kind("aligned");
}

static void calloc_is_no_cancellation_point(void) {
    check_kind("calloc");
}

static void malloc_trim_is_no_cancellation_point(void) {
    check_kind("trim");
}

static void malloc_stats_is_no_cancellation_point(void) {
    check_kind("stats");
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc == 2) {
        kind = argv[1];
        return cancelled_main();
    }
    TAP_RUN(a_node_is_no_cancellation_point);
    TAP_RUN(a_large_request_is_no_cancellation_point);
    TAP_RUN(an_aligned_request_is_no_cancellation_point);
    TAP_RUN(calloc_is_no_cancellation_point);
    TAP_RUN(malloc_trim_is_no_cancellation_point);
    TAP_RUN(malloc_stats_is_no_cancellation_point);
    return tap_done();
}
