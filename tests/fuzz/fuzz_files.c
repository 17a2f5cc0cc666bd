/* Fuzz target: the files that the program reads and that others write. The first byte chooses:
 *
 *   0  statistics page    the rest are changes to a sound page
 *   1  profile page       the same
 *   2  trace              the rest is a stream of calls
 *   3  trace              the rest are changes to the head of a sound trace
 *   4  ELF file           the rest are changes to this program's own file
 *   5  sites              the rest is what comes after a sound head
 *   6  findings           the rest is what comes after one; 32 units of it
 *
 * A change is 4 bytes: a place (3 bytes, modulo the size) and a value for it; place 0xffffff cuts
 * the file instead. A reader returns or says what is wrong; a trace that could be sealed is sound.
 */
#include "pages/findings_file.h"
#include "pages/profile_file.h"
#include "pages/sites_file.h"
#include "pages/stats_file.h"
#include "pages/trace_reader.h"
#include "symbols/elf_symbols.h"
#include "target/elf_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { CUT = 0xffffff, CHANGE_BYTES = 4 };

static void hold(bool condition) {
    if (!condition)
        abort();
}

static const struct tagpool_stats_head stats_head = {
    .magic = TAGPOOL_STATS_MAGIC,
    .version = TAGPOOL_STATS_VERSION,
    .head_bytes = sizeof(struct tagpool_stats_head),
    .row_bytes = sizeof(struct tagpool_stats_row),
    .row_count = TAGPOOL_STATS_ROWS,
};

static const struct tagpool_profile_head profile_head = {
    .magic = TAGPOOL_PROFILE_MAGIC,
    .version = TAGPOOL_PROFILE_VERSION,
    .head_bytes = sizeof(struct tagpool_profile_head),
    .row_bytes = sizeof(struct tagpool_profile_row),
    .row_count = TAGPOOL_PROFILE_ROWS,
};

/* Apply the changes to a page; the bytes of it that are left. */
static size_t change(uint8_t *page, size_t page_bytes, const uint8_t *data, size_t bytes) {
    size_t left = page_bytes;
    for (; bytes >= CHANGE_BYTES; data += CHANGE_BYTES, bytes -= CHANGE_BYTES) {
        size_t place = (size_t)data[0] << 16 | (size_t)data[1] << 8 | data[2];
        if (place == CUT)
            left = page_bytes * data[3] / 256;
        else
            page[place % page_bytes] = data[3];
    }
    return left;
}

/* A copy that ends where its memory ends, so that a sanitizer sees a read behind it. */
static void *copy(const void *page, size_t bytes) {
    void *exact = malloc(bytes != 0 ? bytes : 1);
    if (exact == NULL)
        abort();
    return memcpy(exact, page, bytes);
}

static void read_stats(const uint8_t *data, size_t bytes) {
    static uint8_t page[sizeof(struct tagpool_stats_page)];
    struct stats_summary summary;
    memset(page, 0, sizeof page);
    memcpy(page, &stats_head, sizeof stats_head);
    size_t left = change(page, sizeof page, data, bytes);
    void *exact = copy(page, left);
    if (stats_file_parse(exact, left, &summary) == NULL) {
        hold(summary.process_count <= TAGPOOL_STATS_ROWS);
        for (unsigned i = 0; i < summary.process_count; i++)
            hold(memchr(summary.processes[i].name, 0, sizeof summary.processes[i].name) != NULL);
        stats_summary_calls(&summary);
        stats_summary_free(&summary);
    }
    free(exact);
}

static void read_profile(const uint8_t *data, size_t bytes) {
    static uint8_t page[sizeof(struct tagpool_profile_page)];
    struct profile_summary summary;
    memset(page, 0, sizeof page);
    memcpy(page, &profile_head, sizeof profile_head);
    size_t left = change(page, sizeof page, data, bytes);
    void *exact = copy(page, left);
    if (profile_file_parse(exact, left, &summary) == NULL) {
        hold(summary.process_count <= TAGPOOL_PROFILE_ROWS);
        for (unsigned i = 0; i < summary.process_count; i++)
            hold(summary.processes[i].sample_count <= TAGPOOL_PROFILE_SAMPLES);
        hold(profile_file_node_requests(&summary.total) <= profile_file_requests(&summary.total));
        profile_file_free(&summary);
    }
    free(exact);
}

/* A file without a name; `path` is how to open it. */
static int make_file(const void *content, size_t bytes, char *path, size_t path_bytes) {
    int file = memfd_create("fuzz", MFD_CLOEXEC);
    hold(file >= 0 && write(file, content, bytes) == (ssize_t)bytes);
    snprintf(path, path_bytes, "/proc/self/fd/%d", file);
    return file;
}

static struct trace_reader reader;

static int make_trace(const uint8_t *stream, size_t bytes, char *path, size_t path_bytes) {
    struct tagpool_trace_head head = {.magic = TAGPOOL_TRACE_MAGIC,
                                      .version = TAGPOOL_TRACE_VERSION,
                                      .head_bytes = sizeof head,
                                      .limit_bytes = 1 << 20,
                                      .stream_bytes = bytes};
    int file = make_file(&head, sizeof head, path, path_bytes);
    hold(write(file, stream, bytes) == (ssize_t)bytes);
    return file;
}

static void read_stream(const uint8_t *data, size_t bytes) {
    char recorded[64], path[64];
    struct trace_summary sealed, checked;
    int from = make_trace(data, bytes, recorded, sizeof recorded);
    int file = make_file("", 0, path, sizeof path);
    if (trace_reader_seal(&reader, recorded, path, &sealed) == NULL) {
        hold(trace_reader_check(&reader, path, &checked) == NULL);
        hold(checked.calls == sealed.calls && checked.slots == sealed.slots);
    }
    close(from);
    close(file);
}

static void read_head(const uint8_t *data, size_t bytes) {
    static const uint8_t stream[] = {0x40, 0x81, 0x04, 0x0a};
    uint8_t page[sizeof(struct tagpool_trace_head) + sizeof stream + 1];
    char recorded[64], path[64];
    struct trace_summary summary;
    int from = make_trace(stream, sizeof stream, recorded, sizeof recorded);
    int file = make_file("", 0, path, sizeof path);
    trace_reader_seal(&reader, recorded, path, &summary);
    close(from);
    ssize_t length = pread(file, page, sizeof page, 0);
    if (length > 0) {
        size_t left = change(page, (size_t)length, data, bytes);
        hold(ftruncate(file, (off_t)left) == 0 && pwrite(file, page, left, 0) == (ssize_t)left);
        trace_reader_check(&reader, path, &summary);
    }
    close(file);
}

static void read_elf(const uint8_t *data, size_t bytes) {
    static uint8_t program[1 << 16], changed[1 << 16];
    static size_t program_bytes;
    char path[64];
    struct elf_file elf;
    struct elf_symbols symbols;
    if (program_bytes == 0) {
        int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        ssize_t length = read(self, program, sizeof program);
        program_bytes = length > 0 ? (size_t)length : 1;
        close(self);
    }
    memcpy(changed, program, program_bytes);
    int file = make_file(changed, change(changed, program_bytes, data, bytes), path, sizeof path);
    if (elf_file_read(path, &elf)) {
        hold(elf.needed_count <= ELF_FILE_NEEDED_MAX);
        elf_file_free(&elf);
    }
    if (elf_symbols_open(&symbols, path)) {
        hold(symbols.build_id_bytes <= ELF_SYMBOLS_ID_BYTES);
        for (uint64_t address = 0; address < program_bytes; address += 997)
            elf_symbols_find(&symbols, address);
        elf_symbols_close(&symbols);
    }
    close(file);
}

static void read_sites(const uint8_t *data, size_t bytes) {
    struct sites_file sites;
    const struct tagpool_sites_head head = {
        .magic = TAGPOOL_SITES_MAGIC,
        .version = TAGPOOL_SITES_VERSION,
        .head_bytes = sizeof head,
        .file_bytes = TAGPOOL_SITES_BYTES,
        .used_bytes = sizeof head + bytes,
    };
    char *file = malloc(sizeof head + bytes);
    hold(file != NULL);
    memcpy(file, &head, sizeof head);
    memcpy(file + sizeof head, data, bytes);
    hold(sites_file_parse(file, sizeof head + bytes, &sites) == NULL);
    for (size_t i = 0; i < sites.site_count; i++) {
        hold(sites.sites[i].stack < sites.stack_count);
        const struct sites_file_stack *stack = &sites.stacks[sites.sites[i].stack];
        for (uint32_t j = 0; j < stack->frame_count; j++)
            sites_file_module(&sites, stack, stack->frames[j]);
    }
    sites_file_free(&sites);
}

static void read_findings(const uint8_t *data, size_t bytes) {
    enum { ROOM = 32 * TAGPOOL_FINDINGS_UNIT };
    const struct tagpool_findings_head head = {
        .magic = TAGPOOL_FINDINGS_MAGIC,
        .version = TAGPOOL_FINDINGS_VERSION,
        .head_bytes = sizeof head,
        .file_bytes = TAGPOOL_FINDINGS_BYTES,
    };
    struct findings findings;
    char *file = calloc(1, sizeof head + ROOM);
    hold(file != NULL);
    memcpy(file, &head, sizeof head);
    memcpy(file + sizeof head, data, bytes < ROOM ? bytes : ROOM);
    /* Records are found by a mark that a mutation seldom hits. */
    for (size_t at = sizeof head; at < sizeof head + ROOM; at += 4 * TAGPOOL_FINDINGS_UNIT)
        memcpy(file + at, &(uint32_t){TAGPOOL_FINDING_MARK}, sizeof(uint32_t));
    hold(findings_file_parse(file, sizeof head + ROOM, &findings) == NULL);
    for (size_t i = 0; i < findings.leak_count; i++) {
        const struct findings_stack *stack = &findings.leaks[i].stack;
        hold(stack->count <= TAGPOOL_FINDINGS_FRAMES);
        for (unsigned j = 0; j < stack->count; j++)
            findings_module_at(&findings, stack, stack->frames[j]);
    }
    findings_file_free(&findings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static void (*const readers[])(const uint8_t *, size_t) = {
        read_stats, read_profile, read_stream, read_head, read_elf, read_sites, read_findings};
    if (bytes > 0)
        readers[data[0] % (sizeof readers / sizeof readers[0])](data + 1, bytes - 1);
    return 0;
}
