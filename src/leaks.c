#include "leaks.h"

#include "checked.h"
#include "heap.h"
#include "heap_life.h"
#include "large.h"
#include "next.h"
#include "os.h"
#include "reach.h"
#include "stats.h"
#include "text.h"

/* What is live at exit and lost, by class; and what the program can still get at. */
struct leaks {
    uint64_t class_blocks[SIZE_CLASS_ALL];
    uint64_t requested[SIZE_CLASS_ALL];
    uint64_t large_blocks;
    uint64_t large_bytes;
    uint64_t blocks;
    uint64_t bytes;
    uint64_t reachable_blocks;
    uint64_t reachable_bytes;
};

static void add_reachable(struct leaks *leaks, const struct slab *slab, uint32_t slot) {
    if (os_is_stream_buffer(slab_slot_start(slab, slot)))
        return;
    leaks->reachable_blocks++;
    leaks->reachable_bytes += checked_requested(slab, slot);
}

static void add_requested(struct slab *slab, uint32_t slot, void *context) {
    struct leaks *leaks = context;
    if (reach_has(slab, slot)) {
        add_reachable(leaks, slab, slot);
        return;
    }
    if (os_is_stream_buffer(slab_slot_start(slab, slot)))
        return;
    uint64_t bytes = checked_requested(slab, slot);
    leaks->requested[slab->class_index] += bytes;
    leaks->blocks++;
    leaks->bytes += bytes;
    leaks->class_blocks[slab->class_index]++;
}

static void add_large(struct leaks *leaks) {
    for (const struct span *span = large_next(NULL); span != NULL; span = large_next(span)) {
        if (span->is_reached) {
            leaks->reachable_blocks++;
            leaks->reachable_bytes += span->requested;
            continue;
        }
        leaks->large_blocks++;
        leaks->large_bytes += span->requested;
        leaks->blocks++;
        leaks->bytes += span->requested;
    }
}

static void tell_class(const struct leaks *leaks, unsigned class_index) {
    struct text line = {.length = 0};
    uint64_t blocks = leaks->class_blocks[class_index];
    text_add(&line, "leaked ");
    text_add_number(&line, blocks);
    text_add(&line, " blocks of the ");
    text_add_number(&line, size_class_stride[class_index]);
    text_add(&line, "-byte class, ");
    text_add_number(&line, blocks * size_class_stride[class_index]);
    text_add(&line, " bytes");
    if (checked_tag_bytes != 0) {
        text_add(&line, ", ");
        text_add_number(&line, leaks->requested[class_index]);
        text_add(&line, " bytes requested");
    }
    fault_line(&line);
}

static void tell_sum(const char *verb, uint64_t blocks, const char *what, uint64_t bytes,
                     const char *of_what) {
    struct text line = {.length = 0};
    text_add(&line, verb);
    text_add_number(&line, blocks);
    text_add(&line, what);
    text_add_number(&line, bytes);
    text_add(&line, of_what);
    fault_line(&line);
}

static void tell_leaks(void) {
    struct leaks leaks = {.blocks = 0};
    heap_life_each_live(add_requested, &leaks);
    add_large(&leaks);
    stats_note_leaks(leaks.blocks, leaks.bytes);
    if (leaks.reachable_blocks != 0)
        tell_sum("still reachable: ", leaks.reachable_blocks, " blocks, ", leaks.reachable_bytes,
                 " bytes");
    if (leaks.blocks == 0)
        return;
    for (unsigned i = 0; i < SIZE_CLASS_ALL; i++)
        if (leaks.class_blocks[i] != 0)
            tell_class(&leaks, i);
    if (leaks.large_blocks != 0)
        tell_sum("leaked ", leaks.large_blocks, " large blocks, ", leaks.large_bytes,
                 " bytes requested");
    tell_sum("leaked ", leaks.blocks, " blocks, ", leaks.bytes, " bytes in all");
}

static void tell_runtime(void) {
    struct text line = {.length = 0};
    text_add(&line, "other threads may still be running: what they, the C library and variables "
                    "keep counts as leaked");
    fault_line(&line);
}

void leaks_tell_at_end(void *ignored) {
    (void)ignored;
    if (next_free_runtime())
        (void)reach_start();
    else
        tell_runtime();
    tell_leaks();
}
