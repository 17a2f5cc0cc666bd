/* The trace file: the allocation calls of one process, in one order, as `tagpool record` keeps
 * them.
 *
 *   file:  head | stream of calls
 *
 * The program makes a file with its head and passes its path in TAGPOOL_TRACE_VARIABLE. The first
 * process that claims the head writes the stream, through mappings that it lengthens the file for
 * as needed, and moves head.stream_bytes past each call after it was written: when it is killed the
 * stream still ends between two calls. The program counts what is in the stream, copies it to the
 * trace with an end mark and a sealed head, and removes the file; it never shortens it, because a
 * process that is still recorded would die of that. Such a process stops when it needs the next
 * part of the file. Only sealed files can be replayed.
 *
 * A call is a byte, kind in its 3 low bits and a small number in the 5 high ones, and what the kind
 * needs. A number of 31 and more is written as 31 in the byte and the rest after it as a varint: 7
 * bits a byte, the lowest first, the high bit set in all but the last.
 *
 *   MALLOC   number: size
 *   CALLOC   number: size
 *   ALIGNED  small number: binary logarithm of the alignment; then a varint: size
 *   REALLOC  number: slot; then a varint: new size
 *   FREE     number: slot
 *   THREAD   number: the thread (counted from 0) that makes the calls that follow; at first it is 0
 *   END      small number: enum tagpool_trace_end; the last byte of the file
 *
 * A block is known by its slot. A new block gets the slot that was freed last, or, when none is
 * free, the next one that was never used; so the reader finds it by doing the same. A slot of
 * REALLOC or FREE is written as its distance d from the slot of the call before (at first 0),
 * zigzag: 2 d, or -2 d - 1 if negative.
 *
 * Calls stand in an order that is right for every block: a malloc is written after it is done, a
 * free before it is done, a realloc when it is done. Calls that got no memory are left out, as is
 * free(NULL).
 */
#ifndef TAGPOOL_TRACE_FILE_H
#define TAGPOOL_TRACE_FILE_H

#include <assert.h>
#include <stdint.h>

#define TAGPOOL_TRACE_VARIABLE "TAGPOOL_TRACE"
#define TAGPOOL_TRACE_MAGIC    0x434152544c505054ULL /* "TPPLTRAC" */
#define TAGPOOL_TRACE_VERSION  1

enum {
    TAGPOOL_TRACE_CALL_BYTES = 24, /* room that a call needs at most */
    TAGPOOL_TRACE_SMALL = 31,      /* numbers below are written in the call's first byte */
    TAGPOOL_TRACE_NAME_BYTES = 64,
    TAGPOOL_TRACE_SLOTS = 1 << 28, /* blocks live at one time, at most */
    TAGPOOL_TRACE_THREADS = 1 << 20,
};

enum tagpool_trace_kind {
    TAGPOOL_TRACE_MALLOC,
    TAGPOOL_TRACE_CALLOC,
    TAGPOOL_TRACE_ALIGNED,
    TAGPOOL_TRACE_REALLOC,
    TAGPOOL_TRACE_FREE,
    TAGPOOL_TRACE_THREAD,
    TAGPOOL_TRACE_END,
};

/* Why the stream ends. X(ID, TEXT) */
#define TAGPOOL_TRACE_ENDS(X)                                                                      \
    X(RUNNING, "the program was killed, or left by _exit() or exec()")                             \
    X(EXITED, "the program ended")                                                                 \
    X(LIMIT, "the limit of the file was reached; the rest of the run is left out")                 \
    X(NO_ROOM, "there was no room for more, on the disk or in memory; the rest is left out")

#define TAGPOOL_TRACE_END_ID(id, text) TAGPOOL_TRACE_##id,
enum tagpool_trace_end { TAGPOOL_TRACE_ENDS(TAGPOOL_TRACE_END_ID) TAGPOOL_TRACE_END_COUNT };
#undef TAGPOOL_TRACE_END_ID

struct tagpool_trace_head {
    uint64_t magic;
    uint64_t version;
    uint64_t head_bytes;   /* sizeof(struct tagpool_trace_head); the stream begins there */
    uint64_t sealed;       /* 1: complete; all below is final */
    uint64_t pid;          /* of the process that is recorded; claimed by compare-and-swap from 0 */
    uint64_t limit_bytes;  /* of the stream, its end mark not counted */
    uint64_t stream_bytes; /* when sealed with the end mark */
    uint64_t end;          /* enum tagpool_trace_end */
    uint64_t left_out;     /* further processes that loaded the library */
    uint64_t missed_calls; /* requests that could not be recorded (in handlers, beside forks) */
    uint64_t foreign_frees;
    /* Filled in when sealed. */
    uint64_t checksum; /* FNV-1a of the stream, 64 bits */
    uint64_t calls;
    uint64_t slots;
    uint64_t threads;
    uint64_t peak_bytes;                   /* the most that was live at one time */
    uint64_t largest_bytes;                /* the largest block */
    char name[TAGPOOL_TRACE_NAME_BYTES];   /* of the program */
    char wanted[TAGPOOL_TRACE_NAME_BYTES]; /* record the first process of this name; "": any */
    uint64_t reserved[4];
};

static_assert(sizeof(struct tagpool_trace_head) == 296, "the head has no holes");

#endif
