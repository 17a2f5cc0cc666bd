#include "sites.h"

#include "modules.h"
#include "os.h"
#include "shared.h"
#include "unwind.h"

#include <string.h>

enum {
    INDEX_CAPACITY = 2 * TAGPOOL_SITES_MOST,
    UNIT = 8,            /* records begin at multiples of it */
    NO_ROOM = UINT32_MAX /* the file is full */
};

struct site {
    uint64_t hash;
    uint32_t stack; /* in the file, in units */
    uint32_t count; /* where its counts are in the file, in units; 0: not yet */
    uint64_t live_blocks;
    uint64_t live_bytes;
};

bool sites_are_kept;

static char *file;
static struct tagpool_sites_head *head;
static struct site *sites; /* [0]: without a stack */
static uint32_t *site_index;
static uint32_t site_count;
static uint32_t image;
static struct tagpool_sites_process *process;
static uint64_t peaks;
static uint16_t written[MODULES_MOST]; /* modules of this image: their number + 1; 0: not yet */
static uint16_t written_count;

/* ---- the file ---- */

/* Reserve a record: it is zeroes. NULL if there is no room. */
static void *reserve(size_t bytes) {
    bytes = (bytes + UNIT - 1) / UNIT * UNIT;
    if (__atomic_load_n(&head->used_bytes, __ATOMIC_RELAXED) + bytes > TAGPOOL_SITES_BYTES)
        return NULL;
    uint64_t start = __atomic_fetch_add(&head->used_bytes, bytes, __ATOMIC_RELAXED);
    if (start + bytes > TAGPOOL_SITES_BYTES)
        return NULL;
    struct tagpool_sites_record *record = (void *)(file + start);
    record->bytes = (uint32_t)bytes;
    return record;
}

/* Release: who sees the kind sees the record. */
static uint32_t publish(void *record, enum tagpool_sites_kind kind) {
    struct tagpool_sites_record *begun = record;
    __atomic_store_n(&begun->kind, (uint32_t)kind, __ATOMIC_RELEASE);
    return (uint32_t)(((char *)record - file) / UNIT);
}

static bool file_is_valid(void) {
    return head->magic == TAGPOOL_SITES_MAGIC && head->version == TAGPOOL_SITES_VERSION &&
           head->head_bytes == sizeof *head && head->file_bytes == TAGPOOL_SITES_BYTES;
}

/* Without room for it, sites of the process cannot be told apart from those of others. */
static bool begin_process(unsigned row) {
    process = reserve(sizeof *process);
    if (process == NULL)
        return false;
    process->row = row;
    publish(process, TAGPOOL_SITES_PROCESS);
    peaks = 0;
    image = (uint32_t)__atomic_add_fetch(&head->images, 1, __ATOMIC_RELAXED);
    memset(written, 0, sizeof written);
    written_count = 0;
    return true;
}

/* ---- counts ---- */

/* The counts of a site of this process; NULL if there is no room for them. */
static struct tagpool_sites_site *counts_of(uint32_t number) {
    struct site *site = &sites[number];
    if (LIKELY(site->count != 0))
        return site->count == NO_ROOM ? NULL : (void *)(file + (size_t)site->count * UNIT);
    struct tagpool_sites_site *counts = reserve(sizeof *counts);
    if (counts == NULL) {
        site->count = NO_ROOM;
        return NULL;
    }
    counts->row = (uint32_t)process->row;
    counts->stack = site->stack;
    counts->live_blocks = site->live_blocks;
    counts->live_bytes = site->live_bytes;
    counts->peak_blocks = site->live_blocks;
    counts->peak_bytes = site->live_bytes;
    counts->seen = peaks;
    site->count = publish(counts, TAGPOOL_SITES_SITE);
    return counts;
}

/* Before what is live changes: where a peak has passed, that was at the peak. */
static void note_peak(struct tagpool_sites_site *counts, const struct site *site) {
    if (counts->seen == peaks)
        return;
    counts->peak_blocks = site->live_blocks;
    counts->peak_bytes = site->live_bytes;
    counts->seen = peaks;
}

static void change_live(uint32_t number, uint64_t blocks, uint64_t bytes) {
    struct site *site = &sites[number];
    struct tagpool_sites_site *counts = counts_of(number);
    if (counts != NULL)
        note_peak(counts, site);
    site->live_blocks += blocks;
    site->live_bytes += bytes;
    if (counts == NULL)
        return;
    counts->live_blocks = site->live_blocks;
    counts->live_bytes = site->live_bytes;
}

void sites_add_live(uint32_t site, uint64_t count, uint64_t bytes) {
    change_live(site, count, count * bytes);
}

void sites_remove_live(uint32_t site, uint64_t count, uint64_t bytes) {
    change_live(site, -count, -(count * bytes));
}

void sites_freed(uint32_t site, uint64_t count, bool is_short) {
    struct tagpool_sites_site *counts = counts_of(site);
    if (counts == NULL)
        return;
    counts->frees += count;
    counts->short_blocks += is_short ? count : 0;
}

void sites_mark_peak(void) {
    process->peaks = ++peaks;
}

/* ---- stacks ---- */

SLOW void sites_take_stack(struct stack *stack) {
    stack->count = unwind_frames(stack->frames, TAGPOOL_SITES_FRAMES, &stack->epoch);
}

static uint64_t hash_of(const struct stack *stack) {
    uint64_t hash = stack->epoch + 1;
    for (unsigned i = 0; i < stack->count; i++) {
        hash = (hash ^ stack->frames[i]) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
    }
    return hash;
}

/* The number of a module in the file, which it is written to when it is met. */
static uint64_t write_module(const struct module *module) {
    unsigned place = (unsigned)(module - modules_at(0));
    if (written[place] != 0)
        return written[place] - 1U;
    size_t path_bytes = strlen(module->path);
    struct tagpool_sites_module *record = reserve(sizeof *record + path_bytes);
    if (record == NULL)
        return TAGPOOL_SITES_NO_MODULE;
    record->image = image;
    record->number = written_count;
    record->path_bytes = (uint32_t)path_bytes;
    record->build_id_bytes = module->build_id_bytes;
    memcpy(record->build_id, module->build_id, module->build_id_bytes);
    memcpy(record + 1, module->path, path_bytes);
    publish(record, TAGPOOL_SITES_MODULE);
    written[place] = ++written_count;
    return record->number;
}

/* What called is at the address less one. */
static uint64_t write_frame(uintptr_t frame, uint32_t epoch) {
    uintptr_t address = frame - 1;
    uint64_t mask = ((uint64_t)1 << TAGPOOL_SITES_OFFSET_BITS) - 1;
    const struct module *module = modules_find_in(address, epoch);
    if (module == NULL)
        module = modules_find(address);
    uint64_t number = module != NULL ? write_module(module) : TAGPOOL_SITES_NO_MODULE;
    if (number != TAGPOOL_SITES_NO_MODULE)
        address -= module->bias;
    return number << TAGPOOL_SITES_OFFSET_BITS | (address & mask);
}

/* What finds no room is counted with site 0. */
static uint32_t miss(void) {
    __atomic_fetch_add(&head->stacks_missed, 1, __ATOMIC_RELAXED);
    return 0;
}

/* A new site at a place of the index. */
static COLD uint32_t add_site(const struct stack *stack, uint64_t hash, uint32_t *place) {
    struct tagpool_sites_stack *record = NULL;
    if (site_count < TAGPOOL_SITES_MOST)
        record = reserve(sizeof *record + stack->count * sizeof(uint64_t));
    if (record == NULL)
        return miss();
    uint64_t *frames = (uint64_t *)(void *)(record + 1);
    for (unsigned i = 0; i < stack->count; i++)
        frames[i] = write_frame(stack->frames[i], stack->epoch);
    record->image = image;
    record->frame_count = stack->count;
    sites[site_count] = (struct site){.hash = hash};
    sites[site_count].stack = publish(record, TAGPOOL_SITES_STACK);
    *place = site_count;
    return site_count++;
}

/* Two stacks of one hash are taken for one: of a million there are two such with a probability of
 * 1 : 37 million. */
static uint32_t site_of(const struct stack *stack) {
    if (stack->count == 0)
        return 0;
    uint64_t hash = hash_of(stack);
    uint32_t place = (uint32_t)(hash >> 40) & (INDEX_CAPACITY - 1);
    for (; site_index[place] != 0; place = (place + 1) & (INDEX_CAPACITY - 1))
        if (sites[site_index[place]].hash == hash)
            return site_index[place];
    return add_site(stack, hash, &site_index[place]);
}

uint32_t sites_request(const struct stack *stack, uint64_t count, uint64_t bytes) {
    uint32_t site = site_of(stack);
    struct tagpool_sites_site *counts = counts_of(site);
    if (UNLIKELY(counts == NULL)) {
        site = miss();
        counts = counts_of(site);
    }
    if (counts != NULL) {
        counts->samples++;
        counts->calls += count;
        counts->bytes += count * bytes;
    }
    return site;
}

/* ---- the process ---- */

bool sites_start(const char *path, unsigned row) {
    size_t page_bytes = os_page_bytes();
    size_t sites_bytes = os_round_to_page(TAGPOOL_SITES_MOST * sizeof *sites);
    size_t index_bytes = os_round_to_page(INDEX_CAPACITY * sizeof *site_index);
    file = shared_map(path, TAGPOOL_SITES_BYTES);
    head = (void *)file;
    if (file == NULL || !file_is_valid())
        return false;
    char *memory = os_reserve(sites_bytes + index_bytes, page_bytes);
    if (memory == NULL || !os_commit(memory, sites_bytes + index_bytes))
        return false;
    sites = (void *)memory;
    site_index = (void *)(memory + sites_bytes);
    struct tagpool_sites_stack *nothing = reserve(sizeof *nothing);
    if (nothing == NULL || !begin_process(row))
        return false;
    nothing->image = image;
    sites[0].stack = publish(nothing, TAGPOOL_SITES_STACK);
    site_count = 1;
    if (counts_of(0) == NULL)
        return false;
    unwind_start(__builtin_return_address(0));
    sites_are_kept = true;
    return true;
}

uint64_t sites_sample_bytes(void) {
    return sites_are_kept ? head->sample_bytes : 0;
}

void sites_after_fork(unsigned row) {
    if (!sites_are_kept)
        return;
    modules_after_fork();
    if (!begin_process(row)) {
        sites_abandon();
        return;
    }
    for (uint32_t i = 0; i < site_count; i++)
        sites[i].count = 0;
    for (uint32_t i = 0; i < site_count; i++)
        if (i == 0 || sites[i].live_blocks != 0)
            (void)counts_of(i);
}

void sites_abandon(void) {
    if (!sites_are_kept)
        return;
    sites_are_kept = false;
    shared_detach(file, TAGPOOL_SITES_BYTES);
}
