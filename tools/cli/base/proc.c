#include "base/proc.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Fields of /proc/PID/stat behind the name; proc(5) counts the name as 2. */
enum { PROC_FIRST = 3, PROC_FIELDS = 24 - PROC_FIRST + 1 };

int proc_pid(const char *name) {
    char *end;
    errno = 0;
    long pid = strtol(name, &end, 10);
    bool sound = errno == 0 && end != name && *end == '\0' && pid > 0 && pid <= INT_MAX;
    return sound ? (int)pid : 0;
}

FILE *proc_open(int pid, const char *name) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    return fopen(path, "re");
}

/* The name goes to a terminal. */
static void proc_copy_name(struct proc_stat *stat, const char *from, const char *end) {
    size_t i = 0;
    for (; from + i < end && i + 1 < sizeof stat->name; i++)
        stat->name[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
    stat->name[i] = '\0';
}

/* Behind the name, which may hold any byte. */
static bool proc_read_fields(const char *text, struct proc_stat *stat) {
    uint64_t fields[PROC_FIELDS] = {0};
    stat->state = text[0];
    text += text[0] != '\0';
    for (int i = 1; i < PROC_FIELDS; i++) {
        char *end;
        fields[i] = strtoull(text, &end, 10);
        if (end == text)
            return false;
        text = end;
    }
    stat->parent = (int)fields[4 - PROC_FIRST];
    stat->minor_faults = fields[10 - PROC_FIRST];
    stat->child_minor_faults = fields[11 - PROC_FIRST];
    stat->major_faults = fields[12 - PROC_FIRST];
    stat->child_major_faults = fields[13 - PROC_FIRST];
    stat->child_ticks = fields[16 - PROC_FIRST] + fields[17 - PROC_FIRST];
    stat->resident_bytes = fields[24 - PROC_FIRST] * (uint64_t)sysconf(_SC_PAGESIZE);
    return true;
}

bool proc_read_stat(int pid, struct proc_stat *stat) {
    char line[1024];
    FILE *file = proc_open(pid, "stat");
    *stat = (struct proc_stat){0};
    if (file == NULL)
        return false;
    size_t length = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[length] = '\0';
    const char *name = strchr(line, '('), *end = strrchr(line, ')');
    if (name == NULL || end == NULL || end < name || end[1] != ' ')
        return false;
    proc_copy_name(stat, name + 1, end);
    return proc_read_fields(end + 2, stat);
}

uint64_t proc_find(int pid, const char *file_name, const char *name) {
    char line[256];
    uint64_t number = 0;
    FILE *file = proc_open(pid, file_name);
    while (file != NULL && number == 0 && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            number = strtoull(line + strlen(name), NULL, 10);
    if (file != NULL)
        fclose(file);
    return number;
}
