#include "report/flame.h"

#include "base/json.h"
#include "base/memory.h"
#include "profile/estimate.h"
#include "profile/folded.h"
#include "report/flame_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A node of the tree; 0 is the root, and no node is its child. */
struct flame_node {
    const char *name; /* in a folded line, or a constant */
    size_t name_bytes;
    uint32_t first_child;
    uint32_t last_child;
    uint32_t next; /* with the same parent */
    uint32_t depth;
    struct profile_counts counts; /* of it and of what it called */
};

struct flame {
    struct flame_node *nodes;
    uint32_t count;
    char **names; /* each once, in order */
    size_t name_count;
};

/* ---- the tree ---- */

static uint32_t flame_add(struct flame *flame, const char *name, size_t bytes) {
    flame->nodes = memory_grow(flame->nodes, flame->count, sizeof *flame->nodes);
    flame->nodes[flame->count] = (struct flame_node){.name = name, .name_bytes = bytes};
    return flame->count++;
}

static bool flame_is_called(const struct flame_node *node, const char *name, size_t bytes) {
    return node->name_bytes == bytes && memcmp(node->name, name, bytes) == 0;
}

/* The child of that name. Stacks come in order, so that it is often the last. */
static uint32_t flame_child(struct flame *flame, uint32_t parent, const char *name, size_t bytes) {
    uint32_t child = flame->nodes[parent].last_child;
    if (child != 0 && flame_is_called(&flame->nodes[child], name, bytes))
        return child;
    for (child = flame->nodes[parent].first_child; child != 0; child = flame->nodes[child].next)
        if (flame_is_called(&flame->nodes[child], name, bytes))
            return child;
    child = flame_add(flame, name, bytes);
    struct flame_node *above = &flame->nodes[parent];
    flame->nodes[child].depth = above->depth + 1;
    if (above->last_child != 0)
        flame->nodes[above->last_child].next = child;
    else
        above->first_child = child;
    above->last_child = child;
    return child;
}

static void flame_grow(struct flame *flame, const struct folded_line *line) {
    uint32_t node = 0;
    profile_counts_add(&flame->nodes[0].counts, &line->counts);
    for (const char *frame = line->stack; *frame != '\0';) {
        size_t bytes = strcspn(frame, ";");
        node = flame_child(flame, node, frame, bytes);
        profile_counts_add(&flame->nodes[node].counts, &line->counts);
        frame += bytes + (frame[bytes] == ';');
    }
}

/* Could it be seen by any of the counts? */
static bool flame_is_seen(const struct flame *flame, const struct flame_node *node) {
    for (int rank = 0; rank < PROFILE_RANK_COUNT; rank++) {
        double all = (double)profile_rank_count(&flame->nodes[0].counts, (enum profile_rank)rank);
        double part = (double)profile_rank_count(&node->counts, (enum profile_rank)rank);
        if (part > 0 && part >= FLAME_LEAST * all)
            return true;
    }
    return false;
}

/* ---- its names ---- */

static int flame_compare_names(const void *left, const void *right) {
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static char *flame_name(const struct flame_node *node) {
    return memory_format("%.*s", (int)node->name_bytes, node->name);
}

static void flame_collect_names(struct flame *flame) {
    flame->names = memory_array(flame->count, sizeof(char *));
    for (uint32_t i = 0; i < flame->count; i++)
        if (flame_is_seen(flame, &flame->nodes[i]))
            flame->names[flame->name_count++] = flame_name(&flame->nodes[i]);
    if (flame->name_count == 0)
        return;
    qsort(flame->names, flame->name_count, sizeof(char *), flame_compare_names);
    size_t kept = 0;
    for (size_t i = 1; i < flame->name_count; i++)
        if (strcmp(flame->names[kept], flame->names[i]) == 0)
            free(flame->names[i]);
        else
            flame->names[++kept] = flame->names[i];
    flame->name_count = kept + 1;
}

static size_t flame_name_number(const struct flame *flame, const struct flame_node *node) {
    char *name = flame_name(node);
    char **found =
        bsearch(&name, flame->names, flame->name_count, sizeof(char *), flame_compare_names);
    free(name);
    return found != NULL ? (size_t)(found - flame->names) : 0;
}

/* ---- in the page ---- */

/* The data stands in a script element, which "</script" in a name would end. */
static void flame_print_names(FILE *out, const struct flame *flame) {
    char *text;
    size_t bytes;
    struct json json;
    FILE *memory = open_memstream(&text, &bytes);
    if (memory == NULL)
        return;
    json_init(&json, memory);
    json_flat_array(&json, NULL);
    for (size_t i = 0; i < flame->name_count; i++)
        json_text(&json, NULL, flame->names[i]);
    json_end(&json);
    fclose(memory);
    for (const char *p = text; *p != '\0'; p++)
        if (*p == '<')
            fputs("\\u003c", out);
        else
            fputc(*p, out);
    free(text);
}

static void flame_print_node(FILE *out, const struct flame *flame, const struct flame_node *node,
                             bool first) {
    fprintf(out, "%s[%u,%zu,%" PRIu64, first ? "" : ",\n", node->depth,
            flame_name_number(flame, node), node->counts.samples);
    for (int rank = 0; rank < PROFILE_RANK_COUNT; rank++)
        fprintf(out, ",%" PRIu64, profile_rank_count(&node->counts, (enum profile_rank)rank));
    fputc(']', out);
}

/* Depth first. The tree is as deep as a stack and what was inlined in it. */
static void flame_print_nodes(FILE *out, const struct flame *flame, uint32_t number) { // NOLINT
    const struct flame_node *node = &flame->nodes[number];
    if (number != 0 && !flame_is_seen(flame, node))
        return;
    flame_print_node(out, flame, node, number == 0);
    for (uint32_t child = node->first_child; child != 0; child = flame->nodes[child].next)
        flame_print_nodes(out, flame, child);
}

static void flame_print_frame(FILE *out) {
    fputs(
        "<figure class=\"flame\">\n<figcaption><b>Call stacks</b> a frame is as wide as its share "
        "of what is counted; callers stand above. Click to zoom, Escape to see all; arrow keys "
        "move.</figcaption>\n<div class=\"bar\">"
        "<label>Count <select aria-label=\"what is counted\"></select></label>"
        "<label>Search <input type=\"search\" placeholder=\"function, or expression\"></label>"
        "<button type=\"button\" class=\"whole\">Show all</button>"
        "<span class=\"found\" role=\"status\"></span></div>\n"
        "<div class=\"graph\"></div>\n<p class=\"about-frame\" role=\"status\"></p>\n"
        "<noscript><p>The graph is drawn by a script in this page, and scripts are off; the sites "
        "below need none.</p></noscript>\n",
        out);
}

void flame_print(FILE *out, const struct profile_sites *sites) {
    struct folded folded;
    struct flame flame = {0};
    folded_make(&folded, sites);
    flame_add(&flame, "all", 3);
    for (size_t i = 0; i < folded.count; i++)
        flame_grow(&flame, &folded.lines[i]);
    flame_collect_names(&flame);
    flame_print_frame(out);
    fputs("<script type=\"application/json\" class=\"data\">{\"names\":", out);
    flame_print_names(out, &flame);
    fputs(",\"counts\":[[\"calls\",false],[\"bytes requested\",true],[\"live at the peak\",true],"
          "[\"short-lived blocks\",false]],\n",
          out);
    fprintf(out, "\"few\":%d,\"nodes\":[", sites->sample_bytes != 0 ? ESTIMATE_SAMPLES_FEW : 0);
    flame_print_nodes(out, &flame, 0);
    fprintf(out, "]}</script>\n<script>\n%s</script>\n</figure>\n", flame_script);
    for (size_t i = 0; i < flame.name_count; i++)
        free(flame.names[i]);
    free(flame.names);
    free(flame.nodes);
    folded_free(&folded);
}
