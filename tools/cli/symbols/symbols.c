#include "symbols/symbols.h"

#include "base/memory.h"
#include "base/path.h"
#include "base/words.h"
#include "symbols/demangle.h"
#include "symbols/elf_symbols.h"
#include "symbols/lines.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char symbols_generated[] = "generated at run time";

/* ---- what is asked ---- */

void symbols_init(struct symbols *symbols) {
    *symbols = (struct symbols){0};
}

void symbols_free(struct symbols *symbols) {
    for (size_t i = 0; i < symbols->frame_count; i++)
        symbols_frame_clear(&symbols->frames[i]);
    for (size_t i = 0; i < symbols->module_count; i++)
        free(symbols->modules[i].path);
    free(symbols->modules);
    free(symbols->frames);
    free(symbols->index);
    *symbols = (struct symbols){0};
}

static bool symbols_is_module(const struct symbols_module *module, const char *path,
                              const void *build_id, size_t build_id_bytes) {
    bool same_path = path == NULL || module->path == NULL ? path == module->path
                                                          : strcmp(path, module->path) == 0;
    return same_path && module->build_id_bytes == build_id_bytes &&
           memcmp(module->build_id, build_id, build_id_bytes) == 0;
}

size_t symbols_add_module(struct symbols *symbols, const char *path, const void *build_id,
                          size_t build_id_bytes) {
    if (path != NULL && path[0] == '\0')
        path = NULL;
    if (build_id == NULL || build_id_bytes > SYMBOLS_ID_BYTES)
        build_id_bytes = 0;
    if (build_id_bytes == 0)
        build_id = "";
    for (size_t i = 0; i < symbols->module_count; i++)
        if (symbols_is_module(&symbols->modules[i], path, build_id, build_id_bytes))
            return i;
    symbols->modules =
        memory_resize(symbols->modules, symbols->module_count + 1, sizeof *symbols->modules);
    struct symbols_module *module = &symbols->modules[symbols->module_count];
    *module = (struct symbols_module){.path = path != NULL ? memory_copy(path) : NULL,
                                      .build_id_bytes = build_id_bytes};
    memcpy(module->build_id, build_id, build_id_bytes);
    return symbols->module_count++;
}

/* The place in the index of a frame, or the empty one where it belongs. */
static size_t symbols_place(const struct symbols *symbols, size_t module, uint64_t offset) {
    uint64_t hash = (offset + module * 0x9e3779b97f4a7c15u) * 0xff51afd7ed558ccdu;
    size_t place = (size_t)(hash >> 20) & (symbols->index_capacity - 1);
    while (symbols->index[place] != 0) {
        const struct symbols_frame *frame = &symbols->frames[symbols->index[place] - 1];
        if (frame->module == module && frame->offset == offset)
            break;
        place = (place + 1) & (symbols->index_capacity - 1);
    }
    return place;
}

static void symbols_make_room(struct symbols *symbols) {
    if (symbols->frame_count < symbols->index_capacity / 2)
        return;
    free(symbols->index);
    symbols->index_capacity = symbols->index_capacity == 0 ? 64 : 2 * symbols->index_capacity;
    symbols->index = memory_array(symbols->index_capacity, sizeof *symbols->index);
    for (size_t i = 0; i < symbols->frame_count; i++)
        symbols
            ->index[symbols_place(symbols, symbols->frames[i].module, symbols->frames[i].offset)] =
            i + 1;
    symbols->frames =
        memory_resize(symbols->frames, symbols->index_capacity / 2, sizeof *symbols->frames);
}

size_t symbols_add_frame(struct symbols *symbols, size_t module, uint64_t offset) {
    symbols_make_room(symbols);
    size_t place = symbols_place(symbols, module, offset);
    if (symbols->index[place] == 0) {
        symbols->frames[symbols->frame_count++] =
            (struct symbols_frame){.module = module, .offset = offset};
        symbols->index[place] = symbols->frame_count;
    }
    return symbols->index[place] - 1;
}

/* ---- the modules ---- */

/* The kernel maps code without a file into each process. */
static bool symbols_is_of_kernel(const char *path) {
    return path[0] == '[' || strstr(path, "linux-vdso") != NULL ||
           strstr(path, "linux-gate") != NULL;
}

static bool symbols_is_replaced(const struct symbols_module *module,
                                const struct elf_symbols *file) {
    return module->build_id_bytes != 0 &&
           (module->build_id_bytes != file->build_id_bytes ||
            memcmp(module->build_id, file->build_id, file->build_id_bytes) != 0);
}

/* Opens the module's file. False, with the fault, if nothing can be asked of it. */
static bool symbols_open_module(struct symbols_module *module, struct elf_symbols *file) {
    static_assert((int)SYMBOLS_ID_BYTES == (int)ELF_SYMBOLS_ID_BYTES, "they are compared");
    *file = (struct elf_symbols){0};
    if (module->path == NULL)
        module->fault = symbols_generated;
    else if (symbols_is_of_kernel(module->path))
        module->fault = "of the kernel";
    else if (module->path[0] != '/')
        module->fault = "where its file is, is not known";
    if (module->fault != NULL)
        return false;
    errno = 0;
    if (!elf_symbols_open(file, module->path)) {
        module->fault = errno == ENOENT || errno == ENOTDIR ? "its file is gone"
                        : errno != 0                        ? "its file cannot be read"
                                                            : "replaced since";
        return false;
    }
    if (symbols_is_replaced(module, file)) {
        elf_symbols_close(file);
        module->fault = "replaced since";
        return false;
    }
    if (file->count == 0)
        module->fault = "stripped";
    return true;
}

/* ---- the answers ---- */

static int symbols_by_module(const void *left, const void *right) {
    const struct symbols_frame *a = *(struct symbols_frame *const *)left;
    const struct symbols_frame *b = *(struct symbols_frame *const *)right;
    if (a->module != b->module)
        return a->module < b->module ? -1 : 1;
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static bool symbols_has_line(const struct symbols_frame *frame) {
    for (unsigned i = 0; i < frame->place_count; i++)
        if (frame->places[i].line != 0)
            return true;
    return false;
}

/* A name without a line is only a guess of the tool, at the symbol before: the table knows better.
 */
static void symbols_ask_table(const struct elf_symbols *file, struct symbols_frame *frame) {
    if (symbols_has_line(frame))
        return;
    const char *name = elf_symbols_find(file, frame->offset);
    symbols_frame_clear(frame);
    if (name != NULL)
        symbols_frame_add(frame, name, strlen(name), "", 0, 0);
}

static void symbols_demangle(struct symbols *symbols, struct symbols_frame *const *frames) {
    size_t count = 0;
    for (size_t i = 0; i < symbols->frame_count; i++)
        count += frames[i]->place_count;
    char ***names = memory_array(count, sizeof *names);
    count = 0;
    for (size_t i = 0; i < symbols->frame_count; i++)
        for (unsigned j = 0; j < frames[i]->place_count; j++)
            names[count++] = &frames[i]->places[j].function;
    demangle_all(names, count);
    free(names);
}

void symbols_resolve(struct symbols *symbols) {
    struct lines_tool tool;
    struct elf_symbols *files = memory_array(symbols->module_count, sizeof *files);
    const char **paths = memory_array(symbols->module_count, sizeof *paths);
    struct symbols_frame **frames = memory_array(symbols->frame_count, sizeof(void *));
    for (size_t i = 0; i < symbols->module_count; i++)
        if (symbols_open_module(&symbols->modules[i], &files[i]))
            paths[i] = symbols->modules[i].path;
    for (size_t i = 0; i < symbols->frame_count; i++)
        frames[i] = &symbols->frames[i];
    qsort(frames, symbols->frame_count, sizeof(void *), symbols_by_module);
    lines_tool_find(&tool);
    symbols->tool = tool.name;
    lines_ask(&tool, paths, frames, symbols->frame_count);
    for (size_t i = 0; i < symbols->frame_count; i++)
        if (paths[frames[i]->module] != NULL)
            symbols_ask_table(&files[frames[i]->module], frames[i]);
    symbols_demangle(symbols, frames);
    lines_tool_free(&tool);
    for (size_t i = 0; i < symbols->module_count; i++)
        elf_symbols_close(&files[i]);
    free(files);
    free(paths);
    free(frames);
}

/* ---- as text ---- */

unsigned symbols_line_count(const struct symbols *symbols, size_t frame) {
    unsigned count = symbols->frames[frame].place_count;
    return count != 0 ? count : 1;
}

const char *symbols_function(const struct symbols *symbols, size_t frame, unsigned line) {
    const struct symbols_frame *asked = &symbols->frames[frame];
    return line < asked->place_count ? asked->places[line].function : NULL;
}

/* What has no name: the module and the offset, and why. */
static char *symbols_bare_line(const struct symbols_module *module, uint64_t offset) {
    if (module->path == NULL)
        return memory_format("0x%" PRIx64 " (%s)", offset, symbols_generated);
    const char *name = path_name(module->path);
    return module->fault != NULL
               ? memory_format("%s+0x%" PRIx64 " (%s)", name, offset, module->fault)
               : memory_format("%s+0x%" PRIx64, name, offset);
}

char *symbols_line(const struct symbols *symbols, size_t frame, unsigned line) {
    const struct symbols_frame *asked = &symbols->frames[frame];
    const struct symbols_module *module = &symbols->modules[asked->module];
    const char *function = symbols_function(symbols, frame, line);
    if (line >= asked->place_count)
        return symbols_bare_line(module, asked->offset);
    const struct symbols_place *place = &asked->places[line];
    if (function == NULL)
        function = "?";
    if (place->file != NULL && place->line != 0)
        return memory_format("%s (%s:%u)", function, path_name(place->file), place->line);
    return memory_format("%s (in %s)", function, path_name(module->path));
}

bool symbols_is_allocator(const struct symbols *symbols, size_t frame, unsigned line) {
    static const char *const names[] = {"malloc", "calloc",        "realloc",  "reallocarray",
                                        "free",   "aligned_alloc", "memalign", "posix_memalign",
                                        "valloc", "pvalloc",       "cfree",    NULL};
    const char *function = symbols_function(symbols, frame, line);
    const char *path = symbols->modules[symbols->frames[frame].module].path;
    if (path != NULL && strncmp(path_name(path), "libtagpool", 10) == 0)
        return true;
    if (function == NULL)
        return false;
    return words_find(names, function) >= 0 || strncmp(function, "operator new", 12) == 0 ||
           strncmp(function, "operator delete", 15) == 0;
}
