#include "modules.h"

#include "kernel.h"
#include "libc.h"
#include "os.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>

enum { PATHS_BYTES = 256 << 10 };

struct room {
    struct module modules[MODULES_MOST];
    char paths[PATHS_BYTES];
};

static SELDOM struct {
    _Atomic(uint32_t) epoch;
    _Atomic(uint32_t) count;
    _Atomic(bool) is_changing; /* somebody notes a module */
    uint32_t paths_used;
    struct room *room; /* NULL until the first is noted */
} table;

uint32_t modules_epoch(void) {
    return atomic_load_explicit(&table.epoch, memory_order_relaxed);
}

const struct module *modules_at(unsigned number) {
    return number < atomic_load_explicit(&table.count, memory_order_acquire)
               ? &table.room->modules[number]
               : NULL;
}

const struct module *modules_find_in(uintptr_t address, uint32_t epoch) {
    const struct module *module;
    for (unsigned i = 0; (module = modules_at(i)) != NULL; i++)
        if (address - module->start < module->end - module->start &&
            atomic_load_explicit(&module->born, memory_order_relaxed) <= epoch &&
            epoch < atomic_load_explicit(&module->died, memory_order_relaxed))
            return module;
    return NULL;
}

NEAR void modules_after_fork(void) {
    atomic_store_explicit(&table.is_changing, false, memory_order_relaxed);
}

#ifdef LIBC_FIND_OBJECT

/* ---- what names a module for good ---- */

/* The notes of a segment: each is three numbers (bytes of its name, of what it says, its kind),
 * name and contents, both filled up to words of 4 bytes. */
static void read_notes(struct module *module, const char *at, const char *end) {
    enum { HEAD_BYTES = 12 };
    while (end - at >= HEAD_BYTES) {
        uint32_t head[3];
        memcpy(head, at, sizeof head);
        const char *name = at + HEAD_BYTES;
        const char *contents = name + (((size_t)head[0] + 3) & ~(size_t)3);
        const char *next = contents + (((size_t)head[1] + 3) & ~(size_t)3);
        if (next > end || next < at)
            return;
        if (head[2] == NT_GNU_BUILD_ID && head[0] == 4 && memcmp(name, "GNU", 4) == 0 &&
            head[1] <= MODULE_BUILD_ID_BYTES) {
            memcpy(module->build_id, contents, head[1]);
            module->build_id_bytes = (uint8_t)head[1];
            return;
        }
        at = next;
    }
}

/* The program headers, which lie at the start of the mapping in all but odd modules; NULL in those.
 */
static const ElfW(Phdr) * segments_of(const struct module *module, unsigned *count) {
    enum { START_BYTES = 4096 };
    const ElfW(Ehdr) *head = (const ElfW(Ehdr) *)module->start;
    if (module->end - module->start < sizeof *head || memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 ||
        head->e_phentsize != sizeof(ElfW(Phdr)) || head->e_phoff > START_BYTES ||
        head->e_phoff + head->e_phnum * sizeof(ElfW(Phdr)) > START_BYTES)
        return NULL;
    *count = head->e_phnum;
    return (const ElfW(Phdr) *)(module->start + head->e_phoff);
}

struct range {
    uintptr_t start;
    uintptr_t end; /* 0: there is none */
};

/* The segment that an address lies in and that can be read: between segments there may be holes. */
static struct range loaded_around(const struct module *module, uintptr_t address) {
    unsigned count;
    const ElfW(Phdr) *segment = segments_of(module, &count);
    for (unsigned i = 0; segment != NULL && i < count; i++, segment++) {
        uintptr_t start = module->bias + segment->p_vaddr;
        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_R) != 0 &&
            address - start < segment->p_memsz && segment->p_memsz <= module->end - start)
            return (struct range){start, start + segment->p_memsz};
    }
    return (struct range){.end = 0};
}

static void read_build_id(struct module *module) {
    unsigned count;
    const ElfW(Phdr) *segment = segments_of(module, &count);
    for (unsigned i = 0; segment != NULL && i < count; i++, segment++) {
        uintptr_t start = module->bias + segment->p_vaddr;
        uintptr_t end = loaded_around(module, start).end;
        if (segment->p_type == PT_NOTE && module->build_id_bytes == 0 && end != 0 &&
            segment->p_memsz <= end - start)
            read_notes(module, (const char *)start, (const char *)(start + segment->p_memsz));
    }
}

/* Keep a module's path; that of the program is not in the loader's list. False if there is no
 * room. */
static bool keep_path(struct module *module, const char *name) {
    char *path = table.room->paths + table.paths_used;
    size_t room = sizeof table.room->paths - table.paths_used;
    size_t length;
    if (room < MODULE_PATH_BYTES)
        return false;
    if (*name != '\0') {
        length = strlen(name);
        length = length < MODULE_PATH_BYTES - 1 ? length : MODULE_PATH_BYTES - 1;
        memcpy(path, name, length);
    } else {
        long read = KERNEL(readlinkat, AT_FDCWD, "/proc/self/exe", path, MODULE_PATH_BYTES - 1);
        length = kernel_failed(read) ? 0 : (size_t)read;
    }
    path[length] = '\0';
    module->path = path;
    table.paths_used += (uint32_t)length + 1;
    return true;
}

/* ---- noting ---- */

/* Let the modules die whose place is another's now. True if there were any. */
static bool bury(uintptr_t start, uintptr_t end, uint32_t epoch) {
    bool is_any = false;
    uint32_t count = atomic_load_explicit(&table.count, memory_order_relaxed);
    for (uint32_t i = 0; i < count; i++) {
        struct module *module = &table.room->modules[i];
        if (module->start < end && start < module->end &&
            atomic_load_explicit(&module->died, memory_order_relaxed) == MODULE_ALIVE) {
            atomic_store_explicit(&module->died, epoch, memory_order_relaxed);
            is_any = true;
        }
    }
    return is_any;
}

/* Memory for the table, at the first need: few programs have any. */
static bool make_room(void) {
    size_t bytes = os_round_to_page(sizeof(struct room));
    struct room *room = table.room == NULL ? os_reserve(bytes, os_page_bytes()) : NULL;
    if (room != NULL && os_commit(room, bytes))
        table.room = room;
    return table.room != NULL;
}

static const struct module *note(const struct dl_find_object *object) {
    uint32_t count = atomic_load_explicit(&table.count, memory_order_relaxed);
    if (count == MODULES_MOST || !make_room())
        return NULL;
    struct module *module = &table.room->modules[count];
    *module = (struct module){.start = (uintptr_t)object->dlfo_map_start,
                              .end = (uintptr_t)object->dlfo_map_end,
                              .bias = object->dlfo_link_map->l_addr,
                              .tables = {.index = object->dlfo_eh_frame,
                                         .start = (uintptr_t)object->dlfo_map_start,
                                         .end = (uintptr_t)object->dlfo_map_end},
                              .is_program = *object->dlfo_link_map->l_name == '\0',
                              .died = MODULE_ALIVE};
    if (!keep_path(module, object->dlfo_link_map->l_name))
        return NULL;
    read_build_id(module);
    struct range loaded = loaded_around(module, (uintptr_t)module->tables.index);
    if (loaded.end != 0) {
        module->tables.start = loaded.start;
        module->tables.end = loaded.end;
    }
    uint32_t epoch = modules_epoch();
    if (bury(module->start, module->end, epoch + 1)) {
        epoch++;
        atomic_store_explicit(&table.epoch, epoch, memory_order_relaxed);
    }
    atomic_store_explicit(&module->born, epoch, memory_order_relaxed);
    /* Release: who sees the number sees the module. */
    atomic_store_explicit(&table.count, count + 1, memory_order_release);
    return module;
}

/* The same module as one that is noted: the loader may have closed that and put another there. */
static bool is_same(const struct module *module, const struct dl_find_object *object) {
    const char *name = object->dlfo_link_map->l_name;
    return module->start == (uintptr_t)object->dlfo_map_start &&
           module->end == (uintptr_t)object->dlfo_map_end &&
           module->tables.index == object->dlfo_eh_frame &&
           (*name == '\0' || strcmp(module->path, name) == 0);
}

const struct module *modules_find(uintptr_t address) {
    struct dl_find_object object;
    if (&_dl_find_object == NULL || _dl_find_object((void *)address, &object) != 0)
        return NULL;
    const struct module *module = modules_find_in(address, modules_epoch());
    if (module != NULL && is_same(module, &object))
        return module;
    if (atomic_exchange_explicit(&table.is_changing, true, memory_order_acquire))
        return NULL;
    module = modules_find_in(address, modules_epoch());
    if (module == NULL || !is_same(module, &object))
        module = note(&object);
    atomic_store_explicit(&table.is_changing, false, memory_order_release);
    return module;
}

#else

const struct module *modules_find(uintptr_t address) {
    (void)address;
    return NULL;
}

#endif
