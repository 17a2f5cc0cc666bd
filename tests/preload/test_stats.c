/* If this failed, `tagpool` would report calls that never happened or miss some: the statistics
 * page is filled by every process, exactly when it ends by exit(), and survives _exit, SIGKILL,
 * fork, exec and rubbish. */
#include "../harness/tap.h"
#include "stats_reader.h"
#include <pthread.h>

enum {
    COUNT = 1000,
    THREADS = 12, /* more than TAGPOOL_STATS_LANES */
    NODE_BYTES = 900,
    FORKS_AFTER = 1001, /* no multiple of the slots claimed at a time: some are left at the fork */
    SLACK = 64          /* slots that a running thread has claimed beyond what it was asked for */
};

static const char *program;

/* --- what the children do --- */

static void take_and_keep(size_t count, size_t bytes) {
    for (size_t i = 0; i < count; i++)
        *(volatile char *)malloc(bytes) = 1;
}

static void take_and_give(size_t count, size_t bytes) {
    for (size_t i = 0; i < count; i++)
        free(malloc(bytes));
}

static size_t thread_calls;
static pthread_barrier_t all_started;

static void *thread_main(void *argument) {
    take_and_give(thread_calls / 2, NODE_BYTES);
    pthread_barrier_wait(&all_started);
    take_and_keep(thread_calls - thread_calls / 2, NODE_BYTES);
    return argument;
}

static void run_threads(size_t count) {
    pthread_t thread[THREADS];
    thread_calls = count;
    free(malloc(1)); /* this thread counts, too */
    pthread_barrier_init(&all_started, NULL, THREADS);
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, thread_main, NULL);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
}

static void *gifts[COUNT];
static size_t gift_count;
static pthread_barrier_t given, taken;

static void *giver_main(void *argument) {
    for (size_t i = 0; i < gift_count; i++)
        gifts[i] = malloc(NODE_BYTES);
    pthread_barrier_wait(&given);
    pthread_barrier_wait(&taken); /* alive until its blocks are freed */
    return argument;
}

static void free_blocks_of_a_living_thread(size_t count) {
    pthread_t thread;
    gift_count = count;
    pthread_barrier_init(&given, NULL, 2);
    pthread_barrier_init(&taken, NULL, 2);
    pthread_create(&thread, NULL, giver_main, NULL);
    pthread_barrier_wait(&given);
    for (size_t i = 0; i < count; i++)
        free(gifts[i]);
    pthread_barrier_wait(&taken);
    pthread_join(thread, NULL);
}

static void *taker_main(void *argument) {
    for (size_t i = 0; i < gift_count; i++)
        free(gifts[i]);
    return argument;
}

/* In a thread that asks for none. */
static void free_blocks_in_a_new_thread(size_t count) {
    pthread_t thread;
    gift_count = count;
    for (size_t i = 0; i < count; i++)
        gifts[i] = i % 10 == 0 ? libc_malloc(NODE_BYTES) : malloc(NODE_BYTES);
    pthread_create(&thread, NULL, taker_main, NULL);
    pthread_join(thread, NULL);
}

static void all_kinds_of_calls(size_t count) {
    take_and_keep(count, 24);
    take_and_give(count, 100);
    take_and_keep(count / 3, 500);
    take_and_give(count / 3, 500);
    take_and_keep(count, NODE_BYTES);
    for (size_t i = 0; i < count; i++) {
        free(malloc(5000));
        free(libc_malloc(24));
    }
}

static void fork_and_allocate_in_both(size_t count) {
    int status;
    take_and_keep(count, NODE_BYTES);
    pid_t pid = fork();
    if (pid == 0) {
        take_and_keep(count / 2, NODE_BYTES);
        exit(0);
    }
    waitpid(pid, &status, 0);
}

/* As in shells: the child does nothing and runs no destructors. */
static void trim_between_calls(size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(malloc(100));
        malloc_trim(0);
    }
}

static void fork_children_that_end_at_once(size_t count) {
    for (size_t bytes = 0; bytes < count; bytes++)
        free(malloc(bytes));
    for (int i = 0; i < 10; i++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        waitpid(pid, NULL, 0);
    }
}

static int child_main(char **argv) {
    size_t count = strtoul(argv[2], NULL, 10);
    const char *what = argv[1];
    if (strcmp(what, "calls") == 0)
        all_kinds_of_calls(count);
    else if (strcmp(what, "threads") == 0)
        run_threads(count);
    else if (strcmp(what, "remote") == 0)
        free_blocks_of_a_living_thread(count);
    else if (strcmp(what, "taker") == 0)
        free_blocks_in_a_new_thread(count);
    else if (strcmp(what, "fork") == 0)
        fork_and_allocate_in_both(count);
    else if (strcmp(what, "children") == 0)
        fork_children_that_end_at_once(count);
    else if (strcmp(what, "trim") == 0)
        trim_between_calls(count);
    const char *ending = argv[3];
    if (strcmp(ending, "_exit") == 0)
        _exit(0);
    if (strcmp(ending, "kill") == 0)
        kill(getpid(), SIGKILL);
    if (strcmp(ending, "exec") == 0)
        execl("/proc/self/exe", program, "calls", "0", "exit", (char *)NULL);
    exit(0);
}

/* --- what the test does with them --- */

/* Runs a child that does `count` of `what`, ends it as told, and leaves its row in *row. False if
 * it has none. */
static bool run_counted(const char *what, size_t count, const char *ending, const char *options,
                        struct tagpool_stats_row *row) {
    static struct child child;
    struct stats_file file;
    char number[32], variable[128];
    const char *const argv[] = {program, what, number, ending, NULL};
    const char *const changes[] = {file.variable, variable, NULL};
    if (!stats_open(&file)) {
        CHECK_SAY(false, "no statistics file can be made");
        return false;
    }
    snprintf(number, sizeof number, "%zu", count);
    snprintf(variable, sizeof variable, "TAGPOOL_OPTIONS=%s", options);
    child_run(&child, changes, argv);
    CHECK_SAY(child_succeeded(&child) || strcmp(ending, "kill") == 0,
              "the child's status is %#x: %.200s", (unsigned)child.status, child.err);
    const struct tagpool_stats_row *found = stats_row(&file, child.pid);
    CHECK_SAY(found != NULL, "the child has no row");
    if (found != NULL)
        *row = *found;
    stats_close(&file);
    return found != NULL;
}

/* The rows of two children that differ only in how many calls they make. */
static struct tagpool_stats_row none, some;

static bool run_pair(const char *what, size_t count, const char *options) {
    return run_counted(what, 0, "exit", options, &none) &&
           run_counted(what, count, "exit", options, &some);
}

/* Calls that `some` made beyond `none` in the class of `bytes`. */
static uint64_t calls_more(size_t bytes) {
    size_t class_index = stats_class(&some, bytes);
    return stats_class_calls(&some, class_index) - stats_class_calls(&none, class_index);
}

static bool skipped_without_library(void) {
    if (!shim_is_loaded())
        tap_skip("the library is not loaded");
    return !shim_is_loaded();
}

static void a_process_that_exits_leaves_exact_counts(void) {
    if (skipped_without_library() || !run_pair("calls", COUNT, "strategy=metadata"))
        return;
    CHECK(some.state == TAGPOOL_STATS_ENDED && none.state == TAGPOOL_STATS_ENDED);
    CHECK_SAY(calls_more(24) == COUNT, "%d bytes: %ju", 24, (uintmax_t)calls_more(24));
    CHECK_SAY(calls_more(100) == COUNT, "%d bytes: %ju", 100, (uintmax_t)calls_more(100));
    CHECK_SAY(calls_more(500) == COUNT / 3 * 2, "%d bytes: %ju", 500, (uintmax_t)calls_more(500));
    CHECK_SAY(calls_more(NODE_BYTES) == COUNT, "%d bytes: %ju", NODE_BYTES,
              (uintmax_t)calls_more(NODE_BYTES));
    CHECK(stats_pool_calls(&some) - stats_pool_calls(&none) == COUNT * 3 + COUNT / 3 * 2);
    CHECK(stats_large_calls(&some) - stats_large_calls(&none) == COUNT);
    CHECK_SAY(stats_foreign_frees(&some) - stats_foreign_frees(&none) == COUNT * 2,
              "%ju foreign frees: large blocks and those of __libc_malloc",
              (uintmax_t)(stats_foreign_frees(&some) - stats_foreign_frees(&none)));
    CHECK(stats_fallback_calls(&some) == stats_fallback_calls(&none));
    CHECK(stats_direct_calls(&some) == 0 && stats_remote_frees(&some) == 0);
}

static void malloc_trim_counts_nothing(void) {
    if (skipped_without_library() || !run_pair("trim", COUNT, "strategy=metadata"))
        return;
    CHECK_SAY(calls_more(100) == COUNT, "%ju", (uintmax_t)calls_more(100));
}

static void a_row_describes_its_process(void) {
    if (skipped_without_library() || !run_pair("calls", COUNT, "strategy=metadata"))
        return;
    CHECK(some.strategy == TAGPOOL_STRATEGY_METADATA);
    CHECK_SAY(strncmp(some.name, "test_stats", sizeof some.name) == 0, "the name is %.64s",
              some.name);
    CHECK(some.threads == 1);
    CHECK(some.slab_bytes >= 4096);
    CHECK(some.slabs <= some.slabs_peak);
    CHECK_SAY(some.slabs * some.slab_bytes >= COUNT * (24 + 900) + COUNT / 3 * 500,
              "%ju slabs hold what the process kept", (uintmax_t)some.slabs);
    CHECK(stats_slabs_taken(&some) >= some.slabs_peak);
    for (size_t i = 1; i < TAGPOOL_STATS_CLASSES; i++)
        CHECK(some.class_bytes[i] == 0 || some.class_bytes[i] > some.class_bytes[i - 1]);
}

static void direct_counts_what_it_passes_on(void) {
    if (skipped_without_library() || !run_pair("calls", COUNT, "strategy=direct"))
        return;
    CHECK(some.strategy == TAGPOOL_STRATEGY_DIRECT);
    CHECK(stats_pool_calls(&some) == 0);
    CHECK_SAY(stats_direct_calls(&some) - stats_direct_calls(&none) == COUNT * 3 + COUNT / 3 * 2,
              "%ju", (uintmax_t)(stats_direct_calls(&some) - stats_direct_calls(&none)));
    CHECK(stats_large_calls(&some) - stats_large_calls(&none) == COUNT);
}

static void a_limited_pool_counts_what_falls_back(void) {
    enum { MANY = 5000 };
    if (skipped_without_library() || !run_pair("calls", MANY, "strategy=metadata,pool_limit=1M"))
        return;
    uint64_t pool = stats_pool_calls(&some) - stats_pool_calls(&none);
    uint64_t fallback = stats_fallback_calls(&some) - stats_fallback_calls(&none);
    CHECK_SAY(pool + fallback == MANY * 3 + MANY / 3 * 2, "%ju + %ju", (uintmax_t)pool,
              (uintmax_t)fallback);
    CHECK(pool > 0 && fallback > 0);
    CHECK_SAY(some.slabs_peak * some.slab_bytes <= 1 << 20, "%ju slabs under pool_limit=1M",
              (uintmax_t)some.slabs_peak);
}

static void threads_beyond_the_lanes_are_counted_exactly(void) {
    if (skipped_without_library() || !run_pair("threads", COUNT, "strategy=metadata"))
        return;
    CHECK_SAY(calls_more(NODE_BYTES) == THREADS * COUNT, "%d threads of %d calls made %ju", THREADS,
              COUNT, (uintmax_t)calls_more(NODE_BYTES));
    CHECK_SAY(some.threads == THREADS + 1, "%ju threads", (uintmax_t)some.threads);
}

static void remote_frees_are_counted(void) {
    if (skipped_without_library() || !run_pair("remote", COUNT, "strategy=metadata"))
        return;
    CHECK_SAY(stats_remote_frees(&some) - stats_remote_frees(&none) == COUNT,
              "%ju remote frees of %d",
              (uintmax_t)(stats_remote_frees(&some) - stats_remote_frees(&none)), COUNT);
}

static void frees_of_a_thread_that_takes_no_blocks_are_counted(void) {
    if (skipped_without_library() || !run_pair("taker", COUNT, "strategy=metadata"))
        return;
    uint64_t remote = stats_remote_frees(&some) - stats_remote_frees(&none);
    uint64_t foreign = stats_foreign_frees(&some) - stats_foreign_frees(&none);
    CHECK_SAY(remote == COUNT - COUNT / 10 && foreign == COUNT / 10, "%ju remote, %ju foreign",
              (uintmax_t)remote, (uintmax_t)foreign);
}

static void check_unclean_end(const char *ending) {
    if (skipped_without_library() || !run_counted("calls", 0, "exit", "strategy=metadata", &none) ||
        !run_counted("calls", COUNT, ending, "strategy=metadata", &some))
        return;
    CHECK(some.state == TAGPOOL_STATS_RUNNING);
    CHECK_SAY(calls_more(24) >= COUNT && calls_more(24) <= COUNT + SLACK, "%ju calls",
              (uintmax_t)calls_more(24));
    CHECK_SAY(calls_more(NODE_BYTES) >= COUNT && calls_more(NODE_BYTES) <= COUNT + SLACK,
              "%ju calls", (uintmax_t)calls_more(NODE_BYTES));
    CHECK(stats_large_calls(&some) >= COUNT);
    CHECK(some.slabs_peak >= 10);
}

static void a_process_that_leaves_by__exit_is_counted(void) {
    check_unclean_end("_exit");
}
static void a_killed_process_is_counted(void) {
    check_unclean_end("kill");
}
static void a_process_that_execs_is_counted(void) {
    check_unclean_end("exec");
}

/* Parent and child of a fork each have a row, and no call is counted in both, nor is one forgotten
 * that takes a slot which the parent had claimed. */
static void a_forked_child_has_a_row_of_its_own(void) {
    static struct child child;
    struct stats_file file;
    const char *const changes[] = {file.variable, "TAGPOOL_OPTIONS=strategy=metadata", NULL};
    char number[32];
    const char *const argv[] = {program, "fork", number, "exit", NULL};
    if (skipped_without_library() || !stats_open(&file))
        return;
    snprintf(number, sizeof number, "%d", FORKS_AFTER);
    child_run(&child, changes, argv);
    const struct tagpool_stats_row *parent = stats_row(&file, child.pid), *forked = NULL;
    for (size_t i = 0; i < TAGPOOL_STATS_ROWS; i++)
        if (file.page->rows[i].state != TAGPOOL_STATS_FREE &&
            file.page->rows[i].pid != (uint64_t)child.pid)
            forked = &file.page->rows[i];
    CHECK(child_succeeded(&child) && parent != NULL && forked != NULL);
    if (parent != NULL && forked != NULL &&
        run_counted("fork", 0, "exit", "strategy=metadata", &none)) {
        some = *parent;
        CHECK_SAY(calls_more(NODE_BYTES) == FORKS_AFTER, "the parent made %ju calls",
                  (uintmax_t)calls_more(NODE_BYTES));
        uint64_t calls = stats_class_calls(forked, stats_class(forked, NODE_BYTES));
        CHECK_SAY(calls == FORKS_AFTER / 2, "the child made %ju calls", (uintmax_t)calls);
        CHECK(forked->state == TAGPOOL_STATS_ENDED);
    }
    stats_close(&file);
}

/* What its parent had claimed is no call of the child's. */
static void a_child_that_ends_at_once_made_no_calls(void) {
    static struct child child;
    struct stats_file file;
    const char *const changes[] = {file.variable, "TAGPOOL_OPTIONS=strategy=metadata", NULL};
    const char *const argv[] = {program, "children", "1000", "exit", NULL};
    if (skipped_without_library() || !stats_open(&file))
        return;
    child_run(&child, changes, argv);
    CHECK(child_succeeded(&child));
    size_t children = 0;
    for (size_t i = 0; i < TAGPOOL_STATS_ROWS; i++) {
        const struct tagpool_stats_row *row = &file.page->rows[i];
        if (row->state == TAGPOOL_STATS_FREE || row->pid == (uint64_t)child.pid)
            continue;
        children++;
        for (size_t class_index = 0; class_index < TAGPOOL_STATS_CLASSES; class_index++)
            CHECK_SAY(stats_class_calls(row, class_index) == 0, "%ju calls of class %zu",
                      (uintmax_t)stats_class_calls(row, class_index), class_index);
    }
    CHECK(children == 10);
    stats_close(&file);
}

static void a_page_without_a_free_row_is_left_alone(void) {
    static struct child child;
    struct stats_file file;
    const char *const changes[] = {file.variable, NULL};
    const char *const argv[] = {program, "calls", "100", "exit", NULL};
    if (skipped_without_library() || !stats_open(&file))
        return;
    for (size_t i = 0; i < TAGPOOL_STATS_ROWS; i++)
        file.page->rows[i].state = TAGPOOL_STATS_RUNNING;
    child_run(&child, changes, argv);
    CHECK(child_succeeded(&child) && child.err[0] == '\0');
    CHECK_SAY(file.page->head.rows_missed == 1, "%ju", (uintmax_t)file.page->head.rows_missed);
    for (size_t i = 0; i < TAGPOOL_STATS_ROWS; i++)
        CHECK(file.page->rows[i].pid == 0 && stats_pool_calls(&file.page->rows[i]) == 0);
    stats_close(&file);
}

/* What may be wrong with a head; the program must run, and no row may be written. */
static void break_head(struct tagpool_stats_head *head, int kind) {
    switch (kind) {
    case 0:
        head->magic ^= 1;
        break;
    case 1:
        head->version++;
        break;
    case 2:
        head->head_bytes = 8;
        break;
    case 3:
        head->row_bytes = 1 << 30;
        break;
    case 4:
        head->row_count = UINT64_MAX;
        break;
    default:
        memset(head, 0xff, sizeof *head);
        break;
    }
}

static void a_broken_page_is_not_used(void) {
    static struct child child;
    for (int kind = 0; kind <= 5; kind++) {
        struct stats_file file;
        const char *const changes[] = {file.variable, NULL};
        const char *const argv[] = {program, "calls", "100", "exit", NULL};
        if (skipped_without_library() || !stats_open(&file))
            return;
        break_head(&file.page->head, kind);
        child_run(&child, changes, argv);
        CHECK_SAY(child_succeeded(&child), "kind %d: status %#x", kind, (unsigned)child.status);
        for (size_t i = 0; i < TAGPOOL_STATS_ROWS; i++)
            CHECK(file.page->rows[i].state == TAGPOOL_STATS_FREE);
        stats_close(&file);
    }
}

static void a_file_that_is_missing_short_or_no_file_does_no_harm(void) {
    static struct child child;
    static const char *const paths[] = {"/nonexistent/stats", "/", "/dev/null", "", "/dev/full"};
    const char *const argv[] = {program, "calls", "100", "exit", NULL};
    struct stats_file file;
    if (skipped_without_library() || !stats_open(&file))
        return;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char variable[64];
        const char *const changes[] = {variable, NULL};
        snprintf(variable, sizeof variable, TAGPOOL_STATS_VARIABLE "=%s", paths[i]);
        child_run(&child, changes, argv);
        CHECK_SAY(child_succeeded(&child), "\"%s\": status %#x", paths[i], (unsigned)child.status);
    }
    static const off_t lengths[] = {0, 10, sizeof(struct tagpool_stats_head), 5000,
                                    sizeof(struct tagpool_stats_page) - 1};
    const char *const changes[] = {file.variable, NULL};
    for (size_t i = sizeof lengths / sizeof lengths[0]; i-- > 0;) {
        CHECK(truncate(file.path, lengths[i]) == 0);
        child_run(&child, changes, argv);
        CHECK_SAY(child_succeeded(&child), "%jd bytes: status %#x", (intmax_t)lengths[i],
                  (unsigned)child.status);
    }
    stats_close(&file);
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc == 4)
        return child_main(argv);
    TAP_RUN(a_process_that_exits_leaves_exact_counts);
    TAP_RUN(malloc_trim_counts_nothing);
    TAP_RUN(a_row_describes_its_process);
    TAP_RUN(direct_counts_what_it_passes_on);
    TAP_RUN(a_limited_pool_counts_what_falls_back);
    TAP_RUN(threads_beyond_the_lanes_are_counted_exactly);
    TAP_RUN(remote_frees_are_counted);
    TAP_RUN(frees_of_a_thread_that_takes_no_blocks_are_counted);
    TAP_RUN(a_process_that_leaves_by__exit_is_counted);
    TAP_RUN(a_killed_process_is_counted);
    TAP_RUN(a_process_that_execs_is_counted);
    TAP_RUN(a_forked_child_has_a_row_of_its_own);
    TAP_RUN(a_child_that_ends_at_once_made_no_calls);
    TAP_RUN(a_page_without_a_free_row_is_left_alone);
    TAP_RUN(a_broken_page_is_not_used);
    TAP_RUN(a_file_that_is_missing_short_or_no_file_does_no_harm);
    return tap_done();
}
