/* Documents of an exact size for parsers to read: the same bytes for the same seed and size on
 * every machine (integers only, no floating point, no locale).
 *
 * A format is records of some hundred bytes, then an index of short items that brings the document
 * to within a few bytes of its size, then one item of filling that makes it exact:
 *
 *     head  record record ...  middle  item item ...  fill_open xxxx fill_close
 */
#ifndef WORKLOADS_DOCUMENT_H
#define WORKLOADS_DOCUMENT_H

#include "command_line.h"
#include "prng.h"

#include <stdbool.h>

/* Below this not even one record fits. */
#define DOCUMENT_BYTES_MIN 1024

struct text {
    char *bytes;
    size_t length;
    size_t capacity;
};

struct document_format {
    const char *head;
    void (*add_record)(struct text *text, struct prng *prng, uint64_t index);
    const char *middle;
    const char *item_format; /* printf format with one %06x */
    const char *fill_open;
    const char *fill_close;
};

static inline void text_reserve(struct text *text, size_t more) {
    if (more <= text->capacity - text->length)
        return;
    size_t capacity = (text->length + more) * 2;
    char *larger = realloc(text->bytes, capacity);
    if (larger == NULL) {
        fprintf(stderr, "out of memory: cannot hold a document of %zu bytes\n", text->length);
        exit(1);
    }
    text->bytes = larger;
    text->capacity = capacity;
}

static inline void text_add(struct text *text, const char *string) {
    size_t length = strlen(string);
    text_reserve(text, length);
    memcpy(text->bytes + text->length, string, length);
    text->length += length;
}

/* At most 512 bytes at a time. No more than one random draw among the arguments: their order of
 * evaluation is the compiler's choice, and the bytes must not depend on it. */
__attribute__((format(printf, 2, 3))) static inline void text_addf(struct text *text,
                                                                   const char *format, ...) {
    text_reserve(text, 512);
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text->bytes + text->length, 512, format, arguments);
    va_end(arguments);
    text->length += (size_t)length;
}

static inline const char *document_word(struct prng *prng) {
    static const char *const words[] = {
        "time",   "value",   "order",  "river",   "stone",  "market", "paper",  "window",
        "garden", "letter",  "number", "station", "north",  "report", "status", "client",
        "server", "request", "answer", "branch",  "signal", "copper", "silver", "harbour",
        "bridge", "engine",  "planet", "forest",  "summer", "winter", "a",      "of",
        "the",    "and",     "to",     "in",      "with",   "for",    "on",     "not",
        "naïve",  "Zürich",  "café",   "Ærø",     "日本",   "Москва", "señor",  "½",
    };
    return words[prng_below(prng, sizeof words / sizeof words[0])];
}

/* `count` words with spaces between; one in sixteen is one of the four escapes of the format. */
static inline void document_add_words(struct text *text, struct prng *prng, unsigned count,
                                      const char *const specials[4]) {
    for (unsigned i = 0; i < count; i++) {
        if (i > 0)
            text_add(text, " ");
        bool is_special = prng_below(prng, 16) == 0;
        text_add(text, is_special ? specials[prng_below(prng, 4)] : document_word(prng));
    }
}

/* A decimal fraction between -limit and limit with three digits behind the point. */
static inline void document_add_fraction(struct text *text, struct prng *prng, unsigned limit) {
    if (prng_below(prng, 4) == 0)
        text_add(text, "-");
    text_addf(text, "%u.", prng_below(prng, limit));
    text_addf(text, "%03u", prng_below(prng, 1000));
}

static inline void document_add_date(struct text *text, struct prng *prng) {
    text_addf(text, "%04u", 2000 + prng_below(prng, 30));
    text_addf(text, "-%02u", 1 + prng_below(prng, 12));
    text_addf(text, "-%02u", 1 + prng_below(prng, 28));
}

/* A document of exactly `size` bytes, DOCUMENT_BYTES_MIN or more, with a NUL behind it that does
 * not count; the caller frees text.bytes. */
static inline struct text document_make(const struct document_format *format, uint64_t seed,
                                        size_t size) {
    struct text text = {.bytes = NULL};
    struct prng prng = {.state = seed};
    const size_t close_length = strlen(format->fill_open) + strlen(format->fill_close);
    const size_t tail_length = strlen(format->middle) + close_length;
    text_add(&text, format->head);
    for (uint64_t index = 0;; index++) {
        size_t before = text.length;
        format->add_record(&text, &prng, index);
        if (text.length + tail_length > size) {
            text.length = before;
            break;
        }
    }
    text_add(&text, format->middle);
    for (;;) {
        char item[64];
        snprintf(item, sizeof item, format->item_format, prng_below(&prng, 1u << 24));
        if (text.length + strlen(item) + close_length > size)
            break;
        text_add(&text, item);
    }
    text_add(&text, format->fill_open);
    while (text.length + strlen(format->fill_close) < size)
        text_add(&text, "x");
    text_add(&text, format->fill_close);
    text_reserve(&text, 1);
    text.bytes[text.length] = '\0';
    return text;
}

/* The whole of a generator program: `NAME [-s SEED] SIZE`, the document on standard output. */
static inline int document_main(const char *name, const struct document_format *format, int argc,
                                char **argv) {
    uint64_t seed = 1;
    const struct command_option options[] = {{'s', &seed, 0, UINT64_MAX}};
    const struct command command = {
        .name = name,
        .usage = "[-s SEED] SIZE (in bytes, or with K, M or G)",
        .options = options,
        .option_count = 1,
        .operands_min = 1,
        .operands_max = 1,
    };
    const char *size_text = argv[command_parse(&command, argc, argv)];
    size_t size = command_number(&command, size_text, DOCUMENT_BYTES_MIN, UINT64_C(4) << 30);
    struct text text = document_make(format, seed, size);
    size_t written = fwrite(text.bytes, 1, text.length, stdout);
    free(text.bytes);
    if (written != size || fflush(stdout) != 0) {
        fprintf(stderr, "%s: cannot write the document: %s\n", name, strerror(errno));
        return 1;
    }
    return 0;
}

#endif
