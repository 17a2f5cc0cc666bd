/* A reader of the statistics page for tests: makes the file, passes it to children, adds up their
 * counters. */
#ifndef STATS_READER_H
#define STATS_READER_H

#include "behaviour.h"
#include "tagpool/options.h"
#include "tagpool/stats_page.h"

struct stats_file {
    char path[256];
    char variable[300]; /* TAGPOOL_STATS=path, for child_run */
    struct tagpool_stats_page *page;
};

/* False when no file can be made here. */
SHARED bool stats_open(struct stats_file *file) {
    const char *folder = getenv("TMPDIR");
    snprintf(file->path, sizeof file->path, "%s/tagpool-stats-XXXXXX",
             folder != NULL ? folder : "/tmp");
    int descriptor = mkstemp(file->path);
    if (descriptor < 0)
        return false;
    bool made = posix_fallocate(descriptor, 0, sizeof(struct tagpool_stats_page)) == 0;
    void *memory = mmap(NULL, sizeof(struct tagpool_stats_page), PROT_READ | PROT_WRITE, MAP_SHARED,
                        descriptor, 0);
    close(descriptor);
    if (!made || memory == MAP_FAILED) {
        unlink(file->path);
        return false;
    }
    file->page = memory;
    file->page->head = (struct tagpool_stats_head){.magic = TAGPOOL_STATS_MAGIC,
                                                   .version = TAGPOOL_STATS_VERSION,
                                                   .head_bytes = sizeof(struct tagpool_stats_head),
                                                   .row_bytes = sizeof(struct tagpool_stats_row),
                                                   .row_count = TAGPOOL_STATS_ROWS};
    snprintf(file->variable, sizeof file->variable, TAGPOOL_STATS_VARIABLE "=%s", file->path);
    return true;
}

SHARED void stats_close(struct stats_file *file) {
    munmap(file->page, sizeof(struct tagpool_stats_page));
    unlink(file->path);
}

/* The row of a process, or NULL. */
SHARED const struct tagpool_stats_row *stats_row(const struct stats_file *file, pid_t pid) {
    for (size_t i = 0; i < TAGPOOL_STATS_ROWS; i++)
        if (file->page->rows[i].state != TAGPOOL_STATS_FREE &&
            file->page->rows[i].pid == (uint64_t)pid)
            return &file->page->rows[i];
    return NULL;
}

/* The class that serves requests of `bytes`, or TAGPOOL_STATS_CLASSES. */
SHARED size_t stats_class(const struct tagpool_stats_row *row, size_t bytes) {
    size_t best = TAGPOOL_STATS_CLASSES;
    for (size_t i = 0; i < TAGPOOL_STATS_CLASSES; i++)
        if (row->class_bytes[i] >= bytes &&
            (best == TAGPOOL_STATS_CLASSES || row->class_bytes[i] < row->class_bytes[best]))
            best = i;
    return best;
}

/* Calls served by one class, over all threads. */
SHARED uint64_t stats_class_calls(const struct tagpool_stats_row *row, size_t class_index) {
    if (class_index >= TAGPOOL_STATS_CLASSES)
        return 0;
    uint64_t sum = row->total.pool_calls[class_index];
    for (size_t i = 0; i < TAGPOOL_STATS_LANES; i++)
        sum += row->lanes[i].pool_calls[class_index];
    return sum;
}

SHARED uint64_t stats_pool_calls(const struct tagpool_stats_row *row) {
    uint64_t sum = 0;
    for (size_t i = 0; i < TAGPOOL_STATS_CLASSES; i++)
        sum += stats_class_calls(row, i);
    return sum;
}

/* Sums of the counters that are not by class: stats_large_calls(row) and so on. */
#define STATS_SUM(name, help)                                                                      \
    SHARED uint64_t stats_##name(const struct tagpool_stats_row *row) {                            \
        uint64_t sum = row->total.name;                                                            \
        for (size_t i = 0; i < TAGPOOL_STATS_LANES; i++)                                           \
            sum += row->lanes[i].name;                                                             \
        return sum;                                                                                \
    }
TAGPOOL_STATS_COUNTERS(STATS_SUM)
#undef STATS_SUM

#endif
