/* If this failed, programs under `ulimit -v` would not start, or would run out of memory early
 * because the library took the address space for itself. */
#include "../harness/tap.h"
#include "behaviour.h"
#include <pthread.h>
#include <sys/resource.h>

enum { MIB = 1 << 20, NODE_BYTES = 64 };

static const char *program;
static size_t limit_mib; /* of the child about to be started */

static void set_limit(void) {
    struct rlimit limit = {limit_mib * MIB, limit_mib * MIB};
    if (limit_mib != 0)
        setrlimit(RLIMIT_AS, &limit);
}

/* A list of nodes, as many bytes as asked for; NULL when memory ran out. */
struct node {
    struct node *next;
    size_t number;
    char filling[NODE_BYTES - 16];
};

static struct node *take_nodes(size_t bytes) {
    struct node *first = NULL;
    for (size_t i = 0; i < bytes / NODE_BYTES; i++) {
        struct node *node = malloc(sizeof *node);
        if (node == NULL)
            return NULL;
        memset(node->filling, (int)i, sizeof node->filling);
        node->number = i;
        node->next = first;
        first = node;
    }
    return first;
}

static bool give_nodes(struct node *node) {
    bool held = true;
    while (node != NULL) {
        struct node *next = node->next;
        held &= node->filling[0] == (char)node->number && (next == NULL) == (node->number == 0);
        free(node);
        node = next;
    }
    return held;
}

static void *thread_main(void *argument) {
    for (size_t size = 0; size < 3000; size += 5)
        free(malloc(size));
    return argument;
}

/* A third of the limit in nodes and a third in one large block, at one time and in either order. */
static int child_main(size_t mib) {
    size_t share = mib / 3 * MIB;
    struct node *nodes = take_nodes(share);
    if (nodes == NULL)
        return 2;
    unsigned char *large = malloc(share);
    if (large == NULL)
        return 3;
    large[0] = large[share - 1] = 1;
    if (!give_nodes(nodes))
        return 4;
    free(large);
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 256 * 1024);
    if (pthread_create(&thread, &attributes, thread_main, NULL) != 0)
        return 5;
    pthread_join(thread, NULL);
    return 0;
}

/* One block of most of the limit: what the library reserved and does not use must make way. */
static int large_main(size_t mib) {
    size_t bytes = mib * 17 / 20 * MIB;
    free(malloc(40));
    unsigned char *large = malloc(bytes);
    if (large == NULL)
        return 2;
    large[0] = large[bytes - 1] = 1;
    if (!pools_are_hardened()) { /* where it moves: there is no room for both */
        large = realloc(large, bytes / 2);
        if (large == NULL || large[0] != 1)
            return 3;
    }
    free(large);
    large = calloc(1, bytes);
    if (large == NULL)
        return 4;
    free(large);
    return posix_memalign((void **)&large, 4096, bytes) == 0 ? 0 : 5;
}

/* Fills all memory with nodes: in the end there is NULL and ENOMEM, and what is freed can be had
 * again. */
static int exhaust_main(size_t mib) {
    struct node *first = NULL;
    size_t count = 0;
    errno = 0;
    for (struct node *node; (node = malloc(sizeof *node)) != NULL; count++) {
        node->next = first;
        node->number = count;
        node->filling[0] = (char)count;
        first = node;
    }
    if (errno != ENOMEM)
        return 2;
    if (count * NODE_BYTES < mib / 2 * MIB)
        return 3;
    if (!give_nodes(first))
        return 4;
    first = take_nodes(mib / 3 * MIB);
    return first != NULL && give_nodes(first) ? 0 : 5;
}

static void check_under_limit(size_t mib, size_t share_of_mib, const char *mode) {
    static struct child child;
    char number[32];
    const char *const argv[] = {program, mode, number, NULL};
    snprintf(number, sizeof number, "%zu", share_of_mib);
    limit_mib = mib;
    child_run_prepared(&child, NULL, set_limit, argv);
    CHECK_SAY(child_succeeded(&child), "%s under %zu MiB: status %#x: %.300s", mode, mib,
              (unsigned)child.status, child.err);
    CHECK_SAY(child.err[0] == '\0', "%s under %zu MiB wrote: %.300s", mode, mib, child.err);
}

static void a_program_runs_under_every_limit_of_address_space(void) {
    static const size_t limits_mib[] = {16, 24, 32, 64, 100, 128, 256, 512};
    for (size_t i = 0; i < sizeof limits_mib / sizeof limits_mib[0]; i++)
        check_under_limit(limits_mib[i], limits_mib[i], "share");
}

static void most_of_a_limit_can_be_one_block(void) {
    static const size_t limits_mib[] = {64, 80, 100, 256, 1000};
    for (size_t i = 0; i < sizeof limits_mib / sizeof limits_mib[0]; i++)
        check_under_limit(limits_mib[i], limits_mib[i], "large");
}

static void a_large_limit_does_not_matter(void) {
    check_under_limit(2048, 64, "share");
    check_under_limit(16384, 64, "share");
    check_under_limit((size_t)1 << 20, 64, "share");
    check_under_limit(0, 64, "share");
}

static void running_out_of_memory_is_survived(void) {
    check_under_limit(24, 24, "exhaust");
    check_under_limit(64, 64, "exhaust");
    check_under_limit(200, 200, "exhaust");
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc == 3 && strcmp(argv[1], "large") == 0)
        return large_main(strtoul(argv[2], NULL, 10));
    if (argc == 3)
        return strcmp(argv[1], "share") == 0 ? child_main(strtoul(argv[2], NULL, 10))
                                             : exhaust_main(strtoul(argv[2], NULL, 10));
    TAP_RUN(a_program_runs_under_every_limit_of_address_space);
    TAP_RUN(most_of_a_limit_can_be_one_block);
    TAP_RUN(a_large_limit_does_not_matter);
    TAP_RUN(running_out_of_memory_is_survived);
    return tap_done();
}
