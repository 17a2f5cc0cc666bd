#include "roots.h"

#include "halt.h"
#include "kernel.h"
#include "modules.h"
#include "os.h"
#include "text.h"

#include <fcntl.h>
#include <string.h>

enum { STACKS_MOST = 1025, LINE_BYTES = 8192 };

/* At the end alone: so it is no part of the library's data. */
struct room {
    uintptr_t stacks[STACKS_MOST]; /* stack pointers */
    char line[LINE_BYTES];
};

static SELDOM struct {
    void (*visit)(const void *start, const void *end, void *context);
    void (*last)(void *context);
    void *context;
    uintptr_t own_start; /* of this library, whose variables lead to all blocks */
    uintptr_t own_end;
    uint32_t stack_count;
    size_t held;
    struct room *room;
} roots;

/* ---- mappings ---- */

static void visit(uintptr_t start, uintptr_t end) {
    if (start < end)
        roots.visit((const void *)start, (const void *)end, roots.context);
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
                visit(start, start + page_bytes);
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
    while (start < end) {
        bool is_own = start >= roots.own_start && start < roots.own_end;
        uintptr_t next = is_own ? roots.own_end : os_end_of_reserved(start, end);
        if (!is_own && next == start) {
            next = os_start_of_reserved(start, end);
            if (roots.own_start > start && roots.own_start < next)
                next = roots.own_start;
            visit_mapping(start, next);
        }
        start = next;
    }
}

/* Show all mappings. False if the system does not list them. */
static bool see_mappings(void) {
    long file = KERNEL(openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC);
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

static void see_all(void *context) {
    (void)context;
    if (!see_mappings())
        os_each_variables(roots.visit, roots.context);
    roots.last(roots.context);
}

unsigned roots_each(const void *stack,
                    void (*visit_)(const void *start, const void *end, void *context),
                    void (*last)(void *context), void *context) {
    static const char here;
    const struct module *own = modules_find((uintptr_t)&here);
    roots.visit = visit_;
    roots.last = last;
    roots.context = context;
    size_t room_bytes = os_round_to_page(sizeof *roots.room);
    roots.room = os_reserve(room_bytes, os_page_bytes());
    if (roots.room != NULL && !os_commit(roots.room, room_bytes))
        roots.room = NULL;
    if (own == NULL || roots.room == NULL) { /* nor do we know which variables are ours */
        os_each_variables(visit_, context);
        last(context);
        return os_thread_count() > 1;
    }
    roots.room->stacks[0] = (uintptr_t)stack;
    roots.stack_count = 1;
    roots.own_start = own->start;
    roots.own_end = own->end;
    if (os_thread_count() > 1)
        return halt_others(see_thread, see_all, NULL);
    see_all(NULL);
    return 0;
}
