/* What an ELF file says about itself: is it static, for which machine, which allocator does it
 * bring.
 *
 * The file is mapped and every offset is checked against its size: a broken file ends in `is_elf`
 * false or in missing facts, never in a fault.
 */
#ifndef TARGET_ELF_FILE_H
#define TARGET_ELF_FILE_H

#include <stdbool.h>

enum { ELF_FILE_NEEDED_MAX = 64 };

struct elf_file {
    bool is_elf;
    bool is_native;  /* of this program's word size and machine */
    bool has_loader; /* names a dynamic loader (PT_INTERP): LD_PRELOAD can work */
    bool is_musl;    /* that loader is musl's */
    bool is_go;      /* made by the Go toolchain */
    /* The function of malloc's family that is its own, visible to the libraries it loads and to
     * itself: malloc if there are several. NULL: none. */
    const char *exports;
    unsigned needed_count;
    char *needed[ELF_FILE_NEEDED_MAX]; /* names of the libraries it is linked with */
};

/* False with errno when the file cannot be read. */
bool elf_file_read(const char *path, struct elf_file *file);
void elf_file_free(struct elf_file *file);

#endif
