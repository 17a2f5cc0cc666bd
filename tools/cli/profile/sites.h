/* The allocation sites of a profile: call stacks with names, and what was counted of each, over all
 * processes.
 *
 * A site is a stack. In lists recursion is folded: of a function that calls itself, over however
 * many others, the innermost frame stands alone, so that a parser's sites do not fall apart by the
 * depth of its input. Frames of the allocator itself are left out.
 */
#ifndef PROFILE_SITES_H
#define PROFILE_SITES_H

#include "symbols/symbols.h"

#include <tagpool/sites_page.h>

struct profile_counts {
#define PROFILE_SITES_FIELD(name, help) uint64_t name;
    TAGPOOL_SITES_COUNTERS(PROFILE_SITES_FIELD)
#undef PROFILE_SITES_FIELD
};

struct profile_site {
    const uint32_t *frames; /* numbers of the symbols' frames, the innermost first */
    uint32_t frame_count;   /* 0: the stack is not known */
    bool is_cut;            /* outer frames may be missing: it was as deep as is kept */
    struct profile_counts counts;
};

/* What sites are ranked by. X(ID, WORD, COUNT, IS_BYTES, TITLE) */
#define PROFILE_RANKS(X)                                                                           \
    X(CALLS, "calls", calls, false, "by calls")                                                    \
    X(BYTES, "bytes", bytes, true, "by bytes")                                                     \
    X(PEAK, "peak", peak_bytes, true, "by bytes live at the peak")                                 \
    X(SHORT, "short", short_blocks, false, "by short life (freed before 16 more requests)")

#define PROFILE_RANK_ID(id, ...) PROFILE_RANK_##id,
enum profile_rank { PROFILE_RANKS(PROFILE_RANK_ID) PROFILE_RANK_COUNT };
#undef PROFILE_RANK_ID

/* Their words; NULL-ended. */
extern const char *const profile_rank_words[];
extern const char *const profile_rank_titles[];
extern const bool profile_rank_is_bytes[];

void profile_counts_add(struct profile_counts *sum, const struct profile_counts *counts);

uint64_t profile_rank_count(const struct profile_counts *counts, enum profile_rank rank);

struct profile_sites {
    uint64_t sample_bytes;  /* the mean distance of samples; 0: every call was counted */
    uint64_t stacks_missed; /* calls whose stack found no room */
    struct symbols symbols;
    struct profile_site *stacks; /* each different stack */
    size_t stack_count;
    struct profile_site *sites; /* the same with recursion folded */
    size_t site_count;
    struct profile_counts total;
    uint32_t *frames; /* what the stacks' frames are in */
    uint32_t *folded; /* and those of the sites */
};

/* Takes the sites of a run from their file. NULL, or a sentence that says why there are none. */
const char *profile_sites_take(struct profile_sites *sites, const char *path);

void profile_sites_free(struct profile_sites *sites);

/* A site in a line, in a new string: its innermost function with its line, and who called that, for
 * the innermost is often one that all others allocate by. */
char *profile_site_place(const struct profile_sites *sites, const struct profile_site *site);

/* The sites with the most of a rank, the most first, at most `most` of them: their number. Those
 * with none of it are left out. */
size_t profile_sites_top(const struct profile_sites *sites, enum profile_rank rank,
                         const struct profile_site **top, size_t most);

#endif
