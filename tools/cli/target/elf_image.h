/* An ELF file of this program's word size and byte order, mapped for reading.
 *
 * Files are broken, cut or hostile: every part is asked for by its offset and size, and what does
 * not lie in the file is NULL, false or "". Nothing is aligned, so that parts are copied out.
 */
#ifndef TARGET_ELF_IMAGE_H
#define TARGET_ELF_IMAGE_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_image {
    const char *start; /* NULL: an empty file, or none */
    size_t bytes;
};

/* False with errno when the file cannot be opened. What is empty or no regular file is mapped as
 * an image without bytes. */
bool elf_image_open(struct elf_image *image, const char *path);
void elf_image_close(struct elf_image *image);

/* The part at `offset`, or NULL. */
const void *elf_image_at(const struct elf_image *image, uint64_t offset, uint64_t bytes);

/* The first bytes of the file, copied, and zeroes behind a short one. False if it is no ELF file.
 */
bool elf_image_head(const struct elf_image *image, ElfW(Ehdr) * head);

/* Is it of this program's word size, byte order and machine? */
bool elf_image_is_native(const ElfW(Ehdr) * head);

/* Copies section or segment `index`; false when there is none. */
bool elf_image_section(const struct elf_image *image, const ElfW(Ehdr) * head, unsigned index,
                       ElfW(Shdr) * section);
bool elf_image_segment(const struct elf_image *image, const ElfW(Ehdr) * head, unsigned index,
                       ElfW(Phdr) * segment);

/* A string at the offset within a string section; "" when it lies outside or does not end. It lives
 * as long as the image is open. */
const char *elf_image_string(const struct elf_image *image, const ElfW(Shdr) * strings,
                             uint64_t offset);

#endif
