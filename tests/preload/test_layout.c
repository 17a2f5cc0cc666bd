/* If this failed, a small program would have more of the library's file in its memory: what it
 * never runs lies apart there, in a mapping of its own, of which the kernel maps nothing as long as
 * nothing of it is needed. */
#include "../harness/tap.h"
#include "behaviour.h"
#include <pthread.h>

static const char *program;

/* ---- a small program ---- */

static void *churn(void *unused) {
    enum { BLOCKS = 3000, MOST = 1500 };
    static __thread char *block[BLOCKS];
    (void)unused;
    for (size_t i = 0; i < BLOCKS; i++)
        block[i] = memset(malloc(i % MOST), 1, i % MOST);
    for (size_t i = 0; i < BLOCKS; i += 2)
        block[i] = realloc(block[i], 2 * i);
    for (size_t i = 0; i < BLOCKS; i += 3) {
        free(block[i]);
        block[i] = i % 2 == 0 ? calloc(3, i) : aligned_alloc(64, 64 * (i % 20 + 1));
    }
    for (size_t i = 0; i < BLOCKS; i++)
        free(block[i]);
    return NULL;
}

/* How many mappings of code the library has, and how many KiB of all but the first are in memory.
 */
static void print_mappings(void) {
    char line[4096];
    unsigned long start, end, kib = 0, sum = 0;
    unsigned count = 0;
    bool is_one = false;
    FILE *file = fopen("/proc/self/smaps", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        char rights[5];
        if (sscanf(line, "%lx-%lx %4s", &start, &end, rights) == 3) {
            is_one = strstr(line, "libtagpool") != NULL && rights[2] == 'x';
            count += is_one;
        } else if (is_one && count > 1 && sscanf(line, "Rss: %lu kB", &kib) == 1) {
            sum += kib;
        }
    }
    printf("%u %lu\n", count, sum);
}

static int small(void) {
    pthread_t thread;
    churn(NULL);
    if (pthread_create(&thread, NULL, churn, NULL) != 0 || pthread_join(thread, NULL) != 0)
        return 1;
    pid_t child = fork();
    if (child == 0) {
        churn(NULL);
        print_mappings();
        return 0;
    }
    int status = 1;
    bool ended = child > 0 && waitpid(child, &status, 0) == child && status == 0;
    print_mappings();
    return !ended;
}

/* ---- the test ---- */

static void check_memory(const char *const *changes) {
    static struct child child;
    const char *const argv[] = {program, "small", NULL};
    unsigned count = 0;
    unsigned long kib = 0, of_child = 0;
    child_run(&child, changes, argv);
    CHECK_SAY(child_succeeded(&child), "status %#x, \"%.200s\"", (unsigned)child.status, child.err);
    if (sscanf(child.out, "%*u %lu %u %lu", &of_child, &count, &kib) != 3 || count < 2) {
        tap_skip("the library has one mapping of code, or /proc does not list them");
        return;
    }
    CHECK_SAY(kib == 0 && of_child == 0, "%lu KiB of what lies apart are in memory, %lu in a child",
              kib, of_child);
}

static void what_a_small_program_does_not_run_is_not_in_its_memory(void) {
    static const char *const with_options[] = {"TAGPOOL_OPTIONS=strategy=metadata,retain=16M",
                                               NULL};
    static const char *const without_options[] = {"TAGPOOL_OPTIONS", NULL};
    if (!pools_are_unlimited() || blocks_are_tagged()) {
        tap_skip("only pools that grow, and whose blocks have no tags, are judged");
        return;
    }
    check_memory(without_options);
    check_memory(with_options);
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc == 2)
        return small();
    TAP_RUN(what_a_small_program_does_not_run_is_not_in_its_memory);
    return tap_done();
}
