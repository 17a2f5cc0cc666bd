/* Reads a trace file call by call. include/tagpool/trace_file.h has the format.
 *
 * Nothing in the file is trusted: every call is checked against what went before (slots that are
 * live, threads and sizes within bounds), and a fault is one sentence. The reader maps what memory
 * it needs (4 bytes for each slot, a buffer) and never allocates, so that it can run in a process
 * whose allocator is being measured.
 */
#ifndef PAGES_TRACE_READER_H
#define PAGES_TRACE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tagpool/trace_file.h>

enum { TRACE_READER_BUFFER_BYTES = 64 << 10 };

struct trace_call {
    enum tagpool_trace_kind kind; /* MALLOC to FREE, or END */
    uint32_t thread;
    uint32_t slot;
    uint32_t alignment_log; /* of ALIGNED: 2^n */
    uint64_t bytes;         /* of a request */
};

struct trace_reader {
    struct tagpool_trace_head head;
    int descriptor;
    uint32_t *slots;     /* of a free one the next free one + 1, or 0; of a live one its mark */
    uint64_t slot_limit; /* slots there is room for */
    uint64_t slots_used;
    uint32_t free_slot; /* the first free one + 1, or 0 */
    uint32_t last_slot;
    uint32_t thread;
    bool ended;
    uint64_t left_bytes; /* of the stream, not yet in the buffer */
    uint64_t checksum;   /* of what was in the buffer */
    size_t place, filled;
    unsigned char buffer[TRACE_READER_BUFFER_BYTES];
};

/* Opens a sealed file, or, with `sealed` false, one that was just recorded; its stream then ends
 * without an end mark. NULL, or what is wrong with it. */
const char *trace_reader_open(struct trace_reader *reader, const char *path, bool sealed);

/* The next call. NULL, or what is wrong. After END comes END again. */
const char *trace_reader_next(struct trace_reader *reader, struct trace_call *call);

/* To the beginning. */
void trace_reader_rewind(struct trace_reader *reader);

/* Makes its memory resident now, so that it does not grow while something else is measured. */
void trace_reader_populate(struct trace_reader *reader);

void trace_reader_close(struct trace_reader *reader);

/* What a whole trace holds. */
struct trace_summary {
    uint64_t calls;
    uint64_t requests;
    uint64_t slots;
    uint64_t threads;
    uint64_t peak_bytes;
    uint64_t largest_bytes;
    uint64_t live_bytes; /* at the end */
    uint64_t checksum;
};

/* Reads all of an open trace. NULL, or what is wrong with it. */
const char *trace_reader_summarise(struct trace_reader *reader, struct trace_summary *summary);

/* Opens and reads all of a sealed file, and holds it to what its head says. The reader is closed
 * again. NULL, or what is wrong with it. */
const char *trace_reader_check(struct trace_reader *reader, const char *path,
                               struct trace_summary *summary);

/* Makes the sealed trace `path` of a file that was just recorded: its stream with an end mark, and
 * the head filled in. The recorded file is only read: a process that outlived the run may still
 * write to it. NULL, or what is wrong. */
const char *trace_reader_seal(struct trace_reader *reader, const char *recorded, const char *path,
                              struct trace_summary *summary);

#endif
