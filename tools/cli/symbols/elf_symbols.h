/* The functions that an ELF file names, by their addresses, and its build-id.
 *
 * They come from .symtab, where the file has it; else from that of its debug file, found by the
 * build-id below /usr/lib/debug; else from .dynsym, what the file exports. A name is only given to
 * an address within the function's size: in a stripped file the function before is another one.
 */
#ifndef SYMBOLS_ELF_SYMBOLS_H
#define SYMBOLS_ELF_SYMBOLS_H

#include "target/elf_image.h"

enum { ELF_SYMBOLS_ID_BYTES = 32 };

struct elf_symbols_function; /* start, size, name */

struct elf_symbols {
    struct elf_image image; /* names point into it */
    struct elf_symbols_function *functions;
    size_t count;
    uint8_t build_id[ELF_SYMBOLS_ID_BYTES];
    size_t build_id_bytes; /* 0: it has none */
};

/* False when the file cannot be read or is no ELF file of this machine. */
bool elf_symbols_open(struct elf_symbols *symbols, const char *path);
void elf_symbols_close(struct elf_symbols *symbols);

/* The name as it stands in the file, mangled, of the function that an address lies in; NULL if none
 * is known there. It lives as long as the file is open. */
const char *elf_symbols_find(const struct elf_symbols *symbols, uint64_t address);

#endif
