#include "profile.h"

#include "clock.h"
#include "os.h"
#include "sample.h"
#include "shared.h"
#include "tagpool/profile_page.h"

#include <string.h>

static struct tagpool_profile_page *page;
static struct tagpool_profile_row *row; /* of this process */
static uint64_t start_ns;               /* of the first process: births are counted from it */
static uint64_t requests;               /* made in all: the clock of lifetimes */
static uint64_t next_sample_calls;
static uint64_t bytes_peak; /* since the last sample */
/* What is live, in memory of this process alone: in the child of a fork it is what the parent had
 * at that moment, whose row goes on meanwhile. */
static struct {
    uint64_t blocks;
    uint64_t bytes;
    uint64_t of_size[TAGPOOL_PROFILE_SIZES];
} live;
static uint16_t forks; /* that this process comes from */

static bool page_is_valid(const struct tagpool_profile_head *head) {
    return head->magic == TAGPOOL_PROFILE_MAGIC && head->version == TAGPOOL_PROFILE_VERSION &&
           head->head_bytes == sizeof(struct tagpool_profile_head) &&
           head->row_bytes == sizeof(struct tagpool_profile_row) &&
           head->row_count == TAGPOOL_PROFILE_ROWS;
}

/* Processes race for rows: the compare-and-swap decides. Relaxed: nothing else is published by it.
 */
static struct tagpool_profile_row *claim_free_row(void) {
    for (size_t i = 0; i < TAGPOOL_PROFILE_ROWS; i++) {
        uint64_t expected = TAGPOOL_PROFILE_FREE;
        if (__atomic_compare_exchange_n(&page->rows[i].state, &expected, TAGPOOL_PROFILE_RUNNING,
                                        false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            return &page->rows[i];
    }
    return NULL;
}

/* Has the row's process ended? One of our own number was what we executed from. */
static bool row_is_past(const struct tagpool_profile_row *past, uint64_t pid) {
    return __atomic_load_n(&past->state, __ATOMIC_RELAXED) == TAGPOOL_PROFILE_ENDED ||
           pid == os_process_id() || !os_process_lives(pid);
}

/* The row of the smallest process that has ended, whose numbers are lost; NULL: all run, or another
 * process was faster: it has put its own number there, before or after we looked. A process without
 * a number yet is about to fill its row in. */
static struct tagpool_profile_row *claim_smallest_row(void) {
    struct tagpool_profile_row *smallest = NULL;
    uint64_t pid = 0; /* that the row had as it was judged */
    if (page == NULL)
        return NULL;
    for (size_t i = 0; i < TAGPOOL_PROFILE_ROWS; i++) {
        struct tagpool_profile_row *other = &page->rows[i];
        uint64_t other_pid = __atomic_load_n(&other->pid, __ATOMIC_ACQUIRE);
        if (other_pid != 0 && (smallest == NULL || other->calls < smallest->calls) &&
            row_is_past(other, other_pid)) {
            smallest = other;
            pid = other_pid;
        }
    }
    if (smallest == NULL)
        return NULL;
    if (!__atomic_compare_exchange_n(&smallest->pid, &pid, 0, false, __ATOMIC_RELAXED,
                                     __ATOMIC_RELAXED))
        return NULL;
    memset((char *)smallest + sizeof smallest->state, 0, sizeof *smallest - sizeof smallest->state);
    __atomic_store_n(&smallest->state, TAGPOOL_PROFILE_RUNNING, __ATOMIC_RELAXED);
    return smallest;
}

/* Where there is no room the largest processes are kept. */
static struct tagpool_profile_row *claim_row(void) {
    struct tagpool_profile_row *claimed = claim_free_row();
    if (claimed != NULL)
        return claimed;
    __atomic_fetch_add(&page->head.rows_missed, 1, __ATOMIC_RELAXED);
    return claim_smallest_row();
}

/* Without a row of its own a process keeps the one it had, and does not count any more. */
static bool open_row(void) {
    struct tagpool_profile_row *claimed = claim_row();
    if (claimed == NULL)
        return false;
    row = claimed;
    /* Release: who sees the number does not see what the row was before. */
    __atomic_store_n(&row->pid, os_process_id(), __ATOMIC_RELEASE);
    row->start_ns = clock_ns();
    row->seen_ns = row->start_ns;
    row->sample_calls = TAGPOOL_PROFILE_FIRST_INTERVAL;
    next_sample_calls = row->sample_calls;
    bytes_peak = 0;
    os_program_name(row->name, sizeof row->name);
    return true;
}

static unsigned row_number(void) {
    return (unsigned)(row - page->rows);
}

bool profile_start(const char *path, const char *sites_path) {
    page = shared_map(path, sizeof *page);
    if (page == NULL || !page_is_valid(&page->head))
        return false;
    start_ns = clock_ns();
    if (!open_row())
        return false;
    if (sites_path != NULL && sites_start(sites_path, row_number()))
        sample_start(sites_sample_bytes());
    return true;
}

bool profile_after_fork(void) {
    if (!open_row())
        return false;
    row->forked = 1;
    forks++;
    row->threads = 1;
    row->inherited_blocks = row->live_blocks = row->peak_blocks = live.blocks;
    row->inherited_bytes = row->live_bytes = row->peak_bytes = live.bytes;
    for (unsigned i = 0; i < TAGPOOL_PROFILE_SIZES; i++)
        row->sizes[i].live = row->sizes[i].live_peak = live.of_size[i];
    sites_after_fork(row_number());
    sample_after_fork();
    return true;
}

void profile_abandon(void) {
    __atomic_fetch_add(&page->head.rows_missed, 1, __ATOMIC_RELAXED);
    shared_detach(page, os_round_to_page(sizeof *page));
    sites_abandon();
}

/* ---- live memory over time ---- */

/* Make room: each two samples become one, and the interval doubles. */
static void merge_samples(void) {
    for (size_t i = 0; i < TAGPOOL_PROFILE_SAMPLES / 2; i++) {
        uint64_t earlier_peak = row->samples[2 * i].bytes_peak;
        row->samples[i] = row->samples[2 * i + 1];
        if (earlier_peak > row->samples[i].bytes_peak)
            row->samples[i].bytes_peak = earlier_peak;
    }
    row->sample_count = TAGPOOL_PROFILE_SAMPLES / 2;
    row->sample_calls *= 2;
}

static void take_sample(void) {
    if (row->sample_count >= TAGPOOL_PROFILE_SAMPLES)
        merge_samples();
    row->samples[row->sample_count++] = (struct tagpool_profile_sample){
        .when_ns = row->seen_ns - row->start_ns,
        .calls = row->calls,
        .blocks = row->live_blocks,
        .bytes = row->live_bytes,
        .bytes_peak = bytes_peak,
    };
    bytes_peak = row->live_bytes;
    next_sample_calls = row->calls + row->sample_calls;
}

/* So many calls more; the time of the last. */
static void tick(uint64_t calls) {
    row->seen_ns = clock_ns();
    row->calls += calls;
    if (row->calls >= next_sample_calls)
        take_sample();
}

/* ---- blocks ---- */

static uint64_t now_us(void) {
    return (row->seen_ns - start_ns) / 1000;
}

/* A block that is told of. Where calls are sampled, a lifetime is counted in the requests of the
 * thread: what other threads asked for meanwhile nobody has counted. */
static struct block born(const void *block, size_t bytes, uint32_t thread) {
    return (struct block){
        .address = (uintptr_t)block,
        .bytes = bytes,
        .number = sample_distance != 0 ? sample_requests : requests + 1,
        .thread = thread,
    };
}

/* The calls that a block stands for, the same at its birth and at its end. */
static uint64_t weight_of(const struct block *block) {
    return sample_distance == 0 ? 1 : sample_weight(block->bytes, block->address ^ block->number);
}

static void change_live(uint64_t bytes, uint64_t blocks) {
    unsigned bin = tagpool_profile_size_bin(bytes);
    struct tagpool_profile_size *size = &row->sizes[bin];
    live.blocks += blocks;
    live.bytes += blocks * bytes;
    live.of_size[bin] += blocks;
    row->live_blocks = live.blocks;
    row->live_bytes = live.bytes;
    size->live = live.of_size[bin];
    if (size->live > size->live_peak)
        size->live_peak = size->live;
}

static void add_live(const struct block *block) {
    uint64_t blocks = weight_of(block);
    change_live(block->bytes, blocks);
    if (sites_are_kept)
        sites_add_live(block->site, blocks, block->bytes);
    if (row->live_bytes > bytes_peak)
        bytes_peak = row->live_bytes;
    if (row->live_bytes > row->peak_bytes) {
        row->peak_bytes = row->live_bytes;
        row->peak_blocks = row->live_blocks;
        row->peak_ns = row->seen_ns - row->start_ns;
        if (sites_are_kept)
            sites_mark_peak();
    }
}

static void remove_live(const struct block *block) {
    uint64_t blocks = weight_of(block);
    change_live(block->bytes, -blocks);
    if (sites_are_kept)
        sites_remove_live(block->site, blocks, block->bytes);
}

static void count_request(struct block *block, const struct stack *stack) {
    struct tagpool_profile_size *size = &row->sizes[tagpool_profile_size_bin(block->bytes)];
    uint64_t calls = weight_of(block);
    requests += calls;
    size->calls += calls;
    size->bytes += calls * block->bytes;
    block->site = sites_are_kept ? sites_request(stack, calls, block->bytes) & 0xffffff : 0;
}

static void forget_sample(const struct block *block) {
    if (sample_distance != 0)
        sample_forget(block->address);
}

static void know(const struct block *block) {
    struct block stale; /* at this address before; its end was not seen */
    if (blocks_take((const void *)(uintptr_t)block->address, &stale)) {
        remove_live(&stale);
        forget_sample(&stale);
    }
    if (blocks_add(block)) {
        add_live(block);
        if (sample_distance != 0)
            sample_note(block->address);
    } else {
        __atomic_fetch_add(&row->untracked_calls, 1, __ATOMIC_RELAXED);
    }
}

void profile_take(enum request request, const void *block, size_t bytes, uint32_t thread,
                  const struct stack *stack) {
    struct block taken = born(block, bytes, thread);
    uint64_t calls = weight_of(&taken);
    tick(calls);
    taken.birth_us = now_us();
    row->malloc_calls += request == REQUEST_MALLOC ? calls : 0;
    row->calloc_calls += request == REQUEST_CALLOC ? calls : 0;
    row->aligned_calls += request == REQUEST_ALIGNED ? calls : 0;
    count_request(&taken, stack);
    know(&taken);
}

/* In requests made meanwhile. */
static uint64_t life_of(const struct block *known, uint32_t thread) {
    if (sample_distance == 0)
        return requests - known->number;
    return known->thread == thread ? sample_requests - known->number : UINT64_MAX;
}

void profile_give(const void *block, uint32_t thread) {
    struct block known;
    bool is_known = blocks_take(block, &known);
    if (sample_distance != 0 && !is_known) /* none of the sample */
        return;
    uint64_t calls = is_known ? weight_of(&known) : 1;
    tick(calls);
    row->free_calls += calls;
    if (!is_known) {
        row->foreign_frees++;
        return;
    }
    unsigned size = tagpool_profile_life_size(known.bytes);
    uint64_t life_calls = life_of(&known, thread);
    uint64_t life_us = now_us() - known.birth_us;
    row->life_calls[size][tagpool_profile_log_bin(life_calls, TAGPOOL_PROFILE_LIFE_STEPS)] += calls;
    row->life_us[size][tagpool_profile_log_bin(life_us, TAGPOOL_PROFILE_LIFE_STEPS)] += calls;
    row->remote_frees += known.thread != thread ? calls : 0;
    remove_live(&known);
    forget_sample(&known);
    if (sites_are_kept)
        sites_freed(known.site, calls, life_calls < TAGPOOL_SITES_SHORT);
}

/* ---- realloc ---- */

void profile_resize_begin(const void *block, struct block *known) {
    if (!blocks_take(block, known))
        *known = (struct block){.address = 0};
}

/* A chain that this process has counted already moves on to its next bin. */
static void count_chain(struct block *block) {
    if (block->resizes != 0 && block->process == forks)
        row->chains[tagpool_profile_log_bin(block->resizes, TAGPOOL_PROFILE_CHAINS)]--;
    if (block->resizes < UINT16_MAX)
        block->resizes++;
    block->process = forks;
    row->chains[tagpool_profile_log_bin(block->resizes, TAGPOOL_PROFILE_CHAINS)]++;
}

/* It stays as it was. */
static void resize_failed(const struct block *known) {
    row->failed_calls++;
    if (known->address != 0 && !blocks_add(known)) {
        remove_live(known);
        __atomic_fetch_add(&row->untracked_calls, 1, __ATOMIC_RELAXED);
    }
}

void profile_resize_end(const struct block *known, const void *block, const void *moved,
                        size_t bytes, uint32_t thread, const struct stack *stack) {
    struct block after = *known;
    tick(1);
    if (moved == NULL) {
        resize_failed(known);
        return;
    }
    row->realloc_calls++;
    if (known->address != 0) {
        row->grown += bytes > known->bytes;
        row->shrunk += bytes < known->bytes;
        row->moved += moved != block;
        if (moved != block)
            row->moved_bytes += bytes < known->bytes ? bytes : known->bytes;
        count_chain(&after);
        remove_live(known);
    } else {
        row->foreign_frees++;
        after = born(moved, bytes, thread);
        after.birth_us = now_us();
    }
    after.address = (uintptr_t)moved;
    after.bytes = bytes;
    count_request(&after, stack);
    know(&after);
}

void profile_resample_end(const struct block *known, const void *moved, size_t bytes,
                          uint32_t thread, const struct stack *stack, bool is_sampled) {
    if (moved == NULL) {
        resize_failed(known);
        return;
    }
    if (known->address != 0) {
        remove_live(known);
        forget_sample(known);
    }
    if (!is_sampled)
        return;
    struct block after = born(moved, bytes, thread);
    uint64_t calls = weight_of(&after);
    tick(calls);
    after.birth_us = now_us();
    row->realloc_calls += calls;
    count_request(&after, stack);
    know(&after);
}

/* ---- the rest ---- */

void profile_failed(void) {
    row->failed_calls++;
}

void profile_missed(void) {
    __atomic_fetch_add(&row->untracked_calls, 1, __ATOMIC_RELAXED);
}

void profile_note_threads(uint32_t threads) {
    row->threads = threads;
}

void profile_end(void) {
    row->state = TAGPOOL_PROFILE_ENDED;
}
