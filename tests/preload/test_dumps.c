/* If this failed, a core dump that a debugger writes would be hundreds of gigabytes of address
 * space that is only reserved, or would lack what the program keeps in its blocks. */
#include "../harness/tap.h"
#include "behaviour.h"
#include <pthread.h>

enum { MIB = 1 << 20, BLOCKS = 4000, LARGE_BYTES = 3 * MIB, RESERVED_MIB = 1 << 10 };

/* A mapping of this process. */
struct mapping {
    uintptr_t start, end;
    bool is_accessible;
    bool is_left_out; /* of core dumps */
};

static struct mapping mappings[10000];
static size_t mapping_count;
static bool flags_are_known;

/* Reads /proc/self/smaps without a block of its own. */
static void read_mappings(void) {
    static char text[1 << 22];
    size_t length = 0;
    ssize_t got;
    int file = open("/proc/self/smaps", O_RDONLY);
    while (file >= 0 && (got = read(file, text + length, sizeof text - 1 - length)) > 0)
        length += (size_t)got;
    close(file);
    text[length] = '\0';
    mapping_count = 0;
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        unsigned long start, stop;
        char access[8];
        *end = '\0';
        if (sscanf(line, "%lx-%lx %7s", &start, &stop, access) == 3 &&
            mapping_count < sizeof mappings / sizeof mappings[0])
            mappings[mapping_count++] =
                (struct mapping){.start = start, .end = stop, .is_accessible = access[0] == 'r'};
        if (mapping_count != 0 && strncmp(line, "VmFlags:", 8) == 0) {
            flags_are_known = true;
            mappings[mapping_count - 1].is_left_out = strstr(line, " dd") != NULL;
        }
    }
}

static const struct mapping *mapping_of(const void *address) {
    for (size_t i = 0; i < mapping_count; i++)
        if ((uintptr_t)address >= mappings[i].start && (uintptr_t)address < mappings[i].end)
            return &mappings[i];
    return NULL;
}

/* What is written to a core though nobody can have put anything there. */
static size_t reserved_bytes(void) {
    size_t bytes = 0;
    for (size_t i = 0; i < mapping_count; i++)
        if (!mappings[i].is_left_out && !mappings[i].is_accessible)
            bytes += mappings[i].end - mappings[i].start;
    return bytes;
}

static size_t dumped_bytes(void) {
    size_t bytes = 0;
    for (size_t i = 0; i < mapping_count; i++)
        if (!mappings[i].is_left_out && mappings[i].is_accessible)
            bytes += mappings[i].end - mappings[i].start;
    return bytes;
}

static bool is_dumped(const void *block, size_t bytes) {
    for (const char *byte = block; byte < (const char *)block + bytes; byte += 4096) {
        const struct mapping *mapping = mapping_of(byte);
        if (mapping == NULL || mapping->is_left_out)
            return false;
    }
    return true;
}

static void *blocks[2 * BLOCKS];

static size_t size_of(size_t index) {
    return index * 13 % 5000 + 1;
}

/* In a process of their own: how the tests before left the pools does not matter. */
static void *take_half(void *from) {
    void **half = from;
    for (size_t i = 0; i < BLOCKS; i++)
        if ((half[i] = malloc(size_of(i))) != NULL)
            memset(half[i], 1, size_of(i));
    return from;
}

/* Gives and takes: slabs change their class, and spans their place. */
static void give_and_take(void) {
    for (size_t i = 0; i < BLOCKS; i++) {
        free(blocks[i]);
        blocks[i] = NULL;
    }
    malloc_trim(0);
    take_half(blocks);
}

static size_t count_left_out(void) {
    size_t count = 0;
    read_mappings();
    for (size_t i = 0; i < 2 * BLOCKS; i++)
        if (blocks[i] != NULL && !is_dumped(blocks[i], size_of(i % BLOCKS)))
            count++;
    return count;
}

static void a_core_dump_holds_every_block(void) {
    pthread_t thread;
    take_half(blocks);
    CHECK(pthread_create(&thread, NULL, take_half, blocks + BLOCKS) == 0);
    pthread_join(thread, NULL);
    size_t count = count_left_out();
    if (!flags_are_known) {
        tap_skip("this system does not tell what dumps leave out");
        return;
    }
    CHECK_SAY(count == 0, "%zu blocks are left out", count);
    give_and_take();
    count = count_left_out();
    CHECK_SAY(count == 0, "%zu blocks are left out of those taken after a trim", count);
    for (int round = 0; round < 20; round++) {
        char *large = malloc(LARGE_BYTES);
        read_mappings();
        CHECK_SAY(large != NULL && is_dumped(large, LARGE_BYTES), "large block %d", round);
        free(large);
    }
}

static void a_core_dump_holds_nothing_that_is_only_reserved(void) {
    read_mappings();
    CHECK_SAY(reserved_bytes() < (size_t)RESERVED_MIB * MIB, "%zu MiB of reserved address space",
              reserved_bytes() / MIB);
    size_t before = dumped_bytes();
    void *block = malloc(100); /* of a pool that is larger than this already */
    read_mappings();
    CHECK_SAY(dumped_bytes() - before <= 2 * MIB, "%zu KiB more for a block",
              (dumped_bytes() - before) / 1024);
    free(block);
}

int main(void) {
    TAP_RUN(a_core_dump_holds_every_block);
    TAP_RUN(a_core_dump_holds_nothing_that_is_only_reserved);
    return tap_done();
}
