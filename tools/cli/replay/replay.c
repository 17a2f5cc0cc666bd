#include "replay/replay.h"

#include "base/clock.h"
#include "pages/trace_reader.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum {
    REPLAY_AHEAD = 4096,
    REPLAY_LINE_BYTES = 64,
    REPLAY_PAGE_BYTES = 4096,
    REPLAY_BY_LINES_BYTES = 64 << 10,
    REPLAY_ALIGNMENT = 16,
};

struct replay_block {
    char *address; /* NULL: none lives in this slot */
    uint64_t bytes;
};

struct replay_allocator {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*memalign)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void (*free)(void *);
};

struct replay;

struct replay_worker {
    struct replay *replay;
    sem_t baton;
    unsigned index;
    pthread_t thread;
};

struct replay {
    struct trace_reader reader;
    const struct replay_allocator *allocator;
    struct replay_block *blocks; /* by slot */
    uint64_t *keys;              /* of their patterns; NULL: patterns are not wanted */
    uint64_t last_key;
    uint64_t calls;
    uint64_t spent_ns;
    uint64_t sum; /* of what was read, so that reading is not left out */
    const char *fault;
    bool done;
    unsigned worker_count;
    unsigned ahead_count, ahead_next;
    struct replay_worker workers[REPLAY_THREADS];
    struct trace_call ahead[REPLAY_AHEAD];
};

/* ---- the null allocator ---- */

static char *replay_null_memory; /* as large as the largest block */

static void *replay_null_malloc(size_t bytes) {
    (void)bytes;
    return replay_null_memory;
}

static void *replay_null_two(size_t one, size_t other) {
    (void)one;
    (void)other;
    return replay_null_memory;
}

static void *replay_null_realloc(void *block, size_t bytes) {
    (void)bytes;
    return block;
}

static void replay_null_free(void *block) {
    (void)block;
}

static const struct replay_allocator replay_null = {
    replay_null_malloc, replay_null_two, replay_null_two, replay_null_realloc, replay_null_free};
static const struct replay_allocator replay_real = {malloc, calloc, memalign, realloc, free};

/* ---- memory ---- */

static size_t replay_step(uint64_t bytes) {
    return bytes <= REPLAY_BY_LINES_BYTES ? REPLAY_LINE_BYTES : REPLAY_PAGE_BYTES;
}

static void replay_write(char *address, uint64_t from, uint64_t bytes) {
    size_t step = replay_step(bytes);
    for (uint64_t i = from; i < bytes; i += step)
        *(volatile char *)(address + i) = 1;
}

static uint64_t replay_read(const char *address, uint64_t bytes) {
    size_t step = replay_step(bytes);
    uint64_t sum = 0;
    for (uint64_t i = 0; i < bytes; i += step)
        sum += (uint64_t) * (const volatile char *)(address + i);
    return sum;
}

/* Eight bytes of a block's pattern: no two of a block are alike, nor two blocks' at one place. */
static uint64_t replay_pattern(uint64_t key, uint64_t place) {
    uint64_t mixed = (key << 32 ^ place) * 0x9e3779b97f4a7c15u;
    return mixed ^ mixed >> 29;
}

static void replay_fill(char *address, uint64_t key, uint64_t bytes) {
    for (uint64_t i = 0; i < bytes; i += 8) {
        uint64_t pattern = replay_pattern(key, i);
        memcpy(address + i, &pattern, bytes - i < 8 ? bytes - i : 8);
    }
}

static bool replay_intact(const char *address, uint64_t key, uint64_t bytes) {
    for (uint64_t i = 0; i < bytes; i += 8) {
        uint64_t pattern = replay_pattern(key, i);
        if (memcmp(address + i, &pattern, bytes - i < 8 ? bytes - i : 8) != 0)
            return false;
    }
    return true;
}

static bool replay_is_zero(const char *address, uint64_t bytes) {
    for (uint64_t i = 0; i < bytes; i++)
        if (address[i] != 0)
            return false;
    return true;
}

/* ---- calls ---- */

/* Records what is wrong, once. */
static bool replay_fail(struct replay *replay, const char *what) {
    static char text[160];
    if (replay->fault == NULL) {
        snprintf(text, sizeof text, "call %llu: %s", (unsigned long long)replay->calls, what);
        replay->fault = text;
    }
    return false;
}

/* What a block of a size has to be aligned to: as much as any object that fits into it
 * (C17, 7.22.3).
 */
static uint64_t replay_alignment(uint64_t bytes) {
    uint64_t alignment = REPLAY_ALIGNMENT;
    while (alignment > 1 && alignment > bytes)
        alignment /= 2;
    return alignment;
}

static bool replay_check_new(struct replay *replay, const struct trace_call *call,
                             const char *address) {
    uint64_t alignment = replay_alignment(call->bytes);
    if (call->kind == TAGPOOL_TRACE_ALIGNED && UINT64_C(1) << call->alignment_log > alignment)
        alignment = UINT64_C(1) << call->alignment_log;
    if ((uintptr_t)address % alignment != 0)
        return replay_fail(replay, "a block is not aligned");
    if (call->kind == TAGPOOL_TRACE_CALLOC && !replay_is_zero(address, call->bytes))
        return replay_fail(replay, "calloc gave a block that is not zero");
    return true;
}

static bool replay_take(struct replay *replay, const struct trace_call *call) {
    const struct replay_allocator *allocator = replay->allocator;
    struct replay_block *block = &replay->blocks[call->slot];
    if (call->kind == TAGPOOL_TRACE_MALLOC)
        block->address = allocator->malloc(call->bytes);
    else if (call->kind == TAGPOOL_TRACE_CALLOC)
        block->address = allocator->calloc(1, call->bytes);
    else
        block->address = allocator->memalign((size_t)1 << call->alignment_log, call->bytes);
    if (block->address == NULL)
        return replay_fail(replay, "the allocator has no memory");
    block->bytes = call->bytes;
    if (replay->keys == NULL) {
        replay_write(block->address, 0, call->bytes);
        return true;
    }
    replay->keys[call->slot] = ++replay->last_key;
    if (!replay_check_new(replay, call, block->address))
        return false;
    replay_fill(block->address, replay->keys[call->slot], block->bytes);
    return true;
}

static bool replay_resize(struct replay *replay, const struct trace_call *call) {
    struct replay_block *block = &replay->blocks[call->slot];
    uint64_t kept = call->bytes < block->bytes ? call->bytes : block->bytes;
    if (replay->keys != NULL &&
        !replay_intact(block->address, replay->keys[call->slot], block->bytes))
        return replay_fail(replay, "a block was damaged before it was resized");
    char *moved = replay->allocator->realloc(block->address, call->bytes);
    /* Where a block of size 0 was recorded another allocator may give none. */
    if (moved == NULL && call->bytes == 0)
        moved = replay->allocator->malloc(0);
    if (moved == NULL)
        return replay_fail(replay, "the allocator has no memory");
    if (replay->keys != NULL && !replay_intact(moved, replay->keys[call->slot], kept))
        return replay_fail(replay, "realloc did not keep what was in a block");
    block->address = moved;
    block->bytes = call->bytes;
    if (replay->keys != NULL)
        replay_fill(moved, replay->keys[call->slot], call->bytes);
    else
        replay_write(moved, kept, call->bytes);
    return true;
}

static bool replay_give(struct replay *replay, const struct trace_call *call) {
    struct replay_block *block = &replay->blocks[call->slot];
    if (replay->keys == NULL)
        replay->sum += replay_read(block->address, block->bytes);
    else if (!replay_intact(block->address, replay->keys[call->slot], block->bytes))
        return replay_fail(replay, "a block was damaged before it was freed");
    replay->allocator->free(block->address);
    block->address = NULL;
    return true;
}

static bool replay_call(struct replay *replay, const struct trace_call *call) {
    replay->calls++;
    if (call->kind == TAGPOOL_TRACE_FREE)
        return replay_give(replay, call);
    if (call->kind == TAGPOOL_TRACE_REALLOC)
        return replay_resize(replay, call);
    return replay_take(replay, call);
}

/* ---- the order of threads ---- */

static unsigned replay_worker_of(const struct replay *replay, const struct trace_call *call) {
    return call->thread % replay->worker_count;
}

/* Reads calls ahead. False when there are no more. */
static bool replay_read_ahead(struct replay *replay) {
    replay->ahead_count = replay->ahead_next = 0;
    while (replay->ahead_count < REPLAY_AHEAD) {
        struct trace_call *call = &replay->ahead[replay->ahead_count];
        const char *fault = trace_reader_next(&replay->reader, call);
        if (fault != NULL && replay->fault == NULL)
            replay->fault = fault;
        if (fault != NULL || call->kind == TAGPOOL_TRACE_END)
            break;
        replay->ahead_count++;
    }
    return replay->ahead_count != 0 && replay->fault == NULL;
}

/* The calls of one thread until another one's turn. */
static bool replay_segment(struct replay *replay, unsigned worker) {
    bool sound = true;
    uint64_t start_ns = clock_thread_ns();
    while (sound && replay->ahead_next < replay->ahead_count) {
        const struct trace_call *call = &replay->ahead[replay->ahead_next];
        if (replay_worker_of(replay, call) != worker)
            break;
        replay->ahead_next++;
        sound = replay_call(replay, call);
    }
    replay->spent_ns += clock_thread_ns() - start_ns;
    return sound;
}

static void replay_await(sem_t *baton) {
    while (sem_wait(baton) != 0 && errno == EINTR) {
    }
}

static void replay_finish(struct replay *replay) {
    replay->done = true;
    for (unsigned i = 0; i < replay->worker_count; i++)
        sem_post(&replay->workers[i].baton);
}

/* Who holds the baton performs its calls and passes the baton on. Semaphores order all that the
 * holders share. */
static void *replay_work(void *context) {
    struct replay_worker *worker = context;
    struct replay *replay = worker->replay;
    for (;;) {
        replay_await(&worker->baton);
        if (replay->done)
            return NULL;
        unsigned next = worker->index;
        while (next == worker->index) {
            bool sound = replay_segment(replay, worker->index);
            if (sound && replay->ahead_next == replay->ahead_count)
                sound = replay_read_ahead(replay);
            if (!sound) {
                replay_finish(replay);
                return NULL;
            }
            next = replay_worker_of(replay, &replay->ahead[replay->ahead_next]);
        }
        sem_post(&replay->workers[next].baton);
    }
}

/* One pass over the trace; the first worker is the calling thread. */
static const char *replay_pass(struct replay *replay, const struct replay_allocator *allocator) {
    unsigned started = 1;
    trace_reader_rewind(&replay->reader);
    replay->allocator = allocator;
    replay->calls = replay->spent_ns = 0;
    replay->done = false;
    for (unsigned i = 0; i < replay->worker_count; i++) {
        replay->workers[i].replay = replay;
        replay->workers[i].index = i;
        sem_init(&replay->workers[i].baton, 0, 0);
    }
    while (started < replay->worker_count &&
           pthread_create(&replay->workers[started].thread, NULL, replay_work,
                          &replay->workers[started]) == 0)
        started++;
    if (started < replay->worker_count)
        replay->fault = "cannot start as many threads as the trace has; use --single-thread";
    if (started < replay->worker_count || !replay_read_ahead(replay))
        replay_finish(replay);
    else
        sem_post(&replay->workers[replay_worker_of(replay, &replay->ahead[0])].baton);
    replay_work(&replay->workers[0]);
    for (unsigned i = 1; i < started; i++)
        pthread_join(replay->workers[i].thread, NULL);
    return replay->fault;
}

/* ---- the whole ---- */

static void *replay_map(uint64_t bytes, int flags) {
    void *memory = mmap(NULL, bytes + 1, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

/* It is large, and lies in static memory so that the allocator does not see it. */
static struct replay replay_state;

static const char *replay_open(struct replay *replay, const char *path, bool single) {
    const char *fault = trace_reader_open(&replay->reader, path, true);
    if (fault != NULL)
        return fault;
    trace_reader_populate(&replay->reader);
    const struct tagpool_trace_head *head = &replay->reader.head;
    uint64_t threads = head->threads < REPLAY_THREADS ? head->threads : REPLAY_THREADS;
    replay->worker_count = single || threads == 0 ? 1 : (unsigned)threads;
    replay->blocks = replay_map((head->slots + 1) * sizeof *replay->blocks, MAP_POPULATE);
    return replay->blocks == NULL ? strerror(errno) : NULL;
}

const char *replay_time(const char *path, bool single, struct replay_result *result) {
    struct replay *replay = &replay_state;
    struct rusage before, after;
    const char *fault = replay_open(replay, path, single);
    if (fault != NULL)
        return fault;
    memset(replay->ahead, 0, sizeof replay->ahead); /* resident from now on */
    getrusage(RUSAGE_SELF, &before);
    fault = replay_pass(replay, &replay_real);
    getrusage(RUSAGE_SELF, &after);
    *result = (struct replay_result){
        .magic = REPLAY_RESULT_MAGIC,
        .calls = replay->calls,
        .real_ns = replay->spent_ns,
        .before_kib = (uint64_t)before.ru_maxrss,
        .after_kib = (uint64_t)after.ru_maxrss,
        .page_faults = (uint64_t)(after.ru_minflt - before.ru_minflt),
    };
    if (fault != NULL)
        return fault;
    replay_null_memory = replay_map(replay->reader.head.largest_bytes, 0);
    if (replay_null_memory == NULL)
        return strerror(errno);
    fault = replay_pass(replay, &replay_null);
    result->null_ns = replay->spent_ns;
    return fault;
}

const char *replay_verify(const char *path, bool single, uint64_t *calls, uint64_t *live_blocks) {
    struct replay *replay = &replay_state;
    const char *fault = replay_open(replay, path, single);
    if (fault != NULL)
        return fault;
    replay->keys = replay_map((replay->reader.head.slots + 1) * sizeof *replay->keys, 0);
    if (replay->keys == NULL)
        return strerror(errno);
    fault = replay_pass(replay, &replay_real);
    *calls = replay->calls;
    *live_blocks = 0;
    for (uint64_t slot = 0; fault == NULL && slot < replay->reader.head.slots; slot++) {
        const struct replay_block *block = &replay->blocks[slot];
        if (block->address == NULL)
            continue;
        ++*live_blocks;
        if (!replay_intact(block->address, replay->keys[slot], block->bytes)) {
            replay_fail(replay, "a block was damaged that was never freed");
            fault = replay->fault;
        }
    }
    return fault;
}
