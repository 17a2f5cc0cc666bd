#include "target/elf_image.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

bool elf_image_open(struct elf_image *image, const char *path) {
    struct stat about;
    *image = (struct elf_image){0};
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return false;
    if (fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode) && about.st_size > 0) {
        size_t bytes = (size_t)about.st_size;
        void *map = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (map != MAP_FAILED)
            *image = (struct elf_image){map, bytes};
    }
    close(descriptor);
    return true;
}

void elf_image_close(struct elf_image *image) {
    if (image->start != NULL)
        munmap((void *)(uintptr_t)image->start, image->bytes);
    *image = (struct elf_image){0};
}

const void *elf_image_at(const struct elf_image *image, uint64_t offset, uint64_t bytes) {
    if (offset > image->bytes || bytes > image->bytes - offset)
        return NULL;
    return image->start + offset;
}

bool elf_image_head(const struct elf_image *image, ElfW(Ehdr) * head) {
    *head = (ElfW(Ehdr)){0};
    if (image->bytes < EI_NIDENT || memcmp(image->start, ELFMAG, SELFMAG) != 0)
        return false;
    memcpy(head, image->start, image->bytes < sizeof *head ? image->bytes : sizeof *head);
    return true;
}

/* This very program is the example of what is native. */
bool elf_image_is_native(const ElfW(Ehdr) * head) {
    extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));
    return head->e_ident[EI_CLASS] == __ehdr_start.e_ident[EI_CLASS] &&
           head->e_ident[EI_DATA] == __ehdr_start.e_ident[EI_DATA] &&
           head->e_machine == __ehdr_start.e_machine;
}

/* Copies item `index` of a table of the file. */
static bool elf_image_copy(const struct elf_image *image, uint64_t table, unsigned index,
                           void *item, size_t item_bytes) {
    uint64_t offset;
    if (__builtin_add_overflow(table, (uint64_t)index * item_bytes, &offset))
        return false;
    const void *place = elf_image_at(image, offset, item_bytes);
    if (place != NULL)
        memcpy(item, place, item_bytes);
    return place != NULL;
}

bool elf_image_section(const struct elf_image *image, const ElfW(Ehdr) * head, unsigned index,
                       ElfW(Shdr) * section) {
    return index < head->e_shnum && head->e_shentsize == sizeof *section &&
           elf_image_copy(image, head->e_shoff, index, section, sizeof *section);
}

bool elf_image_segment(const struct elf_image *image, const ElfW(Ehdr) * head, unsigned index,
                       ElfW(Phdr) * segment) {
    return index < head->e_phnum && head->e_phentsize == sizeof *segment &&
           elf_image_copy(image, head->e_phoff, index, segment, sizeof *segment);
}

const char *elf_image_string(const struct elf_image *image, const ElfW(Shdr) * strings,
                             uint64_t offset) {
    if (offset >= strings->sh_size)
        return "";
    const char *text = elf_image_at(image, strings->sh_offset + offset, strings->sh_size - offset);
    if (text == NULL || memchr(text, '\0', strings->sh_size - offset) == NULL)
        return "";
    return text;
}
