#include "leaks.h"

#include "checked.h"
#include "findings.h"
#include "heap.h"
#include "heap_life.h"
#include "inherited.h"
#include "large.h"
#include "libc.h"
#include "objects.h"
#include "origins.h"
#include "os.h"
#include "reach.h"
#include "runtime.h"
#include "stats.h"
#include "text.h"

enum { PLACES_TOLD = 10 };

struct leak_count {
    uint64_t blocks;
    uint64_t bytes; /* requested where that is known */
};

/* What is live at exit: lost, by class and by the stack that allocated it; and what the program can
 * still get at. */
struct leaks {
    struct leak_count classes[SIZE_CLASS_ALL];
    struct leak_count large;
    struct leak_count lost;
    const char *buffers[3];     /* of the standard streams; NULL: none */
    struct leak_count doubtful; /* lost, or kept by what is not there to look at */
    struct leak_count reachable;
    struct leak_count *stacks; /* by number; NULL: not known */
    uint32_t stack_count;
};

static void add(struct leak_count *count, uint64_t bytes) {
    count->blocks++;
    count->bytes += bytes;
}

static void add_lost(struct leaks *leaks, struct leak_count *kind, uint64_t bytes, uint32_t stack) {
    add(kind, bytes);
    add(&leaks->lost, bytes);
    if (leaks->stacks != NULL)
        add(&leaks->stacks[stack < leaks->stack_count ? stack : 0], bytes);
}

/* Looked for at the end alone: each name that the loader looks up makes every start slower. A
 * program may have set the variable to NULL. */
static const char *buffer_of(const char *name) {
    FILE *const *variable = objects_variable(name);
    return variable != NULL && *variable != NULL ? LIBC_STREAM_BUFFER(*variable) : NULL;
}

static struct leaks no_leaks(void) {
    return (struct leaks){
        .buffers = {buffer_of("stdin"), buffer_of("stdout"), buffer_of("stderr")}};
}

/* The C library keeps the buffers of the standard streams to the end. */
static bool is_stream_buffer(const struct leaks *leaks, const char *block) {
    for (unsigned i = 0; i < 3; i++)
        if (leaks->buffers[i] == block)
            return true;
    return false;
}

static bool is_of_runtime(const struct leaks *leaks, const struct slab *slab, uint32_t slot) {
    return is_stream_buffer(leaks, slab_slot_start(slab, slot)) || runtime_has(slab, slot);
}

static void add_block(struct slab *slab, uint32_t slot, void *context) {
    struct leaks *leaks = context;
    if (is_of_runtime(leaks, slab, slot))
        return;
    uint64_t bytes = checked_requested(slab, slot);
    if (reach_has(slab, slot))
        add(&leaks->reachable, bytes);
    else if (inherited_has(slab, slot))
        add(&leaks->doubtful, bytes);
    else
        add_lost(leaks, &leaks->classes[slab->class_index], bytes, origins_of(slab, slot));
}

static void add_large(struct leaks *leaks) {
    for (const struct span *span = large_next(NULL); span != NULL; span = large_next(span)) {
        if (runtime_has_large(span))
            continue;
        if (span->is_reached)
            add(&leaks->reachable, span->requested);
        else if (span->is_inherited)
            add(&leaks->doubtful, span->requested);
        else
            add_lost(leaks, &leaks->large, span->requested, origins_of_large(span->block));
    }
}

/* ---- telling ---- */

static void tell_class(const struct leaks *leaks, unsigned class_index) {
    struct text line = {.length = 0};
    const struct leak_count *count = &leaks->classes[class_index];
    text_add(&line, "leaked ");
    text_add_number(&line, count->blocks);
    text_add(&line, " blocks of the ");
    text_add_number(&line, size_class_stride[class_index]);
    text_add(&line, "-byte class, ");
    text_add_number(&line, count->blocks * size_class_stride[class_index]);
    text_add(&line, " bytes");
    if (checked_tag_bytes != 0) {
        text_add(&line, ", ");
        text_add_number(&line, count->bytes);
        text_add(&line, " bytes requested");
    }
    fault_line(&line);
}

static void tell_count(const char *verb, const struct leak_count *count, const char *what,
                       const char *of_what) {
    struct text line = {.length = 0};
    text_add(&line, verb);
    text_add_number(&line, count->blocks);
    text_add(&line, what);
    text_add_number(&line, count->bytes);
    text_add(&line, of_what);
    fault_line(&line);
}

static void tell_classes(const struct leaks *leaks) {
    for (unsigned i = 0; i < SIZE_CLASS_ALL; i++)
        if (leaks->classes[i].blocks != 0)
            tell_class(leaks, i);
    if (leaks->large.blocks != 0)
        tell_count("leaked ", &leaks->large, " large blocks, ", " bytes requested");
}

/* The stack that lost most bytes of those not told yet; their number if none is left. */
static uint32_t find_most(const struct leaks *leaks) {
    uint32_t stacks = leaks->stack_count, most = stacks;
    for (uint32_t i = 0; i < stacks; i++)
        if (leaks->stacks[i].blocks != 0 &&
            (most == stacks || leaks->stacks[i].bytes > leaks->stacks[most].bytes))
            most = i;
    return most;
}

/* By the stacks, those with most bytes first; the rest in a sum. */
static void tell_places(struct leaks *leaks) {
    uint32_t stacks = leaks->stack_count;
    struct leak_count rest = {.blocks = 0};
    for (unsigned told = 0; told < PLACES_TOLD; told++) {
        uint32_t most = find_most(leaks);
        if (most == stacks)
            return;
        tell_count("leaked ", &leaks->stacks[most], " blocks, ",
                   most == 0 ? " bytes, allocated at a place that is not known"
                             : " bytes, allocated at:");
        origins_tell_stack(stacks_get(most));
        leaks->stacks[most] = (struct leak_count){.blocks = 0};
    }
    for (uint32_t i = 0; i < stacks; i++) {
        rest.blocks += leaks->stacks[i].blocks;
        rest.bytes += leaks->stacks[i].bytes;
    }
    if (rest.blocks != 0)
        tell_count("leaked ", &rest, " blocks, ", " bytes, allocated at other places");
}

/* What could not be looked at: blocks that only it leads to cannot be told from lost ones. */
static void tell_unseen(const struct roots_unseen *unseen) {
    struct text line = {.length = 0};
    text_add(&line, unseen->threads != 0
                        ? "other threads may still be running and could not be looked at"
                        : "the memory of the process could not be looked at");
    text_add(&line, ": what only ");
    text_add(&line, unseen->threads != 0 ? "they keep" : "it leads to");
    text_add(&line, " is in doubt, and does not count as leaked");
    fault_line(&line);
}

/* For the reader of the findings file, who tells them. */
static void hand_over(const struct leaks *leaks, const struct roots_unseen *unseen) {
    struct tagpool_finding_sum sum = {.lost_blocks = leaks->lost.blocks,
                                      .lost_bytes = leaks->lost.bytes,
                                      .reachable_blocks = leaks->reachable.blocks,
                                      .reachable_bytes = leaks->reachable.bytes,
                                      .threads_unseen = unseen->threads,
                                      .stacks_missed = stacks_missed(),
                                      .doubtful_blocks = leaks->doubtful.blocks,
                                      .doubtful_bytes = leaks->doubtful.bytes,
                                      .is_memory_unseen = unseen->memory};
    if (leaks->lost.blocks != 0)
        for (uint32_t i = 0; i < leaks->stack_count; i++)
            if (leaks->stacks[i].blocks != 0)
                findings_add_leak(leaks->stacks[i].blocks, leaks->stacks[i].bytes, stacks_get(i));
    findings_add_sum(&sum);
}

static void tell_lines(struct leaks *leaks, const struct roots_unseen *unseen) {
    if (unseen->threads != 0 || unseen->memory)
        tell_unseen(unseen);
    if (leaks->doubtful.blocks != 0)
        tell_count("in doubt: ", &leaks->doubtful, " blocks, ", " bytes");
    if (leaks->reachable.blocks != 0)
        tell_count("still reachable: ", &leaks->reachable, " blocks, ", " bytes");
    if (leaks->lost.blocks == 0)
        return;
    if (leaks->stacks != NULL)
        tell_places(leaks);
    else
        tell_classes(leaks);
    tell_count("leaked ", &leaks->lost, " blocks, ", " bytes in all");
}

/* ---- judging ---- */

/* While no other thread takes or frees. */
static void judge(void *context) {
    struct leaks *leaks = context;
    uint32_t stacks = stacks_count() + 1;
    size_t bytes = os_round_to_page(stacks * sizeof *leaks->stacks);
    struct leak_count *counts = origins_are_kept ? os_reserve(bytes, os_page_bytes()) : NULL;
    if (counts != NULL && os_commit(counts, bytes)) {
        leaks->stacks = counts;
        leaks->stack_count = stacks;
    }
    heap_life_each_live(add_block, leaks);
    add_large(leaks);
}

/* What could not be looked at may keep what seems lost. */
static void doubt(struct leaks *leaks) {
    leaks->doubtful.blocks += leaks->lost.blocks;
    leaks->doubtful.bytes += leaks->lost.bytes;
    leaks->lost = (struct leak_count){.blocks = 0};
}

static void add_unseen(struct slab *slab, uint32_t slot, void *context) {
    struct leaks *leaks = context;
    if (!is_of_runtime(leaks, slab, slot))
        add(&leaks->doubtful, slab->stride - checked_tag_bytes);
}

/* Nothing could be looked at: all that is live is in doubt. Other threads go on meanwhile, and may
 * make a block inaccessible: so none is read, and its slot tells its size. */
static void count_unseen(struct leaks *leaks) {
    *leaks = no_leaks();
    heap_life_each_live(add_unseen, leaks);
    struct large_sums large;
    large_sum(&large);
    leaks->doubtful.blocks += large.blocks;
    leaks->doubtful.bytes += large.memory_bytes;
}

void leaks_tell_at_end(void *ignored) {
    (void)ignored;
    runtime_find();
    struct leaks leaks = no_leaks();
    struct roots_unseen unseen = reach_judge(__builtin_frame_address(0), judge, &leaks);
    if (unseen.all)
        count_unseen(&leaks);
    if (unseen.threads != 0 || unseen.memory)
        doubt(&leaks);
    else
        stats_note_leaks(leaks.lost.blocks, leaks.lost.bytes);
    if (findings_are_kept() && (leaks.stacks != NULL || leaks.lost.blocks == 0))
        hand_over(&leaks, &unseen);
    else
        tell_lines(&leaks, &unseen);
}
