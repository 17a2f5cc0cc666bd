#include "roots.h"

#include "halt.h"
#include "kernel.h"
#include "libc.h"
#include "os.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { STACKS_MOST = 1025, LINE_BYTES = 8192 };

/* At the end alone: so it is no part of the library's data. */
struct room {
    uintptr_t stacks[STACKS_MOST]; /* stack pointers */
    char line[LINE_BYTES];
    uintptr_t page[SLAB_BYTES / sizeof(uintptr_t)]; /* a copy: none is larger here */
};

static SELDOM struct {
    struct roots_look look;
    bool is_memory_unseen;
    uint32_t stack_count;
    size_t held;
    struct room *room;
} roots;

/* This library, whose variables lead to all blocks. Of the linker. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));

static struct halt_code own(void) {
    return (struct halt_code){.start = (uintptr_t)__ehdr_start, .end = (uintptr_t)_end};
}

/* ---- mappings ---- */

static void visit(uintptr_t start, uintptr_t end) {
    if (start < end)
        roots.look.visit((const void *)start, (const void *)end, roots.look.context);
}

/* Show some of a page, from a multiple of a pointer's size on. */
static void visit_page(uintptr_t start, uintptr_t end) {
    uintptr_t copy = (uintptr_t)roots.room->page;
    if (os_can_read((const void *)(start & ~(uintptr_t)(os_page_bytes() - 1))))
        visit(start, end);
    else if (end - start <= sizeof roots.room->page &&
             os_read_protected((const void *)start, end - start, roots.room->page))
        visit(copy, copy + (end - start));
}

void roots_show(const void *start, const void *end) {
    uintptr_t from = ((uintptr_t)start + sizeof(uintptr_t) - 1) & ~(sizeof(uintptr_t) - 1);
    while (from < (uintptr_t)end) {
        uintptr_t next = (from | (os_page_bytes() - 1)) + 1;
        visit_page(from, smaller(next, (uintptr_t)end));
        from = next;
    }
}

/* Show what has memory of some pages: large mappings may have little. */
static void visit_resident(uintptr_t start, uintptr_t end) {
    unsigned char pages[256];
    size_t page_bytes = os_page_bytes();
    while (start < end) {
        size_t count = (end - start) / page_bytes;
        count = count < sizeof pages ? count : sizeof pages;
        if (count == 0 || kernel_failed(KERNEL(mincore, start, count * page_bytes, pages)))
            return;
        for (size_t i = 0; i < count; i++, start += page_bytes)
            if ((pages[i] & 1) != 0)
                visit_page(start, start + page_bytes);
    }
}

/* Show a mapping, from the lowest stack pointer in it on: below lies what was on a stack before. */
static void visit_mapping(uintptr_t start, uintptr_t end) {
    uintptr_t lowest = end;
    for (uint32_t i = 0; i < roots.stack_count; i++)
        if (roots.room->stacks[i] >= start && roots.room->stacks[i] < lowest)
            lowest = roots.room->stacks[i];
    if (lowest == end) {
        visit_resident(start, end);
        return;
    }
    uintptr_t page = os_round_to_page(lowest);
    visit(lowest, page < end ? page : end);
    if (page < end)
        visit_resident(page, end);
}

static uintptr_t read_hex(const char **at) {
    uintptr_t number = 0;
    for (;; ++*at) {
        unsigned digit = (unsigned char)**at;
        if (digit >= '0' && digit <= '9')
            number = number * 16 + (digit - '0');
        else if (digit >= 'a' && digit <= 'f')
            number = number * 16 + (digit - 'a' + 10);
        else
            return number;
    }
}

/* A line of the system's list: "7f12a000-7f12b000 rw-p ...". What is shared is no program's alone,
 * and may be a device. */
static void see_line(const char *line) {
    const char *at = line;
    uintptr_t start = read_hex(&at);
    if (*at++ != '-')
        return;
    uintptr_t end = read_hex(&at);
    if (memcmp(at, " rw", 3) != 0 || at[4] != 'p')
        return;
    struct halt_code ours = own();
    while (start < end) {
        bool is_own = start >= ours.start && start < ours.end;
        uintptr_t next = is_own ? ours.end : os_end_of_reserved(start, end);
        if (!is_own && next == start) {
            next = os_start_of_reserved(start, end);
            if (ours.start > start && ours.start < next)
                next = ours.start;
            visit_mapping(start, next);
        }
        start = next;
    }
}

static long open_mappings(void) {
    return KERNEL(openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC);
}

/* Show all mappings. False if the system does not list them. */
static bool see_mappings(void) {
    long file = open_mappings();
    if (kernel_failed(file))
        return false;
    long bytes;
    roots.held = 0;
    while ((bytes = KERNEL(read, file, roots.room->line + roots.held,
                           sizeof roots.room->line - 1 - roots.held)) > 0) {
        roots.held += (size_t)bytes;
        char *line = roots.room->line;
        char *end;
        while ((end = memchr(line, '\n', roots.held)) != NULL) {
            *end = '\0';
            see_line(line);
            roots.held -= (size_t)(end + 1 - line);
            line = end + 1;
        }
        if (roots.held == sizeof roots.room->line - 1) /* longer than any line */
            roots.held = 0;
        for (size_t i = 0; i < roots.held; i++)
            roots.room->line[i] = line[i];
    }
    KERNEL(close, file);
    return true;
}

/* ---- threads ---- */

static void see_thread(const struct halted *thread, void *context) {
    (void)context;
    visit((uintptr_t)thread->registers, (uintptr_t)(thread->registers + thread->count));
    if (roots.stack_count < STACKS_MOST)
        roots.room->stacks[roots.stack_count++] = thread->stack;
}

/* Show where the variables of an object lie, those of the calling thread too, unless it is ours. */
static int visit_object(struct dl_phdr_info *object, size_t info_bytes, void *unused) {
    static const char here;
    (void)unused;
    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        const char *start = (const char *)(object->dlpi_addr + segment->p_vaddr);
        if (segment->p_type == PT_LOAD && (uintptr_t)&here - (uintptr_t)start < segment->p_memsz)
            return 0;
    }
    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        const char *start = NULL;
        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_W) != 0)
            start = (const char *)(object->dlpi_addr + segment->p_vaddr);
        else if (segment->p_type == PT_TLS &&
                 info_bytes >= offsetof(struct dl_phdr_info, dlpi_tls_data) + sizeof(void *))
            start = object->dlpi_tls_data;
        if (start != NULL)
            roots_show(start, start + segment->p_memsz);
    }
    return 0;
}

/* Where the system does not list the mappings. The loader has the list of modules, under a lock
 * that a halted thread may have. */
static void see_variables(bool is_alone) {
    roots.is_memory_unseen = true;
    typedef int iterates(int (*)(struct dl_phdr_info *, size_t, void *), void *);
    void *symbol = is_alone ? dlsym(RTLD_DEFAULT, "dl_iterate_phdr") : NULL;
    iterates *iterate;
    memcpy(&iterate, &symbol, sizeof iterate);
    if (iterate != NULL)
        iterate(visit_object, NULL);
}

static void see_all(bool is_alone) {
    roots.look.first(roots.look.context);
    halt_each(see_thread, NULL);
    if (!see_mappings())
        see_variables(is_alone);
    roots.look.last(roots.look.context);
}

static void see_all_beside_threads(void *context) {
    (void)context;
    see_all(false);
}

/* True if there is no other thread. Where the system does not say, the C library may. */
static bool is_alone(void) {
    size_t threads = os_thread_count();
    return threads != 0 ? threads == 1
                        : &__libc_single_threaded != NULL && __libc_single_threaded != 0;
}

/* HELPED: the calling thread has no descriptor left for it. REFUSED: neither has anybody the list,
 * nor that of threads, so nothing is tried that a filter of system calls may kill the process for.
 */
enum list { LISTED, HELPED, REFUSED };

static enum list find_list(void) {
    long file = open_mappings();
    if (kernel_failed(file))
        return file == -EMFILE || file == -ENFILE ? HELPED : REFUSED;
    KERNEL(close, file);
    return LISTED;
}

bool roots_may_try(void) {
    return find_list() != REFUSED;
}

struct roots_unseen roots_each(const void *stack, const struct roots_look *look) {
    size_t room_bytes = os_round_to_page(sizeof *roots.room);
    struct room *room = os_reserve(room_bytes, os_page_bytes());
    bool alone = is_alone();
    struct roots_unseen unseen = {.threads = alone ? 0 : 1, .memory = true, .all = true};
    if (room == NULL || !os_commit(room, room_bytes))
        return unseen;
    roots.look = *look;
    roots.is_memory_unseen = false;
    roots.room = room;
    roots.room->stacks[0] = (uintptr_t)stack;
    roots.stack_count = 1;
    enum list list = find_list();
    if (alone && list != HELPED) {
        see_all(true);
        unseen.threads = 0;
    } else if (list == REFUSED) {
        return unseen;
    } else if (!halt_others(own(), see_all_beside_threads, NULL, &unseen.threads)) {
        unseen.threads += unseen.threads == 0 && !alone;
        return unseen;
    }
    unseen.memory = roots.is_memory_unseen;
    unseen.all = false;
    return unseen;
}
