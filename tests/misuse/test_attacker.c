/* If this failed, somebody who can overflow a block, use it after it was freed, or free what he
 * likes would reach further than src/ARCHITECTURE.md, "What an attacker can reach", says. Each test
 * is one of its sentences; each attack is made by a child of its own, under the options that the
 * sentence is about. */
#include "misuse.h"
#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/personality.h>

enum { BLOCK_BYTES = 40, SLAB_BYTES = 65536, QUARANTINE = 256, GUARD_SLABS = 128 };

static const uintptr_t GIB = (uintptr_t)1 << 30;

/* --- in the child: what is where, without a call that could allocate --- */

struct mapping {
    uintptr_t start, end;
    bool accessible, writable;
};

static char maps_text[1 << 18];

/* Reads /proc/self/maps; false if it cannot be read. */
static bool read_maps(void) {
    size_t length = 0;
    ssize_t bytes;
    int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    while ((bytes = read(file, maps_text + length, sizeof maps_text - 1 - length)) > 0)
        length += (size_t)bytes;
    close(file);
    maps_text[length] = '\0';
    return length != 0;
}

/* The line of maps_text at `line` as a mapping; the next line, NULL at the end. */
static const char *read_mapping(const char *line, struct mapping *mapping) {
    char *rest;
    mapping->start = strtoul(line, &rest, 16);
    mapping->end = *rest == '-' ? strtoul(rest + 1, &rest, 16) : 0;
    mapping->accessible = *rest == ' ' && (rest[1] != '-' || rest[2] != '-');
    mapping->writable = *rest == ' ' && rest[2] == 'w';
    line = strchr(rest, '\n');
    return line != NULL && line[1] != '\0' ? line + 1 : NULL;
}

/* The mapping that an address lies in, or the first above it; all zero if there is none. */
static struct mapping mapping_from(uintptr_t address) {
    struct mapping mapping = {0, 0, false, false};
    for (const char *line = maps_text; line != NULL;) {
        line = read_mapping(line, &mapping);
        if (mapping.end > address)
            return mapping;
    }
    return (struct mapping){0, 0, false, false};
}

/* Where the descriptors are: what is accessible first behind the inaccessible rest of the slabs'
 * address space. */
static struct mapping find_descriptors(const void *block) {
    struct mapping mapping = mapping_from((uintptr_t)block);
    while (mapping.end != 0 && (mapping.accessible || mapping.end - mapping.start < GIB))
        mapping = mapping_from(mapping.end);
    return mapping_from(mapping.end);
}

/* Prints without an allocation: by now the heap may be full of faults. */
__attribute__((format(printf, 1, 2))) static void say(const char *format, ...) {
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (write(STDOUT_FILENO, text, (size_t)length) != length)
        _exit(1);
}

/* --- the attacks --- */

static sigjmp_buf stopped;
static char *volatile reached;

static void on_segment_violation(int number) {
    (void)number;
    siglongjmp(stopped, 1);
}

/* Writes on and on from a place, until the system stops that. */
static void overrun(char *from, int direction) {
    signal(SIGSEGV, on_segment_violation);
    reached = from;
    if (sigsetjmp(stopped, 1) == 0)
        for (;; reached += direction)
            *reached ^= 0x5a;
}

static void *take_in_thread(void *argument) {
    (void)argument;
    return malloc(BLOCK_BYTES);
}

/* Prints: how far it came, and how much inaccessible address space is there. Then frees the block
 * twice: what the library knows of it must have survived. */
static int overrun_child(int direction) {
    pthread_t thread;
    char *block = malloc(BLOCK_BYTES), *other = malloc(BLOCK_BYTES);
    pthread_create(&thread, NULL, take_in_thread, NULL); /* a second heap, with its stack */
    pthread_join(thread, NULL);
    overrun(direction > 0 ? block + BLOCK_BYTES : block - 1, direction);
    if (!read_maps())
        return CHILD_SKIPPED;
    struct mapping there = mapping_from((uintptr_t)reached);
    size_t distance = direction > 0 ? (size_t)(reached - block) : (size_t)(block - reached);
    bool inaccessible = there.start <= (uintptr_t)reached && !there.accessible;
    say("%zu %zu\n", distance, inaccessible ? there.end - there.start : 0);
    free(opaque(other));
    free(opaque(other));
    return 0;
}

/* Frees an address that no block has: WHICH one. */
static int forged_child(const char *which) {
    char *block = malloc(BLOCK_BYTES);
    if (!read_maps())
        return CHILD_SKIPPED;
    struct mapping descriptors = find_descriptors(block);
    struct mapping remotes = mapping_from(mapping_from(descriptors.end).end);
    if (!descriptors.accessible || !remotes.accessible)
        return CHILD_SKIPPED;
    const struct {
        const char *name;
        uintptr_t address;
    } places[] = {
        {"descriptor", descriptors.start + 64},
        {"descriptors' end", descriptors.end - 64},
        {"remote words", remotes.start + 64},
        {"reserved", ((uintptr_t)block + descriptors.start) / 2 & ~(uintptr_t)15},
        {"behind the descriptors", descriptors.end + GIB},
    };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (strcmp(places[i].name, which) != 0)
            continue;
        say("0x%jx\n", (uintmax_t)places[i].address);
        free(opaque((void *)places[i].address));
    }
    return 0;
}

/* Prints where a block is, the word in front of it and the first one of its slab's descriptor. The
 * addresses are the same in each process. */
static int key_child(char **argv) {
    uint64_t in_front, tag;
    if (argv[2] == NULL) {
        char *const again[] = {argv[0], argv[1], (char[]){"again"}, NULL};
        personality(ADDR_NO_RANDOMIZE);
        execv(argv[0], again);
        return 1;
    }
    char *block = malloc(BLOCK_BYTES);
    if (!read_maps())
        return CHILD_SKIPPED;
    memcpy(&in_front, block - 8, sizeof in_front);
    struct mapping descriptors = find_descriptors(block);
    if (!descriptors.accessible)
        return CHILD_SKIPPED;
    const char *descriptor = (const char *)descriptors.start;
    memcpy(&tag, descriptor, sizeof tag);
    say("%p %jx %jx\n", (void *)block, (uintmax_t)in_front, (uintmax_t)tag);
    return 0;
}

/* Prints in which order the slots of a slab are handed out. */
static int order_child(void) {
    for (int i = 0; i < 24; i++)
        say("%x ", (unsigned)((uintptr_t)malloc(BLOCK_BYTES) % SLAB_BYTES));
    return 0;
}

static void *give_in_thread(void *block) {
    free(block);
    return NULL;
}

/* A freed block, by this thread or another, reads as zero. */
static int cleared_child(void) {
    pthread_t thread;
    unsigned char *own = memset(malloc(BLOCK_BYTES), 0x5a, BLOCK_BYTES);
    unsigned char *shared = memset(malloc(BLOCK_BYTES), 0x5a, BLOCK_BYTES);
    free(own);
    pthread_create(&thread, NULL, give_in_thread, shared);
    pthread_join(thread, NULL);
    if (!is_zero(opaque(own), BLOCK_BYTES))
        return 2;
    return is_zero(opaque(shared), BLOCK_BYTES) ? 0 : 3;
}

static void *give_all_in_thread(void *argument) {
    void **blocks = argument;
    for (size_t i = 0; i < QUARANTINE - 1; i++)
        free(blocks[i]);
    return NULL;
}

/* Nor do some that another thread freed, however many others are taken. */
static bool comes_back_from_another_thread(void) {
    enum { TAKEN = 20000 };
    static void *blocks[QUARANTINE - 1];
    pthread_t thread;
    for (size_t i = 0; i < QUARANTINE - 1; i++)
        blocks[i] = malloc(BLOCK_BYTES);
    pthread_create(&thread, NULL, give_all_in_thread, blocks);
    pthread_join(thread, NULL);
    for (int i = 0; i < TAKEN; i++) {
        const void *taken = malloc(BLOCK_BYTES);
        for (size_t k = 0; k < QUARANTINE - 1; k++)
            if (taken == opaque(blocks[k]))
                return true;
    }
    return false;
}

/* A freed block does not come back while as many others are freed as the quarantine holds. */
static int reuse_child(void) {
    if (comes_back_from_another_thread())
        return 3;
    char *freed = malloc(BLOCK_BYTES);
    free(freed);
    for (int i = 0; i < QUARANTINE - 1; i++) {
        char *next = malloc(BLOCK_BYTES);
        if (next == opaque(freed))
            return 2;
        free(next);
    }
    return 0;
}

/* The library's file, where it is loaded, and its tables. */
struct image {
    uintptr_t base;
    const char *file;
    const Elf64_Shdr *sections;
    size_t section_count;
};

static int note_base(struct dl_phdr_info *info, size_t bytes, void *context) {
    struct image *image = context;
    (void)bytes;
    if (strstr(info->dlpi_name, "libtagpool") == NULL)
        return 0;
    image->base = info->dlpi_addr;
    return 1;
}

static bool read_image(struct image *image) {
    int file = open(getenv("LD_PRELOAD"), O_RDONLY | O_CLOEXEC);
    off_t bytes = lseek(file, 0, SEEK_END);
    image->file = mmap(NULL, (size_t)bytes, PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    if (image->file == MAP_FAILED || dl_iterate_phdr(note_base, image) == 0)
        return false;
    const Elf64_Ehdr *head = (const Elf64_Ehdr *)image->file;
    image->sections = (const Elf64_Shdr *)(image->file + head->e_shoff);
    image->section_count = head->e_shnum;
    return true;
}

/* Prints, of each variable that the arguments name, whether it can be written to. */
static void say_writable(const struct image *image, const Elf64_Shdr *symbols, char **names) {
    const Elf64_Sym *symbol = (const Elf64_Sym *)(image->file + symbols->sh_offset);
    const char *text = image->file + image->sections[symbols->sh_link].sh_offset;
    for (size_t i = 0; i < symbols->sh_size / sizeof *symbol; i++)
        for (char **name = names; *name != NULL; name++)
            if (strcmp(text + symbol[i].st_name, *name) == 0)
                say("%s %s\n", *name,
                    mapping_from(image->base + symbol[i].st_value).writable ? "writable" : "fixed");
}

static int fixed_child(char **names) {
    struct image image = {0, NULL, NULL, 0};
    bool has_symbols = false;
    free(malloc(BLOCK_BYTES));
    if (!read_maps() || !read_image(&image))
        return CHILD_SKIPPED;
    for (size_t i = 0; i < image.section_count; i++)
        if (image.sections[i].sh_type == SHT_SYMTAB) {
            say_writable(&image, &image.sections[i], names);
            has_symbols = true;
        }
    return has_symbols ? 0 : CHILD_SKIPPED;
}

/* Takes so much that the bounds of the region, which are fixed, must be set anew. */
static int growing_child(void) {
    enum { COUNT = 100000, BYTES = 1000 };
    static char *block[COUNT];
    for (int i = 0; i < COUNT; i++)
        if ((block[i] = malloc(BYTES)) == NULL)
            return 2;
    for (int i = 0; i < COUNT; i++)
        free(block[i]);
    return 0;
}

#define SECRET "the secret of the program"

static int report_child(void) {
    char *block = malloc(BLOCK_BYTES), *other = malloc(BLOCK_BYTES);
    strcpy(block, SECRET);
    strcpy(other, SECRET);
    free(opaque(block));
    free(opaque(block));
    free(opaque(other + 16));
    return 0;
}

/* Writes up to 1 MiB beyond a block, the only one of its class and the newest slab of the pool. */
static int ahead_child(void) {
    enum { REACH = 1 << 20 };
    char *block = malloc(BLOCK_BYTES * 25);
    memset(opaque(block), 0x5a, REACH);
    return 0;
}

/* Prints how far strings without an end are read beyond blocks of each size, at most, and if the
 * first byte behind a block is one that the end of a string would change. */
static int string_child(void) {
    enum { MOST = 600, COUNT = 100 };
    size_t farthest = 0;
    int zeroes = 0;
    for (size_t bytes = 1; bytes < MOST; bytes++)
        for (int i = 0; i < COUNT; i++) {
            char *block = memset(malloc(bytes), 'x', bytes);
            size_t beyond = strlen(opaque(block)) - bytes;
            farthest = beyond > farthest ? beyond : farthest;
            zeroes += beyond == 0;
        }
    say("%zu %d\n", farthest, zeroes);
    return 0;
}

static int child_main(char **argv) {
    leave_no_core();
    if (strcmp(argv[1], "ahead") == 0)
        return ahead_child();
    if (strcmp(argv[1], "string") == 0)
        return string_child();
    if (strcmp(argv[1], "above") == 0)
        return overrun_child(1);
    if (strcmp(argv[1], "below") == 0)
        return overrun_child(-1);
    if (strcmp(argv[1], "forged") == 0)
        return forged_child(argv[2]);
    if (strcmp(argv[1], "key") == 0)
        return key_child(argv);
    if (strcmp(argv[1], "order") == 0)
        return order_child();
    if (strcmp(argv[1], "cleared") == 0)
        return cleared_child();
    if (strcmp(argv[1], "fixed") == 0)
        return fixed_child(&argv[2]);
    if (strcmp(argv[1], "growing") == 0)
        return growing_child();
    return strcmp(argv[1], "reuse") == 0 ? reuse_child() : report_child();
}

/* --- the judgement --- */

static const char *program;

static void attack(struct child *child, const char *options, const char *name, const char *which) {
    const char *const argv[] = {program, name, which, NULL};
    run_with_options(child, options, argv);
}

static bool has_aborted(const struct child *child) {
    return !child->late && WIFSIGNALED(child->status) && WTERMSIG(child->status) == SIGABRT;
}

/* The attack came so far and no further, and the library found what was done to its blocks. */
static void check_overrun(enum misuse_strategy strategy, const char *name, size_t least_gap) {
    static struct child child;
    const char *options = strategies[strategy].options;
    attack(&child, options, name, NULL);
    if (child_skipped(&child)) {
        tap_skip("there is no /proc to look at");
        return;
    }
    char *rest;
    size_t distance = strtoul(child.out, &rest, 10), gap = strtoul(rest, NULL, 10);
    CHECK_SAY(distance > 0 && gap >= least_gap, "%s, %s: %zu bytes on, %zu are inaccessible",
              options, name, distance, gap);
    if (strategy == MISUSE_STRATEGY_hardened && strcmp(name, "above") == 0)
        CHECK_SAY(distance <= (size_t)(GUARD_SLABS + 1) * SLAB_BYTES, "it came %zu bytes far",
                  distance);
    CHECK_SAY(has_aborted(&child), "%s, %s: status %#x", options, name, (unsigned)child.status);
    const char *found = strategy == MISUSE_STRATEGY_metadata ? "]: double free of 0x" : "tagpool[";
    CHECK_SAY(strstr(child.err, found) != NULL, "%s, %s: it wrote \"%s\"", options, name,
              child.err);
}

static void an_overflow_that_runs_on_reaches_nothing_of_the_library(void) {
    for (int strategy = 0; strategy < MISUSE_STRATEGY_COUNT; strategy++) {
        bool hardened = strategy == MISUSE_STRATEGY_hardened;
        check_overrun((enum misuse_strategy)strategy, "above", hardened ? SLAB_BYTES : GIB);
    }
}

static void nor_does_one_that_runs_down(void) {
    for (int strategy = 0; strategy < MISUSE_STRATEGY_COUNT; strategy++)
        check_overrun((enum misuse_strategy)strategy, "below", SLAB_BYTES);
}

static void the_library_s_own_tables_cannot_be_freed(void) {
    static const char *const places[] = {"descriptor", "descriptors' end", "remote words",
                                         "reserved", "behind the descriptors"};
    static struct child child;
    for (int strategy = 0; strategy < MISUSE_STRATEGY_COUNT; strategy++)
        for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
            char expected[128];
            attack(&child, strategies[strategy].options, "forged", places[i]);
            if (child_skipped(&child)) {
                tap_skip("there is no /proc to look at");
                return;
            }
            snprintf(expected, sizeof expected, "]: free of never-allocated pointer %.*s (",
                     (int)strcspn(child.out, "\n"), child.out);
            CHECK_SAY(has_aborted(&child) && strstr(child.err, expected) != NULL,
                      "%s, %s at %s: status %#x, \"%s\"", strategies[strategy].name, places[i],
                      child.out, (unsigned)child.status, child.err);
        }
}

static void each_process_has_keys_of_its_own(void) {
    enum { RUNS = 6 };
    static struct child child;
    static char address[RUNS][32], in_front[RUNS][32], tag[RUNS][32];
    int same_places = 0;
    for (int i = 0; i < RUNS; i++) {
        attack(&child, "strategy=tagged", "key", NULL);
        if (!child_succeeded(&child)) {
            tap_skip("there is no /proc to look at");
            return;
        }
        CHECK(sscanf(child.out, "%31s %31s %31s", address[i], in_front[i], tag[i]) == 3);
        same_places += strcmp(address[i], address[0]) == 0;
        for (int j = 0; j < i; j++)
            CHECK_SAY(strcmp(in_front[i], in_front[j]) != 0 && strcmp(tag[i], tag[j]) != 0,
                      "tags at %s: %s, %s; of the slab: %s, %s", address[i], in_front[i],
                      in_front[j], tag[i], tag[j]);
    }
    if (same_places < RUNS)
        tap_skip("the system places each process elsewhere: tags would differ anyway");
}

static void hardened_blocks_come_in_no_order_that_another_process_tells(void) {
    enum { RUNS = 8 };
    static struct child child[RUNS];
    for (int i = 0; i < RUNS; i++) {
        attack(&child[i], "harden=on", "order", NULL);
        CHECK(child_succeeded(&child[i]));
        for (int j = 0; j < i; j++)
            CHECK_SAY(strcmp(child[i].out, child[j].out) != 0, "twice: %s", child[i].out);
    }
}

static void a_hardened_block_does_not_come_back_at_once(void) {
    static struct child child;
    attack(&child, "harden=on,quarantine=256", "reuse", NULL);
    CHECK_SAY(child_succeeded(&child), "status %#x: %s", (unsigned)child.status, child.err);
    attack(&child, "strategy=tagged", "reuse", NULL); /* the control: here it does */
    CHECK(WIFEXITED(child.status) && WEXITSTATUS(child.status) >= 2);
}

static void nothing_is_left_to_read_in_a_hardened_block_that_was_freed(void) {
    static struct child child;
    attack(&child, "harden=on", "cleared", NULL);
    CHECK_SAY(child_succeeded(&child), "status %#x: %s", (unsigned)child.status, child.err);
    attack(&child, "strategy=tagged", "cleared", NULL);
    CHECK(WIFEXITED(child.status) && WEXITSTATUS(child.status) >= 2);
}

/* Whatever `guard` says: what is not used is not accessible. */
static void an_overflow_stops_where_the_hardened_pool_ends(void) {
    static const char *const options[] = {"harden=on", "harden=on,guard=0", "harden=on,guard=1",
                                          "harden=on,guard=4096"};
    static struct child child;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        attack(&child, options[i], "ahead", NULL);
        CHECK_SAY(!child.late && WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGSEGV,
                  "%s: status %#x", options[i], (unsigned)child.status);
    }
}

/* Through the canary, which is the same behind all blocks, and a byte of the tag. */
static void a_string_read_beyond_a_hardened_block_ends_in_the_next_tag(void) {
    static struct child child;
    attack(&child, "harden=on", "string", NULL);
    char *rest;
    size_t farthest = strtoul(child.out, &rest, 10);
    CHECK_SAY(child_succeeded(&child) && farthest > 0 && farthest <= 65, "%s", child.out);
    CHECK_SAY(strtol(rest, NULL, 10) == 0, "the end of a string is missed: %s", child.out);
}

/* Numbers in a report are the process, the block and where it is, and the caller in its module. */
static void reports_tell_addresses_and_nothing_of_what_is_there(void) {
    static struct child child;
    for (int strategy = 0; strategy < MISUSE_STRATEGY_COUNT; strategy++) {
        char options[128];
        snprintf(options, sizeof options, "%s,on_fault=report", strategies[strategy].options);
        attack(&child, options, "report", NULL);
        int lines = 0, numbers = 0;
        for (const char *at = child.err; (at = strchr(at, '\n')) != NULL; at++)
            lines++;
        for (const char *at = child.err; (at = strstr(at, "0x")) != NULL; at += 2)
            numbers++;
        CHECK_SAY(lines == 2 && numbers == 4 && strstr(child.err, "secret") == NULL,
                  "%s: it wrote \"%s\"", options, child.err);
        CHECK_SAY(strchr(child.err, '/') == NULL, "%s: a path: \"%s\"", options, child.err);
    }
}

/* What turns the checks off, or moves the bounds, is read-only; the control is the same without
 * harden=on. */
static void what_the_hardened_mode_rests_on_is_read_only(void) {
    static const char *const names[] = {"slab_tag_key",
                                        "block_tag_key",
                                        "region",
                                        "config",
                                        "checked_is_hardened",
                                        "next_found",
                                        "clock_found",
                                        "heap_table_is_checked",
                                        "is_traced",
                                        "blocks_are",
                                        "slab_gap_bytes",
                                        "slab_keeps_aside",
                                        "quarantine_limit",
                                        "slab_limit",
                                        "on_fault",
                                        "checked_tag_bytes",
                                        "region_bounds",
                                        "heap_table_is_hardened"};
    enum { NAMES = sizeof names / sizeof names[0] };
    static struct child child;
    const char *argv[NAMES + 3] = {program, "fixed"};
    memcpy(&argv[2], names, sizeof names);
    for (int hardened = 0; hardened < 2; hardened++) {
        run_with_options(&child, hardened ? "harden=on" : "strategy=tagged", argv);
        if (child_skipped(&child)) {
            tap_skip("the library has no names of variables, or there is no /proc to look at");
            return;
        }
        for (size_t i = 0; i < NAMES; i++) {
            char expected[64];
            snprintf(expected, sizeof expected, "%s %s\n", names[i],
                     hardened ? "fixed" : "writable");
            CHECK_SAY(strstr(child.out, expected) != NULL, "not %s, but: %s", expected, child.out);
        }
    }
}

static void a_hardened_pool_grows_all_the_same(void) {
    static struct child child;
    attack(&child, "harden=on", "growing", NULL);
    CHECK_SAY(child_succeeded(&child) && child.err[0] == '\0', "status %#x: %s",
              (unsigned)child.status, child.err);
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc > 1)
        return child_main(argv);
    TAP_RUN(an_overflow_that_runs_on_reaches_nothing_of_the_library);
    TAP_RUN(nor_does_one_that_runs_down);
    TAP_RUN(the_library_s_own_tables_cannot_be_freed);
    TAP_RUN(each_process_has_keys_of_its_own);
    TAP_RUN(hardened_blocks_come_in_no_order_that_another_process_tells);
    TAP_RUN(a_hardened_block_does_not_come_back_at_once);
    TAP_RUN(nothing_is_left_to_read_in_a_hardened_block_that_was_freed);
    TAP_RUN(an_overflow_stops_where_the_hardened_pool_ends);
    TAP_RUN(a_string_read_beyond_a_hardened_block_ends_in_the_next_tag);
    TAP_RUN(what_the_hardened_mode_rests_on_is_read_only);
    TAP_RUN(a_hardened_pool_grows_all_the_same);
    TAP_RUN(reports_tell_addresses_and_nothing_of_what_is_there);
    return tap_done();
}
