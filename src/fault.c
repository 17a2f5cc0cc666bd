#include "fault.h"

#include "os.h"
#include "tagpool/options.h"

#include <stdlib.h>

/* The texts themselves: each pointer to one would be relocated at each start. */
static const struct {
    char free_text[36];
    char use_text[36];
    char state[32];
} faults[] = {
#define FAULT_ROW(name_, free_text_, use_text_, state_)                                            \
    [FAULT_##name_] = {.free_text = free_text_, .use_text = use_text_, .state = state_},
    FAULTS(FAULT_ROW)
#undef FAULT_ROW
};

static FIXED uint64_t on_fault = TAGPOOL_ON_FAULT_ABORT;

static void start_line(struct text *line) {
    line->length = 0;
    text_add(line, "tagpool[");
    text_add_number(line, os_process_id());
    text_add(line, "]: ");
}

static void end_line(struct text *line) {
    if (line->length == sizeof line->bytes)
        line->length--;
    text_add(line, "\n");
    os_write_error(line->bytes, line->length);
}

void fault_line(const struct text *text) {
    struct text line;
    start_line(&line);
    text_add_span(&line, text->bytes, text->length);
    end_line(&line);
}

static void add_state(struct text *line, const struct fault_report *report) {
    text_add(line, faults[report->fault].state);
    if (report->fault == FAULT_SIZE_MISMATCH || report->fault == FAULT_ALIGNMENT_MISMATCH) {
        text_add(line, " ");
        text_add_number(line, report->freed_as);
        text_add(line, " bytes");
    }
    if (report->fault == FAULT_FORM_MISMATCH) {
        text_add(line, " ");
        text_add(line, report->made_by);
    }
    if (report->neighbour != NULL) {
        text_add(line, " ");
        text_add_hex(line, (uintptr_t)report->neighbour);
    }
}

/* " (48-byte class, slot 17 of slab 3 of another thread, 40 bytes requested, freed block)", less
 * what is not known and the thread where it is the caller's own. */
static void add_place(struct text *line, const struct fault_report *report) {
    text_add(line, " (");
    if (report->class_bytes != 0) {
        text_add_number(line, report->class_bytes);
        text_add(line, "-byte class, slot ");
        text_add_number(line, report->slot);
        text_add(line, " of ");
    }
    static const char *const owners[] = {[FAULT_OWNER_CALLER] = "",
                                         [FAULT_OWNER_ANOTHER] = " of another thread",
                                         [FAULT_OWNER_ENDED] = " of an ended thread"};
    text_add(line, "slab ");
    text_add_number(line, report->slab_index);
    text_add(line, owners[report->owner]);
    text_add(line, ", ");
    if (report->requested != FAULT_BYTES_UNKNOWN) {
        text_add_number(line, report->requested);
        text_add(line, " bytes requested, ");
    }
    add_state(line, report);
    text_add(line, ")");
}

static void add_caller(struct text *line, const void *caller) {
    const char *module;
    uintptr_t offset;
    if (caller == FAULT_CALLER_UNKNOWN)
        return;
    if (caller == NULL) {
        text_add(line, " by another thread");
        return;
    }
    text_add(line, " called from ");
    if (!os_find_module(caller, &module, &offset)) {
        text_add_hex(line, (uintptr_t)caller);
        return;
    }
    text_add(line, module);
    text_add(line, "+");
    text_add_hex(line, offset);
}

AT_LOAD void fault_start(uint64_t on_fault_) {
    on_fault = on_fault_;
}

bool fault_tell(const struct fault_report *report, struct text *line) {
    if (on_fault == TAGPOOL_ON_FAULT_IGNORE)
        return false;
    line->length = 0;
    text_add(line,
             report->is_use ? faults[report->fault].use_text : faults[report->fault].free_text);
    text_add(line, " ");
    text_add_hex(line, (uintptr_t)report->address);
    add_place(line, report);
    text_add(line, " in ");
    text_add(line, report->function);
    text_add(line, "()");
    add_caller(line, report->caller);
    fault_line(line);
    return true;
}

void fault_end(void) {
    if (on_fault == TAGPOOL_ON_FAULT_ABORT)
        abort();
}
