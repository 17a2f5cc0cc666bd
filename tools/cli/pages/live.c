#include "pages/live.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIVE_PATH_BYTES = 4096 + 64, LIVE_LINE_BYTES = LIVE_PATH_BYTES + 128 };

static const char live_library[] = "/libtagpool.so";

/* A mapping of a process, from a line of its maps. */
struct live_mapping {
    uint64_t start, end;
    uint64_t inode;
    bool shared;
    char *path; /* within the line; "" if it has none */
};

/* "START-END FLAGS OFFSET MAJOR:MINOR INODE   PATH", the numbers hexadecimal but for the inode. */
static bool live_read_mapping(char *line, struct live_mapping *mapping) {
    char *end;
    line[strcspn(line, "\n")] = '\0';
    *mapping = (struct live_mapping){.start = strtoull(line, &end, 16)};
    if (*end != '-')
        return false;
    mapping->end = strtoull(end + 1, &end, 16);
    if (strlen(end) < 6)
        return false;
    bool shared = strncmp(end, " rw-s ", 6) == 0;
    mapping->shared = strtoull(end + 6, &end, 16) == 0 && shared;
    end += strspn(end, " ");
    end += strcspn(end, " "); /* the device */
    mapping->inode = strtoull(end, &end, 10);
    mapping->path = end + strspn(end, " ");
    return true;
}

/* ---- what the system knows ---- */

/* False if the process is gone. */
static bool live_read_stat(struct live_process *process) {
    struct proc_stat stat;
    if (!proc_read_stat(process->pid, &stat))
        return false;
    snprintf(process->name, sizeof process->name, "%s", stat.name);
    process->minor_faults = stat.minor_faults;
    process->major_faults = stat.major_faults;
    process->resident_bytes = stat.resident_bytes;
    return true;
}

/* The number that the process itself knows: another one in a container. */
static uint64_t live_own_pid(int pid) {
    char line[256];
    uint64_t own = (uint64_t)pid;
    FILE *file = proc_open(pid, "status");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        const char *last = strrchr(line, '\t');
        if (strncmp(line, "NSpid:", 6) == 0 && last != NULL)
            own = strtoull(last + 1, NULL, 10);
    }
    if (file != NULL)
        fclose(file);
    return own;
}

/* ---- the page ---- */

static bool live_may_be_page(const struct live_mapping *mapping) {
    uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t bytes = mapping->end - mapping->start;
    uint64_t own = sizeof(struct tagpool_stats_head) + sizeof(struct tagpool_stats_row);
    return mapping->shared && mapping->path[0] == '/' &&
           (bytes == (own + page_bytes - 1) / page_bytes * page_bytes ||
            bytes ==
                (sizeof(struct tagpool_stats_page) + page_bytes - 1) / page_bytes * page_bytes);
}

/* A regular file with that inode; the process may see other files than we do. -1 if there is none.
 */
static int live_open_page(int pid, const struct live_mapping *mapping) {
    char path[LIVE_PATH_BYTES];
    struct stat about;
    for (int way = 0; way < 2; way++) {
        if (way == 0)
            snprintf(path, sizeof path, "/proc/%d/root%s", pid, mapping->path);
        else
            snprintf(path, sizeof path, "%s", mapping->path);
        int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        if (file < 0)
            continue;
        if (fstat(file, &about) == 0 && S_ISREG(about.st_mode) && about.st_ino == mapping->inode)
            return file;
        close(file);
    }
    return -1;
}

/* The row of a process; a page of several may have one of an earlier program in the same process.
 */
static bool live_find_row(struct live_process *process, const struct stats_summary *summary) {
    uint64_t own = live_own_pid(process->pid);
    bool found = false;
    for (unsigned i = 0; i < summary->process_count; i++)
        if (summary->is_own || (summary->processes[i].pid == own &&
                                summary->processes[i].state == TAGPOOL_STATS_RUNNING)) {
            process->page = summary->processes[i];
            found = true;
        }
    return found;
}

static void live_take_page(struct live_process *process, const char *bytes, size_t length) {
    struct stats_summary summary;
    process->fault = stats_file_parse(bytes, length, &summary);
    process->state = LIVE_UNREADABLE;
    if (process->fault == NULL && live_find_row(process, &summary)) {
        double now_s = clock_wall_s();
        process->state = LIVE_KEPT;
        process->live_age_s =
            process->page.live_ns != 0 ? now_s - (double)process->page.live_ns * 1e-9 : -1;
        if (process->page.live_ns != 0 && process->live_age_s < 0)
            process->live_age_s = 0;
    } else if (process->fault == NULL) {
        process->fault = "the statistics file has no room for it";
    }
    stats_summary_free(&summary);
}

/* True if the mapping is a page, good or bad. */
static bool live_read_page(struct live_process *process, const struct live_mapping *mapping) {
    uint64_t magic = 0;
    int file = live_open_page(process->pid, mapping);
    if (file < 0) {
        if (strncmp(path_name(mapping->path), TAGPOOL_STATS_PREFIX,
                    sizeof TAGPOOL_STATS_PREFIX - 1) != 0)
            return false;
        process->state = LIVE_UNREADABLE;
        process->fault = "its statistics file was removed, or cannot be opened from here";
        return true;
    }
    char *bytes = memory_array(sizeof(struct tagpool_stats_page), 1);
    ssize_t length = read(file, bytes, sizeof(struct tagpool_stats_page));
    close(file);
    if (length >= (ssize_t)sizeof magic)
        memcpy(&magic, bytes, sizeof magic);
    if (magic == TAGPOOL_STATS_MAGIC)
        live_take_page(process, bytes, (size_t)length);
    free(bytes);
    return magic == TAGPOOL_STATS_MAGIC;
}

static void live_read_maps(struct live_process *process, FILE *maps) {
    static char line[LIVE_LINE_BYTES];
    struct live_mapping mapping;
    process->state = LIVE_WITHOUT;
    while (fgets(line, sizeof line, maps) != NULL) {
        if (!live_read_mapping(line, &mapping))
            continue;
        if (live_may_be_page(&mapping) && live_read_page(process, &mapping))
            return;
        const char *base = strrchr(mapping.path, '/');
        if (base != NULL && strncmp(base, live_library, sizeof live_library - 1) == 0)
            process->state = LIVE_NOT_KEPT;
    }
    if (ferror(maps))
        process->state = errno == ESRCH ? LIVE_GONE : LIVE_HIDDEN;
}

void live_look(struct live_process *process, int pid) {
    *process = (struct live_process){.pid = pid};
    FILE *maps = proc_open(pid, "maps");
    int error = errno;
    if (!live_read_stat(process)) {
        process->state = LIVE_GONE;
    } else if (maps == NULL) {
        process->state = error == ENOENT || error == ESRCH ? LIVE_GONE : LIVE_HIDDEN;
    } else {
        live_read_maps(process, maps);
    }
    if (process->state == LIVE_KEPT && process->page.name[0] != '\0')
        memcpy(process->name, process->page.name, sizeof process->name);
    if (maps != NULL)
        fclose(maps);
}

/* ---- all of them ---- */

static int live_by_pid(const void *left, const void *right) {
    int a = ((const struct live_process *)left)->pid, b = ((const struct live_process *)right)->pid;
    return (a > b) - (a < b);
}

void live_look_at_all(struct live *live) {
    *live = (struct live){0};
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; proc != NULL && (entry = readdir(proc)) != NULL;) {
        struct live_process process;
        int pid = proc_pid(entry->d_name);
        if (pid == 0)
            continue;
        live_look(&process, pid);
        if (process.state == LIVE_HIDDEN)
            live->hidden++;
        if (process.state == LIVE_GONE || process.state == LIVE_HIDDEN ||
            process.state == LIVE_WITHOUT)
            continue;
        live->items = memory_resize(live->items, live->count + 1, sizeof *live->items);
        live->items[live->count++] = process;
    }
    if (proc != NULL)
        closedir(proc);
    if (live->count > 1)
        qsort(live->items, live->count, sizeof *live->items, live_by_pid);
}

void live_free(struct live *live) {
    free(live->items);
    *live = (struct live){0};
}

/* ---- what is left behind ---- */

/* Does a process have the file mapped, or may it have? */
static bool live_has_inode(int pid, uint64_t inode) {
    static char line[LIVE_LINE_BYTES];
    struct live_mapping mapping;
    bool has = false;
    FILE *maps = proc_open(pid, "maps");
    if (maps == NULL)
        return errno != ENOENT && errno != ESRCH;
    while (!has && fgets(line, sizeof line, maps) != NULL)
        has = live_read_mapping(line, &mapping) && mapping.inode == inode;
    fclose(maps);
    return has;
}

/* Of a process of our own view that is gone. */
static bool live_is_left(int directory, const char *name) {
    struct stat about, space;
    struct stats_summary summary;
    char bytes[sizeof(struct tagpool_stats_head) + sizeof(struct tagpool_stats_row)];
    size_t length = strlen(name), end = sizeof TAGPOOL_STATS_SUFFIX - 1;
    if (strncmp(name, TAGPOOL_STATS_PREFIX, sizeof TAGPOOL_STATS_PREFIX - 1) != 0 || length < end ||
        strcmp(name + length - end, TAGPOOL_STATS_SUFFIX) != 0)
        return false;
    int file = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (file < 0)
        return false;
    bool whole = fstat(file, &about) == 0 && S_ISREG(about.st_mode) &&
                 read(file, bytes, sizeof bytes) == (ssize_t)sizeof bytes;
    close(file);
    if (!whole || stat("/proc/self/ns/pid", &space) != 0 ||
        stats_file_parse(bytes, sizeof bytes, &summary) != NULL)
        return false;
    bool left = summary.process_count == 1 && summary.is_own &&
                summary.processes[0].pid_namespace == space.st_ino &&
                summary.processes[0].pid <= INT32_MAX &&
                !live_has_inode((int)summary.processes[0].pid, about.st_ino);
    stats_summary_free(&summary);
    return left;
}

int live_prune(const char *directory) {
    int removed = 0;
    DIR *entries = opendir(directory);
    if (entries == NULL)
        return -1;
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;)
        if (live_is_left(dirfd(entries), entry->d_name) &&
            unlinkat(dirfd(entries), entry->d_name, 0) == 0)
            removed++;
    closedir(entries);
    return removed;
}
