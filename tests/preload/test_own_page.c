/* If this failed, nobody could look at a running process: with a directory in TAGPOOL_STATS each
 * process keeps a page of its own there while it runs, and takes it away when it exits. */
#include "../harness/tap.h"
#include "stats_reader.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>

enum { BLOCK_BYTES = 200, BLOCKS = 4000, CENSUS_WAIT_US = 1200000 };

struct own_page {
    struct tagpool_stats_head head;
    struct tagpool_stats_row row;
};

static const char *program;
static char folder[] = "/tmp/tagpool-own-page-XXXXXX/";

/* --- what the children do --- */

/* The page of a process, or zeroes. */
static void read_page(const char *directory, pid_t pid, struct own_page *page) {
    char path[300];
    memset(page, 0, sizeof *page);
    snprintf(path, sizeof path, "%s" TAGPOOL_STATS_PREFIX "%d" TAGPOOL_STATS_SUFFIX, directory,
             (int)pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return;
    if (read(file, page, sizeof *page) != (ssize_t)sizeof *page)
        memset(page, 0, sizeof *page);
    close(file);
}

static bool is_page_of(const struct own_page *page, pid_t pid) {
    return page->head.magic == TAGPOOL_STATS_MAGIC && page->head.version == TAGPOOL_STATS_VERSION &&
           page->head.row_count == 1 && page->head.row_bytes == sizeof page->row &&
           page->row.pid == (uint64_t)pid && page->row.state == TAGPOOL_STATS_RUNNING;
}

static void keep_blocks(size_t count) {
    for (size_t i = 0; i < count; i++)
        *(volatile char *)malloc(BLOCK_BYTES) = 1;
}

static pthread_barrier_t all_are_done;

static void *count_and_wait(void *argument) {
    keep_blocks(BLOCKS);
    pthread_barrier_wait(&all_are_done);
    pthread_barrier_wait(&all_are_done);
    return argument;
}

/* Calls of all threads: those of threads without a lane are in `beyond`. */
static uint64_t all_calls(const struct tagpool_stats_row *row) {
    uint64_t calls = stats_pool_calls(row);
    for (size_t i = 0; i < TAGPOOL_STATS_CLASSES; i++)
        calls += row->beyond.pool_calls[i];
    return calls;
}

/* Exit status 0: while more threads run than there are lanes, the page says what they have counted,
 * and what is live. */
static int look_at_census(const char *directory) {
    enum { THREADS = TAGPOOL_STATS_LANES + 8 };
    struct own_page page;
    pthread_t thread;
    pthread_barrier_init(&all_are_done, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread, NULL, count_and_wait, NULL);
    pthread_barrier_wait(&all_are_done);
    usleep(CENSUS_WAIT_US);
    keep_blocks(BLOCKS); /* takes new slabs, which is when they are counted */
    read_page(directory, getpid(), &page);
    const struct tagpool_stats_row *row = &page.row;
    double least = (double)THREADS * BLOCKS * BLOCK_BYTES;
    int fault = 0;
    if (!is_page_of(&page, getpid()))
        fault = 1;
    else if (row->strategy == TAGPOOL_STRATEGY_DIRECT)
        fault = row->live_bytes != 0 ? 2 : 0;
    else if (row->live_bytes > row->slabs * row->slab_bytes)
        fault = 3;
    else if (stats_fallback_calls(row) == 0 && /* else the pools are limited, and full */
             ((double)row->live_bytes < least || (double)row->live_bytes > 1.3 * least))
        fault = 4;
    else if (stats_fallback_calls(row) == 0 && all_calls(row) < (uint64_t)THREADS * BLOCKS)
        fault = 5;
    pthread_barrier_wait(&all_are_done);
    return fault;
}

/* Exit status 0: a child of a fork has a page of its own, and the parent's is left alone. */
static int look_at_fork(const char *directory) {
    struct own_page page;
    int status = 1;
    keep_blocks(100);
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        keep_blocks(100);
        read_page(directory, getpid(), &page);
        bool sound = is_page_of(&page, getpid());
        read_page(directory, parent, &page);
        exit(sound && is_page_of(&page, parent) ? 0 : 1);
    }
    waitpid(child, &status, 0);
    read_page(directory, child, &page);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 && page.head.magic == 0 ? 0 : 1;
}

static int child_main(char **argv) {
    if (strcmp(argv[1], "census") == 0)
        return look_at_census(argv[2]);
    if (strcmp(argv[1], "fork") == 0)
        return look_at_fork(argv[2]);
    if (strcmp(argv[1], "die") == 0)
        raise(SIGKILL);
    keep_blocks(100);
    return 0;
}

/* --- the tests --- */

static bool skipped_without_library(void) {
    if (!shim_is_loaded())
        tap_skip("the library is not loaded");
    return !shim_is_loaded();
}

static unsigned files_left(void) {
    unsigned count = 0;
    DIR *directory = opendir(folder);
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;)
        count += entry->d_name[0] != '.';
    if (directory != NULL)
        closedir(directory);
    return count;
}

static void run_child(struct child *child, const char *what, const char *directory) {
    char variable[300];
    const char *const changes[] = {variable, NULL};
    const char *const argv[] = {program, what, directory, NULL};
    snprintf(variable, sizeof variable, TAGPOOL_STATS_VARIABLE "=%s", directory);
    child_run(child, changes, argv);
}

static void check_child(const char *what) {
    static struct child child;
    if (skipped_without_library())
        return;
    run_child(&child, what, folder);
    CHECK_SAY(child_succeeded(&child), "status %#x: %s", (unsigned)child.status, child.err);
    CHECK(files_left() == 0);
}

static void a_page_says_what_is_live_and_counted_by_all_threads(void) {
    check_child("census");
}

static void a_child_of_a_fork_has_a_page_of_its_own(void) {
    check_child("fork");
}

static void a_page_outlives_a_killed_process_and_makes_way_for_the_next(void) {
    static struct child child;
    struct own_page page;
    char path[300], link[300];
    if (skipped_without_library())
        return;
    run_child(&child, "die", folder);
    read_page(folder, child.pid, &page);
    CHECK(is_page_of(&page, child.pid));
    snprintf(path, sizeof path, "%s" TAGPOOL_STATS_PREFIX "%d" TAGPOOL_STATS_SUFFIX, folder,
             (int)child.pid);
    unlink(path);
    /* What lies at that name already is replaced, not followed and not written to. */
    snprintf(link, sizeof link, "%starget", folder);
    CHECK(symlink(link, path) == 0);
    run_child(&child, "calls", folder);
    CHECK(child_succeeded(&child) && access(link, F_OK) != 0);
    unlink(path);
}

static void a_directory_that_takes_no_file_is_said_once_and_does_no_harm(void) {
    static struct child child;
    if (skipped_without_library())
        return;
    run_child(&child, "calls", "/nonexistent/");
    const char *text = "TAGPOOL_STATS: no statistics are kept: no file of ";
    const char *said = strstr(child.err, text);
    CHECK_SAY(child_succeeded(&child) && said != NULL && strstr(said + 1, text) == NULL &&
                  strstr(said, "in /nonexistent/\n") != NULL,
              "status %#x: %s", (unsigned)child.status, child.err);
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc == 3)
        return child_main(argv);
    folder[sizeof folder - 2] = '\0';
    CHECK(mkdtemp(folder) != NULL);
    folder[sizeof folder - 2] = '/';
    TAP_RUN(a_page_says_what_is_live_and_counted_by_all_threads);
    TAP_RUN(a_child_of_a_fork_has_a_page_of_its_own);
    TAP_RUN(a_page_outlives_a_killed_process_and_makes_way_for_the_next);
    TAP_RUN(a_directory_that_takes_no_file_is_said_once_and_does_no_harm);
    char command[300];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    CHECK(system(command) == 0);
    return tap_done();
}
