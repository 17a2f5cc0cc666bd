/* A conventional JSON parser (RFC 8259) that builds a tree: the project's own example of a program
 * whose time goes to malloc and free.
 *
 * One malloc for each value, one for each key and one for each string, as cJSON and json-c do; a
 * node has the fields and the size (64 bytes) of a cJSON node. json_free releases them one by one.
 * The text must be followed by a NUL byte that `length` does not count, so that strtod stops there.
 * Bytes from 0x80 are taken as they are. Any thread may parse and free; a tree belongs to one
 * thread at a time.
 */
#ifndef WORKLOADS_JSON_TREE_H
#define WORKLOADS_JSON_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"

/* Arrays and objects inside each other; bounds the recursion. */
#define JSON_DEPTH_MAX 1000

enum json_kind {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

struct json_value {
    struct json_value *next;     /* sibling in the array or object */
    struct json_value *previous; /* of the first sibling: the last one, for appending */
    struct json_value *child;    /* first element or member */
    char *key;                   /* name of a member, else NULL */
    char *string;
    size_t string_length; /* a string may contain NUL (\u0000); it is terminated all the same */
    double number;
    unsigned key_length;
    enum json_kind kind;
};

struct json_result {
    struct json_value *root; /* NULL: the text was refused */
    size_t value_count;
    const char *error; /* why it was refused, else NULL */
    size_t line;       /* where, from 1 */
};

struct json_parser {
    const char *cursor;
    const char *end;
    const char *error;
    size_t value_count;
    unsigned depth;
};

static inline bool json_refuse(struct json_parser *parser, const char *error) {
    if (parser->error == NULL)
        parser->error = error;
    return false;
}

static inline void json_skip_space(struct json_parser *parser) {
    while (*parser->cursor == ' ' || *parser->cursor == '\n' || *parser->cursor == '\t' ||
           *parser->cursor == '\r')
        parser->cursor++;
}

static inline struct json_value *json_new(struct json_parser *parser) {
    struct json_value *value = malloc(sizeof *value);
    if (value == NULL) {
        json_refuse(parser, "out of memory");
        return NULL;
    }
    /* Not memset: compilers join malloc and memset into calloc, which in glibc is a slower path
     * than the malloc that parsers with their own allocation hooks (cJSON) call. */
    *value = (struct json_value){.kind = JSON_NULL};
    parser->value_count++;
    return value;
}

/* Releases the value, its later siblings and all below them. */
static inline void json_free(struct json_value *value) {
    while (value != NULL) {
        struct json_value *next = value->next;
        json_free(value->child);
        free(value->key);
        free(value->string);
        free(value);
        value = next;
    }
}

static inline void json_append(struct json_value *parent, struct json_value *value) {
    struct json_value *first = parent->child;
    if (first == NULL) {
        parent->child = value;
        value->previous = value;
        return;
    }
    value->previous = first->previous;
    first->previous->next = value;
    first->previous = value;
}

/* The four hexadecimal digits at `digits`, or -1. */
static inline int json_hex4(const char *digits) {
    int code = 0;
    for (int i = 0; i < 4; i++) {
        char digit = digits[i];
        if (digit >= '0' && digit <= '9')
            code = code * 16 + (digit - '0');
        else if (digit >= 'a' && digit <= 'f')
            code = code * 16 + (digit - 'a' + 10);
        else if (digit >= 'A' && digit <= 'F')
            code = code * 16 + (digit - 'A' + 10);
        else
            return -1;
    }
    return code;
}

static inline char *json_put_utf8(char *out, unsigned code) {
    if (code < 0x80) {
        *out++ = (char)code;
        return out;
    }
    if (code < 0x800) {
        *out++ = (char)(0xc0 | (code >> 6));
    } else if (code < 0x10000) {
        *out++ = (char)(0xe0 | (code >> 12));
        *out++ = (char)(0x80 | ((code >> 6) & 0x3f));
    } else {
        *out++ = (char)(0xf0 | (code >> 18));
        *out++ = (char)(0x80 | ((code >> 12) & 0x3f));
        *out++ = (char)(0x80 | ((code >> 6) & 0x3f));
    }
    *out++ = (char)(0x80 | (code & 0x3f));
    return out;
}

/* Decodes \uXXXX, or the pair of them that makes one character beyond 0xffff; NULL when it is no
 * such. */
static inline char *json_decode_unicode(struct json_parser *parser, char *out) {
    int code = json_hex4(parser->cursor);
    if (code < 0 || (code >= 0xdc00 && code <= 0xdfff))
        return NULL;
    parser->cursor += 4;
    if (code < 0xd800 || code > 0xdbff)
        return json_put_utf8(out, (unsigned)code);
    if (parser->cursor[0] != '\\' || parser->cursor[1] != 'u')
        return NULL;
    int low = json_hex4(parser->cursor + 2);
    if (low < 0xdc00 || low > 0xdfff)
        return NULL;
    parser->cursor += 6;
    return json_put_utf8(out,
                         0x10000u + (((unsigned)code & 0x3ff) << 10) + ((unsigned)low & 0x3ff));
}

/* The cursor is behind the backslash. Returns the end of the output, NULL for an unknown escape. */
static inline char *json_decode_escape(struct json_parser *parser, char *out) {
    char letter = *parser->cursor++;
    switch (letter) {
    case '"':
    case '\\':
    case '/':
        *out++ = letter;
        return out;
    case 'b':
        *out++ = '\b';
        return out;
    case 'f':
        *out++ = '\f';
        return out;
    case 'n':
        *out++ = '\n';
        return out;
    case 'r':
        *out++ = '\r';
        return out;
    case 't':
        *out++ = '\t';
        return out;
    case 'u':
        return json_decode_unicode(parser, out);
    default:
        return NULL;
    }
}

/* The closing quote of the string whose first character is at the cursor; NULL when there is none.
 */
static inline const char *json_find_quote(const struct json_parser *parser) {
    const char *scan = parser->cursor;
    while (scan < parser->end && *scan != '"')
        scan += *scan == '\\' ? 2 : 1;
    return scan < parser->end ? scan : NULL;
}

/* The string at the cursor in its own block, NULL on failure. Decoding never makes it longer. */
static inline char *json_read_text(struct json_parser *parser, size_t *length) {
    parser->cursor++;
    const char *quote = json_find_quote(parser);
    if (quote == NULL) {
        json_refuse(parser, "a string has no closing quote");
        return NULL;
    }
    char *text = malloc((size_t)(quote - parser->cursor) + 1);
    if (text == NULL) {
        json_refuse(parser, "out of memory");
        return NULL;
    }
    char *out = text;
    while (parser->cursor < quote) {
        unsigned char byte = (unsigned char)*parser->cursor++;
        if (byte >= 0x20 && byte != '\\') {
            *out++ = (char)byte;
            continue;
        }
        if (byte != '\\') {
            parser->cursor--; /* a line break belongs to the line that it ends */
            json_refuse(parser, "a string has a control character");
            out = NULL;
        } else if ((out = json_decode_escape(parser, out)) == NULL) {
            json_refuse(parser, "a string has a wrong escape");
        }
        if (out == NULL) {
            free(text);
            return NULL;
        }
    }
    parser->cursor = quote + 1;
    *out = '\0';
    *length = (size_t)(out - text);
    return text;
}

static inline bool json_read_string(struct json_parser *parser, struct json_value *value) {
    value->kind = JSON_STRING;
    value->string = json_read_text(parser, &value->string_length);
    return value->string != NULL;
}

static inline const char *json_skip_digits(const char *scan) {
    while (*scan >= '0' && *scan <= '9')
        scan++;
    return scan;
}

/* The end of the number at `scan` by JSON's grammar, which is narrower than strtod's; NULL for
 * none. */
static inline const char *json_number_end(const char *scan) {
    if (*scan == '-')
        scan++;
    const char *digits = scan;
    scan = json_skip_digits(scan);
    if (scan == digits || (*digits == '0' && scan > digits + 1))
        return NULL;
    if (*scan == '.') {
        digits = scan + 1;
        scan = json_skip_digits(digits);
        if (scan == digits)
            return NULL;
    }
    if (*scan == 'e' || *scan == 'E') {
        scan++;
        if (*scan == '+' || *scan == '-')
            scan++;
        digits = scan;
        scan = json_skip_digits(digits);
        if (scan == digits)
            return NULL;
    }
    return scan;
}

static inline bool json_read_number(struct json_parser *parser, struct json_value *value) {
    const char *end = json_number_end(parser->cursor);
    if (end == NULL)
        return json_refuse(parser, "a value or a number is malformed");
    value->kind = JSON_NUMBER;
    value->number = strtod(parser->cursor, NULL);
    parser->cursor = end;
    return true;
}

static inline bool json_read_word(struct json_parser *parser, struct json_value *value,
                                  const char *word, enum json_kind kind) {
    size_t length = strlen(word);
    if (strncmp(parser->cursor, word, length) != 0)
        return json_refuse(parser, "a value is malformed");
    parser->cursor += length;
    value->kind = kind;
    return true;
}

static inline bool json_read_value(struct json_parser *parser, struct json_value *value);

static inline bool json_read_key(struct json_parser *parser, struct json_value *value) {
    json_skip_space(parser);
    if (*parser->cursor != '"')
        return json_refuse(parser, "a member of an object has no key in quotes");
    size_t length = 0;
    value->key = json_read_text(parser, &length);
    if (value->key == NULL)
        return false;
    value->key_length = (unsigned)length;
    json_skip_space(parser);
    if (*parser->cursor != ':')
        return json_refuse(parser, "a colon is missing behind a key");
    parser->cursor++;
    return true;
}

/* Reads elements (or members, with keys) up to the closing bracket; the cursor is behind the
 * opening. */
static inline bool json_read_children(struct json_parser *parser, struct json_value *parent,
                                      char close) {
    json_skip_space(parser);
    if (*parser->cursor == close) {
        parser->cursor++;
        return true;
    }
    for (;;) {
        struct json_value *value = json_new(parser);
        if (value == NULL)
            return false;
        json_append(parent, value);
        if (close == '}' && !json_read_key(parser, value))
            return false;
        if (!json_read_value(parser, value))
            return false;
        json_skip_space(parser);
        char separator = *parser->cursor;
        if (separator != ',' && separator != close)
            return json_refuse(parser, close == ']' ? "a comma or ] is missing in an array"
                                                    : "a comma or } is missing in an object");
        parser->cursor++;
        if (separator == close)
            return true;
    }
}

static inline bool json_read_container(struct json_parser *parser, struct json_value *value) {
    bool is_array = *parser->cursor == '[';
    if (parser->depth == JSON_DEPTH_MAX)
        return json_refuse(parser, "arrays and objects are nested more than 1000 deep");
    value->kind = is_array ? JSON_ARRAY : JSON_OBJECT;
    parser->cursor++;
    parser->depth++;
    bool is_read = json_read_children(parser, value, is_array ? ']' : '}');
    parser->depth--;
    return is_read;
}

static inline bool json_read_value(struct json_parser *parser, struct json_value *value) {
    json_skip_space(parser);
    switch (*parser->cursor) {
    case '{':
    case '[':
        return json_read_container(parser, value);
    case '"':
        return json_read_string(parser, value);
    case 'n':
        return json_read_word(parser, value, "null", JSON_NULL);
    case 'f':
        return json_read_word(parser, value, "false", JSON_FALSE);
    case 't':
        return json_read_word(parser, value, "true", JSON_TRUE);
    default:
        return json_read_number(parser, value);
    }
}

static inline size_t json_line(const char *text, const char *position) {
    size_t line = 1;
    for (const char *scan = text; scan < position; scan++)
        line += *scan == '\n';
    return line;
}

static inline struct json_result json_parse(const char *text, size_t length) {
    struct json_parser parser = {.cursor = text, .end = text + length};
    struct json_value *root = json_new(&parser);
    if (root != NULL && json_read_value(&parser, root)) {
        json_skip_space(&parser);
        if (parser.cursor != parser.end)
            json_refuse(&parser, "something follows the document");
    }
    if (parser.error == NULL)
        return (struct json_result){.root = root, .value_count = parser.value_count};
    json_free(root);
    return (struct json_result){.error = parser.error, .line = json_line(text, parser.cursor)};
}

/* Adds everything that the tree says to the checksum, in document order. */
static inline void json_digest(const struct json_value *value, struct digest *digest) {
    for (; value != NULL; value = value->next) {
        digest->count++;
        digest_number(digest, value->kind);
        if (value->key != NULL)
            digest_bytes(digest, value->key, value->key_length);
        if (value->kind == JSON_NUMBER)
            digest_real(digest, value->number);
        if (value->kind == JSON_STRING)
            digest_bytes(digest, value->string, value->string_length);
        if (value->kind == JSON_ARRAY || value->kind == JSON_OBJECT) {
            json_digest(value->child, digest);
            digest_number(digest, 0xff); /* the end: [[],1] and [[1]] differ */
        }
    }
}

#endif
