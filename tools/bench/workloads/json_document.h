/* The JSON format of document.h: records as services exchange them, with short keys, nested
 * objects, strings with escapes and UTF-8, whole and fractional numbers, arrays, booleans and null.
 */
#ifndef WORKLOADS_JSON_DOCUMENT_H
#define WORKLOADS_JSON_DOCUMENT_H

#include "document.h"

static const char *const json_specials[4] = {"\\\"quoted\\\"", "line\\nbreak \\\\ a\\/b",
                                             "caf\\u00e9", "\\ud83d\\ude00"};

static inline void json_add_person(struct text *text, struct prng *prng) {
    text_addf(text, "\"user\":{\"id\":%u,\"name\":\"", prng_below(prng, 10000000));
    document_add_words(text, prng, 2, json_specials);
    text_addf(text, "\",\"verified\":%s", prng_below(prng, 2) == 0 ? "true" : "false");
    text_addf(text, ",\"followers\":%u,\"url\":", prng_below(prng, 100000));
    if (prng_below(prng, 3) == 0)
        text_add(text, "null},");
    else
        text_addf(text, "\"https:\\/\\/example.org\\/u\\/%x\"},", prng_below(prng, 1u << 24));
}

static inline void json_add_place(struct text *text, struct prng *prng) {
    text_addf(text, "\"place\":{\"city\":\"%s\"", document_word(prng));
    text_addf(text, ",\"zip\":\"%05u\",\"geo\":{\"lat\":", prng_below(prng, 100000));
    document_add_fraction(text, prng, 90);
    text_add(text, ",\"lon\":");
    document_add_fraction(text, prng, 180);
    text_add(text, "}},");
}

static inline void json_add_history(struct text *text, struct prng *prng) {
    unsigned count = prng_below(prng, 4);
    text_add(text, "\"history\":[");
    for (unsigned i = 0; i < count; i++) {
        text_add(text, i == 0 ? "{\"date\":\"" : ",{\"date\":\"");
        document_add_date(text, prng);
        text_addf(text, "\",\"event\":\"%s\",\"amount\":", document_word(prng));
        document_add_fraction(text, prng, 5000);
        text_add(text, "}");
    }
    text_add(text, "],");
}

static inline void json_add_lists(struct text *text, struct prng *prng) {
    unsigned tag_count = prng_below(prng, 6);
    text_add(text, "\"tags\":[");
    for (unsigned i = 0; i < tag_count; i++)
        text_addf(text, "%s\"%s\"", i == 0 ? "" : ",", document_word(prng));
    text_add(text, "],\"bounds\":[");
    unsigned bound_count = prng_below(prng, 5);
    for (unsigned i = 0; i < bound_count; i++)
        text_addf(text, "%s%u", i == 0 ? "" : ",", prng_below(prng, 4096));
    text_add(text, "]}");
}

static inline void json_add_record(struct text *text, struct prng *prng, uint64_t index) {
    text_addf(text, "%s{\"id\":%" PRIu64 ",\"key\":\"%08x\"", index == 0 ? "" : ",\n", index,
              prng_below(prng, UINT64_C(1) << 32));
    text_addf(text, ",\"active\":%s,\"score\":", prng_below(prng, 3) == 0 ? "false" : "true");
    document_add_fraction(text, prng, 100);
    text_addf(text, ",\"ratio\":%u.25", 1 + prng_below(prng, 9));
    text_addf(text, "e-%u,\"text\":\"", 1 + prng_below(prng, 6));
    document_add_words(text, prng, 3 + prng_below(prng, 14), json_specials);
    text_add(text, "\",");
    json_add_person(text, prng);
    if (prng_below(prng, 2) == 0)
        json_add_place(text, prng);
    json_add_history(text, prng);
    json_add_lists(text, prng);
}

static const struct document_format json_format = {
    .head = "{\"source\":\"generated\",\"version\":2,\"records\":[\n",
    .add_record = json_add_record,
    .middle = "\n],\"index\":[",
    .item_format = "\"%06x\",",
    .fill_open = "\"",
    .fill_close = "\"]}\n",
};

#endif
