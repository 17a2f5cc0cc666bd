#include "profile/sites_json.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>

static void sites_json_counts(struct json *json, const struct profile_counts *counts) {
#define SITES_JSON_COUNT(name, help) json_count(json, #name, counts->name);
    TAGPOOL_SITES_COUNTERS(SITES_JSON_COUNT)
#undef SITES_JSON_COUNT
}

static void sites_json_build_id(struct json *json, const struct symbols_module *module) {
    char text[2 * SYMBOLS_ID_BYTES + 1] = "";
    for (size_t i = 0; i < module->build_id_bytes; i++)
        snprintf(text + 2 * i, 3, "%02x", module->build_id[i]);
    json_text(json, "build_id", module->build_id_bytes != 0 ? text : NULL);
}

static void sites_json_frame(struct json *json, const struct symbols *symbols,
                             const struct symbols_frame *frame) {
    const struct symbols_module *module = &symbols->modules[frame->module];
    json_object(json, NULL);
    json_text(json, "module", module->path);
    sites_json_build_id(json, module);
    json_count(json, "offset", frame->offset);
    json_text(json, "fault", frame->place_count == 0 ? module->fault : NULL);
    json_array(json, "places");
    for (unsigned i = 0; i < frame->place_count; i++) {
        const struct symbols_place *place = &frame->places[i];
        json_flat_object(json, NULL);
        json_text(json, "function", place->function);
        json_text(json, "file", place->file);
        if (place->line != 0)
            json_count(json, "line", place->line);
        else
            json_null(json, "line");
        json_end(json);
    }
    json_end(json);
    json_end(json);
}

static int sites_json_by_bytes(const void *left, const void *right) {
    const struct profile_site *a = left, *b = right;
    return (a->counts.bytes < b->counts.bytes) - (a->counts.bytes > b->counts.bytes);
}

static void sites_json_stacks(struct json *json, const struct profile_sites *sites) {
    struct profile_site *ordered = memory_array(sites->stack_count, sizeof *ordered);
    for (size_t i = 0; i < sites->stack_count; i++)
        ordered[i] = sites->stacks[i];
    qsort(ordered, sites->stack_count, sizeof *ordered, sites_json_by_bytes);
    json_array(json, "stacks");
    for (size_t i = 0; i < sites->stack_count; i++) {
        json_flat_object(json, NULL);
        sites_json_counts(json, &ordered[i].counts);
        json_flat_array(json, "frames");
        for (uint32_t j = 0; j < ordered[i].frame_count; j++)
            json_count(json, NULL, ordered[i].frames[j]);
        json_end(json);
        json_end(json);
    }
    json_end(json);
    free(ordered);
}

void sites_json_print(struct json *json, const char *key, const struct profile_sites *sites) {
    json_object(json, key);
    if (sites->sample_bytes != 0)
        json_count(json, "sample_bytes", sites->sample_bytes);
    else
        json_null(json, "sample_bytes");
    json_count(json, "stacks_missed", sites->stacks_missed);
    json_text(json, "symbolizer", sites->symbols.tool);
    json_flat_object(json, "total");
    sites_json_counts(json, &sites->total);
    json_end(json);
    json_array(json, "frames");
    for (size_t i = 0; i < sites->symbols.frame_count; i++)
        sites_json_frame(json, &sites->symbols, &sites->symbols.frames[i]);
    json_end(json);
    sites_json_stacks(json, sites);
    json_end(json);
}
