/* If this failed, the library would take memory from the kernel again and again that it, or the C
 * library's allocator behind it, has just returned; or keep what a program does not need any more;
 * or change what a user has set. Each workload runs with the library and with the system's
 * allocator alone, and its page faults are compared. */
#include "../harness/tap.h"
#include "behaviour.h"

#include <sys/resource.h>

/* More than the system's, in page faults: a part for threads, of which no two runs are the same,
 * least of all on a busy machine (where the library took memory from the kernel again and again it
 * was 140 % and more); and the library's own start, with tables, heaps and a page for each size
 * class and thread, and one more for the tags of some classes, which lie on another page than the
 * bytes that are written. */
enum { MORE_PERCENT = 75, START_FAULTS = 120, TAG_FAULTS = 40, THREAD_FAULTS = 90, RUNS_MOST = 3 };

static const char *program;

/* ---- programs of our own: the page faults, or the KiB, that each prints ---- */

static long page_faults(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
}

enum { NODES = 400000, NODE_BYTES = 120 };
static void *node[NODES];

/* 48 MiB of nodes, five times; the faults of the last four. */
static int documents(void) {
    long before = 0;
    for (int document = 0; document < 5; document++) {
        if (document == 1)
            before = page_faults();
        for (size_t i = 0; i < NODES; i++)
            node[i] = memset(malloc(NODE_BYTES), 1, NODE_BYTES);
        for (size_t i = 0; i < NODES; i++)
            free(node[i]);
    }
    printf("%ld\n", page_faults() - before);
    return 0;
}

/* Bursts of buffers that are larger than a node, between nodes. */
static int buffers(void) {
    enum { BUFFERS = 24, ROUNDS = 400, LEAST = 5000, MOST = 60000 };
    static char *buffer[BUFFERS];
    uint64_t random = 5;
    long before = page_faults();
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < BUFFERS; i++) {
            size_t bytes = LEAST + random_below(&random, MOST - LEAST);
            buffer[i] = memset(malloc(bytes), 1, bytes);
            node[i] = memset(malloc(100), 1, 100);
        }
        for (size_t i = 0; i < BUFFERS; i++) {
            free(buffer[i]);
            free(node[i]);
        }
    }
    printf("%ld\n", page_faults() - before);
    return 0;
}

/* A few large tables for each document: there are not many frees in all. */
static int tables(void) {
    enum { TABLES = 3, DOCUMENTS = 15, TABLE_BYTES = 90000 };
    static char *table[TABLES];
    long before = page_faults();
    for (int document = 0; document < DOCUMENTS; document++) {
        for (size_t i = 0; i < TABLES; i++) {
            table[i] = memset(malloc(TABLE_BYTES), 1, TABLE_BYTES);
            node[i] = memset(malloc(100), 1, 100);
        }
        for (size_t i = 0; i < TABLES; i++) {
            free(table[i]);
            if (document != 0)
                free(node[i]);
        }
    }
    printf("%ld\n", page_faults() - before);
    return 0;
}

/* What is left of 100 MiB some time after they were freed, and after some more requests. */
static int shrink(void) {
    enum { BYTES = 500, COUNT = 100 << 20, REQUESTS = 20000, NAP_MS = 60 };
    static void *block[COUNT / BYTES];
    for (size_t i = 0; i < COUNT / BYTES; i++)
        block[i] = memset(malloc(BYTES), 1, BYTES);
    for (size_t i = 0; i < COUNT / BYTES; i++)
        free(block[i]);
    nap_ms(NAP_MS);
    for (size_t i = 0; i < REQUESTS; i++)
        free(opaque(malloc(BYTES)));
    printf("%zu\n", resident_kib());
    return 0;
}

static const struct {
    const char *name;
    int (*run)(void);
} programs[] = {
    {"documents", documents}, {"buffers", buffers}, {"tables", tables}, {"shrink", shrink}};

/* ---- runs ---- */

/* Memory goes back after a time, and on a busy machine a program of a moment lasts for more than
 * that: here it has no end, but where a test says so. */
static void hold_time(void) {
    static char value[300];
    const char *options = getenv("TAGPOOL_OPTIONS");
    snprintf(value, sizeof value, "%s,decay=1000000", options != NULL ? options : "");
    setenv("TAGPOOL_OPTIONS", value, 1);
}

/* What a program of ours prints; with `changes` of the environment, NULL for none. */
static size_t printed(const char *name, const char *const *changes) {
    static struct child child;
    const char *const argv[] = {program, name, NULL};
    child_run(&child, changes, argv);
    CHECK_SAY(child_succeeded(&child), "%s: status %#x, \"%.200s\"", name, (unsigned)child.status,
              child.err);
    return strtoul(child.out, NULL, 10);
}

static const char *const without[] = {"LD_PRELOAD", NULL};

/* The page faults of a workload of the benchmark, whose output is thrown away. 0 if it failed. */
static size_t faults_of_run(const char *const *argv, bool with_library) {
    pid_t pid = fork();
    if (pid == 0) {
        if (!with_library)
            unsetenv("LD_PRELOAD");
        int nothing = open("/dev/null", O_WRONLY);
        dup2(nothing, STDOUT_FILENO);
        execv(argv[0], (char **)(uintptr_t)argv);
        _exit(127);
    }
    struct rusage usage;
    int status = 0;
    bool ended = pid > 0 && wait4(pid, &status, 0, &usage) == pid;
    CHECK_SAY(ended && WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s: status %#x", argv[0],
              (unsigned)status);
    return ended && status == 0 ? (size_t)usage.ru_minflt : 0;
}

/* The same: the median of runs, of which those with threads need more than one. */
static size_t faults_of(const char *const *argv, bool with_library, size_t runs) {
    size_t faults[RUNS_MOST];
    for (size_t i = 0; i < runs; i++) {
        size_t new = faults_of_run(argv, with_library), at = i;
        for (; at > 0 && faults[at - 1] > new; at--)
            faults[at] = faults[at - 1];
        faults[at] = new;
    }
    return faults[runs / 2];
}

static bool are_judged(void) {
    if (LIBC_IS_GLIBC && pools_are_unlimited() && !pools_are_hardened())
        return true;
    tap_skip(LIBC_IS_GLIBC ? "only pools that grow and whose free slots hold nothing are judged"
                           : "glibc's allocator is the measure");
    return false;
}

/* ---- the tests ---- */

/* The words of a command after the workload's name, and how many threads it has at a time and in
 * all, which no run has at the same moments. */
struct workload {
    const char *words[8];
    size_t threads;
};

static void check_workload(const struct workload *workload) {
    static char path[4096];
    const char *argv[9] = {path};
    snprintf(path, sizeof path, "%s/workloads/%s", build_folder(), workload->words[0]);
    for (size_t i = 1; i < 8; i++)
        argv[i] = workload->words[i];
    size_t runs = workload->threads != 0 ? RUNS_MOST : 1;
    size_t ours = faults_of(argv, true, runs), theirs = faults_of(argv, false, runs);
    size_t most = theirs + theirs * (workload->threads != 0 ? MORE_PERCENT : 0) / 100 +
                  START_FAULTS + (blocks_are_tagged() ? TAG_FAULTS : 0) +
                  THREAD_FAULTS * workload->threads;
    CHECK_SAY(ours <= most, "%s: %zu page faults, with the system's allocator %zu",
              workload->words[0], ours, theirs);
}

static void no_workload_makes_more_page_faults(void) {
    static const struct workload workloads[] = {
        {{"replace", "-n", "200000"}, 0},
        {{"pairs", "-n", "300000"}, 0},
        {{"grow", "-n", "100000"}, 0},
        {{"threads_parse", "-t", "2", "-r", "10"}, 2},
        {{"threads_handover", "-p", "1", "-n", "100"}, 2},
        {{"threads_exchange", "-t", "2", "-n", "50K"}, 2},
        {{"threads_churn", "-n", "200"}, 4},
        {{"threads_replace", "-g", "5", "-n", "20000"}, 4},
        {{"threads_bursts", "-t", "2", "-g", "25", "-b", "4000"}, 4},
    };
    for (size_t i = 0; are_judged() && i < sizeof workloads / sizeof workloads[0]; i++)
        check_workload(&workloads[i]);
}

static void a_program_keeps_its_memory_from_one_document_to_the_next(void) {
    if (!are_judged())
        return;
    size_t faults = printed("documents", NULL);
    CHECK_SAY(faults <= START_FAULTS, "%zu page faults", faults);
}

static void glibc_keeps_what_the_sizes_call_for(void) {
    static const char *const names[] = {"buffers", "tables"};
    for (size_t i = 0; are_judged() && i < sizeof names / sizeof names[0]; i++) {
        size_t ours = printed(names[i], NULL), theirs = printed(names[i], without);
        CHECK_SAY(ours <= theirs + START_FAULTS,
                  "%s: %zu page faults, with the system's allocator %zu", names[i], ours, theirs);
    }
}

static void what_a_user_sets_for_glibc_is_left_alone(void) {
    static const char *const settings[] = {"MALLOC_TRIM_THRESHOLD_=65536",
                                           "GLIBC_TUNABLES=glibc.malloc.trim_threshold=65536"};
    if (!are_judged())
        return;
    size_t ours = printed("buffers", NULL);
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        const char *const with_setting[] = {settings[i], NULL};
        const char *const set_alone[] = {settings[i], "LD_PRELOAD", NULL};
        if (printed("buffers", set_alone) < 4 * ours)
            continue; /* a C library that does not know it */
        size_t faults = printed("buffers", with_setting);
        CHECK_SAY(faults >= 4 * ours, "%s: %zu page faults, %zu without", settings[i], faults,
                  ours);
    }
}

static void a_program_that_has_shrunk_is_small_a_moment_later(void) {
    enum { MOST_KIB = 12 << 10 };
    static char variable[300];
    const char *options = getenv("TAGPOOL_OPTIONS");
    const char *const soon[] = {variable, NULL};
    if (!pools_are_on() || resident_kib() == 0) {
        tap_skip("no pools, or no /proc to read the resident memory from");
        return;
    }
    snprintf(variable, sizeof variable, "TAGPOOL_OPTIONS=%s,decay=50",
             options != NULL ? options : "");
    size_t kib = printed("shrink", soon);
    CHECK_SAY(kib <= MOST_KIB, "%zu KiB are left", kib);
}

int main(int argc, char **argv) {
    program = argv[0];
    for (size_t i = 0; argc == 2 && i < sizeof programs / sizeof programs[0]; i++)
        if (strcmp(argv[1], programs[i].name) == 0)
            return programs[i].run();
    hold_time();
    TAP_RUN(no_workload_makes_more_page_faults);
    TAP_RUN(a_program_keeps_its_memory_from_one_document_to_the_next);
    TAP_RUN(glibc_keeps_what_the_sizes_call_for);
    TAP_RUN(what_a_user_sets_for_glibc_is_left_alone);
    TAP_RUN(a_program_that_has_shrunk_is_small_a_moment_later);
    return tap_done();
}
