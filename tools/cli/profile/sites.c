#include "profile/sites.h"

#include "base/memory.h"
#include "pages/sites_file.h"

#include <stdlib.h>
#include <string.h>

#define PROFILE_RANK_WORD(id, word, count, is_bytes, title)  word,
#define PROFILE_RANK_TITLE(id, word, count, is_bytes, title) title,
#define PROFILE_RANK_BYTE(id, word, count, is_bytes, title)  is_bytes,
const char *const profile_rank_words[] = {PROFILE_RANKS(PROFILE_RANK_WORD) NULL};
const char *const profile_rank_titles[] = {PROFILE_RANKS(PROFILE_RANK_TITLE)};
const bool profile_rank_is_bytes[] = {PROFILE_RANKS(PROFILE_RANK_BYTE)};

uint64_t profile_rank_count(const struct profile_counts *counts, enum profile_rank rank) {
    switch (rank) {
#define PROFILE_RANK_CASE(id, word, count, ...)                                                    \
    case PROFILE_RANK_##id:                                                                        \
        return counts->count;
        PROFILE_RANKS(PROFILE_RANK_CASE)
#undef PROFILE_RANK_CASE
    case PROFILE_RANK_COUNT:
        break;
    }
    return 0;
}

void profile_counts_add(struct profile_counts *sum, const struct profile_counts *counts) {
#define PROFILE_SITES_ADD(name, help) sum->name += counts->name;
    TAGPOOL_SITES_COUNTERS(PROFILE_SITES_ADD)
#undef PROFILE_SITES_ADD
}

/* ---- stacks that are the same ---- */

static int profile_sites_compare(const void *left, const void *right) {
    const struct profile_site *a = left, *b = right;
    if (a->frame_count != b->frame_count)
        return a->frame_count < b->frame_count ? -1 : 1;
    for (uint32_t i = 0; i < a->frame_count; i++)
        if (a->frames[i] != b->frames[i])
            return a->frames[i] < b->frames[i] ? -1 : 1;
    return 0;
}

/* Adds up what stands for the same stack; how many are left. */
static size_t profile_sites_merge(struct profile_site *sites, size_t count) {
    size_t kept = 0;
    if (count == 0)
        return 0;
    qsort(sites, count, sizeof *sites, profile_sites_compare);
    for (size_t i = 1; i < count; i++)
        if (profile_sites_compare(&sites[kept], &sites[i]) == 0)
            profile_counts_add(&sites[kept].counts, &sites[i].counts);
        else
            sites[++kept] = sites[i];
    return kept + 1;
}

/* ---- from the file ---- */

/* The symbols' numbers of the file's modules, and one more for code that is in none. */
static size_t *profile_sites_modules(struct profile_sites *sites, const struct sites_file *file) {
    size_t *modules = memory_array(file->module_count + 1, sizeof *modules);
    for (size_t i = 0; i < file->module_count; i++)
        modules[i] = symbols_add_module(&sites->symbols, file->modules[i].path,
                                        file->modules[i].build_id, file->modules[i].build_id_bytes);
    modules[file->module_count] = symbols_add_module(&sites->symbols, NULL, NULL, 0);
    return modules;
}

/* The frames of all stacks, one after the other, as the symbols number them. */
static void profile_sites_read_frames(struct profile_sites *sites, const struct sites_file *file,
                                      const uint32_t **starts) {
    const uint64_t mask = (UINT64_C(1) << TAGPOOL_SITES_OFFSET_BITS) - 1;
    size_t *modules = profile_sites_modules(sites, file);
    size_t count = 0;
    for (size_t i = 0; i < file->stack_count; i++)
        count += file->stacks[i].frame_count;
    sites->frames = memory_array(count, sizeof *sites->frames);
    count = 0;
    for (size_t i = 0; i < file->stack_count; i++) {
        const struct sites_file_stack *stack = &file->stacks[i];
        starts[i] = sites->frames + count;
        for (uint32_t j = 0; j < stack->frame_count; j++) {
            const struct sites_file_module *module =
                sites_file_module(file, stack, stack->frames[j]);
            size_t number = module != NULL ? (size_t)(module - file->modules) : file->module_count;
            sites->frames[count++] = (uint32_t)symbols_add_frame(&sites->symbols, modules[number],
                                                                 stack->frames[j] & mask);
        }
    }
    free(modules);
}

static void profile_sites_read(struct profile_sites *sites, const struct sites_file *file) {
    const uint32_t **starts = memory_array(file->stack_count, sizeof(void *));
    profile_sites_read_frames(sites, file, starts);
    sites->stacks = memory_array(file->site_count, sizeof *sites->stacks);
    for (size_t i = 0; i < file->site_count; i++) {
        const struct sites_file_site *site = &file->sites[i];
        sites->stacks[i] = (struct profile_site){
            .frames = starts[site->stack],
            .frame_count = file->stacks[site->stack].frame_count,
            .is_cut = file->stacks[site->stack].frame_count == TAGPOOL_SITES_FRAMES,
#define PROFILE_SITES_COPY(name, help) .counts.name = site->name,
            TAGPOOL_SITES_COUNTERS(PROFILE_SITES_COPY)
#undef PROFILE_SITES_COPY
        };
        profile_counts_add(&sites->total, &sites->stacks[i].counts);
    }
    sites->stack_count = profile_sites_merge(sites->stacks, file->site_count);
    free(starts);
}

/* ---- what is shown ---- */

/* Frames of the allocator stand at the inner end. One that is all of a stack stays. */
static void profile_sites_leave_out_allocator(struct profile_sites *sites) {
    for (size_t i = 0; i < sites->stack_count; i++) {
        struct profile_site *site = &sites->stacks[i];
        while (site->frame_count > 1 && symbols_is_allocator(&sites->symbols, *site->frames, 0)) {
            site->frames++;
            site->frame_count--;
        }
    }
}

/* Each frame once, where it is innermost. */
static uint32_t profile_sites_fold_frames(const struct profile_site *site, uint32_t *folded) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < site->frame_count; i++) {
        uint32_t before = 0;
        while (before < count && folded[before] != site->frames[i])
            before++;
        if (before == count)
            folded[count++] = site->frames[i];
    }
    return count;
}

static void profile_sites_fold(struct profile_sites *sites) {
    size_t frames = 0;
    for (size_t i = 0; i < sites->stack_count; i++)
        frames += sites->stacks[i].frame_count;
    uint32_t *folded = memory_array(frames, sizeof *folded);
    sites->folded = folded;
    sites->sites = memory_array(sites->stack_count, sizeof *sites->sites);
    for (size_t i = 0; i < sites->stack_count; i++) {
        sites->sites[i] = sites->stacks[i];
        sites->sites[i].frames = folded;
        sites->sites[i].frame_count = profile_sites_fold_frames(&sites->stacks[i], folded);
        folded += sites->sites[i].frame_count;
    }
    sites->site_count = profile_sites_merge(sites->sites, sites->stack_count);
}

const char *profile_sites_take(struct profile_sites *sites, const char *path) {
    struct sites_file file;
    *sites = (struct profile_sites){0};
    symbols_init(&sites->symbols);
    const char *fault = sites_file_read(path, &file);
    if (fault == NULL) {
        sites->sample_bytes = file.sample_bytes;
        sites->stacks_missed = file.stacks_missed;
        profile_sites_read(sites, &file);
        symbols_resolve(&sites->symbols);
        profile_sites_leave_out_allocator(sites);
        profile_sites_fold(sites);
    }
    sites_file_free(&file);
    return fault;
}

void profile_sites_free(struct profile_sites *sites) {
    symbols_free(&sites->symbols);
    free(sites->stacks);
    free(sites->sites);
    free(sites->frames);
    free(sites->folded);
    *sites = (struct profile_sites){0};
}

size_t profile_sites_top(const struct profile_sites *sites, enum profile_rank rank,
                         const struct profile_site **top, size_t most) {
    size_t count = 0;
    for (size_t i = 0; i < sites->site_count; i++) {
        const struct profile_site *site = &sites->sites[i];
        uint64_t value = profile_rank_count(&site->counts, rank);
        size_t place = count;
        while (place > 0 && profile_rank_count(&top[place - 1]->counts, rank) < value)
            place--;
        if (value == 0 || place == most)
            continue;
        count += count < most;
        for (size_t j = count - 1; j > place; j--)
            top[j] = top[j - 1];
        top[place] = site;
    }
    return count;
}

/* The function that called the innermost one; NULL if it has no name. */
static const char *profile_site_caller(const struct symbols *symbols,
                                       const struct profile_site *site) {
    if (symbols_line_count(symbols, site->frames[0]) > 1)
        return symbols_function(symbols, site->frames[0], 1);
    return site->frame_count > 1 ? symbols_function(symbols, site->frames[1], 0) : NULL;
}

char *profile_site_place(const struct profile_sites *sites, const struct profile_site *site) {
    if (site->frame_count == 0)
        return memory_copy("(stack not known)");
    char *line = symbols_line(&sites->symbols, site->frames[0], 0);
    const char *caller = profile_site_caller(&sites->symbols, site);
    if (caller == NULL)
        return line;
    char *place = memory_format("%s < %s", line, caller);
    free(line);
    return place;
}
