#include "profile/folded.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* One frame; a semicolon or a line break within would end it. */
static void folded_frame(FILE *out, const struct symbols *symbols, size_t frame, unsigned line) {
    const char *function = symbols_function(symbols, frame, line);
    char *bare = function == NULL ? symbols_line(symbols, frame, line) : NULL;
    for (const char *p = function != NULL ? function : bare; *p != '\0'; p++) {
        if (bare != NULL && *p == ' ') /* why it has no name is no part of it */
            break;
        fputc(*p == ';' ? ':' : *p == '\n' ? ' ' : *p, out);
    }
    free(bare);
}

static char *folded_stack(const struct symbols *symbols, const struct profile_site *site) {
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    if (out == NULL)
        return memory_copy("[unknown]");
    if (site->frame_count == 0)
        fputs("[unknown]", out);
    if (site->is_cut)
        fputs("[deeper]", out);
    for (uint32_t i = site->frame_count; i-- > 0;)
        for (unsigned j = symbols_line_count(symbols, site->frames[i]); j-- > 0;) {
            if (ftell(out) != 0)
                fputc(';', out);
            folded_frame(out, symbols, site->frames[i], j);
        }
    fclose(out);
    return text;
}

static int folded_compare(const void *left, const void *right) {
    const struct folded_line *a = left, *b = right;
    return strcmp(a->stack, b->stack);
}

void folded_make(struct folded *folded, const struct profile_sites *sites) {
    folded->lines = memory_array(sites->stack_count, sizeof *folded->lines);
    folded->count = sites->stack_count;
    for (size_t i = 0; i < sites->stack_count; i++)
        folded->lines[i] = (struct folded_line){
            .stack = folded_stack(&sites->symbols, &sites->stacks[i]),
            .counts = sites->stacks[i].counts,
        };
    qsort(folded->lines, folded->count, sizeof *folded->lines, folded_compare);
    size_t kept = 0;
    for (size_t i = 1; i < folded->count; i++) {
        if (strcmp(folded->lines[kept].stack, folded->lines[i].stack) != 0) {
            folded->lines[++kept] = folded->lines[i];
            continue;
        }
        profile_counts_add(&folded->lines[kept].counts, &folded->lines[i].counts);
        free(folded->lines[i].stack);
    }
    folded->count = folded->count == 0 ? 0 : kept + 1;
}

void folded_free(struct folded *folded) {
    for (size_t i = 0; i < folded->count; i++)
        free(folded->lines[i].stack);
    free(folded->lines);
    *folded = (struct folded){0};
}

void folded_print(FILE *out, const struct folded *folded, enum profile_rank rank) {
    for (size_t i = 0; i < folded->count; i++) {
        uint64_t count = profile_rank_count(&folded->lines[i].counts, rank);
        if (count != 0)
            fprintf(out, "%s %" PRIu64 "\n", folded->lines[i].stack, count);
    }
}
