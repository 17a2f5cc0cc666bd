/* What the system tells of a process in /proc. */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { PROC_NAME_BYTES = 64 };

struct proc_stat {
    char name[PROC_NAME_BYTES]; /* printable */
    char state;                 /* 'Z': it has ended */
    int parent;
    uint64_t minor_faults, major_faults;
    uint64_t child_minor_faults, child_major_faults; /* of children that it has waited for */
    uint64_t child_ticks;                            /* CPU time of these, in clock ticks */
    uint64_t resident_bytes;
};

/* A process by a name of /proc; 0 if it is none. */
int proc_pid(const char *name);

/* /proc/PID/NAME for reading, or NULL with errno. */
FILE *proc_open(int pid, const char *name);

/* False if there is no such process. */
bool proc_read_stat(int pid, struct proc_stat *stat);

/* The number behind the name at the start of a line, such as "VmRSS:", of /proc/PID/FILE; 0 if
 * there is none. */
uint64_t proc_find(int pid, const char *file, const char *name);

#endif
