#include "findings.h"

#include "modules.h"
#include "os.h"
#include "shared.h"

#include <stdatomic.h>
#include <string.h>

enum written { WRITTEN_NOT, WRITTEN_ALIVE, WRITTEN_DEAD };

static struct {
    char *file;            /* NULL: none */
    bool is_other_release; /* the file that was found */
    uint32_t image;
    uint32_t pid;
} findings;
static SELDOM _Atomic(uint8_t) modules_written[MODULES_MOST]; /* of this image: enum written */

static struct tagpool_findings_head *head(void) {
    return (struct tagpool_findings_head *)(void *)findings.file;
}

static bool is_valid(const struct tagpool_findings_head *begin) {
    return begin->magic == TAGPOOL_FINDINGS_MAGIC && begin->version == TAGPOOL_FINDINGS_VERSION &&
           begin->head_bytes == sizeof *begin && begin->file_bytes == TAGPOOL_FINDINGS_BYTES;
}

static void new_image(void) {
    findings.image = (uint32_t)__atomic_add_fetch(&head()->images, 1, __ATOMIC_RELAXED);
    findings.pid = (uint32_t)os_process_id();
}

AT_LOAD bool findings_start(const char *path) {
    if (path == NULL)
        return true;
    findings.file = shared_map(path, TAGPOOL_FINDINGS_BYTES);
    if (findings.file == NULL)
        return true;
    if (is_valid(head())) {
        new_image();
        return true;
    }
    findings.is_other_release = head()->magic == TAGPOOL_FINDINGS_MAGIC;
    findings.file = NULL;
    return !findings.is_other_release;
}

bool findings_are_of_other_release(void) {
    return findings.is_other_release;
}

bool findings_are_kept(void) {
    return findings.file != NULL;
}

NEAR void findings_after_fork(void) {
    if (findings.file == NULL)
        return;
    memset(modules_written, 0, sizeof modules_written);
    new_image();
}

void findings_detach(void) {
    if (findings.file != NULL)
        shared_detach(findings.file, TAGPOOL_FINDINGS_BYTES);
}

/* ---- records ---- */

/* A record under construction: where its next bytes go. */
struct record {
    struct tagpool_finding *finding; /* NULL: there is no room */
    char *next;
};

static struct record open_record(enum tagpool_finding_kind kind, size_t bytes) {
    enum { UNITS = TAGPOOL_FINDINGS_BYTES / TAGPOOL_FINDINGS_UNIT - 1 };
    struct record record = {.finding = NULL};
    uint64_t units = (bytes + TAGPOOL_FINDINGS_UNIT - 1) / TAGPOOL_FINDINGS_UNIT;
    /* Where it is full, the number does not grow without end. */
    if (__atomic_load_n(&head()->used_units, __ATOMIC_RELAXED) >= UNITS)
        return record;
    uint64_t first = __atomic_fetch_add(&head()->used_units, units, __ATOMIC_RELAXED);
    if (first >= UNITS || units > UNITS - first)
        return record;
    record.next =
        findings.file + sizeof(struct tagpool_findings_head) + first * TAGPOOL_FINDINGS_UNIT;
    record.finding = (struct tagpool_finding *)(void *)record.next;
    *record.finding = (struct tagpool_finding){.kind = (uint16_t)kind,
                                               .units = (uint16_t)units,
                                               .image = findings.image,
                                               .pid = findings.pid};
    return record;
}

/* Append to a record. */
static void put(struct record *record, const void *bytes, size_t count) {
    memcpy(record->next, bytes, count);
    record->next += count;
}

/* The part of a fixed layout: all but what open_record() has filled in. */
static void put_fixed(struct record *record, const void *fixed, size_t count) {
    enum { HEAD = sizeof(struct tagpool_finding) };
    record->next += HEAD;
    put(record, (const char *)fixed + HEAD, count - HEAD);
}

/* Release: who sees the mark sees the record. */
static void close_record(const struct record *record) {
    __atomic_store_n(&record->finding->mark, TAGPOOL_FINDING_MARK, __ATOMIC_RELEASE);
}

static void count_missed(void) {
    __atomic_fetch_add(&head()->missed, 1, __ATOMIC_RELAXED);
}

/* ---- what is found ---- */

static void add_module(unsigned number, const struct module *module) {
    uint32_t died = atomic_load_explicit(&module->died, memory_order_relaxed);
    uint8_t now = died == MODULE_ALIVE ? WRITTEN_ALIVE : WRITTEN_DEAD;
    if (atomic_exchange_explicit(&modules_written[number], now, memory_order_relaxed) == now)
        return;
    uint32_t path_bytes = (uint32_t)strlen(module->path);
    struct tagpool_finding_module fixed = {
        .start = module->start,
        .end = module->end,
        .bias = module->bias,
        .born = atomic_load_explicit(&module->born, memory_order_relaxed),
        .died = died,
        .path_bytes = path_bytes,
        .build_id_bytes = module->build_id_bytes,
    };
    memcpy(fixed.build_id, module->build_id, module->build_id_bytes);
    struct record record = open_record(TAGPOOL_FINDING_MODULE, sizeof fixed + path_bytes);
    if (record.finding == NULL)
        return;
    put_fixed(&record, &fixed, sizeof fixed);
    put(&record, module->path, path_bytes);
    close_record(&record);
}

/* Write the modules that a stack leads through, if the file has them not as they are. */
static void add_modules(struct stack stack) {
    const struct module *module;
    for (unsigned number = 0; (module = modules_at(number)) != NULL; number++) {
        bool is_passed = false;
        for (uint32_t i = 0; i < stack.count && !is_passed; i++)
            is_passed = modules_find_in(stack.frames[i] - 1, stack.epoch) == module;
        if (is_passed)
            add_module(number, module);
    }
}

static struct tagpool_finding_stack about(struct stack stack, uint32_t thread) {
    return (struct tagpool_finding_stack){
        .frames = stack.count, .epoch = stack.epoch, .thread = thread};
}

static void put_frames(struct record *record, struct stack stack) {
    if (stack.count != 0)
        put(record, stack.frames, stack.count * sizeof *stack.frames);
}

void findings_add_fault(uint32_t fault, const void *address, const struct text *line,
                        const struct findings_stack stacks[TAGPOOL_FINDING_ROLES]) {
    if (findings.file == NULL)
        return;
    struct tagpool_finding_fault fixed = {
        .address = (uintptr_t)address, .fault = fault, .text_bytes = (uint32_t)line->length};
    size_t bytes = sizeof fixed + line->length;
    for (unsigned i = 0; i < TAGPOOL_FINDING_ROLES; i++) {
        fixed.stacks[i] = about(stacks[i].stack, stacks[i].thread);
        bytes += stacks[i].stack.count * sizeof(uintptr_t);
        add_modules(stacks[i].stack);
    }
    struct record record = open_record(TAGPOOL_FINDING_FAULT, bytes);
    if (record.finding == NULL) {
        count_missed();
        return;
    }
    put_fixed(&record, &fixed, sizeof fixed);
    for (unsigned i = 0; i < TAGPOOL_FINDING_ROLES; i++)
        put_frames(&record, stacks[i].stack);
    put(&record, line->bytes, line->length);
    close_record(&record);
}

void findings_add_leak(uint64_t blocks, uint64_t bytes, struct stack stack) {
    if (findings.file == NULL)
        return;
    add_modules(stack);
    struct tagpool_finding_leak fixed = {
        .blocks = blocks, .bytes = bytes, .stack = about(stack, 0)};
    struct record record =
        open_record(TAGPOOL_FINDING_LEAK, sizeof fixed + stack.count * sizeof(uintptr_t));
    if (record.finding == NULL) {
        count_missed();
        return;
    }
    put_fixed(&record, &fixed, sizeof fixed);
    put_frames(&record, stack);
    close_record(&record);
}

void findings_add_sum(const struct tagpool_finding_sum *sum) {
    if (findings.file == NULL)
        return;
    struct record record = open_record(TAGPOOL_FINDING_SUM, sizeof *sum);
    if (record.finding == NULL)
        return;
    put_fixed(&record, sum, sizeof *sum);
    close_record(&record);
}
