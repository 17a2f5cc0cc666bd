#include "target/elf_file.h"

#include "base/memory.h"
#include "target/elf_image.h"

#include <stdlib.h>
#include <string.h>

/* Who has one of these serves by it; who has a part of them alone makes the library stand aside. */
static const char *elf_family_name(const char *name) {
    static const char *const family[] = {"malloc", "free", "realloc"};
    for (size_t i = 0; i < sizeof family / sizeof family[0]; i++)
        if (strcmp(name, family[i]) == 0)
            return family[i];
    return NULL;
}

static const char *elf_find_family(const struct elf_image *image, const ElfW(Shdr) * symbols,
                                   const ElfW(Shdr) * strings) {
    const char *found = NULL;
    for (uint64_t at = 0; symbols->sh_size - at >= sizeof(ElfW(Sym)); at += sizeof(ElfW(Sym))) {
        ElfW(Sym) symbol;
        const void *place = elf_image_at(image, symbols->sh_offset + at, sizeof symbol);
        if (place == NULL)
            return found;
        memcpy(&symbol, place, sizeof symbol);
        if (symbol.st_shndx == SHN_UNDEF || ELF64_ST_TYPE(symbol.st_info) == STT_NOTYPE)
            continue;
        const char *name = elf_family_name(elf_image_string(image, strings, symbol.st_name));
        if (name != NULL && (found == NULL || strcmp(name, "malloc") == 0))
            found = name;
    }
    return found;
}

static void elf_read_needed(const struct elf_image *image, const ElfW(Shdr) * dynamic,
                            const ElfW(Shdr) * strings, struct elf_file *file) {
    for (uint64_t at = 0; dynamic->sh_size - at >= sizeof(ElfW(Dyn)); at += sizeof(ElfW(Dyn))) {
        ElfW(Dyn) entry;
        const void *place = elf_image_at(image, dynamic->sh_offset + at, sizeof entry);
        if (place == NULL || file->needed_count == ELF_FILE_NEEDED_MAX)
            return;
        memcpy(&entry, place, sizeof entry);
        if (entry.d_tag == DT_NEEDED)
            file->needed[file->needed_count++] =
                memory_copy(elf_image_string(image, strings, entry.d_un.d_val));
    }
}

static void elf_read_sections(const struct elf_image *image, const ElfW(Ehdr) * head,
                              struct elf_file *file) {
    ElfW(Shdr) names, section, strings;
    if (!elf_image_section(image, head, head->e_shstrndx, &names))
        return;
    for (unsigned i = 0; elf_image_section(image, head, i, &section); i++) {
        const char *name = elf_image_string(image, &names, section.sh_name);
        if (strcmp(name, ".go.buildinfo") == 0 || strcmp(name, ".note.go.buildid") == 0)
            file->is_go = true;
        if (!elf_image_section(image, head, section.sh_link, &strings))
            continue;
        if (section.sh_type == SHT_DYNSYM)
            file->exports = elf_find_family(image, &section, &strings);
        if (section.sh_type == SHT_DYNAMIC)
            elf_read_needed(image, &section, &strings, file);
    }
}

static void elf_read_loader(const struct elf_image *image, const ElfW(Ehdr) * head,
                            struct elf_file *file) {
    static const char musl[] = "/ld-musl-";
    ElfW(Phdr) segment;
    for (unsigned i = 0; elf_image_segment(image, head, i, &segment); i++) {
        if (segment.p_type != PT_INTERP)
            continue;
        const void *name = elf_image_at(image, segment.p_offset, segment.p_filesz);
        file->has_loader = true;
        file->is_musl = name != NULL && memmem(name, segment.p_filesz, musl, strlen(musl)) != NULL;
    }
}

bool elf_file_read(const char *path, struct elf_file *file) {
    struct elf_image image;
    ElfW(Ehdr) head;
    *file = (struct elf_file){0};
    if (!elf_image_open(&image, path))
        return false;
    file->is_elf = elf_image_head(&image, &head);
    file->is_native = file->is_elf && elf_image_is_native(&head);
    if (file->is_native) {
        elf_read_loader(&image, &head, file);
        elf_read_sections(&image, &head, file);
    }
    elf_image_close(&image);
    return true;
}

void elf_file_free(struct elf_file *file) {
    for (unsigned i = 0; i < file->needed_count; i++)
        free(file->needed[i]);
    *file = (struct elf_file){0};
}
