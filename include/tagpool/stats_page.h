/* The statistics page: a file shared between the processes of a measured program and its reader.
 *
 * TAGPOOL_STATS_VARIABLE says where it is, in one of two ways.
 *
 * A path: the reader creates the file with its full size (allocated, not sparse: a full disk must
 * not become a SIGBUS in the target) and fills in the head. Each process that loads the library
 * claims the first free row and keeps its counters there in place. Nothing has to run when a
 * process ends: the kernel keeps what was written even when it is killed.
 *
 * A directory, "/PATH/" with a slash at both ends: each process makes a page of its own there, with
 * one row, called TAGPOOL_STATS_PREFIX PID TAGPOOL_STATS_SUFFIX, and removes it when it leaves by
 * exit(). Of a process that is killed it stays; it belongs to a living process if that has it
 * mapped.
 *
 *   file:  head | row 0 | row 1 | ... | row head.row_count - 1
 *   row:   about the process | total of ended threads | beyond | lane 0 ... TAGPOOL_STATS_LANES - 1
 *
 * A lane belongs to one running thread, which alone writes it; when the thread ends the lane is
 * added to the total and cleared. Threads beyond the number of lanes count privately and show up in
 * the total when they end; until then `beyond` holds what they had counted at the last census. The
 * sum of a counter is therefore total + beyond + all lanes. Every number is a 64-bit count in the
 * byte order of the machine unless it says otherwise. A reader checks magic, version and sizes, and
 * takes nothing else on trust: a target can write rubbish here.
 *
 * What is live is counted by a census of all slabs: when slabs are taken, returned or changed, at
 * most about once a second. A process that does none of these has no newer numbers.
 */
#ifndef TAGPOOL_STATS_PAGE_H
#define TAGPOOL_STATS_PAGE_H

#include <assert.h>
#include <stdint.h>

#define TAGPOOL_STATS_VARIABLE "TAGPOOL_STATS"
#define TAGPOOL_STATS_MAGIC    0x5453204c4f4f5054ULL /* "TPOOL ST" */
#define TAGPOOL_STATS_VERSION  4
#define TAGPOOL_STATS_PREFIX   "tagpool-"
#define TAGPOOL_STATS_SUFFIX   ".stats"

enum {
    TAGPOOL_STATS_ROWS = 256,   /* processes; of later ones only the head tells */
    TAGPOOL_STATS_LANES = 8,    /* threads of one process that count in the file at one time */
    TAGPOOL_STATS_CLASSES = 80, /* room for size classes; unused ones have class_bytes 0 */
    TAGPOOL_STATS_NAME_BYTES = 64,
};

/* What a thread counts in addition to the calls of each class. X(NAME, HELP) */
#define TAGPOOL_STATS_COUNTERS(X)                                                                  \
    X(large_calls, "requests above node_max, served by the next allocator")                        \
    X(fallback_calls,                                                                              \
      "node-sized requests that the pool could not take (limit, alignment, no room)")              \
    X(direct_calls, "node-sized requests passed on because strategy=direct")                       \
    X(remote_frees, "blocks freed by another thread than the one that owns their slab")            \
    X(foreign_frees, "blocks freed that are not from the pool")                                    \
    X(slabs_taken, "slabs given to a size class")                                                  \
    X(slabs_adopted, "slabs taken over from ended threads")

struct tagpool_stats_counters {
    /* Slots claimed for a class. A running process has claimed up to 64 more per class and thread
     * than the program asked for; a row in state ENDED is exact. */
    uint64_t pool_calls[TAGPOOL_STATS_CLASSES];
#define TAGPOOL_STATS_FIELD(name, help) uint64_t name;
    TAGPOOL_STATS_COUNTERS(TAGPOOL_STATS_FIELD)
#undef TAGPOOL_STATS_FIELD
};

enum tagpool_stats_state {
    TAGPOOL_STATS_FREE = 0,
    TAGPOOL_STATS_RUNNING = 1, /* or killed, or left by _exit() or exec(): see pool_calls */
    TAGPOOL_STATS_ENDED = 2,   /* left by exit(); the counters are exact */
};

struct tagpool_stats_row {
    uint64_t state; /* enum tagpool_stats_state; claimed by compare-and-swap from FREE */
    uint64_t pid;
    uint64_t strategy;      /* enum tagpool_strategy */
    uint64_t slab_bytes;    /* memory that one slab stands for */
    uint64_t slabs;         /* slabs in use now */
    uint64_t slabs_peak;    /* the most that were in use at one time */
    uint64_t slabs_warm;    /* empty slabs whose memory is kept for reuse */
    uint64_t live_bytes;    /* of slots in use, and of up to 64 more per class and thread */
    uint64_t live_ns;       /* CLOCK_MONOTONIC at that census; 0: there was none yet */
    uint64_t calls_least;   /* of pool calls: a sum that was seen, before a thread's end took off
                               what it had claimed and not used */
    uint64_t pid_namespace; /* of a page of its own: the inode of /proc/self/ns/pid */
    uint64_t threads;       /* threads that ever had a heap */
    uint64_t faults;        /* misused pointers found, with on_fault=report or ignore too */
    uint64_t leaked_blocks; /* live at exit, with leaks=on */
    uint64_t leaked_bytes;  /* of them, as requested where that is known */
    uint64_t class_bytes[TAGPOOL_STATS_CLASSES]; /* largest request of each class */
    char name[TAGPOOL_STATS_NAME_BYTES];         /* the program's file name, cut, NUL-ended */
    struct tagpool_stats_counters total;         /* of ended threads */
    struct tagpool_stats_counters beyond;        /* of running threads without a lane */
    struct tagpool_stats_counters lanes[TAGPOOL_STATS_LANES];
};

struct tagpool_stats_head {
    uint64_t magic;
    uint64_t version;
    uint64_t head_bytes;   /* sizeof(struct tagpool_stats_head) */
    uint64_t row_bytes;    /* sizeof(struct tagpool_stats_row) */
    uint64_t row_count;    /* TAGPOOL_STATS_ROWS, or 1 in a page of a process's own */
    uint64_t rows_missed;  /* processes that found no free row; the rest is their sums */
    uint64_t missed_ended; /* of them, those in state ENDED */
    uint64_t missed_faults;
    uint64_t missed_leaked_blocks;
    uint64_t missed_leaked_bytes;
    uint64_t reserved[6];
};

struct tagpool_stats_page {
    struct tagpool_stats_head head;
    struct tagpool_stats_row rows[TAGPOOL_STATS_ROWS];
};

static_assert(sizeof(struct tagpool_stats_head) == 128, "the head is two cache lines");
static_assert(sizeof(struct tagpool_stats_counters) % 8 == 0, "counters are whole words");

#endif
