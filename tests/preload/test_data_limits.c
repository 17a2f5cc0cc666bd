/* If this failed, a program under a limit of data (RLIMIT_DATA) would get no memory where another
 * thread has freed what counts against it, or would crash where nothing is left of it. */
#include "../harness/tap.h"
#include "behaviour.h"
#include <pthread.h>
#include <sys/resource.h>

enum { MIB = 1 << 20, NODE_BYTES = 64, BLOCKS = 20000, STACK_BYTES = 256 << 10 };

static const char *program;
static size_t limit_mib; /* of the child about to be started */

static void set_limit(void) {
    struct rlimit limit = {limit_mib * MIB, limit_mib * MIB};
    setrlimit(RLIMIT_DATA, &limit);
}

struct node {
    struct node *next;
    char filling[NODE_BYTES - sizeof(void *)];
};

/* A list of so many nodes, or fewer where memory runs out. */
static struct node *take_nodes(size_t count) {
    struct node *first = NULL;
    for (size_t i = 0; i < count; i++) {
        struct node *node = malloc(sizeof *node);
        if (node == NULL)
            break;
        memset(node->filling, 1, sizeof node->filling);
        node->next = first;
        first = node;
    }
    return first;
}

static void *free_nodes(void *first) {
    for (struct node *node = first; node != NULL;) {
        struct node *next = node->next;
        free(node);
        node = next;
    }
    return NULL;
}

/* Nodes of half the limit, which another thread frees while the one that took them goes on: then
 * there is room for a block of a third. */
static int freed_by_other_main(void) {
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    struct node *nodes = take_nodes(limit_mib * MIB / 2 / NODE_BYTES);
    if (pthread_create(&thread, &attributes, free_nodes, nodes) != 0)
        return 2;
    pthread_join(thread, NULL);
    size_t bytes = limit_mib * MIB / 3;
    unsigned char *block = malloc(bytes);
    if (block == NULL)
        return 3;
    block[0] = block[bytes - 1] = 1;
    free(block);
    return 0;
}

/* Blocks of no bytes are freed while all data is in use, and then some nodes are. */
static int nothing_main(void) {
    static void *blocks[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++)
        blocks[i] = malloc(opaque_size(0));
    struct node *nodes = take_nodes(SIZE_MAX);
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    for (size_t i = 0; i < BLOCKS && nodes != NULL; i++) {
        struct node *next = nodes->next;
        free(nodes);
        nodes = next;
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t bytes = 40 + i % NODE_BYTES;
        blocks[i] = malloc(bytes);
        if (blocks[i] != NULL)
            memset(blocks[i], 1, bytes);
    }
    return 0;
}

static void check_under_limit(size_t mib, const char *mode) {
    static struct child child;
    char number[32];
    const char *const argv[] = {program, mode, number, NULL};
    snprintf(number, sizeof number, "%zu", mib);
    limit_mib = mib;
    child_run_prepared(&child, NULL, set_limit, argv);
    CHECK_SAY(child_succeeded(&child), "%s under %zu MiB: status %#x: %.300s", mode, mib,
              (unsigned)child.status, child.err);
}

static void what_another_thread_has_freed_can_be_had_again(void) {
    check_under_limit(32, "freed_by_other");
    check_under_limit(64, "freed_by_other");
}

static void blocks_of_no_bytes_may_be_freed_where_no_data_is_left(void) {
    check_under_limit(16, "nothing");
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc == 3) {
        limit_mib = strtoul(argv[2], NULL, 10);
        return strcmp(argv[1], "nothing") == 0 ? nothing_main() : freed_by_other_main();
    }
    TAP_RUN(what_another_thread_has_freed_can_be_had_again);
    TAP_RUN(blocks_of_no_bytes_may_be_freed_where_no_data_is_left);
    return tap_done();
}
