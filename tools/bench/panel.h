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
#define PANEL_GROUPS(X)                                                                            \
    X(PARSERS, "parsers", "parsers and a C++ program")                                             \
    X(HABITS, "habits", "single habits")                                                           \
    X(THREADS, "threads", "threads")                                                               \
    X(CALLS, "calls", "the built-in parser's calls alone")

#define PANEL_GROUP_ID(ID, ...) PANEL_##ID,
enum panel_group { PANEL_GROUPS(PANEL_GROUP_ID) PANEL_GROUP_COUNT };
#undef PANEL_GROUP_ID

enum { PANEL_WORDS_MAX = 8 };

struct panel_workload {
    const char *name;
    enum panel_group group;
    bool quick; /* part of --quick */
    const char *words[PANEL_WORDS_MAX];
};

/* Ends with an entry without a name. */
extern const struct panel_workload panel_workloads[];

/* A shell command that succeeds where the workload's program has what it takes to run it; NULL if
 * the program is enough. */
const char *panel_needs(const struct panel_workload *workload);

extern const char *const panel_group_names[PANEL_GROUP_COUNT];
extern const char *const panel_group_titles[PANEL_GROUP_COUNT];

/* Those that results are computed from. */
#define PANEL_SMALL_DOCUMENT "json_parse 10 KB"
#define PANEL_LARGE_DOCUMENT "json_parse 5 MB"
#define PANEL_EXCHANGE       "exchange 2 threads"
#define PANEL_REPLAY         "replay"
#define PANEL_REPLAY_BARE    "replay bare"

/* Their documents. */
#define PANEL_SMALL_WORD "@10K.json"
#define PANEL_LARGE_WORD "@5M.json"

/* The variants that are always measured: the system's allocator, and tagpool in each way that it is
 * judged in. */
void panel_add_variants(struct variants *variants);

#endif
