/* The panel: the programs that allocators are measured on, each written once.
 *
 * A workload is a command of words. The first names a program: "workloads/X" and "drivers/X" lie
 * beside this program in the build folder, anything else is searched in PATH. A word "@SIZE.FORMAT"
 * stands for a generated document (see document.h). Each command is sized to take between one
 * and four tenths of a second with the system's allocator.
 */
#ifndef BENCH_PANEL_H
#define BENCH_PANEL_H

#include "target/variants.h"

#include <stdbool.h>

/* X(ID, NAME, TITLE) */
#define BENCH_GROUPS(X)                                                                            \
    X(PARSERS, "parsers", "parsers and a C++ program")                                             \
    X(HABITS, "habits", "single habits")                                                           \
    X(THREADS, "threads", "threads")                                                               \
    X(CALLS, "calls", "the built-in parser's calls alone")

#define BENCH_GROUP_ID(ID, ...) BENCH_##ID,
enum bench_group { BENCH_GROUPS(BENCH_GROUP_ID) BENCH_GROUP_COUNT };
#undef BENCH_GROUP_ID

enum { BENCH_WORDS_MAX = 8 };

struct bench_workload {
    const char *name;
    enum bench_group group;
    bool quick; /* part of --quick */
    const char *words[BENCH_WORDS_MAX];
};

/* Ends with an entry without a name. */
extern const struct bench_workload bench_panel[];

extern const char *const bench_group_names[BENCH_GROUP_COUNT];
extern const char *const bench_group_titles[BENCH_GROUP_COUNT];

/* Those that results are computed from. */
#define BENCH_SMALL_DOCUMENT "json_parse 10 KB"
#define BENCH_LARGE_DOCUMENT "json_parse 5 MB"
#define BENCH_EXCHANGE       "exchange 2 threads"
#define BENCH_REPLAY         "replay"
#define BENCH_REPLAY_BARE    "replay bare"

/* Their documents. */
#define BENCH_SMALL_WORD "@10K.json"
#define BENCH_LARGE_WORD "@5M.json"

/* The variants that are always measured: the system's allocator, and tagpool in each way that it is
 * judged in. */
void bench_panel_add(struct variants *variants);

#endif
