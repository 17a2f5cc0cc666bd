#include "pages/findings_file.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static const struct tagpool_findings_head findings_file_head = {
    .magic = TAGPOOL_FINDINGS_MAGIC,
    .version = TAGPOOL_FINDINGS_VERSION,
    .head_bytes = sizeof(struct tagpool_findings_head),
    .file_bytes = TAGPOOL_FINDINGS_BYTES,
};

static const struct shared_content findings_file_content = {
    .kind = "findings",
    .head = &findings_file_head,
    .head_bytes = sizeof findings_file_head,
    .bytes = TAGPOOL_FINDINGS_BYTES,
};

void findings_file_create(struct shared_file *file) {
    shared_file_create(file, &findings_file_content);
}

/* ---- records ---- */

/* A record of the file: what is left of it is not read yet. */
struct findings_record {
    struct tagpool_finding finding;
    const char *start;
    const char *next;
    size_t left;
};

/* Copies the fixed part. False if the record is too short for it. */
static bool findings_take_fixed(struct findings_record *record, void *fixed, size_t bytes) {
    if (record->left < bytes)
        return false;
    memcpy(fixed, record->start, bytes);
    record->next = record->start + bytes;
    record->left -= bytes;
    return true;
}

/* `bytes` of what follows; NULL if the record is too short. */
static const char *findings_take(struct findings_record *record, size_t bytes) {
    const char *start = record->next;
    if (record->left < bytes)
        return NULL;
    record->next += bytes;
    record->left -= bytes;
    return start;
}

static bool findings_take_stack(struct findings_record *record,
                                const struct tagpool_finding_stack *about,
                                struct findings_stack *stack) {
    *stack = (struct findings_stack){.image = record->finding.image,
                                     .epoch = about->epoch,
                                     .thread = about->thread,
                                     .count = about->frames};
    if (about->frames > TAGPOOL_FINDINGS_FRAMES)
        return false;
    const char *frames = findings_take(record, about->frames * sizeof *stack->frames);
    stack->frames = (const uint64_t *)(const void *)frames;
    return frames != NULL;
}

/* A text in a new string, without what does not belong on a terminal; NULL if the record is too
 * short. */
static char *findings_take_text(struct findings_record *record, size_t bytes) {
    const char *start = findings_take(record, bytes);
    if (start == NULL)
        return NULL;
    char *text = memory_array(bytes + 1, 1);
    for (size_t i = 0; i < bytes && start[i] != '\0'; i++)
        text[i] = (unsigned char)start[i] >= ' ' && start[i] != 0x7f ? start[i] : '?';
    return text;
}

static void findings_add_module(struct findings *findings, struct findings_record *record) {
    struct tagpool_finding_module fixed;
    if (!findings_take_fixed(record, &fixed, sizeof fixed) ||
        fixed.path_bytes > TAGPOOL_FINDINGS_PATH ||
        fixed.build_id_bytes > TAGPOOL_FINDINGS_BUILD_ID)
        return;
    char *path = findings_take_text(record, fixed.path_bytes);
    if (path == NULL)
        return;
    struct findings_module module = {.image = record->finding.image,
                                     .start = fixed.start,
                                     .end = fixed.end,
                                     .bias = fixed.bias,
                                     .born = fixed.born,
                                     .died = fixed.died,
                                     .path = path,
                                     .build_id_bytes = fixed.build_id_bytes};
    memcpy(module.build_id, fixed.build_id, fixed.build_id_bytes);
    for (size_t i = 0; i < findings->module_count; i++) {
        struct findings_module *known = &findings->modules[i];
        if (known->image == module.image && known->start == module.start &&
            known->born == module.born) {
            known->died = module.died;
            free(path);
            return;
        }
    }
    findings->modules =
        memory_grow(findings->modules, findings->module_count, sizeof *findings->modules);
    findings->modules[findings->module_count++] = module;
}

static void findings_add_fault(struct findings *findings, struct findings_record *record) {
    struct tagpool_finding_fault fixed;
    struct findings_fault fault;
    if (!findings_take_fixed(record, &fixed, sizeof fixed) ||
        fixed.text_bytes > TAGPOOL_FINDINGS_TEXT)
        return;
    fault = (struct findings_fault){.pid = record->finding.pid, .address = fixed.address};
    for (unsigned i = 0; i < TAGPOOL_FINDING_ROLES; i++)
        if (!findings_take_stack(record, &fixed.stacks[i], &fault.stacks[i]))
            return;
    fault.text = findings_take_text(record, fixed.text_bytes);
    if (fault.text == NULL)
        return;
    findings->faults =
        memory_grow(findings->faults, findings->fault_count, sizeof *findings->faults);
    findings->faults[findings->fault_count++] = fault;
}

static void findings_add_leak(struct findings *findings, struct findings_record *record) {
    struct tagpool_finding_leak fixed;
    struct findings_leak leak;
    if (!findings_take_fixed(record, &fixed, sizeof fixed))
        return;
    leak = (struct findings_leak){
        .pid = record->finding.pid, .blocks = fixed.blocks, .bytes = fixed.bytes};
    if (!findings_take_stack(record, &fixed.stack, &leak.stack))
        return;
    findings->leaks = memory_grow(findings->leaks, findings->leak_count, sizeof *findings->leaks);
    findings->leaks[findings->leak_count++] = leak;
}

static void findings_add_sum(struct findings *findings, struct findings_record *record) {
    struct tagpool_finding_sum sum;
    if (!findings_take_fixed(record, &sum, sizeof sum))
        return;
    findings->reachable_blocks += sum.reachable_blocks;
    findings->reachable_bytes += sum.reachable_bytes;
    findings->doubtful_blocks += sum.doubtful_blocks;
    findings->doubtful_bytes += sum.doubtful_bytes;
    findings->threads_unseen += sum.threads_unseen;
    findings->is_memory_unseen |= sum.is_memory_unseen != 0;
    findings->stacks_missed += sum.stacks_missed;
}

static void findings_add(struct findings *findings, struct findings_record *record) {
    if (record->finding.kind == TAGPOOL_FINDING_MODULE)
        findings_add_module(findings, record);
    else if (record->finding.kind == TAGPOOL_FINDING_FAULT)
        findings_add_fault(findings, record);
    else if (record->finding.kind == TAGPOOL_FINDING_LEAK)
        findings_add_leak(findings, record);
    else if (record->finding.kind == TAGPOOL_FINDING_SUM)
        findings_add_sum(findings, record);
}

/* ---- the file ---- */

static const char *findings_file_judge(const struct tagpool_findings_head *head, size_t bytes) {
    if (bytes < sizeof *head)
        return "the findings file is shorter than its head";
    if (head->magic != TAGPOOL_FINDINGS_MAGIC)
        return "the findings file does not begin with its magic number";
    if (head->version != TAGPOOL_FINDINGS_VERSION || head->head_bytes != sizeof *head ||
        head->file_bytes != TAGPOOL_FINDINGS_BYTES)
        return "the findings file has another layout; library and program must be of one release";
    return NULL;
}

const char *findings_file_parse(char *page, size_t bytes, struct findings *findings) {
    struct tagpool_findings_head head = {0};
    *findings = (struct findings){.page = page};
    memcpy(&head, page, bytes < sizeof head ? bytes : sizeof head);
    const char *fault = findings_file_judge(&head, bytes);
    if (fault != NULL)
        return fault;
    findings->missed = head.missed;
    findings->images = head.images;
    for (size_t at = sizeof head; bytes - at >= TAGPOOL_FINDINGS_UNIT;) {
        struct findings_record record = {.start = page + at};
        memcpy(&record.finding, page + at, sizeof record.finding);
        record.left = (size_t)record.finding.units * TAGPOOL_FINDINGS_UNIT;
        bool is_record = record.finding.mark == TAGPOOL_FINDING_MARK && record.left != 0 &&
                         record.left <= bytes - at;
        if (is_record)
            findings_add(findings, &record);
        at += is_record ? (size_t)record.finding.units * TAGPOOL_FINDINGS_UNIT
                        : (size_t)TAGPOOL_FINDINGS_UNIT;
    }
    return NULL;
}

const char *findings_file_read(const char *path, struct findings *findings) {
    size_t bytes;
    char *page = shared_file_read(path, TAGPOOL_FINDINGS_BYTES, &bytes);
    *findings = (struct findings){0};
    return page != NULL ? findings_file_parse(page, bytes, findings)
                        : "the findings file cannot be opened";
}

void findings_file_free(struct findings *findings) {
    for (size_t i = 0; i < findings->module_count; i++)
        free(findings->modules[i].path);
    for (size_t i = 0; i < findings->fault_count; i++)
        free(findings->faults[i].text);
    free(findings->modules);
    free(findings->faults);
    free(findings->leaks);
    free(findings->page);
    *findings = (struct findings){0};
}

const struct findings_module *findings_module_at(const struct findings *findings,
                                                 const struct findings_stack *stack,
                                                 uint64_t address) {
    for (size_t i = 0; i < findings->module_count; i++) {
        const struct findings_module *module = &findings->modules[i];
        if (module->image == stack->image && address >= module->start && address < module->end &&
            module->born <= stack->epoch && stack->epoch < module->died)
            return module;
    }
    return NULL;
}
