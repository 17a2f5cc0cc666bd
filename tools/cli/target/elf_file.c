#include "target/elf_file.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file in memory; elf_at is the only way to a part of it. */
struct elf_image {
    const char *start;
    size_t bytes;
};

static const void *elf_at(const struct elf_image *image, uint64_t offset, uint64_t bytes) {
    if (offset > image->bytes || bytes > image->bytes - offset)
        return NULL;
    return image->start + offset;
}

/* A string at the offset within a string section; "" when it lies outside or does not end. */
static const char *elf_string(const struct elf_image *image, const ElfW(Shdr) * strings,
                              uint64_t offset) {
    if (offset >= strings->sh_size)
        return "";
    const char *text = elf_at(image, strings->sh_offset + offset, strings->sh_size - offset);
    if (text == NULL || memchr(text, '\0', strings->sh_size - offset) == NULL)
        return "";
    return text;
}

/* Copies section `index`; false when there is none. */
static bool elf_section(const struct elf_image *image, const ElfW(Ehdr) * head, unsigned index,
                        ElfW(Shdr) * section) {
    const void *place = NULL;
    if (index < head->e_shnum && head->e_shentsize == sizeof *section)
        place = elf_at(image, head->e_shoff + (uint64_t)index * sizeof *section, sizeof *section);
    if (place != NULL)
        memcpy(section, place, sizeof *section);
    return place != NULL;
}

static bool elf_defines_malloc(const struct elf_image *image, const ElfW(Shdr) * symbols,
                               const ElfW(Shdr) * strings) {
    for (uint64_t at = 0; symbols->sh_size - at >= sizeof(ElfW(Sym)); at += sizeof(ElfW(Sym))) {
        ElfW(Sym) symbol;
        const void *place = elf_at(image, symbols->sh_offset + at, sizeof symbol);
        if (place == NULL)
            return false;
        memcpy(&symbol, place, sizeof symbol);
        if (symbol.st_shndx != SHN_UNDEF && ELF64_ST_TYPE(symbol.st_info) != STT_NOTYPE &&
            strcmp(elf_string(image, strings, symbol.st_name), "malloc") == 0)
            return true;
    }
    return false;
}

static void elf_read_needed(const struct elf_image *image, const ElfW(Shdr) * dynamic,
                            const ElfW(Shdr) * strings, struct elf_file *file) {
    for (uint64_t at = 0; dynamic->sh_size - at >= sizeof(ElfW(Dyn)); at += sizeof(ElfW(Dyn))) {
        ElfW(Dyn) entry;
        const void *place = elf_at(image, dynamic->sh_offset + at, sizeof entry);
        if (place == NULL || file->needed_count == ELF_FILE_NEEDED_MAX)
            return;
        memcpy(&entry, place, sizeof entry);
        if (entry.d_tag == DT_NEEDED)
            file->needed[file->needed_count++] =
                memory_copy(elf_string(image, strings, entry.d_un.d_val));
    }
}

static void elf_read_sections(const struct elf_image *image, const ElfW(Ehdr) * head,
                              struct elf_file *file) {
    ElfW(Shdr) names, section, strings;
    if (!elf_section(image, head, head->e_shstrndx, &names))
        return;
    for (unsigned i = 0; elf_section(image, head, i, &section); i++) {
        const char *name = elf_string(image, &names, section.sh_name);
        if (strcmp(name, ".go.buildinfo") == 0 || strcmp(name, ".note.go.buildid") == 0)
            file->is_go = true;
        if (!elf_section(image, head, section.sh_link, &strings))
            continue;
        if (section.sh_type == SHT_DYNSYM)
            file->exports_malloc = elf_defines_malloc(image, &section, &strings);
        if (section.sh_type == SHT_DYNAMIC)
            elf_read_needed(image, &section, &strings, file);
    }
}

static bool elf_has_loader(const struct elf_image *image, const ElfW(Ehdr) * head) {
    for (unsigned i = 0; i < head->e_phnum && head->e_phentsize == sizeof(ElfW(Phdr)); i++) {
        ElfW(Phdr) segment;
        const void *place =
            elf_at(image, head->e_phoff + (uint64_t)i * sizeof segment, sizeof segment);
        if (place == NULL)
            return false;
        memcpy(&segment, place, sizeof segment);
        if (segment.p_type == PT_INTERP)
            return true;
    }
    return false;
}

/* This very program is the example of what is native. */
static bool elf_is_native(const ElfW(Ehdr) * head) {
    extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));
    return head->e_ident[EI_CLASS] == __ehdr_start.e_ident[EI_CLASS] &&
           head->e_ident[EI_DATA] == __ehdr_start.e_ident[EI_DATA] &&
           head->e_machine == __ehdr_start.e_machine;
}

static void elf_read_image(const struct elf_image *image, struct elf_file *file) {
    ElfW(Ehdr) head = {0};
    if (image->bytes < EI_NIDENT || memcmp(image->start, ELFMAG, SELFMAG) != 0)
        return;
    file->is_elf = true;
    memcpy(&head, image->start, image->bytes < sizeof head ? image->bytes : sizeof head);
    file->is_native = elf_is_native(&head);
    if (!file->is_native)
        return;
    file->has_loader = elf_has_loader(image, &head);
    elf_read_sections(image, &head, file);
}

bool elf_file_read(const char *path, struct elf_file *file) {
    struct stat about;
    *file = (struct elf_file){0};
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return false;
    if (fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode) && about.st_size > 0) {
        size_t bytes = (size_t)about.st_size;
        void *map = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (map != MAP_FAILED) {
            elf_read_image(&(struct elf_image){map, bytes}, file);
            munmap(map, bytes);
        }
    }
    close(descriptor);
    return true;
}

void elf_file_free(struct elf_file *file) {
    for (unsigned i = 0; i < file->needed_count; i++)
        free(file->needed[i]);
    *file = (struct elf_file){0};
}
