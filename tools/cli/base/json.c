#include "base/json.h"

#include "base/utf8.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <tagpool/version.h>

void json_init(struct json *json, FILE *out) {
    *json = (struct json){.out = out};
}

static void json_quote(FILE *out, const char *text) {
    const unsigned char *p = (const unsigned char *)text;
    fputc('"', out);
    while (*p != '\0') {
        unsigned length = utf8_sequence((const char *)p);
        if (*p == '"' || *p == '\\')
            fprintf(out, "\\%c", *p);
        else if (*p == '\n')
            fputs("\\n", out);
        else if (*p == '\t')
            fputs("\\t", out);
        else if (*p < 0x20 || *p == 0x7f)
            fprintf(out, "\\u%04x", *p);
        else if (length == 0)
            fputs(UTF8_REPLACEMENT, out);
        else
            fwrite(p, 1, length, out);
        p += length != 0 ? length : 1;
    }
    fputc('"', out);
}

static void json_break_line(struct json *json) {
    fprintf(json->out, "\n%*s", (int)(2 * json->depth), "");
}

/* What comes before a value: comma, new line, key. */
static void json_begin(struct json *json, const char *key) {
    if (json->depth > 0) {
        unsigned level = json->depth - 1;
        if (json->filled[level])
            fputc(',', json->out);
        if (!json->flat[level])
            json_break_line(json);
        else if (json->filled[level])
            fputc(' ', json->out);
        json->filled[level] = true;
    }
    if (key != NULL) {
        json_quote(json->out, key);
        fputs(": ", json->out);
    }
}

static void json_open(struct json *json, const char *key, char opener, char closer, bool flat) {
    assert(json->depth < JSON_DEPTH_MAX);
    json_begin(json, key);
    fputc(opener, json->out);
    json->closer[json->depth] = closer;
    json->flat[json->depth] = flat;
    json->filled[json->depth] = false;
    json->depth++;
}

void json_object(struct json *json, const char *key) {
    json_open(json, key, '{', '}', false);
}

void json_array(struct json *json, const char *key) {
    json_open(json, key, '[', ']', false);
}

void json_document(struct json *json, const char *key, const char *schema, unsigned version) {
    json_object(json, key);
    json_text(json, "schema", schema);
    json_count(json, "schema_version", version);
    json_text(json, "tagpool_version", TAGPOOL_VERSION);
}

void json_flat_object(struct json *json, const char *key) {
    json_open(json, key, '{', '}', true);
}

void json_flat_array(struct json *json, const char *key) {
    json_open(json, key, '[', ']', true);
}

void json_plain_object(struct json *json, const char *key) {
    json_open(json, key, '{', '}', json->tight);
}

void json_end(struct json *json) {
    assert(json->depth > 0);
    json->depth--;
    if (json->filled[json->depth] && !json->flat[json->depth])
        json_break_line(json);
    fputc(json->closer[json->depth], json->out);
    if (json->depth == 0)
        fputc('\n', json->out);
}

void json_text(struct json *json, const char *key, const char *text) {
    json_begin(json, key);
    if (text == NULL)
        fputs("null", json->out);
    else
        json_quote(json->out, text);
}

void json_number(struct json *json, const char *key, double number) {
    json_begin(json, key);
    if (isfinite(number))
        fprintf(json->out, "%.12g", number);
    else
        fputs("null", json->out);
}

void json_exact(struct json *json, const char *key, double number) {
    char text[32];
    int digits = 12;
    do
        snprintf(text, sizeof text, "%.*g", digits, number);
    while (strtod(text, NULL) != number && ++digits <= 17);
    json_begin(json, key);
    fputs(isfinite(number) ? text : "null", json->out);
}

void json_count(struct json *json, const char *key, uint64_t count) {
    json_begin(json, key);
    fprintf(json->out, "%" PRIu64, count);
}

void json_truth(struct json *json, const char *key, bool truth) {
    json_begin(json, key);
    fputs(truth ? "true" : "false", json->out);
}

void json_null(struct json *json, const char *key) {
    json_begin(json, key);
    fputs("null", json->out);
}
