#include "runtime.h"

#include "filters.h"
#include "findings.h"
#include "heap_life.h"
#include "large.h"
#include "next.h"
#include "os.h"
#include "roots.h"
#include "stats.h"
#include "twin.h"

/* What is left in the copy, a bit for each slot and for each span. */
static SELDOM struct {
    uint64_t *left; /* SLAB_WORDS for each slab; NULL: not known */
    size_t slabs;
    uint64_t *left_spans; /* by number */
    size_t spans;
} runtime;

static uint64_t *word_of(const struct slab *slab, uint32_t slot) {
    return &runtime.left[slab_index(slab) * SLAB_WORDS + slot / WORD_BITS];
}

/* What is freed may have been replaced by what has no room here. */
static void note_left(struct slab *slab, uint32_t slot, void *context) {
    (void)context;
    if (slab_index(slab) < runtime.slabs)
        *word_of(slab, slot) = with_bit(*word_of(slab, slot), slot);
}

static void note_left_spans(void) {
    for (const struct span *span = large_next(NULL); span != NULL; span = large_next(span)) {
        uint32_t number = span_number(span);
        uint64_t *word = &runtime.left_spans[number / WORD_BITS];
        if (number < runtime.spans)
            *word = with_bit(*word, number);
    }
}

/* In the copy. What it counts and finds is nobody's. */
static void free_and_note(void *context) {
    (void)context;
    stats_detach();
    findings_detach();
    next_free_runtime();
    heap_life_each_live(note_left, NULL);
    note_left_spans();
}

/* A thread that was waited for may still be on its way out of the system. */
static bool is_only_thread(void) {
    enum { PATIENCE_MS = 20 };
    size_t count = os_thread_count();
    for (int wait = 0; wait < PATIENCE_MS && count > 1; wait++) {
        os_nap_ms();
        count = os_thread_count();
    }
    return count == 1;
}

static void make_room(void) {
    runtime.slabs = region_counts.used;
    for (const struct span *span = large_next(NULL); span != NULL; span = large_next(span))
        if (span_number(span) >= runtime.spans)
            runtime.spans = span_number(span) + 1;
    size_t words = runtime.slabs * SLAB_WORDS, span_words = runtime.spans / WORD_BITS + 1;
    runtime.left = os_share(os_round_to_page((words + span_words) * sizeof *runtime.left));
    runtime.left_spans = runtime.left + words;
}

void runtime_start(void) {
    filters_start();
}

void runtime_find(void) {
    if (!next_has_runtime() || !is_only_thread() || !roots_may_try() || filters_were_added())
        return;
    make_room();
    if (runtime.left != NULL && !twin_run(free_and_note, NULL))
        runtime.left = NULL;
}

bool runtime_has(const struct slab *slab, uint32_t slot) {
    return runtime.left != NULL && slab_index(slab) < runtime.slabs &&
           (*word_of(slab, slot) >> slot % WORD_BITS & 1) == 0;
}

bool runtime_has_large(const struct span *span) {
    size_t number = span_number(span);
    return runtime.left != NULL && number < runtime.spans &&
           (runtime.left_spans[number / WORD_BITS] >> number % WORD_BITS & 1) == 0;
}
