/* If this failed, call stacks of a run would be lost or mixed up, or a target that writes rubbish
 * into the file could crash tagpool. */
#include "tap.h"

#include "base/memory.h"
#include "base/randomness.h"
#include "pages/sites_file.h"

/* A file in memory, as the library writes it. */
static struct {
    char *bytes;
    size_t used;
} file;

static void *record(enum tagpool_sites_kind kind, size_t bytes) {
    bytes = (bytes + 7) / 8 * 8;
    struct tagpool_sites_record *made = (void *)(file.bytes + file.used);
    *made = (struct tagpool_sites_record){.kind = kind, .bytes = (uint32_t)bytes};
    file.used += bytes;
    return made;
}

static void add_module(uint32_t image, uint32_t number, const char *path) {
    struct tagpool_sites_module *module =
        record(TAGPOOL_SITES_MODULE, sizeof *module + strlen(path));
    module->image = image;
    module->number = number;
    module->path_bytes = (uint32_t)strlen(path);
    module->build_id_bytes = 2;
    module->build_id[1] = (uint8_t)(16 * image + number);
    memcpy(module + 1, path, strlen(path));
}

static uint32_t add_stack(uint32_t image, uint64_t first, uint64_t second) {
    struct tagpool_sites_stack *stack = record(TAGPOOL_SITES_STACK, sizeof *stack + 16);
    uint64_t *frames = (uint64_t *)(void *)(stack + 1);
    stack->image = image;
    stack->frame_count = 2;
    frames[0] = first;
    frames[1] = second;
    return (uint32_t)(((char *)stack - file.bytes) / 8);
}

static struct tagpool_sites_site *add_site(uint32_t row, uint32_t stack, uint64_t calls) {
    struct tagpool_sites_site *site = record(TAGPOOL_SITES_SITE, sizeof *site);
    site->row = row;
    site->stack = stack;
    site->calls = calls;
    site->live_bytes = 40;
    site->peak_bytes = 50;
    return site;
}

static uint64_t frame(uint64_t module, uint64_t offset) {
    return module << TAGPOOL_SITES_OFFSET_BITS | offset;
}

static void make_file(void) {
    free(file.bytes);
    file.bytes = memory_array(1 << 14, 1);
    file.used = sizeof(struct tagpool_sites_head);
    struct tagpool_sites_process *process = record(TAGPOOL_SITES_PROCESS, sizeof *process);
    process->row = 3;
    process->peaks = 7;
    add_module(2, 0, "/bin/child");
    add_module(1, 1, "/lib/libtree.so");
    add_module(1, 0, "/bin/parent");
    uint32_t stack = add_stack(1, frame(1, 0x1189), frame(0, 0x22));
    add_site(3, stack, 10)->seen = 7;
    add_site(3, add_stack(2, frame(0, 0x33), frame(TAGPOOL_SITES_NO_MODULE, 0x44)), 20)->seen = 6;
    *(struct tagpool_sites_head *)(void *)file.bytes = (struct tagpool_sites_head){
        .magic = TAGPOOL_SITES_MAGIC,
        .version = TAGPOOL_SITES_VERSION,
        .head_bytes = sizeof(struct tagpool_sites_head),
        .file_bytes = TAGPOOL_SITES_BYTES,
        .used_bytes = file.used,
        .stacks_missed = 9,
        .sample_bytes = 512,
    };
}

/* Reads a copy of the first bytes, which ends where its memory ends. */
static const char *parse(size_t bytes, struct sites_file *found) {
    char *copy = memory_array(bytes, 1);
    memcpy(copy, file.bytes, bytes);
    return sites_file_parse(copy, bytes, found);
}

/* ---- the tests ---- */

static void modules_stacks_and_sites_are_read(void) {
    struct sites_file found;
    make_file();
    CHECK(parse(file.used, &found) == NULL);
    CHECK(found.module_count == 3 && found.stack_count == 2 && found.site_count == 2);
    CHECK(found.stacks_missed == 9 && found.sample_bytes == 512);
    CHECK(found.sites[0].calls == 10 && found.sites[1].calls == 20 && found.sites[0].row == 3);
    const struct sites_file_stack *stack = &found.stacks[found.sites[0].stack];
    const struct sites_file_module *module = sites_file_module(&found, stack, stack->frames[0]);
    CHECK(module != NULL && strcmp(module->path, "/lib/libtree.so") == 0);
    CHECK(module != NULL && module->build_id_bytes == 2 && module->build_id[1] == 0x11);
    stack = &found.stacks[found.sites[1].stack];
    module = sites_file_module(&found, stack, stack->frames[0]);
    CHECK(module != NULL && strcmp(module->path, "/bin/child") == 0);
    CHECK(sites_file_module(&found, stack, stack->frames[1]) == NULL);
    sites_file_free(&found);
}

static void what_did_not_change_since_the_peak_is_what_was_live_then(void) {
    struct sites_file found;
    make_file();
    CHECK(parse(file.used, &found) == NULL);
    CHECK(found.sites[0].peak_bytes == 50);
    CHECK(found.sites[1].peak_bytes == 40);
    sites_file_free(&found);
}

/* A process was killed between reserving a record and writing it. */
static void a_record_that_was_not_finished_is_left_out(void) {
    struct sites_file found;
    make_file();
    struct tagpool_sites_record *half = record(TAGPOOL_SITES_NONE, sizeof *half + 40);
    add_site(3, 0, 5); /* of no stack */
    add_site(
        3,
        ((struct tagpool_sites_site *)(void *)((char *)half - sizeof(struct tagpool_sites_site)))
            ->stack,
        30);
    ((struct tagpool_sites_head *)(void *)file.bytes)->used_bytes = file.used;
    CHECK(parse(file.used, &found) == NULL);
    CHECK(found.site_count == 3 && found.sites[2].calls == 30);
    sites_file_free(&found);
    half->bytes = 0;
    CHECK(parse(file.used, &found) == NULL);
    CHECK(found.site_count == 2);
    sites_file_free(&found);
}

/* There are more processes than rows: the profile forgets one that has ended, and so do we. */
static void a_process_that_lost_its_row_is_left_out(void) {
    struct sites_file found;
    make_file();
    uint32_t stack = add_stack(1, frame(1, 1), frame(1, 2));
    struct tagpool_sites_process *process = record(TAGPOOL_SITES_PROCESS, sizeof *process);
    process->row = 3;
    add_site(3, stack, 40);
    add_site(4, stack, 50);
    ((struct tagpool_sites_head *)(void *)file.bytes)->used_bytes = file.used;
    CHECK(parse(file.used, &found) == NULL);
    CHECK(found.site_count == 2 && found.sites[0].calls == 40 && found.sites[1].calls == 50);
    sites_file_free(&found);
}

static void a_wrong_head_is_refused_with_a_reason(void) {
    struct sites_file found;
    for (size_t i = 0; i < 4; i++) {
        make_file();
        ((uint64_t *)(void *)file.bytes)[i]++;
        CHECK(parse(file.used, &found) != NULL);
        sites_file_free(&found);
    }
    CHECK(parse(10, &found) != NULL);
    sites_file_free(&found);
}

static void rubbish_behind_a_sound_head_is_read_without_harm(void) {
    struct randomness randomness = {11};
    for (int trial = 0; trial < 3000; trial++) {
        struct sites_file found;
        make_file();
        size_t start = sizeof(struct tagpool_sites_head);
        for (unsigned i = 0; i < 1 + trial % 4U; i++) {
            uint32_t place = (uint32_t)start +
                             randomness_below(&randomness, (uint32_t)(file.used - start)) / 4 * 4;
            uint32_t value = randomness_below(&randomness, 2) == 0
                                 ? randomness_below(&randomness, 200)
                                 : (uint32_t)randomness_next(&randomness);
            memcpy(file.bytes + place, &value, sizeof value);
        }
        size_t bytes =
            trial % 3 == 0 ? randomness_below(&randomness, (uint32_t)file.used) : file.used;
        if (parse(bytes, &found) == NULL)
            for (size_t i = 0; i < found.site_count; i++) {
                const struct sites_file_stack *stack = &found.stacks[found.sites[i].stack];
                CHECK(found.sites[i].stack < found.stack_count);
                for (uint32_t j = 0; j < stack->frame_count; j++)
                    sites_file_module(&found, stack, stack->frames[j]);
            }
        sites_file_free(&found);
    }
}

int main(void) {
    TAP_RUN(modules_stacks_and_sites_are_read);
    TAP_RUN(what_did_not_change_since_the_peak_is_what_was_live_then);
    TAP_RUN(a_record_that_was_not_finished_is_left_out);
    TAP_RUN(a_process_that_lost_its_row_is_left_out);
    TAP_RUN(a_wrong_head_is_refused_with_a_reason);
    TAP_RUN(rubbish_behind_a_sound_head_is_read_without_harm);
    free(file.bytes);
    return tap_done();
}
