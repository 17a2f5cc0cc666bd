#include "blame.h"

#include "heap_table.h"
#include "origins.h"
#include "stats.h"

/* Whose the slab is that a fault lies in. */
static enum fault_owner owner_of(const struct fault_report *report) {
    int owner = report->class_bytes != 0 ? slab_owner(slab_at(report->slab_index)) : -1;
    if (owner == SLAB_OWNER_ORPHAN || heap_table_has_vanished(owner))
        return FAULT_OWNER_ENDED;
    bool is_anothers =
        owner >= SLAB_OWNER_FIRST && owner < SLAB_OWNER_NONE && owner != (int)heap_current->owner;
    return is_anothers ? FAULT_OWNER_ANOTHER : FAULT_OWNER_CALLER;
}

void blame_raise(const struct fault_report *report) {
    struct fault_report whole = *report;
    whole.owner = owner_of(report);
    stats_count_fault();
    struct text line;
    if (!fault_tell(&whole, &line))
        return;
    origins_tell(&whole, &line);
    fault_end();
}

static void raise_slot(struct slab *slab, uint32_t slot, enum fault fault) {
    blame_raise(&(struct fault_report){.fault = fault,
                                       .address = slab_slot_start(slab, slot),
                                       .slab_index = slab_index(slab),
                                       .class_bytes = slab->stride,
                                       .slot = slot,
                                       .requested = FAULT_BYTES_UNKNOWN,
                                       .function = "free"});
}

void blame_double_free(struct slab *slab, uint32_t slot) {
    if (UNLIKELY(slot != FAULT_SLOT_UNKNOWN))
        raise_slot(slab, slot, FAULT_DOUBLE_FREE);
}

NEAR void blame_fold(struct slab *slab) {
    blame_double_free(slab, slab_fold(slab));
}
