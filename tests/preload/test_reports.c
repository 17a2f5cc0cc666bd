/* If this failed, programs that ask their allocator about itself (mallinfo, malloc_info,
 * malloc_stats) or tell it what to do (mallopt, malloc_trim) would get rubbish, nothing, or memory
 * that never goes back. */
#include "../harness/tap.h"
#include "behaviour.h"
#include <inttypes.h>

enum { NODES = 1500, NODE_BYTES = 400 };

static void *node[NODES];

/* Of blocks that the next allocator serves, it has to tell. */
static bool next_tells(void) {
    if (!LIBC_IS_GLIBC)
        tap_skip("the C library has none");
    return LIBC_IS_GLIBC;
}

static void take_nodes(void) {
    for (size_t i = 0; i < NODES; i++)
        node[i] = malloc(NODE_BYTES);
}

static void give_nodes(void) {
    for (size_t i = 0; i < NODES; i++)
        free(node[i]);
}

static void mallinfo2_counts_what_is_in_use(void) {
    if (!pools_are_on() && !next_tells())
        return;
    struct mallinfo2 before = mallinfo2();
    take_nodes();
    struct mallinfo2 during = mallinfo2();
    give_nodes();
    struct mallinfo2 after = mallinfo2();
    CHECK_SAY(during.uordblks >= before.uordblks + (size_t)NODES * NODE_BYTES,
              "in use: %zu before, %zu with %d bytes more", before.uordblks, during.uordblks,
              NODES * NODE_BYTES);
    CHECK_SAY(after.uordblks <= before.uordblks + (size_t)NODES * NODE_BYTES / 10,
              "in use: %zu before, %zu after all was freed", before.uordblks, after.uordblks);
    CHECK(during.arena + during.hblkhd >= during.uordblks);
}

/* Every other node, so that no slab of them becomes empty; a hardened block may rest a while. */
static void mallinfo2_counts_what_is_free(void) {
    if (!pools_are_on() && !next_tells())
        return;
    enum { FREED = NODES / 2, RESTING = 300 };
    take_nodes();
    struct mallinfo2 during = mallinfo2();
    for (size_t i = 0; i < NODES; i += 2)
        free(node[i]);
    struct mallinfo2 after = mallinfo2();
    for (size_t i = 1; i < NODES; i += 2)
        free(node[i]);
    CHECK_SAY(!shim_is_loaded() || after.ordblks > during.ordblks,
              "free blocks: %zu, and %zu with %d less in use", during.ordblks, after.ordblks,
              FREED);
    CHECK_SAY(after.fordblks >= during.fordblks + (size_t)(FREED - RESTING) * NODE_BYTES,
              "free: %zu, and %zu with %d bytes less in use", during.fordblks, after.fordblks,
              FREED * NODE_BYTES);
}

static void mallinfo2_counts_large_blocks(void) {
    if (!next_tells())
        return;
    struct mallinfo2 before = mallinfo2();
    void *block = malloc(5 << 20);
    struct mallinfo2 during = mallinfo2();
    free(block);
    CHECK(during.hblks == before.hblks + 1 && during.hblkhd >= before.hblkhd + (5 << 20));
}

/* The fields of mallinfo are ints; below 2 GiB they agree with mallinfo2. */
static void mallinfo_agrees_with_mallinfo2(void) {
    take_nodes();
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    struct mallinfo narrow = mallinfo();
#pragma GCC diagnostic pop
    struct mallinfo2 wide = mallinfo2();
    give_nodes();
    CHECK_SAY((size_t)narrow.uordblks == wide.uordblks, "%d and %zu", narrow.uordblks,
              wide.uordblks);
    CHECK((size_t)narrow.arena == wide.arena && (size_t)narrow.hblkhd == wide.hblkhd);
    CHECK((size_t)narrow.fordblks == wide.fordblks);
}

static size_t read_back(FILE *file, char *text, size_t room) {
    fflush(file);
    rewind(file);
    size_t length = fread(text, 1, room - 1, file);
    text[length] = '\0';
    return length;
}

static void malloc_info_writes_one_XML_document(void) {
    if (!next_tells())
        return;
    static char text[65536];
    FILE *file = tmpfile();
    if (file == NULL) {
        tap_skip("no temporary file can be made");
        return;
    }
    take_nodes();
    CHECK(malloc_info(0, file) == 0);
    give_nodes();
    size_t length = read_back(file, text, sizeof text);
    fclose(file);
    CHECK_SAY(strncmp(text, "<malloc version=", 16) == 0, "it begins: %.40s", text);
    CHECK(length > 10 && strcmp(text + length - 10, "</malloc>\n") == 0);
    size_t opened = 0, closed = 0;
    for (char *p = strchr(text, '<'); p != NULL; p = strchr(p + 1, '<')) {
        char *end = strchr(p, '>');
        CHECK(end != NULL);
        if (end == NULL)
            break;
        closed += p[1] == '/' || end[-1] == '/';
        opened += p[1] != '/';
    }
    CHECK_SAY(opened == closed, "%zu elements opened, %zu closed", opened, closed);
    const char *first = strstr(text, "<malloc ");
    CHECK(first != NULL && strstr(first + 1, "<malloc ") == NULL);
}

static void malloc_info_refuses_options(void) {
    CHECK(malloc_info(1, stdout) != 0);
}

/* The next allocator first, then the pools. */
static void malloc_stats_writes_to_stderr(void) {
    if (!next_tells())
        return;
    static char text[CHILD_OUTPUT_BYTES];
    int file = memfd_create("stderr", MFD_CLOEXEC), saved = dup(STDERR_FILENO);
    dup2(file, STDERR_FILENO);
    take_nodes();
    malloc_stats();
    give_nodes();
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    child_read(file, text);
    CHECK_SAY(strstr(text, "in use bytes") != NULL, "it wrote: %.200s", text);
    if (!shim_is_loaded())
        return;
    static const char words[] = "]: pools hold ";
    const char *pools = strstr(text, words);
    size_t used = 0, unused = 0;
    CHECK_SAY(pools != NULL && sscanf(pools + strlen(words), "%zu bytes in use and %zu bytes free",
                                      &used, &unused) == 2,
              "it wrote: %s", text);
    CHECK_SAY(pools_are_on() ? used >= (size_t)NODES * NODE_BYTES && unused > 0 : used == 0,
              "%zu bytes in use, %zu free", used, unused);
}

static void mallopt_accepts_the_usual_parameters(void) {
    if (!next_tells())
        return;
    CHECK(mallopt(M_MMAP_THRESHOLD, 1 << 20) == 1);
    CHECK(mallopt(M_TRIM_THRESHOLD, 1 << 20) == 1);
    CHECK(mallopt(M_ARENA_MAX, 2) == 1);
}

static void malloc_trim_returns_freed_memory_to_the_system(void) {
    enum { COUNT = 200000, SIZE = 200 };
    static void *block[COUNT];
    if (resident_kib() == 0) {
        tap_skip("no /proc to read the resident memory from");
        return;
    }
    malloc_trim(0);
    size_t before_kib = resident_kib();
    for (size_t i = 0; i < COUNT; i++)
        block[i] = memset(malloc(SIZE), 1, SIZE);
    size_t full_kib = resident_kib();
    for (size_t i = 0; i < COUNT; i++)
        free(block[i]);
    errno = SENTINEL_ERRNO;
    int released = malloc_trim(0);
    CHECK(released == 0 || released == 1);
    size_t after_kib = resident_kib();
    CHECK(full_kib >= before_kib + COUNT / 1024 * SIZE);
    CHECK_SAY(after_kib <= before_kib + (full_kib - before_kib) / 8,
              "%zu KiB, full %zu, trimmed %zu", before_kib, full_kib, after_kib);
    void *again = malloc(SIZE);
    memset(again, 1, malloc_usable_size(again));
    free(again);
}

int main(void) {
    TAP_RUN(mallinfo2_counts_what_is_in_use);
    TAP_RUN(mallinfo2_counts_what_is_free);
    TAP_RUN(mallinfo2_counts_large_blocks);
    TAP_RUN(mallinfo_agrees_with_mallinfo2);
    TAP_RUN(malloc_info_writes_one_XML_document);
    TAP_RUN(malloc_info_refuses_options);
    TAP_RUN(malloc_stats_writes_to_stderr);
    TAP_RUN(mallopt_accepts_the_usual_parameters);
    TAP_RUN(malloc_trim_returns_freed_memory_to_the_system);
    return tap_done();
}
