/* Functions, files and lines, inlined functions too, from what is installed to read the debug
 * information with: llvm-symbolizer, which reads all modules in one process, or addr2line, which
 * takes one for each. Both find separate debug files for themselves.
 */
#ifndef SYMBOLS_LINES_H
#define SYMBOLS_LINES_H

#include "symbols/frame.h"

/* What is installed. */
struct lines_tool {
    char *path;       /* NULL: nothing is */
    const char *name; /* "llvm-symbolizer", "addr2line" */
};

void lines_tool_find(struct lines_tool *tool);
void lines_tool_free(struct lines_tool *tool);

/* Asks about the frames of one order: those of a module stand together. `paths` are the modules'
 * files; a module whose path is NULL is left out. Adds the places that it finds. */
void lines_ask(const struct lines_tool *tool, const char *const *paths,
               struct symbols_frame *const *frames, size_t count);

#endif
