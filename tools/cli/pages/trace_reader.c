#include "pages/trace_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRACE_LIVE        UINT32_MAX /* the mark of a live slot */
#define TRACE_CUT         "the trace is cut short; record it again"
#define TRACE_DAMAGED     "the trace is damaged; record it again"
#define TRACE_FNV_START   0xcbf29ce484222325u
#define TRACE_FNV_PRIME   0x100000001b3u
#define TRACE_BYTES_LIMIT (UINT64_C(1) << 48)

/* ---- opening ---- */

static const char *trace_check_head(const struct tagpool_trace_head *head, uint64_t file_bytes,
                                    bool sealed) {
    if (head->magic != TAGPOOL_TRACE_MAGIC)
        return "it is not a trace: make one with 'tagpool record -o FILE -- PROGRAM'";
    if (head->version != TAGPOOL_TRACE_VERSION || head->head_bytes != sizeof *head)
        return "the trace was made by another version of tagpool; record it again";
    if (sealed && head->sealed != 1)
        return "the recording was not finished: tagpool record was killed; record it again";
    if (head->stream_bytes > file_bytes - sizeof *head)
        return TRACE_CUT;
    if (sealed && head->stream_bytes != file_bytes - sizeof *head)
        return "there is something behind the end of the trace; record it again";
    /* Each slot was begun by a call, of one byte at least. */
    if (sealed && (head->slots > head->stream_bytes || head->slots > TAGPOOL_TRACE_SLOTS))
        return TRACE_DAMAGED;
    return NULL;
}

static uint64_t trace_slot_limit(const struct tagpool_trace_head *head, bool sealed) {
    if (sealed)
        return head->slots;
    return head->stream_bytes < TAGPOOL_TRACE_SLOTS ? head->stream_bytes : TAGPOOL_TRACE_SLOTS;
}

void trace_reader_rewind(struct trace_reader *reader) {
    reader->slots_used = 0;
    reader->free_slot = 0;
    reader->last_slot = 0;
    reader->thread = 0;
    reader->ended = false;
    reader->left_bytes = reader->head.stream_bytes;
    reader->checksum = TRACE_FNV_START;
    reader->place = reader->filled = 0;
    if (reader->descriptor >= 0)
        lseek(reader->descriptor, (off_t)sizeof reader->head, SEEK_SET);
}

void trace_reader_populate(struct trace_reader *reader) {
    memset(reader->slots, 0, (reader->slot_limit + 1) * sizeof *reader->slots);
    memset(reader->buffer, 0, sizeof reader->buffer);
}

void trace_reader_close(struct trace_reader *reader) {
    if (reader->slots != NULL)
        munmap(reader->slots, (reader->slot_limit + 1) * sizeof *reader->slots);
    if (reader->descriptor >= 0)
        close(reader->descriptor);
    reader->slots = NULL;
    reader->descriptor = -1;
}

const char *trace_reader_open(struct trace_reader *reader, const char *path, bool sealed) {
    struct stat about;
    reader->slots = NULL;
    reader->descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (reader->descriptor < 0 || fstat(reader->descriptor, &about) != 0)
        return strerror(errno);
    if (!S_ISREG(about.st_mode))
        return "it is not a file";
    if (pread(reader->descriptor, &reader->head, sizeof reader->head, 0) !=
        (ssize_t)sizeof reader->head)
        return "it is not a trace: it is shorter than the head of one";
    const char *fault = trace_check_head(&reader->head, (uint64_t)about.st_size, sealed);
    if (fault != NULL)
        return fault;
    reader->slot_limit = trace_slot_limit(&reader->head, sealed);
    void *slots = mmap(NULL, (reader->slot_limit + 1) * sizeof *reader->slots,
                       PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (slots == MAP_FAILED)
        return strerror(errno);
    reader->slots = slots;
    trace_reader_rewind(reader);
    return NULL;
}

/* ---- bytes ---- */

/* False at the end of the stream, or when the file cannot be read. */
static bool trace_fill(struct trace_reader *reader) {
    size_t wanted = reader->left_bytes < sizeof reader->buffer ? (size_t)reader->left_bytes
                                                               : sizeof reader->buffer;
    ssize_t bytes;
    do
        bytes = read(reader->descriptor, reader->buffer, wanted);
    while (bytes < 0 && errno == EINTR);
    if (bytes <= 0)
        return false;
    for (ssize_t i = 0; i < bytes; i++)
        reader->checksum = (reader->checksum ^ reader->buffer[i]) * TRACE_FNV_PRIME;
    reader->left_bytes -= (uint64_t)bytes;
    reader->place = 0;
    reader->filled = (size_t)bytes;
    return true;
}

static bool trace_byte(struct trace_reader *reader, unsigned *byte) {
    if (reader->place == reader->filled && !trace_fill(reader))
        return false;
    *byte = reader->buffer[reader->place++];
    return true;
}

/* False when the stream ends or the number has more than 64 bits. */
static bool trace_varint(struct trace_reader *reader, uint64_t *number) {
    unsigned byte = 0x80;
    *number = 0;
    for (unsigned shift = 0; (byte & 0x80) != 0; shift += 7) {
        if (!trace_byte(reader, &byte) || shift > 63 || (shift == 63 && byte > 1))
            return false;
        *number |= (uint64_t)(byte & 0x7f) << shift;
    }
    return true;
}

/* The number that begins in the call's first byte. */
static bool trace_number(struct trace_reader *reader, unsigned first, uint64_t *number) {
    *number = first >> 3;
    if (*number < TAGPOOL_TRACE_SMALL)
        return true;
    return trace_varint(reader, number) &&
           !__builtin_add_overflow(*number, (uint64_t)TAGPOOL_TRACE_SMALL, number);
}

/* ---- calls ---- */

static bool trace_take_slot(struct trace_reader *reader, struct trace_call *call) {
    if (reader->free_slot != 0) {
        call->slot = reader->free_slot - 1;
        reader->free_slot = reader->slots[call->slot];
    } else {
        if (reader->slots_used == reader->slot_limit)
            return false;
        call->slot = (uint32_t)reader->slots_used++;
    }
    reader->slots[call->slot] = TRACE_LIVE;
    return true;
}

/* A live slot, written as the distance from the last one. */
static bool trace_find_slot(struct trace_reader *reader, uint64_t zigzag, struct trace_call *call) {
    uint64_t half = zigzag >> 1;
    uint64_t slot = (zigzag & 1) == 0 ? reader->last_slot + half : reader->last_slot - half - 1;
    if (slot >= reader->slots_used || reader->slots[slot] != TRACE_LIVE)
        return false;
    call->slot = (uint32_t)slot;
    return true;
}

static bool trace_read_request(struct trace_reader *reader, unsigned first,
                               struct trace_call *call) {
    bool sound = true;
    if (call->kind == TAGPOOL_TRACE_ALIGNED) {
        call->alignment_log = first >> 3;
        sound = trace_varint(reader, &call->bytes);
    } else {
        sound = trace_number(reader, first, &call->bytes);
    }
    return sound && call->bytes < TRACE_BYTES_LIMIT && trace_take_slot(reader, call);
}

static bool trace_read_block(struct trace_reader *reader, unsigned first, struct trace_call *call) {
    uint64_t zigzag;
    if (!trace_number(reader, first, &zigzag) || !trace_find_slot(reader, zigzag, call))
        return false;
    if (call->kind == TAGPOOL_TRACE_FREE) {
        reader->slots[call->slot] = reader->free_slot;
        reader->free_slot = call->slot + 1;
        return true;
    }
    return trace_varint(reader, &call->bytes) && call->bytes < TRACE_BYTES_LIMIT;
}

static bool trace_read_thread(struct trace_reader *reader, unsigned first) {
    uint64_t thread;
    if (!trace_number(reader, first, &thread) || thread >= TAGPOOL_TRACE_THREADS)
        return false;
    reader->thread = (uint32_t)thread;
    return true;
}

static const char *trace_read_end(struct trace_reader *reader, unsigned first) {
    /* The recorder writes no end mark: sealing does. */
    if (reader->head.sealed == 0 || first >> 3 >= TAGPOOL_TRACE_END_COUNT ||
        reader->left_bytes != 0 || reader->place != reader->filled)
        return TRACE_DAMAGED;
    reader->ended = true;
    return NULL;
}

const char *trace_reader_next(struct trace_reader *reader, struct trace_call *call) {
    unsigned first;
    *call = (struct trace_call){.kind = TAGPOOL_TRACE_END};
    while (!reader->ended) {
        bool sound = false;
        if (!trace_byte(reader, &first)) {
            bool open_end = reader->head.sealed == 0 && reader->left_bytes == 0;
            call->kind = TAGPOOL_TRACE_END;
            return open_end ? NULL : TRACE_CUT;
        }
        call->kind = (enum tagpool_trace_kind)(first & 7);
        call->thread = reader->thread;
        switch (call->kind) {
        case TAGPOOL_TRACE_MALLOC:
        case TAGPOOL_TRACE_CALLOC:
        case TAGPOOL_TRACE_ALIGNED:
            sound = trace_read_request(reader, first, call);
            break;
        case TAGPOOL_TRACE_REALLOC:
        case TAGPOOL_TRACE_FREE:
            sound = trace_read_block(reader, first, call);
            break;
        case TAGPOOL_TRACE_THREAD:
            if (!trace_read_thread(reader, first))
                return TRACE_DAMAGED;
            continue;
        case TAGPOOL_TRACE_END:
            return trace_read_end(reader, first);
        }
        reader->last_slot = call->slot;
        return sound ? NULL : TRACE_DAMAGED;
    }
    return NULL;
}
