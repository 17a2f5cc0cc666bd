#include "launch/counters.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COUNTERS_ABOUT(ID, KEY, TITLE, TYPE, CONFIG) [COUNTER_##ID] = {KEY, TITLE},
const struct counter_about counter_about[COUNTER_COUNT] = {COUNTERS(COUNTERS_ABOUT)};

#define COUNTERS_EVENT(ID, KEY, TITLE, TYPE, CONFIG) [COUNTER_##ID] = {TYPE, CONFIG},
static const struct {
    uint32_t type;
    uint64_t config;
} counters_events[COUNTER_COUNT] = {COUNTERS(COUNTERS_EVENT)};

static int counters_open_one(enum counter counter, pid_t process) {
    struct perf_event_attr event = {
        .type = counters_events[counter].type,
        .size = sizeof event,
        .config = counters_events[counter].config,
        .read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
        .disabled = 1,
        .inherit = 1,
        .enable_on_exec = 1,
        .exclude_kernel = 1,
        .exclude_hv = 1,
    };
    return (int)syscall(SYS_perf_event_open, &event, process, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

void counters_open(struct counter_set *set, pid_t process) {
    for (int i = 0; i < COUNTER_COUNT; i++) {
        set->descriptors[i] = counters_open_one((enum counter)i, process);
        set->errors[i] = set->descriptors[i] < 0 ? errno : 0;
    }
}

void counters_read(struct counter_set *set, struct counter_value values[COUNTER_COUNT]) {
    for (int i = 0; i < COUNTER_COUNT; i++) {
        struct {
            uint64_t count, enabled, running;
        } result = {0};
        values[i] = (struct counter_value){.error = set->errors[i]};
        if (set->descriptors[i] < 0)
            continue;
        if (read(set->descriptors[i], &result, sizeof result) != (ssize_t)sizeof result)
            values[i].error = errno != 0 ? errno : EIO;
        else if (result.running == 0)
            values[i].error = ENODATA;
        else if (result.running < result.enabled)
            /* It shared its place with others: counted for a part of the time. */
            values[i].count =
                (uint64_t)((double)result.count * (double)result.enabled / (double)result.running);
        else
            values[i].count = result.count;
        close(set->descriptors[i]);
    }
}

bool counters_available(void) {
    int descriptor = counters_open_one(COUNTER_INSTRUCTIONS, 0);
    if (descriptor >= 0)
        close(descriptor);
    return descriptor >= 0;
}
