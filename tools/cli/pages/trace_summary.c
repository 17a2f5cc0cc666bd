#include "pages/trace_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Sizes of the blocks that live, by slot. */
static uint64_t *trace_map_sizes(const struct trace_reader *reader) {
    void *sizes = mmap(NULL, (reader->slot_limit + 1) * sizeof(uint64_t), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return sizes == MAP_FAILED ? NULL : sizes;
}

static void trace_count(struct trace_summary *summary, const struct trace_call *call,
                        uint64_t *sizes) {
    summary->calls++;
    if (call->thread >= summary->threads)
        summary->threads = call->thread + 1;
    /* A new block's slot holds what was there before: nothing. */
    summary->live_bytes -= sizes[call->slot];
    sizes[call->slot] = call->kind == TAGPOOL_TRACE_FREE ? 0 : call->bytes;
    summary->live_bytes += sizes[call->slot];
    if (call->kind == TAGPOOL_TRACE_FREE)
        return;
    summary->requests++;
    if (call->bytes > summary->largest_bytes)
        summary->largest_bytes = call->bytes;
    if (summary->live_bytes > summary->peak_bytes)
        summary->peak_bytes = summary->live_bytes;
}

const char *trace_reader_summarise(struct trace_reader *reader, struct trace_summary *summary) {
    struct trace_call call;
    const char *fault;
    uint64_t *sizes = trace_map_sizes(reader);
    *summary = (struct trace_summary){.calls = 0};
    if (sizes == NULL)
        return strerror(errno);
    while ((fault = trace_reader_next(reader, &call)) == NULL && call.kind != TAGPOOL_TRACE_END)
        trace_count(summary, &call, sizes);
    summary->slots = reader->slots_used;
    summary->checksum = reader->checksum;
    munmap(sizes, (reader->slot_limit + 1) * sizeof(uint64_t));
    return fault;
}

const char *trace_reader_check(struct trace_reader *reader, const char *path,
                               struct trace_summary *summary) {
    const char *fault = trace_reader_open(reader, path, true);
    if (fault == NULL)
        fault = trace_reader_summarise(reader, summary);
    const struct tagpool_trace_head *head = &reader->head;
    if (fault == NULL &&
        (summary->calls != head->calls || summary->slots != head->slots ||
         summary->threads != head->threads || summary->peak_bytes != head->peak_bytes ||
         summary->largest_bytes != head->largest_bytes || summary->checksum != head->checksum))
        fault = "the trace is damaged: its checksum is wrong; record it again";
    trace_reader_close(reader);
    return fault;
}

/* ---- sealing ---- */

static uint64_t trace_checksum_more(uint64_t checksum, unsigned char byte) {
    return (checksum ^ byte) * 0x100000001b3u;
}

/* Copies the stream and ends it. The file that was recorded stays as it is: a process that outlived
 * the run may still write to it, through a mapping that must not lose its file. */
static bool trace_copy(const struct trace_reader *reader, int from, int file, unsigned char end) {
    const struct tagpool_trace_head *head = &reader->head;
    unsigned char chunk[TRACE_READER_BUFFER_BYTES];
    uint64_t left_bytes = head->stream_bytes - 1; /* without the end mark */
    off_t place = (off_t)sizeof *head;
    while (left_bytes > 0) {
        size_t wanted = left_bytes < sizeof chunk ? (size_t)left_bytes : sizeof chunk;
        ssize_t bytes = pread(from, chunk, wanted, place);
        if (bytes <= 0 || pwrite(file, chunk, (size_t)bytes, place) != bytes)
            return false;
        place += bytes;
        left_bytes -= (uint64_t)bytes;
    }
    return pwrite(file, &end, 1, place) == 1 &&
           pwrite(file, head, sizeof *head, 0) == (ssize_t)sizeof *head;
}

static bool trace_write_sealed(const struct trace_reader *reader, const char *from_path,
                               const char *path, unsigned char end) {
    int from = open(from_path, O_RDONLY | O_CLOEXEC);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool written = from >= 0 && file >= 0 && trace_copy(reader, from, file, end);
    int error = errno;
    if (from >= 0)
        close(from);
    if (file >= 0 && close(file) != 0 && written) {
        written = false;
        error = errno;
    }
    errno = error;
    return written;
}

const char *trace_reader_seal(struct trace_reader *reader, const char *recorded, const char *path,
                              struct trace_summary *summary) {
    const char *fault = trace_reader_open(reader, recorded, false);
    if (fault == NULL && reader->head.sealed != 0)
        fault = "the trace was sealed already";
    if (fault == NULL)
        fault = trace_reader_summarise(reader, summary);
    trace_reader_close(reader);
    if (fault != NULL)
        return fault;
    struct tagpool_trace_head *head = &reader->head;
    if (head->end >= TAGPOOL_TRACE_END_COUNT)
        return "the trace is damaged; record it again";
    unsigned char end = (unsigned char)(TAGPOOL_TRACE_END | head->end << 3);
    head->checksum = summary->checksum = trace_checksum_more(summary->checksum, end);
    head->calls = summary->calls;
    head->slots = summary->slots;
    head->threads = summary->threads;
    head->peak_bytes = summary->peak_bytes;
    head->largest_bytes = summary->largest_bytes;
    head->stream_bytes++;
    head->sealed = 1;
    return trace_write_sealed(reader, recorded, path, end) ? NULL : strerror(errno);
}
