/* The sites file: where the processes of a profiled program allocate, a call stack a site.
 *
 * It goes with the profile page (profile_page.h) and works as that does: the reader creates it with
 * its full size and passes its path in TAGPOOL_SITES_VARIABLE; each process that has a row in the
 * profile maps it and keeps its numbers there in place, so that nothing has to run when a process
 * ends.
 *
 *   file:    head | record | record | ... to the end of the file
 *   record:  its head, and what its kind says; a multiple of 8 bytes
 *
 * A writer reserves a record by one addition to head.used_bytes, fills it in, and stores its kind
 * last. A reader goes from record to record; one whose kind is 0 was reserved by a process that was
 * killed, and its size may be missing too: then nothing more can be read. It checks magic, version
 * and sizes, and takes nothing else on trust. Numbers are in the byte order of the machine.
 *
 *   MODULE  a file that code was seen in, with a number in its image
 *   STACK   frames of an image, the innermost first
 *   PROCESS one that has a row in the profile; it comes before its sites, and after those of
 * another that had the row before and has ended SITE    what one process did at one stack
 *
 * Each start of the library, and each child of a fork, is an image: its modules have numbers of
 * their own. A child goes on with sites whose stacks are of its parent's image.
 *
 * A site's blocks that were live when the process's live bytes were highest are known without a
 * look at all sites at each new peak: peaks are counted (`peaks`), and a site that changes notes
 * what it held before, if a peak has passed since its last change (`seen`). So at the end it is
 * `peak_blocks` where `seen` is the process's number of peaks, and else `live_blocks`.
 *
 * With head.sample_bytes above 0, every call is not looked at: about one in so many bytes is, and
 * counts for as many as it stands for (sample.h).
 */
#ifndef TAGPOOL_SITES_PAGE_H
#define TAGPOOL_SITES_PAGE_H

#include <assert.h>
#include <stdint.h>

#define TAGPOOL_SITES_VARIABLE "TAGPOOL_SITES"
#define TAGPOOL_SITES_MAGIC    0x4554495350505054ULL /* "TPPPSITE" */
#define TAGPOOL_SITES_VERSION  2

enum {
    TAGPOOL_SITES_BYTES = 32 << 20, /* of the file */
    TAGPOOL_SITES_FRAMES = 64,      /* of a stack, the most: of deeper ones the innermost */
    TAGPOOL_SITES_MOST = 1 << 17,   /* sites of a process */
    TAGPOOL_SITES_BUILD_ID = 32,    /* bytes of a build-id, the most */
    TAGPOOL_SITES_PATH = 4096,      /* bytes of a path, the most */
    TAGPOOL_SITES_SHORT = 16,       /* a short life: freed before so many more requests */
};

struct tagpool_sites_head {
    uint64_t magic;
    uint64_t version;
    uint64_t head_bytes;
    uint64_t file_bytes;
    uint64_t sample_bytes;  /* the mean distance of samples; 0: every call */
    uint64_t used_bytes;    /* of the file, reserved by writers; may be more than there are */
    uint64_t images;        /* numbers given away: the first is 1 */
    uint64_t stacks_missed; /* calls whose stack found no room: they are counted without one */
};

enum tagpool_sites_kind {
    TAGPOOL_SITES_NONE = 0,
    TAGPOOL_SITES_MODULE = 1,
    TAGPOOL_SITES_STACK = 2,
    TAGPOOL_SITES_PROCESS = 3,
    TAGPOOL_SITES_SITE = 4,
};

struct tagpool_sites_record {
    uint32_t kind;  /* enum tagpool_sites_kind; stored last, with release order */
    uint32_t bytes; /* of this record */
};

struct tagpool_sites_module {
    struct tagpool_sites_record record;
    uint32_t image;
    uint32_t number; /* in the image, from 0 */
    uint32_t path_bytes;
    uint32_t build_id_bytes; /* 0: it has none */
    uint8_t build_id[TAGPOOL_SITES_BUILD_ID];
    /* char path[path_bytes] */
};

/* A frame is the number of its module, and the address of the call less what was added to the
 * addresses in the module's file when it was loaded. */
#define TAGPOOL_SITES_OFFSET_BITS 48
#define TAGPOOL_SITES_NO_MODULE   0xffffu /* the offset is the address */

struct tagpool_sites_stack {
    struct tagpool_sites_record record;
    uint32_t image;
    uint32_t frame_count; /* 0: the stack is not known */
    /* uint64_t frames[frame_count] */
};

struct tagpool_sites_process {
    struct tagpool_sites_record record;
    uint64_t row; /* in the profile page */
    uint64_t peaks;
};

/* X(NAME, HELP): what is counted of a site. */
#define TAGPOOL_SITES_COUNTERS(X)                                                                  \
    X(calls, "requests, reallocs included")                                                        \
    X(bytes, "their sum")                                                                          \
    X(frees, "blocks freed that were requested here")                                              \
    X(short_blocks, "of these, freed before 16 more requests")                                     \
    X(live_blocks, "blocks live now")                                                              \
    X(live_bytes, "their bytes")                                                                   \
    X(peak_blocks, "blocks live at the peak of the process")                                       \
    X(peak_bytes, "their bytes")                                                                   \
    X(samples, "requests that were looked at: in a sample fewer than calls")

struct tagpool_sites_site {
    struct tagpool_sites_record record;
    uint32_t row;   /* of the process, in the profile page */
    uint32_t stack; /* where its record begins in the file, in units of 8 bytes */
    uint64_t seen;  /* the peak that was the last one when the site changed */
#define TAGPOOL_SITES_FIELD(name, help) uint64_t name;
    TAGPOOL_SITES_COUNTERS(TAGPOOL_SITES_FIELD)
#undef TAGPOOL_SITES_FIELD
};

static_assert(sizeof(struct tagpool_sites_head) == 64, "the head is one cache line");
static_assert(sizeof(struct tagpool_sites_module) % 8 == 0, "what follows is aligned");
static_assert(sizeof(struct tagpool_sites_stack) % 8 == 0, "what follows is aligned");

#endif
