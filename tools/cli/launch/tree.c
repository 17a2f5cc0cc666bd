#include "launch/tree.h"

#include "base/memory.h"
#include "base/proc.h"

#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct tree_process {
    pid_t pid, parent;
    bool below; /* the calling process */
    char state;
    uint64_t ticks; /* of children that it has waited for */
    uint64_t minor_faults, major_faults;
};

struct tree {
    struct tree_process *items;
    size_t count;
};

static bool tree_read(const char *name, struct tree_process *process) {
    struct proc_stat stat;
    int pid = proc_pid(name);
    if (pid == 0 || !proc_read_stat(pid, &stat))
        return false;
    *process = (struct tree_process){
        .pid = pid,
        .parent = stat.parent,
        .state = stat.state,
        .ticks = stat.child_ticks,
        .minor_faults = stat.minor_faults + stat.child_minor_faults,
        .major_faults = stat.major_faults + stat.child_major_faults,
    };
    return true;
}

/* A child may be listed before its parent: until nothing changes. */
static void tree_mark(struct tree *tree, pid_t left_out) {
    bool changed = true;
    while (changed) {
        changed = false;
        for (size_t i = 0; i < tree->count; i++) {
            struct tree_process *process = &tree->items[i];
            bool below = process->parent == getpid();
            for (size_t k = 0; k < tree->count && !below; k++)
                below = tree->items[k].below && tree->items[k].pid == process->parent;
            if (below && !process->below && process->pid != left_out)
                changed = process->below = true;
        }
    }
}

static void tree_open(struct tree *tree, pid_t left_out) {
    *tree = (struct tree){0};
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; proc != NULL && (entry = readdir(proc)) != NULL;) {
        struct tree_process process;
        if (!tree_read(entry->d_name, &process))
            continue;
        tree->items = memory_resize(tree->items, tree->count + 1, sizeof process);
        tree->items[tree->count++] = process;
    }
    if (proc != NULL)
        closedir(proc);
    tree_mark(tree, left_out);
}

static void tree_close(struct tree *tree) {
    free(tree->items);
}

void tree_measure(pid_t left_out, struct tree_usage *usage) {
    struct tree tree;
    uint64_t tick_ns = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
    *usage = (struct tree_usage){0};
    tree_open(&tree, left_out);
    for (size_t i = 0; i < tree.count; i++) {
        const struct tree_process *process = &tree.items[i];
        clockid_t clock;
        struct timespec used = {0};
        if (!process->below)
            continue;
        if (clock_getcpuclockid(process->pid, &clock) == 0)
            clock_gettime(clock, &used);
        usage->processes += process->state != 'Z';
        usage->cpu_ns +=
            (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec + process->ticks * tick_ns;
        usage->minor_faults += process->minor_faults;
        usage->major_faults += process->major_faults;
    }
    tree_close(&tree);
}

void tree_measure_memory(pid_t left_out, struct tree_memory *memory) {
    struct tree tree;
    *memory = (struct tree_memory){0};
    tree_open(&tree, left_out);
    for (size_t i = 0; i < tree.count; i++) {
        pid_t pid = tree.items[i].pid;
        if (!tree.items[i].below)
            continue;
        uint64_t kib = proc_find(pid, "smaps_rollup", "Pss:");
        if (kib == 0)
            kib = proc_find(pid, "status", "VmRSS:");
        memory->bytes += kib * 1024;
        memory->peak_bytes += proc_find(pid, "status", "VmHWM:") * 1024;
    }
    tree_close(&tree);
}

unsigned tree_signal(int number) {
    struct tree tree;
    unsigned count = 0;
    tree_open(&tree, 0);
    for (size_t i = 0; i < tree.count; i++)
        if (tree.items[i].below && kill(tree.items[i].pid, number) == 0)
            count++;
    tree_close(&tree);
    return count;
}
