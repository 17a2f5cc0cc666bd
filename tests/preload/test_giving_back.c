/* If this failed, memory that a program no longer needs would not come back: after phases of which
 * a little is kept, after malloc_trim(), where memory is locked, or because the kernel fills in
 * again what was returned. Each program runs with the system's allocator too, and is measured by
 * it. */
#include "../harness/tap.h"
#include "behaviour.h"

#include <pthread.h>
#include <sys/resource.h>

/* How much more than the system's allocator: a part of its memory, and the library's own tables. */
enum { MORE_PERCENT = 15, TABLES_KIB = 2048 };

static const char *program;

/* ---- the programs: each prints what it holds, in KiB ---- */

/* Phases, each of another size, of which one block in EACH bytes is kept. */
static int drift(void) {
    enum { BYTES = 48 << 20, PHASES = 9, EACH = 64 << 10 };
    static unsigned char *block[BYTES / 48];
    for (size_t phase = 0; phase < PHASES; phase++) {
        size_t size = 48 + 40 * phase, count = BYTES / size;
        for (size_t i = 0; i < count; i++)
            block[i] = memset(malloc(size), 1, size);
        for (size_t i = 0; i < count; i++)
            if (i % (EACH / size) != 7)
                free(block[i]);
    }
    printf("%zu\n", resident_kib());
    return 0;
}

enum { SPIKE_BYTES = 100 << 20 };
static unsigned char *spike_block[SPIKE_BYTES / 64];
static size_t spike_size[SPIKE_BYTES / 64];
static size_t spike_count;

static void spike(unsigned kept_of_1000) {
    uint64_t random = 9;
    for (size_t live = 0; live < SPIKE_BYTES; live += spike_size[spike_count++]) {
        size_t bytes = 64 + random_below(&random, random_below(&random, 8) != 0 ? 240 : 3000);
        spike_size[spike_count] = bytes;
        spike_block[spike_count] = malloc(bytes);
        pattern_fill(spike_block[spike_count], bytes, (unsigned)spike_count);
    }
    for (size_t i = 0; i < spike_count; i++) {
        if (random_below(&random, 1000) < kept_of_1000)
            continue;
        free(spike_block[i]);
        spike_block[i] = NULL;
    }
}

static bool spike_holds(void) {
    bool holds = true;
    for (size_t i = 0; i < spike_count; i++)
        holds &=
            spike_block[i] == NULL || pattern_holds(spike_block[i], spike_size[i], (unsigned)i);
    return holds;
}

static int trim(void) {
    spike(10);
    malloc_trim(0);
    printf("%zu\n", resident_kib());
    return spike_holds() ? 0 : 1;
}

/* The thread that asks is not the one whose blocks are gone, and that one has ended. */
static void *spike_in_thread(void *unused) {
    spike(10);
    return unused;
}

static int trim_orphans(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, spike_in_thread, NULL) != 0)
        return CHILD_SKIPPED;
    pthread_join(thread, NULL);
    malloc_trim(0);
    printf("%zu\n", resident_kib());
    return spike_holds() ? 0 : 1;
}

/* A second spike after the trim must not need memory of its own. */
static int trim_and_again(void) {
    spike(10);
    malloc_trim(0);
    for (size_t bytes = 0; bytes < SPIKE_BYTES; bytes += 200)
        memset(malloc(200), 1, 200);
    printf("%zu\n", resident_kib());
    return spike_holds() ? 0 : 1;
}

static int locked(void) {
    struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    (void)setrlimit(RLIMIT_MEMLOCK, &all); /* the limit may be enough */
    if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
        return CHILD_SKIPPED;
    spike(0);
    malloc_trim(0);
    printf("%zu\n", resident_kib());
    return 0;
}

/* ---- the kernel's view ---- */

/* KiB of the mappings that are advised for huge pages. */
static size_t advised_kib(void) {
    static char text[1 << 20];
    size_t length = 0, advised = 0, kib = 0;
    int file = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);
    for (ssize_t got; length < sizeof text - 1 &&
                      (got = read(file, text + length, sizeof text - 1 - length)) > 0;)
        length += (size_t)got;
    close(file);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (strncmp(line, "Size:", 5) == 0)
            kib = strtoul(line + 5, NULL, 10);
        if (strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " hg") != NULL)
            advised += kib;
    }
    return advised;
}

static int advice(void) {
    spike(1);
    malloc_trim(0);
    printf("%zu\n", advised_kib());
    return 0;
}

/* A pool that only grows: page faults. */
static int grow(void) {
    enum { BYTES = 64 << 20, SIZE = 100 };
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    for (size_t bytes = 0; bytes < BYTES; bytes += SIZE)
        memset(malloc(SIZE), 1, SIZE);
    getrusage(RUSAGE_SELF, &after);
    printf("%ld\n", after.ru_minflt - before.ru_minflt);
    return 0;
}

static const struct {
    const char *name;
    int (*run)(void);
} programs[] = {{"drift", drift},
                {"trim", trim},
                {"trim_orphans", trim_orphans},
                {"trim_and_again", trim_and_again},
                {"locked", locked},
                {"advice", advice},
                {"grow", grow}};

/* ---- the tests ---- */

/* What a program prints with the library and, with `without`, with the system's allocator. False if
 * that cannot be told here. */
static bool run_program(const char *name, bool without, size_t *kib) {
    static struct child child;
    const char *const argv[] = {program, name, NULL};
    const char *const changes[] = {without ? "LD_PRELOAD=" : "TAGPOOL_TEST_CHILD=1", NULL};
    child_run(&child, changes, argv);
    if (child_skipped(&child))
        return false;
    CHECK_SAY(child_succeeded(&child), "%s: status %#x, \"%s\"", name, (unsigned)child.status,
              child.err);
    *kib = strtoul(child.out, NULL, 10);
    return true;
}

static void check_program(const char *name) {
    size_t kib, system_kib;
    if (!shim_is_loaded() || pools_are_hardened() || resident_kib() == 0) {
        tap_skip("only pools whose free slots hold nothing give pages back");
        return;
    }
    if (!run_program(name, false, &kib) || !run_program(name, true, &system_kib)) {
        tap_skip("memory cannot be locked here");
        return;
    }
    CHECK_SAY(kib <= system_kib + system_kib * MORE_PERCENT / 100 + TABLES_KIB,
              "%s: %zu KiB, with the system's allocator %zu", name, kib, system_kib);
}

static void what_is_kept_of_each_phase_costs_little(void) {
    check_program("drift");
}

static void trim_returns_all_pages_without_a_block(void) {
    check_program("trim");
}

static void trim_returns_those_of_threads_that_have_ended(void) {
    check_program("trim_orphans");
}

static void memory_that_was_returned_is_used_again(void) {
    check_program("trim_and_again");
}

static void locked_memory_goes_back_too(void) {
    check_program("locked");
}

static void what_was_returned_is_not_advised_for_huge_pages(void) {
    size_t kib;
    if (!shim_is_loaded()) {
        tap_skip("the library is not loaded");
        return;
    }
    if (run_program("advice", false, &kib))
        CHECK_SAY(kib <= 8 << 10, "%zu KiB are advised", kib);
}

static bool huge_pages_are_on(void) {
    char text[64] = "never";
    int file = open("/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY | O_CLOEXEC);
    if (file >= 0 && read(file, text, sizeof text - 1) <= 0)
        strcpy(text, "[never]");
    close(file);
    return strstr(text, "[always]") != NULL || strstr(text, "[madvise]") != NULL;
}

static void a_pool_that_grows_takes_huge_pages(void) {
    size_t faults, system_faults;
    const char *options = getenv("TAGPOOL_OPTIONS");
    bool limited = options != NULL && strstr(options, "pool_limit") != NULL;
    if (!pools_are_on() || limited || !huge_pages_are_on()) {
        tap_skip("no huge pages are to be had here, or no pool that grows");
        return;
    }
    if (run_program("grow", false, &faults) && run_program("grow", true, &system_faults))
        CHECK_SAY(faults <= system_faults / 3, "%zu page faults, with the system's allocator %zu",
                  faults, system_faults);
}

int main(int argc, char **argv) {
    program = argv[0];
    for (size_t i = 0; argc == 2 && i < sizeof programs / sizeof programs[0]; i++)
        if (strcmp(argv[1], programs[i].name) == 0)
            return programs[i].run();
    TAP_RUN(what_is_kept_of_each_phase_costs_little);
    TAP_RUN(trim_returns_all_pages_without_a_block);
    TAP_RUN(trim_returns_those_of_threads_that_have_ended);
    TAP_RUN(memory_that_was_returned_is_used_again);
    TAP_RUN(locked_memory_goes_back_too);
    TAP_RUN(what_was_returned_is_not_advised_for_huge_pages);
    TAP_RUN(a_pool_that_grows_takes_huge_pages);
    return tap_done();
}
