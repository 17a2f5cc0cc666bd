/* Names for places in code: function, file and line, and what was inlined there.
 *
 *   symbols_init;  symbols_add_module, symbols_add_frame for each;  symbols_resolve;  symbols_free
 *
 * A place is a module, a file that was loaded into a process, and an offset from where it was
 * loaded: the address less the load address as the loader counts it (dlpi_addr of
 * dl_iterate_phdr(), l_addr). So it is the address in the ELF file, which for a program at a fixed
 * place is the address itself. A return address is that of the instruction after the call: less
 * one, it is within the call, and asks for the call's line.
 *
 * Lines come from symbols/lines.h. Where that knows no line, or nothing is installed, names come
 * from the symbol table of the file (symbols/elf_symbols.h). Where that knows nothing either, the
 * module's fault says why.
 *
 * Nothing is asked of a file that is not the one that was loaded: its names would be wrong ones.
 * The build-id tells that, where the caller knows it of the process and the file has one.
 */
#ifndef SYMBOLS_SYMBOLS_H
#define SYMBOLS_SYMBOLS_H

#include "symbols/frame.h"

#include <stdbool.h>

enum { SYMBOLS_ID_BYTES = 32 }; /* of a build-id, at most; longer ones are taken as not known */

struct symbols_module {
    char *path; /* NULL: code that was made at run time */
    uint8_t build_id[SYMBOLS_ID_BYTES];
    size_t build_id_bytes; /* 0: not known */
    const char *fault; /* why names are missing, for brackets: "replaced since"; NULL: nothing */
};

struct symbols {
    struct symbols_module *modules;
    size_t module_count;
    struct symbols_frame *frames;
    size_t frame_count;
    size_t *index; /* a hash table: numbers of frames, above 0 */
    size_t index_capacity;
    const char *tool; /* that was asked for lines; NULL: none is installed */
};

void symbols_init(struct symbols *symbols);
void symbols_free(struct symbols *symbols);

/* The number of the module of that file and build; `path` is NULL or "" for code that was made at
 * run time, whose frames have addresses for offsets. */
size_t symbols_add_module(struct symbols *symbols, const char *path, const void *build_id,
                          size_t build_id_bytes);

/* The number of the frame, the same for the same place. */
size_t symbols_add_frame(struct symbols *symbols, size_t module, uint64_t offset);

/* Once, when all frames are added. */
void symbols_resolve(struct symbols *symbols);

/* How many lines of text a frame has: one for each function that is inlined there, at least one. */
unsigned symbols_line_count(const struct symbols *symbols, size_t frame);

/* One of them, the innermost first, in a new string: "build (NAME.c:12)", "build (in libtree.so)",
 * "libtree.so+0x1189 (stripped)". */
char *symbols_line(const struct symbols *symbols, size_t frame, unsigned line);

/* The function of that line; NULL if it is not known. */
const char *symbols_function(const struct symbols *symbols, size_t frame, unsigned line);

/* Is that line of the allocator itself: malloc() and its kin, the operators new and delete, a
 * library of ours? Who reads a stack looks for who called it. */
bool symbols_is_allocator(const struct symbols *symbols, size_t frame, unsigned line);

#endif
