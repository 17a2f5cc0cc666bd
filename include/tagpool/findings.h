/* The findings file: what the library finds in the processes of a checked program, with call
 * stacks, for the program that started them.
 *
 * It works as the statistics page does (stats_page.h): the reader creates the file with its full
 * size and passes its path in TAGPOOL_FINDINGS_VARIABLE. Each process that loads the library maps
 * it, and appends records as it finds something. Nothing has to run when a process ends: a record
 * that was written stays, even if the process is killed in the next moment.
 *
 *   file:    head | unit 0 | unit 1 | ... to the end of the file
 *   record:  a whole number of units, one after the other: its head, and what the kind says
 *
 * A writer reserves units by one addition to head.used_units, fills them in, and stores the mark of
 * the record last. A reader walks from unit to unit: where there is no mark, a writer has not
 * finished or was killed, and the next unit may begin a record. It checks magic, version and sizes,
 * and takes nothing else on trust: a target can write rubbish here. All numbers are in the byte
 * order of the machine.
 *
 * Images. Each start of the library and each child of a fork is an image, with a number of its own:
 * a process has several if it calls exec(). Addresses mean something within their image alone.
 *
 * Addresses of frames are return addresses: what called is at the address less one. Where a signal
 * interrupted the frame, one was added, so that the same holds.
 *
 * Modules come and go: after a dlclose() another may lie at the same addresses. A module was there
 * from the epoch `born` on, and until before `died`; a stack says in which epoch it was taken. A
 * module record comes before the first record that has an address in it; its image may be written
 * again with another `died`, and the last one counts.
 */
#ifndef TAGPOOL_FINDINGS_H
#define TAGPOOL_FINDINGS_H

#include <assert.h>
#include <stdint.h>

#define TAGPOOL_FINDINGS_VARIABLE "TAGPOOL_FINDINGS"
#define TAGPOOL_FINDINGS_MAGIC    0x444e49464c4f4f50ULL /* "POOLFIND" */
#define TAGPOOL_FINDINGS_VERSION  2

enum {
    TAGPOOL_FINDINGS_BYTES = 4 << 20, /* of the file */
    TAGPOOL_FINDINGS_UNIT = 64,       /* bytes */
    TAGPOOL_FINDINGS_FRAMES = 32,     /* of a stack, the most */
    TAGPOOL_FINDINGS_TEXT = 512,      /* bytes of a fault's line, the most */
    TAGPOOL_FINDINGS_PATH = 4096,     /* bytes of a module's path, the most */
    TAGPOOL_FINDINGS_BUILD_ID = 32,   /* bytes of a build-id, the most */
};

/* A module has not died. */
#define TAGPOOL_FINDINGS_ALIVE UINT32_MAX

enum tagpool_finding_kind {
    TAGPOOL_FINDING_MODULE = 1,
    TAGPOOL_FINDING_FAULT = 2,
    TAGPOOL_FINDING_LEAK = 3, /* lost blocks of one stack */
    TAGPOOL_FINDING_SUM = 4,  /* of the blocks at the end of an image */
};

struct tagpool_findings_head {
    uint64_t magic;
    uint64_t version;
    uint64_t head_bytes; /* sizeof(struct tagpool_findings_head) */
    uint64_t file_bytes; /* TAGPOOL_FINDINGS_BYTES */
    uint64_t used_units; /* reserved by writers; may be more than there are */
    uint64_t images;     /* numbers given away: the first is 1 */
    uint64_t missed;     /* faults and leaks that found no room */
    uint64_t reserved;
};

#define TAGPOOL_FINDING_MARK 0x54504644u /* stored last, with release order */

/* What each record begins with. */
struct tagpool_finding {
    uint32_t mark;
    uint16_t kind;  /* enum tagpool_finding_kind */
    uint16_t units; /* of this record */
    uint32_t image;
    uint32_t pid;
};

struct tagpool_finding_module {
    struct tagpool_finding finding;
    uint64_t start; /* of its mapping, which its program headers lie in */
    uint64_t end;
    uint64_t bias; /* an address less this is one of its file: of symbols and of line tables */
    uint32_t born; /* epochs */
    uint32_t died;
    uint32_t path_bytes;
    uint32_t build_id_bytes;
    uint8_t build_id[TAGPOOL_FINDINGS_BUILD_ID];
    /* char path[path_bytes], not NUL-ended */
};

/* A stack, and whose it was. Its frames follow the record's fixed part, in the order of stacks. */
struct tagpool_finding_stack {
    uint32_t frames; /* 0: not known */
    uint32_t epoch;
    uint32_t thread; /* the system's number; 0: not known */
    uint32_t reserved;
};

/* A fault: how the block came to it. */
enum tagpool_finding_role {
    TAGPOOL_FINDING_HERE,      /* the call that was found faulty */
    TAGPOOL_FINDING_FREED,     /* where the block was freed before */
    TAGPOOL_FINDING_ALLOCATED, /* where it was allocated */
    TAGPOOL_FINDING_BEFORE,    /* where the block before it was allocated, which was overflown */
    TAGPOOL_FINDING_ROLES,
};

struct tagpool_finding_fault {
    struct tagpool_finding finding;
    uint64_t address;
    uint32_t fault;      /* enum fault of the library */
    uint32_t text_bytes; /* of its line, without "tagpool[4711]: " and the newline */
    struct tagpool_finding_stack stacks[TAGPOOL_FINDING_ROLES];
    /* uint64_t frames[], of all stacks; then char text[text_bytes] */
};

struct tagpool_finding_leak {
    struct tagpool_finding finding;
    uint64_t blocks;
    uint64_t bytes;                     /* requested where that is known */
    struct tagpool_finding_stack stack; /* that allocated them */
    /* uint64_t frames[] */
};

struct tagpool_finding_sum {
    struct tagpool_finding finding;
    uint64_t lost_blocks;
    uint64_t lost_bytes;
    uint64_t reachable_blocks;
    uint64_t reachable_bytes;
    uint32_t threads_unseen;  /* threads whose stacks and registers could not be looked through */
    uint32_t stacks_missed;   /* stacks that had no room in the table: their blocks have none */
    uint64_t doubtful_blocks; /* lost, or kept by what could not be looked at */
    uint64_t doubtful_bytes;
    uint32_t is_memory_unseen; /* other memory than the variables of modules, too */
    uint32_t reserved;
};

static_assert(sizeof(struct tagpool_findings_head) == TAGPOOL_FINDINGS_UNIT, "a unit");
static_assert(sizeof(struct tagpool_finding) == 16, "and no padding");
static_assert(sizeof(struct tagpool_finding_module) % 8 == 0, "what follows is aligned");
static_assert(sizeof(struct tagpool_finding_fault) % 8 == 0, "what follows is aligned");
static_assert(sizeof(struct tagpool_finding_leak) % 8 == 0, "what follows is aligned");

#endif
