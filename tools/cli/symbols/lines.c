#include "symbols/lines.h"

#include "base/memory.h"
#include "symbols/helper.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char lines_llvm[] = "llvm-symbolizer";
static const char lines_gnu[] = "addr2line";

/* Distributions install it with its version in its name, and not always without. */
enum { LINES_LLVM_FIRST = 11, LINES_LLVM_LAST = 30 };

void lines_tool_find(struct lines_tool *tool) {
    *tool = (struct lines_tool){.path = symbols_helper_find(lines_llvm), .name = lines_llvm};
    for (int version = LINES_LLVM_LAST; tool->path == NULL && version >= LINES_LLVM_FIRST;
         version--) {
        char *name = memory_format("%s-%d", lines_llvm, version);
        tool->path = symbols_helper_find(name);
        free(name);
    }
    if (tool->path == NULL)
        *tool = (struct lines_tool){.path = symbols_helper_find(lines_gnu), .name = lines_gnu};
    if (tool->path == NULL)
        tool->name = NULL;
}

void lines_tool_free(struct lines_tool *tool) {
    free(tool->path);
    *tool = (struct lines_tool){0};
}

/* ---- answers ---- */

/* Takes a line off the text. False at its end. */
static bool lines_take(const char **text, const char **line, size_t *bytes) {
    if (**text == '\0')
        return false;
    *line = *text;
    *bytes = strcspn(*text, "\n");
    *text += *bytes + ((*text)[*bytes] == '\n');
    return true;
}

/* The number behind the last colon of a text, which is cut off; 0 and nothing done where there is
 * none. "NAME.c:12" may have more behind it, as in "NAME.c:12 (discriminator 3)". */
static unsigned lines_cut_number(const char *text, size_t *bytes) {
    size_t end = *bytes;
    const char *remark = memmem(text, end, " (", 2);
    if (remark != NULL && remark > text && remark[-1] >= '0' && remark[-1] <= '9')
        end = (size_t)(remark - text);
    size_t digits = end;
    while (digits > 0 && text[digits - 1] >= '0' && text[digits - 1] <= '9')
        digits--;
    if (digits == 0 || text[digits - 1] != ':')
        return 0;
    *bytes = digits - 1;
    return (unsigned)strtoul(text + digits, NULL, 10);
}

/* A place from its two lines: the function, and "file:line", with ":column" where it has one. */
static void lines_add(struct symbols_frame *frame, const char *function, size_t function_bytes,
                      const char *file, size_t file_bytes, bool has_column) {
    if (has_column)
        lines_cut_number(file, &file_bytes);
    unsigned line = lines_cut_number(file, &file_bytes);
    symbols_frame_add(frame, function, function_bytes, file, file_bytes, line);
}

/* ---- llvm-symbolizer ---- */

/* An answer is pairs of lines, and an empty line after them. */
static void lines_read_llvm(const char *text, struct symbols_frame *const *frames, size_t count) {
    const char *function, *file;
    size_t function_bytes, file_bytes;
    for (size_t i = 0; i < count; i++)
        while (lines_take(&text, &function, &function_bytes) && function_bytes != 0 &&
               lines_take(&text, &file, &file_bytes))
            lines_add(frames[i], function, function_bytes, file, file_bytes, true);
}

/* A path may have one kind of quotes in it, and none with both can be asked for. */
static char lines_quote(const char *path) {
    if (strchr(path, '\n') != NULL)
        return '\0';
    return strchr(path, '"') == NULL ? '"' : strchr(path, '\'') == NULL ? '\'' : '\0';
}

static void lines_ask_llvm(const struct lines_tool *tool, const char *const *paths,
                           struct symbols_frame *const *frames, size_t count) {
    char *text, *answers;
    size_t bytes, asked = 0;
    struct symbols_frame **order = memory_array(count, sizeof(void *));
    FILE *out = open_memstream(&text, &bytes);
    for (size_t i = 0; out != NULL && i < count; i++) {
        const char *path = paths[frames[i]->module];
        char quote = path != NULL ? lines_quote(path) : '\0';
        if (quote == '\0')
            continue;
        fprintf(out, "%c%s%c 0x%" PRIx64 "\n", quote, path, quote, frames[i]->offset);
        order[asked++] = frames[i];
    }
    if (out != NULL && fclose(out) == 0 && asked != 0) {
        char *const argv[] = {tool->path, NULL};
        answers = symbols_helper_run(argv, text, bytes, &bytes);
        if (answers != NULL)
            lines_read_llvm(answers, order, asked);
        free(answers);
    }
    if (out != NULL)
        free(text);
    free(order);
}

/* ---- addr2line ---- */

/* An answer is the address in a line of its own, which no function begins as, and pairs of lines.
 */
static void lines_read_gnu(const char *text, struct symbols_frame *const *frames, size_t count) {
    const char *function, *file;
    size_t function_bytes, file_bytes, next = 0;
    struct symbols_frame *frame = NULL;
    while (lines_take(&text, &function, &function_bytes)) {
        if (function_bytes > 2 && memcmp(function, "0x", 2) == 0) {
            frame = next < count ? frames[next++] : NULL;
            continue;
        }
        if (lines_take(&text, &file, &file_bytes) && frame != NULL)
            lines_add(frame, function, function_bytes, file, file_bytes, false);
    }
}

static void lines_ask_gnu(const struct lines_tool *tool, const char *path,
                          struct symbols_frame *const *frames, size_t count) {
    char *text, *answers;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    if (out == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        fprintf(out, "0x%" PRIx64 "\n", frames[i]->offset);
    if (fclose(out) == 0) {
        char *object = memory_copy(path);
        char options[] = "-afiC", option[] = "-e";
        char *const argv[] = {tool->path, options, option, object, NULL};
        answers = symbols_helper_run(argv, text, bytes, &bytes);
        if (answers != NULL)
            lines_read_gnu(answers, frames, count);
        free(answers);
        free(object);
    }
    free(text);
}

void lines_ask(const struct lines_tool *tool, const char *const *paths,
               struct symbols_frame *const *frames, size_t count) {
    if (tool->name == lines_llvm) {
        lines_ask_llvm(tool, paths, frames, count);
        return;
    }
    for (size_t start = 0, end; tool->path != NULL && start < count; start = end) {
        size_t module = frames[start]->module;
        for (end = start + 1; end < count && frames[end]->module == module;)
            end++;
        if (paths[module] != NULL)
            lines_ask_gnu(tool, paths[module], frames + start, end - start);
    }
}
