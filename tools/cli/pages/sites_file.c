#include "pages/sites_file.h"

#include "base/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SITES_FILE_UNIT = 8 };

void sites_file_create(struct shared_file *file, uint64_t sample_bytes) {
    const struct tagpool_sites_head head = {
        .magic = TAGPOOL_SITES_MAGIC,
        .version = TAGPOOL_SITES_VERSION,
        .head_bytes = sizeof head,
        .file_bytes = TAGPOOL_SITES_BYTES,
        .sample_bytes = sample_bytes,
        .used_bytes = sizeof head,
    };
    shared_file_create(file, &(struct shared_content){.kind = "sites",
                                                      .head = &head,
                                                      .head_bytes = sizeof head,
                                                      .bytes = TAGPOOL_SITES_BYTES});
}

/* ---- records ---- */

struct sites_file_row {
    uint64_t peaks;
    size_t first_site; /* of the process that has the row now */
};

/* What is built up while the records are read, in their order. */
struct sites_file_reader {
    struct sites_file *file;
    uint32_t *stack_at; /* by place in the file, in units: number of the stack + 1 */
    struct sites_file_row *rows;
    size_t row_count;
    size_t units;
};

static void sites_file_add_module(struct sites_file *file, const char *at, size_t bytes) {
    struct tagpool_sites_module module;
    if (bytes < sizeof module)
        return;
    memcpy(&module, at, sizeof module);
    if (module.path_bytes > bytes - sizeof module || module.path_bytes > TAGPOOL_SITES_PATH ||
        module.build_id_bytes > TAGPOOL_SITES_BUILD_ID)
        return;
    file->modules = memory_grow(file->modules, file->module_count, sizeof *file->modules);
    file->modules[file->module_count++] = (struct sites_file_module){
        .image = module.image,
        .number = module.number,
        .path = memory_format("%.*s", (int)module.path_bytes, at + sizeof module),
        .build_id = (const uint8_t *)at + offsetof(struct tagpool_sites_module, build_id),
        .build_id_bytes = module.build_id_bytes,
    };
}

static void sites_file_add_stack(struct sites_file_reader *reader, const char *at, size_t bytes,
                                 size_t unit) {
    struct sites_file *file = reader->file;
    struct tagpool_sites_stack stack;
    if (bytes < sizeof stack)
        return;
    memcpy(&stack, at, sizeof stack);
    if (stack.frame_count > TAGPOOL_SITES_FRAMES ||
        stack.frame_count > (bytes - sizeof stack) / sizeof(uint64_t))
        return;
    file->stacks = memory_grow(file->stacks, file->stack_count, sizeof *file->stacks);
    file->stacks[file->stack_count++] = (struct sites_file_stack){
        .image = stack.image,
        .frame_count = stack.frame_count,
        .frames = (const uint64_t *)(const void *)(at + sizeof stack),
    };
    reader->stack_at[unit] = (uint32_t)file->stack_count;
}

/* NULL if there can be no such row. */
static struct sites_file_row *sites_file_row(struct sites_file_reader *reader, uint64_t row) {
    enum { ROWS_MOST = 1 << 16 };
    if (row >= ROWS_MOST)
        return NULL;
    if (row >= reader->row_count) {
        reader->rows = memory_resize(reader->rows, row + 1, sizeof *reader->rows);
        memset(reader->rows + reader->row_count, 0,
               (row + 1 - reader->row_count) * sizeof *reader->rows);
        reader->row_count = row + 1;
    }
    return &reader->rows[row];
}

/* A process may get the row of one that has ended, whose numbers the profile has lost. */
static void sites_file_add_process(struct sites_file_reader *reader, const char *at, size_t bytes) {
    struct tagpool_sites_process process;
    if (bytes < sizeof process)
        return;
    memcpy(&process, at, sizeof process);
    struct sites_file_row *row = sites_file_row(reader, process.row);
    if (row != NULL)
        *row = (struct sites_file_row){process.peaks, reader->file->site_count};
}

/* Takes out the sites of processes that have lost their row. */
static void sites_file_drop_lost(struct sites_file_reader *reader) {
    struct sites_file *file = reader->file;
    size_t kept = 0;
    for (size_t i = 0; i < file->site_count; i++) {
        const struct sites_file_row *row = sites_file_row(reader, file->sites[i].row);
        if (row != NULL && i >= row->first_site)
            file->sites[kept++] = file->sites[i];
    }
    file->site_count = kept;
}

/* What is live is what was at the last peak, if nothing has changed since. */
static void sites_file_add_site(struct sites_file_reader *reader, const char *at, size_t bytes) {
    struct sites_file *file = reader->file;
    struct tagpool_sites_site site;
    if (bytes < sizeof site)
        return;
    memcpy(&site, at, sizeof site);
    const struct sites_file_row *row = sites_file_row(reader, site.row);
    if (row == NULL || site.stack >= reader->units || reader->stack_at[site.stack] == 0)
        return;
    if (site.seen != row->peaks) {
        site.peak_blocks = site.live_blocks;
        site.peak_bytes = site.live_bytes;
    }
    file->sites = memory_grow(file->sites, file->site_count, sizeof *file->sites);
    file->sites[file->site_count++] =
        (struct sites_file_site){.row = site.row,
                                 .stack = reader->stack_at[site.stack] - 1,
#define SITES_FILE_COPY(name, help) .name = site.name,
                                 TAGPOOL_SITES_COUNTERS(SITES_FILE_COPY)
#undef SITES_FILE_COPY
        };
}

static void sites_file_read_records(struct sites_file_reader *reader, size_t used) {
    const char *copy = reader->file->copy;
    struct tagpool_sites_record record;
    for (size_t at = sizeof(struct tagpool_sites_head); used - at >= sizeof record;
         at += record.bytes) {
        memcpy(&record, copy + at, sizeof record);
        if (record.bytes < sizeof record || record.bytes % SITES_FILE_UNIT != 0 ||
            record.bytes > used - at)
            return;
        if (record.kind == TAGPOOL_SITES_MODULE)
            sites_file_add_module(reader->file, copy + at, record.bytes);
        else if (record.kind == TAGPOOL_SITES_STACK)
            sites_file_add_stack(reader, copy + at, record.bytes, at / SITES_FILE_UNIT);
        else if (record.kind == TAGPOOL_SITES_PROCESS)
            sites_file_add_process(reader, copy + at, record.bytes);
        else if (record.kind == TAGPOOL_SITES_SITE)
            sites_file_add_site(reader, copy + at, record.bytes);
    }
}

/* ---- the file ---- */

static int sites_file_compare(const struct sites_file_module *module, uint32_t image,
                              uint32_t number) {
    if (module->image != image)
        return module->image < image ? -1 : 1;
    return module->number < number ? -1 : module->number > number;
}

static int sites_file_by_number(const void *left, const void *right) {
    const struct sites_file_module *other = right;
    return sites_file_compare(left, other->image, other->number);
}

const char *sites_file_parse(char *copy, size_t bytes, struct sites_file *file) {
    struct tagpool_sites_head head;
    *file = (struct sites_file){.copy = copy};
    if (bytes < sizeof head)
        return "the sites are shorter than their head";
    memcpy(&head, copy, sizeof head);
    if (head.magic != TAGPOOL_SITES_MAGIC)
        return "the sites do not begin with their magic number";
    if (head.version != TAGPOOL_SITES_VERSION || head.head_bytes != sizeof head ||
        head.file_bytes != TAGPOOL_SITES_BYTES)
        return "the sites have another layout; library and program must be of one release";
    size_t used = head.used_bytes < bytes ? (size_t)head.used_bytes : bytes;
    file->sample_bytes = head.sample_bytes;
    file->stacks_missed = head.stacks_missed;
    struct sites_file_reader reader = {.file = file, .units = used / SITES_FILE_UNIT + 1};
    reader.stack_at = memory_array(reader.units, sizeof *reader.stack_at);
    if (used >= sizeof head)
        sites_file_read_records(&reader, used);
    sites_file_drop_lost(&reader);
    free(reader.stack_at);
    free(reader.rows);
    if (file->module_count != 0)
        qsort(file->modules, file->module_count, sizeof *file->modules, sites_file_by_number);
    return NULL;
}

const char *sites_file_read(const char *path, struct sites_file *file) {
    size_t bytes;
    *file = (struct sites_file){0};
    char *copy = shared_file_read(path, TAGPOOL_SITES_BYTES, &bytes);
    return copy == NULL ? "the sites cannot be opened" : sites_file_parse(copy, bytes, file);
}

void sites_file_free(struct sites_file *file) {
    for (size_t i = 0; i < file->module_count; i++)
        free(file->modules[i].path);
    free(file->modules);
    free(file->stacks);
    free(file->sites);
    free(file->copy);
    *file = (struct sites_file){0};
}

const struct sites_file_module *sites_file_module(const struct sites_file *file,
                                                  const struct sites_file_stack *stack,
                                                  uint64_t frame) {
    uint32_t number = (uint32_t)(frame >> TAGPOOL_SITES_OFFSET_BITS);
    size_t low = 0, high = file->module_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = sites_file_compare(&file->modules[middle], stack->image, number);
        if (order == 0)
            return &file->modules[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
