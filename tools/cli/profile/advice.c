#include "profile/advice.h"

#include <stdbool.h>
#include <tagpool/options.h>
#include <tagpool/size_classes.h>

enum {
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

#define ADVICE_WORDS(ID, WORDS) [ADVICE_##ID] = WORDS,
const char *const advice_verdict_words[ADVICE_VERDICT_COUNT] = {ADVICE_VERDICTS(ADVICE_WORDS)};
#undef ADVICE_WORDS

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

static bool advice_is(enum paired_verdict verdict, enum paired_verdict clear,
                      enum paired_verdict slight) {
    return verdict == clear || verdict == slight;
}

enum advice_verdict advice_judge(const struct analysis *trial) {
    bool faster = false, slower = false, same = true;
    for (int metric = 0; metric < METRIC_COUNT; metric++) {
        enum paired_verdict verdict = trial[metric].verdict;
        if (!metric_about[metric].decides)
            continue;
        faster = faster || advice_is(verdict, PAIRED_FASTER, PAIRED_SLIGHTLY_FASTER);
        slower = slower || advice_is(verdict, PAIRED_SLOWER, PAIRED_SLIGHTLY_SLOWER);
        same = same && verdict == PAIRED_NO_DIFFERENCE;
    }
    if (faster != slower)
        return faster ? ADVICE_FASTER : ADVICE_SLOWER;
    return same ? ADVICE_SAME : ADVICE_INCONCLUSIVE;
}

void advice_say(struct advice *advice, const char *sentence) {
    if (advice->sentence_count < ADVICE_SENTENCES_MAX)
        advice->sentences[advice->sentence_count++] = sentence;
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
    advice_waste(total, advice);
    advice->verdict = advice->requests < ADVICE_LEAST_REQUESTS ? ADVICE_NO_CALLS : ADVICE_UNTRIED;
}
