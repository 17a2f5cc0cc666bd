#include "symbols/elf_symbols.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Functions that begin before an address are looked at from the last one on: one inside of another
 * is rare, and deeper ones do not occur. */
enum { ELF_SYMBOLS_NEIGHBOURS = 16 };

struct elf_symbols_function {
    uint64_t start;
    uint64_t bytes;
    const char *name;
    bool is_global;
};

/* ---- the build-id ---- */

/* Notes are {size of the name, size of the contents, type, name, contents}, each filled up to four
 * bytes. */
static bool elf_symbols_read_note(struct elf_symbols *symbols, const char *note, uint64_t bytes) {
    ElfW(Nhdr) head;
    for (uint64_t at = 0; bytes - at >= sizeof head;) {
        memcpy(&head, note + at, sizeof head);
        uint64_t name = at + sizeof head;
        uint64_t contents = name + ((uint64_t)head.n_namesz + 3) / 4 * 4;
        uint64_t end = contents + ((uint64_t)head.n_descsz + 3) / 4 * 4;
        if (contents + head.n_descsz > bytes)
            return false;
        if (head.n_type == NT_GNU_BUILD_ID && head.n_namesz == 4 &&
            memcmp(note + name, "GNU", 4) == 0 && head.n_descsz <= ELF_SYMBOLS_ID_BYTES) {
            memcpy(symbols->build_id, note + contents, head.n_descsz);
            symbols->build_id_bytes = head.n_descsz;
            return true;
        }
        if (end >= bytes)
            return false;
        at = end;
    }
    return false;
}

static void elf_symbols_read_build_id(struct elf_symbols *symbols, const ElfW(Ehdr) * head) {
    ElfW(Phdr) segment;
    for (unsigned i = 0; elf_image_segment(&symbols->image, head, i, &segment); i++) {
        const char *note = elf_image_at(&symbols->image, segment.p_offset, segment.p_filesz);
        if (segment.p_type == PT_NOTE && note != NULL &&
            elf_symbols_read_note(symbols, note, segment.p_filesz))
            return;
    }
}

/* ---- the functions ---- */

static void elf_symbols_read_table(struct elf_symbols *symbols, const ElfW(Ehdr) * head,
                                   const ElfW(Shdr) * table) {
    ElfW(Shdr) strings;
    ElfW(Sym) symbol;
    const char *start = elf_image_at(&symbols->image, table->sh_offset, table->sh_size);
    size_t most = table->sh_size / sizeof symbol;
    if (start == NULL || !elf_image_section(&symbols->image, head, table->sh_link, &strings))
        return;
    symbols->functions = memory_array(most, sizeof *symbols->functions);
    for (size_t i = 0; i < most; i++) {
        memcpy(&symbol, start + i * sizeof symbol, sizeof symbol);
        unsigned type = ELF64_ST_TYPE(symbol.st_info);
        if (symbol.st_shndx == SHN_UNDEF || symbol.st_size == 0 ||
            (type != STT_FUNC && type != STT_GNU_IFUNC))
            continue;
        const char *name = elf_image_string(&symbols->image, &strings, symbol.st_name);
        if (name[0] == '\0')
            continue;
        symbols->functions[symbols->count++] = (struct elf_symbols_function){
            .start = symbol.st_value,
            .bytes = symbol.st_size,
            .name = name,
            .is_global = ELF64_ST_BIND(symbol.st_info) == STB_GLOBAL,
        };
    }
}

/* By address; of several names for one function the one that others call it by comes last. */
static int elf_symbols_compare(const void *left, const void *right) {
    const struct elf_symbols_function *a = left, *b = right;
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    if (a->is_global != b->is_global)
        return a->is_global ? 1 : -1;
    return strcmp(a->name, b->name);
}

/* Takes the functions of the file's table of that kind. False if there is none, or no function in
 * it. */
static bool elf_symbols_take(struct elf_symbols *symbols, const ElfW(Ehdr) * head, uint32_t kind) {
    ElfW(Shdr) section;
    for (unsigned i = 0; elf_image_section(&symbols->image, head, i, &section); i++)
        if (section.sh_type == kind && symbols->functions == NULL)
            elf_symbols_read_table(symbols, head, &section);
    if (symbols->functions == NULL || symbols->count == 0) {
        free(symbols->functions);
        symbols->functions = NULL;
        return false;
    }
    qsort(symbols->functions, symbols->count, sizeof *symbols->functions, elf_symbols_compare);
    return true;
}

/* ---- the files ---- */

static bool elf_symbols_open_image(struct elf_symbols *symbols, const char *path,
                                   ElfW(Ehdr) * head) {
    *symbols = (struct elf_symbols){0};
    if (!elf_image_open(&symbols->image, path))
        return false;
    if (!elf_image_head(&symbols->image, head) || !elf_image_is_native(head)) {
        elf_image_close(&symbols->image);
        return false;
    }
    elf_symbols_read_build_id(symbols, head);
    return true;
}

/* The debug file in the place of the file itself. False, and nothing changed, where there is none
 * of the same build. */
static bool elf_symbols_open_debug(struct elf_symbols *symbols) {
    struct elf_symbols debug;
    ElfW(Ehdr) head;
    char name[2 * ELF_SYMBOLS_ID_BYTES + 1] = "";
    if (symbols->build_id_bytes < 2)
        return false;
    for (size_t i = 0; i < symbols->build_id_bytes; i++)
        snprintf(name + 2 * i, 3, "%02x", symbols->build_id[i]);
    char *path = memory_format("/usr/lib/debug/.build-id/%.2s/%s.debug", name, name + 2);
    bool found = elf_symbols_open_image(&debug, path, &head);
    free(path);
    if (!found)
        return false;
    if (debug.build_id_bytes == symbols->build_id_bytes &&
        memcmp(debug.build_id, symbols->build_id, debug.build_id_bytes) == 0 &&
        elf_symbols_take(&debug, &head, SHT_SYMTAB)) {
        elf_symbols_close(symbols);
        *symbols = debug;
        return true;
    }
    elf_symbols_close(&debug);
    return false;
}

bool elf_symbols_open(struct elf_symbols *symbols, const char *path) {
    ElfW(Ehdr) head;
    if (!elf_symbols_open_image(symbols, path, &head))
        return false;
    if (!elf_symbols_take(symbols, &head, SHT_SYMTAB) && !elf_symbols_open_debug(symbols))
        elf_symbols_take(symbols, &head, SHT_DYNSYM);
    return true;
}

void elf_symbols_close(struct elf_symbols *symbols) {
    free(symbols->functions);
    elf_image_close(&symbols->image);
    *symbols = (struct elf_symbols){0};
}

const char *elf_symbols_find(const struct elf_symbols *symbols, uint64_t address) {
    size_t low = 0, high = symbols->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (symbols->functions[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t i = low; i > 0 && low - i < ELF_SYMBOLS_NEIGHBOURS; i--) {
        const struct elf_symbols_function *function = &symbols->functions[i - 1];
        if (address - function->start < function->bytes)
            return function->name;
    }
    return NULL;
}
