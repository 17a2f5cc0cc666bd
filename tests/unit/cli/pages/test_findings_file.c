/* If this failed, a target that scribbles over its findings could crash tagpool, or a finding would
 * be blamed on a library that was not there any more. */
#include "tap.h"

#include "pages/findings_file.h"

#include <stdlib.h>
#include <unistd.h>

enum { UNITS = 64, PAGE_BYTES = (UNITS + 1) * TAGPOOL_FINDINGS_UNIT };

static char *page;

static void begin(void) {
    page = calloc(1, PAGE_BYTES);
    *(struct tagpool_findings_head *)(void *)page = (struct tagpool_findings_head){
        .magic = TAGPOOL_FINDINGS_MAGIC,
        .version = TAGPOOL_FINDINGS_VERSION,
        .head_bytes = sizeof(struct tagpool_findings_head),
        .file_bytes = TAGPOOL_FINDINGS_BYTES,
    };
}

/* A record at a unit, 4 of them long; what follows its head is at what is returned. */
static void *put(unsigned unit, enum tagpool_finding_kind kind, const void *fixed, size_t bytes) {
    char *start = page + (size_t)(unit + 1) * TAGPOOL_FINDINGS_UNIT;
    memcpy(start, fixed, bytes);
    *(struct tagpool_finding *)(void *)start = (struct tagpool_finding){
        .mark = TAGPOOL_FINDING_MARK, .kind = (uint16_t)kind, .units = 4, .image = 1, .pid = 4711};
    return start + bytes;
}

static void put_module(unsigned unit, const char *path, uint32_t born, uint32_t died) {
    struct tagpool_finding_module module = {.start = 0x1000,
                                            .end = 0x2000,
                                            .born = born,
                                            .died = died,
                                            .path_bytes = (uint32_t)strlen(path)};
    memcpy(put(unit, TAGPOOL_FINDING_MODULE, &module, sizeof module), path, strlen(path));
}

static void put_leak(unsigned unit, uint32_t frames, uint32_t epoch) {
    struct tagpool_finding_leak leak = {
        .blocks = 2, .bytes = 96, .stack = {.frames = frames, .epoch = epoch}};
    uint64_t *addresses = put(unit, TAGPOOL_FINDING_LEAK, &leak, sizeof leak);
    addresses[0] = 0x1234;
}

static void a_new_file_is_sound_and_empty(void) {
    struct shared_file file;
    struct findings findings;
    findings_file_create(&file);
    const char *fault = findings_file_read(file.path, &findings);
    CHECK_SAY(fault == NULL, "%s", fault);
    CHECK(findings.fault_count == 0 && findings.leak_count == 0 && findings.module_count == 0);
    findings_file_free(&findings);
    shared_file_remove(&file);
}

static void a_record_that_is_not_finished_is_passed_over(void) {
    struct findings findings;
    begin();
    put_leak(0, 1, 0);
    put_leak(4, 1, 0);
    put_leak(8, 1, 0);
    memset(page + 5 * TAGPOOL_FINDINGS_UNIT, 0, sizeof(uint32_t)); /* the mark of the second */
    CHECK(findings_file_parse(page, PAGE_BYTES, &findings) == NULL);
    CHECK(findings.leak_count == 2 && findings.leaks[1].bytes == 96);
    CHECK(findings.leaks[0].stack.count == 1 && findings.leaks[0].stack.frames[0] == 0x1234);
    findings_file_free(&findings);
}

static void records_that_lie_are_left_out(void) {
    struct findings findings;
    begin();
    put_leak(0, TAGPOOL_FINDINGS_FRAMES + 1, 0);
    put_leak(4, 30, 0); /* more than fits its units */
    struct tagpool_finding_module module = {.path_bytes = TAGPOOL_FINDINGS_PATH};
    put(8, TAGPOOL_FINDING_MODULE, &module, sizeof module);
    struct tagpool_finding_fault fault = {.text_bytes = TAGPOOL_FINDINGS_TEXT};
    put(12, TAGPOOL_FINDING_FAULT, &fault, sizeof fault);
    put_leak(UNITS - 3, 1, 0); /* it would end after the file */
    CHECK(findings_file_parse(page, PAGE_BYTES, &findings) == NULL);
    CHECK(findings.leak_count == 0 && findings.module_count == 0 && findings.fault_count == 0);
    findings_file_free(&findings);
}

static void an_address_belongs_to_who_was_there_then(void) {
    struct findings findings;
    begin();
    put_module(0, "/lib/first.so", 0, TAGPOOL_FINDINGS_ALIVE);
    put_module(4, "/lib/first.so", 0, 1); /* closed, as the library knew later */
    put_module(8, "/lib/second.so", 1, TAGPOOL_FINDINGS_ALIVE);
    put_leak(12, 1, 0);
    put_leak(16, 1, 1);
    CHECK(findings_file_parse(page, PAGE_BYTES, &findings) == NULL);
    CHECK(findings.module_count == 2 && findings.leak_count == 2);
    const struct findings_module *first =
        findings_module_at(&findings, &findings.leaks[0].stack, 0x1234);
    const struct findings_module *second =
        findings_module_at(&findings, &findings.leaks[1].stack, 0x1234);
    CHECK(first != NULL && strcmp(first->path, "/lib/first.so") == 0);
    CHECK(second != NULL && strcmp(second->path, "/lib/second.so") == 0);
    CHECK(findings_module_at(&findings, &findings.leaks[0].stack, 0x2000) == NULL);
    findings_file_free(&findings);
}

static void another_file_is_refused(void) {
    struct findings findings;
    begin();
    CHECK(findings_file_parse(page, 10, &findings) != NULL);
    findings_file_free(&findings);
    begin();
    page[8] = 77; /* the version */
    CHECK(findings_file_parse(page, PAGE_BYTES, &findings) != NULL);
    findings_file_free(&findings);
}

int main(void) {
    TAP_RUN(a_new_file_is_sound_and_empty);
    TAP_RUN(a_record_that_is_not_finished_is_passed_over);
    TAP_RUN(records_that_lie_are_left_out);
    TAP_RUN(an_address_belongs_to_who_was_there_then);
    TAP_RUN(another_file_is_refused);
    return tap_done();
}
