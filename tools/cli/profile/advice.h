/* What a profile says about pools: pure functions of numbers, no input or output.
 *
 *   cpu_share   share of CPU time in allocation, estimated: calls x ADVICE_CALL_NS / CPU time. It
 *               is 7 ns for pairs of malloc and free that stay in the cache, 20 ns for trees
 *               that do not; `--try` replaces the estimate.
 *   node_max    the smallest size class at or below which lie 99 % of the node-sized requests
 *   waste       of the pools: slot sizes, times the most blocks of each size that lived at one
 *               time, rounded up to whole pages for each class, against the bytes asked for. Of the
 *               system's allocator the same with its chunks: 8 bytes more, rounded up to 16, at
 *               least 32.
 */
#ifndef PROFILE_ADVICE_H
#define PROFILE_ADVICE_H

#include "pages/profile_file.h"

#define ADVICE_CALL_NS 10.0

enum advice_verdict {
    ADVICE_NO_CALLS, /* too few calls to say anything: below 1000 */
    ADVICE_NOTHING,  /* allocation takes less than 1 % of the CPU time, or few blocks are nodes */
    ADVICE_LITTLE,   /* less than 5 % */
    ADVICE_HELPS,
};
enum { ADVICE_VERDICTS = ADVICE_HELPS + 1 };

struct advice {
    enum advice_verdict verdict;
    uint64_t requests;
    double node_share;    /* of the requests: at most TAGPOOL_NODE_MAX bytes */
    double large_share;   /* of the bytes asked for: in blocks above 32 KiB */
    double calls_per_cpu; /* calls per second of CPU time; 0: the CPU time is not known */
    double cpu_share;     /* 0: not known */
    double remote_share;  /* of the frees */
    uint64_t node_max;
    double served_share; /* of the requests: at most node_max bytes */
    uint64_t live_bytes; /* asked for by blocks up to node_max, at their peaks */
    double waste;        /* beyond these, as a share of them */
    double system_waste;
    char options[64]; /* for TAGPOOL_OPTIONS: "node_max=256" */
};

/* `cpu_s` is the CPU time of a plain run; 0 if not known. */
void advice_make(const struct profile_summary *summary, double cpu_s, struct advice *advice);

#endif
