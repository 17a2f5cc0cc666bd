#include "profile/advice.h"

#include <stdbool.h>
#include <stdio.h>
#include <tagpool/options.h>
#include <tagpool/size_classes.h>

enum {
    ADVICE_LEAST_CALLS = 1000,
    ADVICE_LARGE_BYTES = 32 << 10,
    ADVICE_PAGE_BYTES = 4096,
    ADVICE_CLASSES = 0
#define ADVICE_ONE(stride, ignored) +1
    SIZE_CLASSES(ADVICE_ONE, )
#undef ADVICE_ONE
};

#define ADVICE_STRIDE(stride, ignored) stride,
static const uint64_t advice_strides[ADVICE_CLASSES] = {SIZE_CLASSES(ADVICE_STRIDE, )};
#undef ADVICE_STRIDE

static bool advice_is_node(unsigned bin) {
    return tagpool_profile_size_limit(bin) <= TAGPOOL_NODE_MAX;
}

/* The class that serves requests of a bin. */
static unsigned advice_class(unsigned bin) {
    unsigned class_index = 0;
    while (class_index + 1 < ADVICE_CLASSES &&
           advice_strides[class_index] < tagpool_profile_size_limit(bin))
        class_index++;
    return class_index;
}

static double advice_share(double part, double whole) {
    return whole > 0 ? part / whole : 0;
}

static uint64_t advice_node_max(const struct tagpool_profile_row *total) {
    double nodes = (double)profile_file_node_requests(total);
    double below = 0;
    uint64_t node_max = advice_strides[0];
    for (unsigned bin = 0; advice_is_node(bin) && below < 0.99 * nodes; bin++) {
        below += (double)total->sizes[bin].calls;
        node_max = advice_strides[advice_class(bin)];
    }
    return node_max;
}

/* Memory for the peak of each size, here and there. */
static void advice_waste(const struct tagpool_profile_row *total, struct advice *advice) {
    double pool[ADVICE_CLASSES] = {0};
    double wanted = 0, system = 0, pools = 0;
    for (unsigned bin = 0; advice_is_node(bin); bin++) {
        const struct tagpool_profile_size *size = &total->sizes[bin];
        unsigned class_index = advice_class(bin);
        if (size->calls == 0 || advice_strides[class_index] > advice->node_max)
            continue;
        double live = (double)size->live_peak;
        double mean = (double)size->bytes / (double)size->calls;
        double chunk = 16 * (double)(uint64_t)((mean + 8 + 15) / 16);
        wanted += live * mean;
        system += live * (chunk < 32 ? 32 : chunk);
        pool[class_index] += live * (double)advice_strides[class_index];
    }
    for (unsigned i = 0; i < ADVICE_CLASSES; i++) {
        uint64_t pages = ((uint64_t)pool[i] + ADVICE_PAGE_BYTES - 1) / ADVICE_PAGE_BYTES;
        pools += (double)(pages * ADVICE_PAGE_BYTES);
    }
    advice->live_bytes = (uint64_t)wanted;
    advice->waste = advice_share(pools - wanted, wanted);
    advice->system_waste = advice_share(system - wanted, wanted);
}

static enum advice_verdict advice_judge(const struct advice *advice) {
    if (advice->requests < ADVICE_LEAST_CALLS)
        return ADVICE_NO_CALLS;
    double share = advice->cpu_share * advice->served_share;
    if (advice->served_share < 0.1 || (advice->calls_per_cpu > 0 && share < 0.01))
        return ADVICE_NOTHING;
    return advice->calls_per_cpu > 0 && share < 0.05 ? ADVICE_LITTLE : ADVICE_HELPS;
}

void advice_make(const struct profile_summary *summary, double cpu_s, struct advice *advice) {
    const struct tagpool_profile_row *total = &summary->total;
    double bytes = 0, large = 0, served = 0;
    *advice = (struct advice){
        .requests = profile_file_requests(total),
        .node_max = advice_node_max(total),
        .remote_share = advice_share((double)total->remote_frees, (double)total->free_calls),
    };
    for (unsigned bin = 0; bin < TAGPOOL_PROFILE_SIZES; bin++) {
        uint64_t limit = tagpool_profile_size_limit(bin);
        bytes += (double)total->sizes[bin].bytes;
        large += limit > ADVICE_LARGE_BYTES ? (double)total->sizes[bin].bytes : 0;
        served += limit <= advice->node_max ? (double)total->sizes[bin].calls : 0;
    }
    double requests = (double)advice->requests;
    advice->node_share = advice_share((double)profile_file_node_requests(total), requests);
    advice->served_share = advice_share(served, requests);
    advice->large_share = advice_share(large, bytes);
    advice->calls_per_cpu = advice_share((double)total->calls, cpu_s);
    advice->cpu_share = advice->calls_per_cpu * ADVICE_CALL_NS * 1e-9;
    if (advice->cpu_share > 1)
        advice->cpu_share = 1;
    advice_waste(total, advice);
    advice->verdict = advice_judge(advice);
    snprintf(advice->options, sizeof advice->options, "node_max=%llu",
             (unsigned long long)advice->node_max);
}
