/* The profile page: a file shared between the processes of a profiled program and its reader.
 *
 * It works as the statistics page does (stats_page.h): the reader creates it in full and passes its
 * path in TAGPOOL_PROFILE_VARIABLE; each process that loads libtagpool-trace.so, and each child of
 * a fork, claims a row and keeps its numbers there in place, so that nothing has to run when the
 * process ends.
 *
 *   file:  head | row 0 | row 1 | ... | row TAGPOOL_PROFILE_ROWS - 1
 *
 * A row is written under one lock of its process. Every number is a 64-bit count in the byte order
 * of the machine. A reader checks magic, version and sizes, and takes nothing else on trust.
 *
 * Sizes are those that the program asked for. They fall into bins: bin 0 is size 0, bin s up to
 * TAGPOOL_PROFILE_STEPS - 1 is sizes up to 16 s, the bins after it are up to 2 KiB, 4 KiB, 8 KiB
 * ... A lifetime or the length of a realloc chain falls into the bin of its bit length: bin 0 is 0,
 * bin b is 2^(b-1) to 2^b - 1.
 */
#ifndef TAGPOOL_PROFILE_PAGE_H
#define TAGPOOL_PROFILE_PAGE_H

#include <assert.h>
#include <stdint.h>

#define TAGPOOL_PROFILE_VARIABLE "TAGPOOL_PROFILE"
#define TAGPOOL_PROFILE_MAGIC    0x4c464f52504c5054ULL /* "TPLPROFL" */
#define TAGPOOL_PROFILE_VERSION  1

enum {
    TAGPOOL_PROFILE_ROWS = 64,       /* processes; beyond them the smallest that ended go */
    TAGPOOL_PROFILE_STEPS = 65,      /* bins of 16-byte steps: sizes 0 to 1024 */
    TAGPOOL_PROFILE_SIZES = 65 + 38, /* and powers of two to 2^48 */
    TAGPOOL_PROFILE_LIFE_SIZES = 24, /* size bins of lifetimes: up to 16, 32, 64 ...; last: more */
    TAGPOOL_PROFILE_LIFE_STEPS = 40, /* lifetime bins; the last holds all that is longer */
    TAGPOOL_PROFILE_CHAINS = 17,
    TAGPOOL_PROFILE_SAMPLES = 512,
    TAGPOOL_PROFILE_FIRST_INTERVAL = 16, /* calls from one sample to the next, at first */
    TAGPOOL_PROFILE_NAME_BYTES = 64,
};

/* What a process counts. X(NAME, HELP) */
#define TAGPOOL_PROFILE_COUNTERS(X)                                                                \
    X(malloc_calls, "calls of malloc, operator new included")                                      \
    X(calloc_calls, "calls of calloc")                                                             \
    X(realloc_calls, "calls of realloc and reallocarray that changed a block")                     \
    X(aligned_calls, "calls of posix_memalign, aligned_alloc and their kin")                       \
    X(free_calls, "blocks freed, by realloc(p, 0) too")                                            \
    X(failed_calls, "requests that got no memory")                                                 \
    X(foreign_frees, "blocks freed that were not seen to be allocated")                            \
    X(untracked_calls, "blocks allocated that could not be followed to their end")                 \
    X(remote_frees, "blocks freed by another thread than the one that allocated them")             \
    X(grown, "reallocs to a larger size")                                                          \
    X(shrunk, "reallocs to a smaller size")                                                        \
    X(moved, "reallocs that moved the block")                                                      \
    X(moved_bytes, "bytes copied by those")

struct tagpool_profile_size {
    uint64_t calls; /* requests, reallocs by their new size included */
    uint64_t bytes; /* their sum */
    uint64_t live;  /* blocks of such a size now */
    uint64_t live_peak;
};

/* What happened between the sample before and this one. */
struct tagpool_profile_sample {
    uint64_t when_ns; /* since the row's start_ns */
    uint64_t calls;   /* requests and frees until now */
    uint64_t blocks;  /* live now */
    uint64_t bytes;
    uint64_t bytes_peak; /* the most since the sample before */
};

enum tagpool_profile_state {
    TAGPOOL_PROFILE_FREE = 0,
    TAGPOOL_PROFILE_RUNNING = 1, /* or killed, or left by _exit() or exec() */
    TAGPOOL_PROFILE_ENDED = 2,   /* left by exit() */
};

struct tagpool_profile_row {
    uint64_t state; /* enum tagpool_profile_state; claimed by compare-and-swap from FREE */
    uint64_t pid;
    uint64_t forked;   /* 1: by a fork without exec; it began with the blocks of its parent */
    uint64_t start_ns; /* CLOCK_MONOTONIC */
    uint64_t seen_ns;  /* the last call */
    uint64_t threads;  /* that ever called */
    uint64_t calls;    /* requests and frees */
    uint64_t inherited_blocks;
    uint64_t inherited_bytes;
    uint64_t live_blocks;
    uint64_t live_bytes;
    uint64_t peak_bytes;
    uint64_t peak_blocks; /* when the bytes were at their peak */
    uint64_t peak_ns;     /* the same, since start_ns */
    uint64_t
        sample_calls; /* calls from one sample to the next now; doubled when samples are full */
    uint64_t sample_count;
#define TAGPOOL_PROFILE_FIELD(name, help) uint64_t name;
    TAGPOOL_PROFILE_COUNTERS(TAGPOOL_PROFILE_FIELD)
#undef TAGPOOL_PROFILE_FIELD
    char name[TAGPOOL_PROFILE_NAME_BYTES]; /* the program's file name, cut, NUL-ended */
    uint64_t
        chains[TAGPOOL_PROFILE_CHAINS]; /* blocks by the number of reallocs they had, above 0 */
    struct tagpool_profile_size sizes[TAGPOOL_PROFILE_SIZES];
    /* Blocks freed, by size and lifetime: in requests made meanwhile, and in microseconds. */
    uint64_t life_calls[TAGPOOL_PROFILE_LIFE_SIZES][TAGPOOL_PROFILE_LIFE_STEPS];
    uint64_t life_us[TAGPOOL_PROFILE_LIFE_SIZES][TAGPOOL_PROFILE_LIFE_STEPS];
    struct tagpool_profile_sample samples[TAGPOOL_PROFILE_SAMPLES];
};

struct tagpool_profile_head {
    uint64_t magic;
    uint64_t version;
    uint64_t head_bytes;
    uint64_t row_bytes;
    uint64_t row_count;
    uint64_t rows_missed; /* processes that found no free row, or whose row another one took */
    uint64_t reserved[2];
};

struct tagpool_profile_page {
    struct tagpool_profile_head head;
    struct tagpool_profile_row rows[TAGPOOL_PROFILE_ROWS];
};

static_assert(sizeof(struct tagpool_profile_head) == 64, "the head is one cache line");
static_assert(TAGPOOL_PROFILE_SAMPLES % 2 == 0, "full samples are merged in pairs");

/* The bin of a size. */
static inline unsigned tagpool_profile_size_bin(uint64_t bytes) {
    if (bytes <= 1024)
        return (unsigned)((bytes + 15) / 16);
    unsigned doublings = 64 - (unsigned)__builtin_clzll(bytes - 1) - 11; /* above 2 KiB */
    unsigned bin = TAGPOOL_PROFILE_STEPS + doublings;
    return bin < TAGPOOL_PROFILE_SIZES ? bin : TAGPOOL_PROFILE_SIZES - 1;
}

/* The largest size of a bin. */
static inline uint64_t tagpool_profile_size_limit(unsigned bin) {
    return bin < TAGPOOL_PROFILE_STEPS ? 16ULL * bin
                                       : 2048ULL << (bin - (unsigned)TAGPOOL_PROFILE_STEPS);
}

/* The bin of a size among lifetimes. */
static inline unsigned tagpool_profile_life_size(uint64_t bytes) {
    unsigned bin = bytes <= 16 ? 0 : 60 - (unsigned)__builtin_clzll(bytes - 1);
    return bin < TAGPOOL_PROFILE_LIFE_SIZES ? bin : TAGPOOL_PROFILE_LIFE_SIZES - 1;
}

/* The bin of a number by its bit length, below `bins`. */
static inline unsigned tagpool_profile_log_bin(uint64_t number, unsigned bins) {
    unsigned bin = number == 0 ? 0 : 64 - (unsigned)__builtin_clzll(number);
    return bin < bins ? bin : bins - 1;
}

#endif
