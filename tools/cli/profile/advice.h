/* What a profile says about pools.
 *
 * advice_make fills in what follows from the sizes and counts, by pure functions of numbers:
 *
 *   node_max    the smallest size class at or below which lie 99 % of the node-sized requests
 *   waste       of the pools: slot sizes, times the most blocks of each size that lived at one
 *               time, rounded up to whole pages for each class, against the bytes asked for. Of the
 *               system's allocator the same with its chunks: 8 bytes more, rounded up to 16, at
 *               least 32.
 *
 * Whether a pool helps does not follow from those: a call costs between 7 and 100 ns, and what a
 * pool saves of page faults and cache misses is often more than all calls. So the verdict is
 * measured, by a trial (compare/trial.h), which fills in the rest.
 */
#ifndef PROFILE_ADVICE_H
#define PROFILE_ADVICE_H

#include "measure/analysis.h"
#include "measure/headroom.h"
#include "pages/profile_file.h"

/* X(ID, WORDS): of the trial's wall and CPU time, as compare would put it; too few calls are fewer
 * requests than ADVICE_LEAST_REQUESTS. */
#define ADVICE_VERDICTS(X)                                                                         \
    X(UNTRIED, "not tried")                                                                        \
    X(NO_CALLS, "too few calls")                                                                   \
    X(FASTER, "faster")                                                                            \
    X(SLOWER, "slower")                                                                            \
    X(SAME, "no meaningful difference")                                                            \
    X(INCONCLUSIVE, "inconclusive")

#define ADVICE_ID(ID, WORDS) ADVICE_##ID,
enum advice_verdict { ADVICE_VERDICTS(ADVICE_ID) ADVICE_VERDICT_COUNT };
#undef ADVICE_ID

extern const char *const advice_verdict_words[ADVICE_VERDICT_COUNT];

enum { ADVICE_LEAST_REQUESTS = 1000, ADVICE_SENTENCES_MAX = 12 };

struct advice {
    enum advice_verdict verdict;
    uint64_t requests;
    double node_share;    /* of the requests: at most TAGPOOL_NODE_MAX bytes */
    double large_share;   /* of the bytes asked for: in blocks above 32 KiB */
    double calls_per_cpu; /* calls per second of CPU time; 0: the CPU time is not known */
    double remote_share;  /* of the frees */
    uint64_t node_max;
    double served_share; /* of the requests: at most node_max bytes */
    uint64_t live_bytes; /* asked for by blocks up to node_max, at their peaks */
    double waste;        /* beyond these, as a share of them */
    double system_waste;

    /* The trial, if rounds is not 0: tagpool against the program as it is. */
    unsigned rounds;
    struct analysis trial[METRIC_COUNT];
    struct headroom headroom;
    /* What is to be said, without full stops, and the command to paste; NULL: none. */
    unsigned sentence_count;
    const char *sentences[ADVICE_SENTENCES_MAX];
    const char *command;
};

/* `cpu_s` is the CPU time of a plain run; 0 if not known. The verdict is UNTRIED or NO_CALLS. */
void advice_make(const struct profile_summary *summary, double cpu_s, struct advice *advice);

/* The verdict of the trial's analyses. */
enum advice_verdict advice_judge(const struct analysis *trial);

/* One more sentence, which lives on; beyond ADVICE_SENTENCES_MAX it is dropped. */
void advice_say(struct advice *advice, const char *sentence);

#endif
