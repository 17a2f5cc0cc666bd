/* The region: one reservation of address space for all slabs, made once, and which slab is in use.
 *
 *         base                                        base + slab_limit * SLAB_BYTES
 *   | gap | slab 0 | slab 1 | ... committed | never used ... | descriptors | sets | remote words |
 *
 * With harden=on the second half of the slabs is set apart for spans (spans.h): so large blocks and
 * slabs of slots do not take each other's address space.
 *
 * A pointer is ours if it lies in a slab or in the areas after them, which hold a descriptor and
 * the remote words of each slab (slab.h knows what is in them), hardened also the words of what is
 * set aside, and the sets of empty slabs: so no overflow of a program's block reaches them, and
 * nobody can free them. Each area becomes accessible from its start, in steps; the gap never does,
 * so what runs down from a slab reaches no mapping of the program's or ours.
 *
 * A slab is taken, warm (empty, its memory kept), cold (empty, its memory returned; where data is
 * limited, inaccessible too) or was never used. The lowest warm one is given out first, then the
 * lowest cold one, so a pool that shrinks drains from its end. Of the first slabs, a warm one that
 * served the same kind last comes before that.
 *
 * Everything but region_owns() and region_slab_index() runs under pool_lock.
 */
#ifndef REGION_H
#define REGION_H

#include "assertion.h"
#include "base.h"
#include "lock.h"
#include "reservation.h"

#define REGION_NO_SLAB SIZE_MAX

/* What free() looks at: one cache line, written at start and when more descriptors become
 * accessible. */
struct region {
    uintptr_t base;
    size_t plain_bytes;   /* what the fast paths may free in: the same as bytes if blocks have no
                             tags, else 0 */
    size_t checked_bytes; /* the same of the paths of blocks with tags */
    size_t bytes;         /* of the slabs whose descriptor is accessible; 0 before start */
    char *descriptors;    /* REGION_DESCRIPTOR_BYTES for each slab */
    char *remotes;        /* REGION_REMOTE_BYTES for each slab */
    char *asides;         /* REGION_ASIDE_BYTES for each slab, with harden=on */
    size_t owned_bytes;   /* of slabs and tables: every pointer into them is ours */
};

extern HIDDEN struct region region;

/* The one lock of the library: slabs that change hands, threads that come and go. */
extern HIDDEN struct lock pool_lock;

/* True if the pointer lies in a slab, used or not, whose descriptor need not be accessible; or in
 * the tables after the slabs, where no block is. */
static inline bool region_owns(const void *pointer) {
    return (uintptr_t)pointer - region.base < region.owned_bytes;
}

/* The index of the slab that a pointer of ours lies in; in the tables: of none that was used. */
static inline size_t region_slab_index(const void *pointer) {
    return ((uintptr_t)pointer - region.base) >> SLAB_SHIFT;
}

/* Reserve the region: as large as the address-space limit allows. `pool_limit` bounds the memory of
 * all slabs (0: no bound), `retain` that of the warm ones; both in bytes. False if there is no
 * room: nothing is ever ours then. */
bool region_start(uint64_t pool_limit, uint64_t retain);

/* Which paths find the region's blocks: those without tags, those with, or none of these but the
 * slow one, because each call leaves a trace. Before the first slab is taken. */
enum region_blocks { REGION_PLAIN, REGION_CHECKED, REGION_TRACED };
void region_choose_blocks(enum region_blocks blocks);

/* For the hardened mode: let so many warm slabs rest, unused ones are taken first; and leave a
 * guard after every `spacing`, 0: none, until they take their share of the process's mappings: a
 * slab, or a huge page of them, that is inaccessible. Before the first slab is taken. */
void region_harden(size_t resting, size_t spacing);

/* Take an empty slab: its index, or REGION_NO_SLAB if the limit, the region or the system's memory
 * is exhausted. `kind` is what it is to serve: a warm one that served the same has memory in the
 * pages that the kind needs. `zeroed` is set if all its bytes are zero. */
size_t region_take_slab(unsigned kind, bool *zeroed);

/* Return a slab that holds no block. */
void region_return_slab(size_t slab_index);

/* The same of one that is inaccessible and has no memory: who takes it makes it accessible. */
void region_return_hidden(size_t slab_index);

/* Return the memory of warm slabs to the system until at most `keep` slabs are warm. The bytes
 * returned. */
size_t region_trim(size_t keep);

/* Return the memory of the warm slabs that nobody needed since the last call. */
void region_decay(void);

/* Give address space that was never used back to the system, all but `keep_bytes` for slabs, for a
 * program that runs into its limit; the tables after it are then no longer known to be ours. False
 * if there was none to give, or if it is not this process's but that of the parent of a vfork(). */
bool region_release_unused(size_t keep_bytes);

/* The same for a request that lacks at least `least_bytes` of address space: give back so much that
 * there are `bytes`. False, and nothing done, if there is not so much as the least. */
bool region_make_room(size_t least_bytes, size_t bytes);

/* All memory of the process was locked: let what the region only reserves not count as that. */
void region_unlock_unused(void);

/* If data is limited, as `is_limited` says or was known before: what is accessible counts, used or
 * not. Make empty slabs inaccessible, and those that never served; from now on each becomes so when
 * its memory is returned. True if there were any. A vfork()'s child has no limits of the region's.
 */
bool region_yield_data(bool is_limited);

/* ---- for spans.h, which takes neighbours ---- */

/* Bounds, in slabs, set at start. */
struct region_bounds {
    size_t memory_slabs;  /* that may be taken or warm */
    size_t warm_slabs;    /* that may be warm */
    size_t warm_resting;  /* warm ones that are not reused as long as there are others */
    size_t apart_most;    /* guards, and spans at one time */
    size_t span_slabs;    /* set apart for spans, */
    uintptr_t span_base;  /* from here on, */
    size_t span_gap;      /* but for the first so many, which are not used */
    size_t guard_spacing; /* between two guards, 0 for none */
    size_t guard_slabs;   /* of a guard */
};
extern HIDDEN struct region_bounds region_bounds;

/* The slab itself, or, if it lies in one of the first so many guards, the one behind that. */
static inline size_t region_behind_guard(size_t slab_index, size_t guards) {
    size_t apart = region_bounds.guard_spacing + region_bounds.guard_slabs;
    bool is_guard = region_bounds.guard_spacing != 0 && slab_index / apart < guards &&
                    slab_index % apart >= region_bounds.guard_spacing;
    return is_guard ? (slab_index / apart + 1) * apart : slab_index;
}

static inline void *region_slab_start(size_t slab_index) {
    ASSERT(slab_index <= REGION_SLABS);
    return (void *)(region.base + (slab_index << SLAB_SHIFT));
}

/* Set the second half of the slabs apart. Before the first slab is taken. */
void region_set_spans_apart(void);

/* Count so many slabs of a span as taken instead of so many. */
void region_count_spans(size_t before, size_t after);

/* Count slabs as taken. */
void region_count_taken(size_t slabs);

/* In the child of a fork: the region is its own. */
void region_after_fork(void);

/* Numbers of slabs. */
struct region_counts {
    size_t taken; /* now */
    size_t taken_peak;
    size_t warm;
    size_t span_taken; /* of the taken ones, those of spans */
    size_t span_used;  /* those set apart that ever served spans, and the gap before these */
    size_t filled; /* of the taken ones, those that were full once. Atomic: heaps count it without
                      the lock */
    size_t used;   /* slabs that ever served, and guards: indices below it have a valid descriptor
                      or one of zeroes */
    size_t guards;
};
extern HIDDEN struct region_counts region_counts;

/* The first index from this one on that is no guard's, to look through all slabs that ever served,
 * those below region_counts.used. Nobody ever touched a guard's descriptor: it would fault in. */
static inline size_t region_next_slab(size_t slab_index) {
    return region_behind_guard(slab_index, region_counts.guards);
}

/* True if the next slab to be taken needs memory: no other is empty, or it rests. */
static inline bool region_is_about_to_grow(void) {
    return region_counts.warm <= region_bounds.warm_resting;
}

/* Heaps read it without the lock, to see whether there is anything to give back. */
static inline void region_set_warm(size_t slabs) {
    __atomic_store_n(&region_counts.warm, slabs, __ATOMIC_RELAXED);
}

#endif
