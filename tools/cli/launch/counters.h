/* Counters of the processor for one program and its children, by perf_event_open.
 *
 * Each event is a group of its own, so that the ones a machine lacks do not take others with them:
 * virtual machines often have none at all. Only what happens in user mode is counted, from exec on.
 * An event that cannot be counted is no failure; its value says why.
 */
#ifndef LAUNCH_COUNTERS_H
#define LAUNCH_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* X(ID, KEY, TITLE, TYPE, CONFIG): its name in JSON and in tables, and the kernel's name. */
#define COUNTERS(X)                                                                                \
    X(INSTRUCTIONS, "instructions", "instructions", PERF_TYPE_HARDWARE,                            \
      PERF_COUNT_HW_INSTRUCTIONS)                                                                  \
    X(CYCLES, "cycles", "cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES)                    \
    X(CACHE, "cache_misses", "cache misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES)       \
    X(BRANCHES, "branch_misses", "branch misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES) \
    X(TLB, "tlb_misses", "tlb misses", PERF_TYPE_HW_CACHE,                                         \
      PERF_COUNT_HW_CACHE_DTLB | PERF_COUNT_HW_CACHE_OP_READ << 8 |                                \
          PERF_COUNT_HW_CACHE_RESULT_MISS << 16)                                                   \
    X(CLOCK, "task_clock_ns", "task clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK)

#define COUNTERS_ID(ID, ...) COUNTER_##ID,
enum counter { COUNTERS(COUNTERS_ID) COUNTER_COUNT };
#undef COUNTERS_ID

struct counter_about {
    const char *key;
    const char *title;
};

extern const struct counter_about counter_about[COUNTER_COUNT];

struct counter_value {
    uint64_t count;
    int32_t error; /* why there is no count, an errno value; ENODATA: it never got a place */
};

struct counter_set {
    int descriptors[COUNTER_COUNT]; /* -1: not open */
    int errors[COUNTER_COUNT];
};

/* For a process that has not called exec yet. */
void counters_open(struct counter_set *set, pid_t process);

/* After the process has ended; closes the set. */
void counters_read(struct counter_set *set, struct counter_value values[COUNTER_COUNT]);

/* Does this machine count instructions? */
bool counters_available(void);

#endif
