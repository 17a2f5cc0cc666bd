#include "stats_file.h"

#include "memory.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the file ---- */

static const char *volatile stats_file_to_remove;

/* Async-signal-safe: unlink and die of the signal as if nobody had caught it. */
static void stats_file_on_signal(int number) {
    const char *path = stats_file_to_remove;
    if (path != NULL)
        unlink(path);
    signal(number, SIG_DFL);
    raise(number);
}

static void stats_file_watch_signals(void) {
    static const int fatal[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
    for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++) {
        struct sigaction inherited;
        struct sigaction action = {.sa_handler = stats_file_on_signal, .sa_flags = SA_NODEFER};
        if (sigaction(fatal[i], NULL, &inherited) == 0 && inherited.sa_handler == SIG_DFL)
            sigaction(fatal[i], &action, NULL);
    }
}

static bool stats_file_fill(int descriptor) {
    struct tagpool_stats_head head = {
        .magic = TAGPOOL_STATS_MAGIC,
        .version = TAGPOOL_STATS_VERSION,
        .head_bytes = sizeof(struct tagpool_stats_head),
        .row_bytes = sizeof(struct tagpool_stats_row),
        .row_count = TAGPOOL_STATS_ROWS,
    };
    /* Allocated, not sparse: a full disk must not become a SIGBUS in the target. */
    int error = posix_fallocate(descriptor, 0, sizeof(struct tagpool_stats_page));
    if (error != 0) {
        errno = error;
        return false;
    }
    return pwrite(descriptor, &head, sizeof head, 0) == (ssize_t)sizeof head;
}

void stats_file_create(struct stats_file *file) {
    const char *directories[] = {getenv("TMPDIR"), "/dev/shm", "/tmp", "/var/tmp"};
    int error = ENOENT;
    for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++) {
        if (directories[i] == NULL || directories[i][0] != '/')
            continue;
        char *path = memory_format("%s/tagpool-stats-XXXXXX", directories[i]);
        int descriptor = mkostemp(path, O_CLOEXEC);
        if (descriptor >= 0 && stats_file_fill(descriptor)) {
            close(descriptor);
            file->path = path;
            stats_file_to_remove = path;
            stats_file_watch_signals();
            return;
        }
        error = errno;
        if (descriptor >= 0) {
            unlink(path);
            close(descriptor);
        }
        free(path);
    }
    say_and_exit(STATUS_OWN_FAILURE,
                 "no room for the statistics file: %s; set TMPDIR to a directory with 2 MiB free",
                 strerror(error));
}

void stats_file_reset(struct stats_file *file) {
    int descriptor = open(file->path, O_RDWR | O_CLOEXEC);
    if (descriptor < 0 || ftruncate(descriptor, 0) != 0 || !stats_file_fill(descriptor))
        say_and_exit(STATUS_OWN_FAILURE, "cannot reset %s: %s", file->path, strerror(errno));
    close(descriptor);
}

void stats_file_remove(struct stats_file *file) {
    unlink(file->path);
    stats_file_to_remove = NULL;
    free(file->path);
    file->path = NULL;
}

/* ---- the reader ---- */

static uint64_t stats_sum(uint64_t left, uint64_t right) {
    uint64_t sum;
    return __builtin_add_overflow(left, right, &sum) ? UINT64_MAX : sum;
}

static void stats_add_counters(struct tagpool_stats_counters *sum,
                               const struct tagpool_stats_counters *counters) {
    uint64_t *into = (uint64_t *)sum;
    const uint64_t *from = (const uint64_t *)counters;
    for (size_t i = 0; i < sizeof *sum / sizeof *into; i++)
        into[i] = stats_sum(into[i], from[i]);
}

static void stats_read_row(const struct tagpool_stats_row *row, struct stats_process *process) {
    uint64_t peak;
    *process = (struct stats_process){
        .pid = row->pid,
        .state = row->state == TAGPOOL_STATS_ENDED ? TAGPOOL_STATS_ENDED : TAGPOOL_STATS_RUNNING,
        .strategy = row->strategy,
        .threads = row->threads,
        .counters = row->total,
    };
    bool wraps = __builtin_mul_overflow(row->slabs_peak, row->slab_bytes, &peak);
    process->pool_bytes_peak = wraps ? UINT64_MAX : peak;
    memcpy(process->class_bytes, row->class_bytes, sizeof process->class_bytes);
    for (unsigned lane = 0; lane < TAGPOOL_STATS_LANES; lane++)
        stats_add_counters(&process->counters, &row->lanes[lane]);
    /* The name goes to a terminal: printable bytes only. */
    for (unsigned i = 0; i + 1 < sizeof process->name && row->name[i] != '\0'; i++)
        process->name[i] = row->name[i] >= ' ' && row->name[i] <= '~' ? row->name[i] : '?';
}

const char *stats_file_parse(const void *page, size_t bytes, struct stats_summary *summary) {
    struct tagpool_stats_head head;
    *summary = (struct stats_summary){0};
    if (bytes < sizeof head)
        return "the statistics file is shorter than its head";
    memcpy(&head, page, sizeof head);
    if (head.magic != TAGPOOL_STATS_MAGIC)
        return "the statistics file does not begin with its magic number";
    if (head.version != TAGPOOL_STATS_VERSION)
        return "the statistics file has another version; library and program must be of one "
               "release";
    if (head.head_bytes != sizeof head || head.row_bytes != sizeof(struct tagpool_stats_row) ||
        head.row_count != TAGPOOL_STATS_ROWS)
        return "the statistics file has another layout; library and program must be of one release";
    if (bytes < sizeof(struct tagpool_stats_page))
        return "the statistics file is cut short";
    summary->processes_missed = head.rows_missed;
    summary->processes = memory_array(TAGPOOL_STATS_ROWS, sizeof *summary->processes);
    const char *rows = (const char *)page + sizeof head;
    for (unsigned i = 0; i < TAGPOOL_STATS_ROWS; i++) {
        struct tagpool_stats_row row;
        memcpy(&row, rows + i * sizeof row, sizeof row);
        if (row.state != TAGPOOL_STATS_FREE)
            stats_read_row(&row, &summary->processes[summary->process_count++]);
    }
    return NULL;
}

const char *stats_file_read(const char *path, struct stats_summary *summary) {
    const size_t most = sizeof(struct tagpool_stats_page);
    *summary = (struct stats_summary){0};
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return "the statistics file cannot be opened";
    char *page = memory_array(most, 1);
    size_t bytes = 0;
    while (bytes < most) {
        ssize_t chunk = read(descriptor, page + bytes, most - bytes);
        if (chunk < 0 && errno == EINTR)
            continue;
        if (chunk <= 0)
            break;
        bytes += (size_t)chunk;
    }
    close(descriptor);
    const char *fault = stats_file_parse(page, bytes, summary);
    free(page);
    return fault;
}

void stats_summary_free(struct stats_summary *summary) {
    free(summary->processes);
    *summary = (struct stats_summary){0};
}

uint64_t stats_process_pool_calls(const struct stats_process *process) {
    uint64_t calls = 0;
    for (unsigned i = 0; i < TAGPOOL_STATS_CLASSES; i++)
        calls = stats_sum(calls, process->counters.pool_calls[i]);
    return calls;
}

uint64_t stats_process_calls(const struct stats_process *process) {
    const struct tagpool_stats_counters *counters = &process->counters;
    uint64_t calls = stats_process_pool_calls(process);
    calls = stats_sum(calls, counters->large_calls);
    calls = stats_sum(calls, counters->fallback_calls);
    return stats_sum(calls, counters->direct_calls);
}

uint64_t stats_summary_calls(const struct stats_summary *summary) {
    uint64_t calls = 0;
    for (unsigned i = 0; i < summary->process_count; i++)
        calls = stats_sum(calls, stats_process_calls(&summary->processes[i]));
    return calls;
}
