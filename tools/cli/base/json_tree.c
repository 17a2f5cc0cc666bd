#include "base/json_tree.h"

#include "base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct json_reader {
    const char *next;
    const char *end;
    unsigned line;
    unsigned depth;
    char *fault;
};

static bool json_tree_read_value(struct json_reader *reader, struct json_value *value);

static bool json_tree_refuse(struct json_reader *reader, const char *what) {
    if (reader->fault == NULL)
        reader->fault = memory_format("line %u: %s", reader->line, what);
    return false;
}

static void json_tree_skip_blanks(struct json_reader *reader) {
    for (; reader->next < reader->end && strchr(" \t\r\n", *reader->next) != NULL &&
           *reader->next != '\0';
         reader->next++)
        reader->line += *reader->next == '\n';
}

/* Takes the character if it comes next. */
static bool json_tree_take(struct json_reader *reader, char character) {
    json_tree_skip_blanks(reader);
    if (reader->next == reader->end || *reader->next != character)
        return false;
    reader->next++;
    return true;
}

static bool json_tree_take_word(struct json_reader *reader, const char *word) {
    size_t length = strlen(word);
    if ((size_t)(reader->end - reader->next) < length || memcmp(reader->next, word, length) != 0)
        return json_tree_refuse(reader, "is no JSON");
    reader->next += length;
    return true;
}

/* ---- text ---- */

static bool json_tree_read_hex(struct json_reader *reader, unsigned *code) {
    *code = 0;
    for (int i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *digit = reader->next < reader->end && *reader->next != '\0'
                                ? strchr(digits, *reader->next)
                                : NULL;
        if (digit == NULL)
            return json_tree_refuse(reader, "\\u wants four hexadecimal digits");
        *code = *code * 16 + (unsigned)(digit - digits) % 16;
        reader->next++;
    }
    return true;
}

static char *json_put_utf8(char *out, unsigned code) {
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xc0 | code >> 6);
        *out++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *out++ = (char)(0xe0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    } else {
        *out++ = (char)(0xf0 | code >> 18);
        *out++ = (char)(0x80 | (code >> 12 & 0x3f));
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    }
    return out;
}

/* Behind "\u"; halves of a surrogate pair that stand alone become U+FFFD. */
static bool json_tree_read_unicode(struct json_reader *reader, char **out) {
    unsigned code, low;
    if (!json_tree_read_hex(reader, &code))
        return false;
    if (code >= 0xd800 && code < 0xdc00 && reader->end - reader->next >= 6 &&
        reader->next[0] == '\\' && reader->next[1] == 'u') {
        reader->next += 2;
        if (!json_tree_read_hex(reader, &low))
            return false;
        code = low >= 0xdc00 && low < 0xe000 ? 0x10000 + (code - 0xd800) * 0x400 + (low - 0xdc00)
                                             : 0xfffd;
    } else if (code >= 0xd800 && code < 0xe000) {
        code = 0xfffd;
    }
    *out = json_put_utf8(*out, code);
    return true;
}

/* Behind the backslash. */
static bool json_tree_read_escape(struct json_reader *reader, char **out) {
    static const char names[] = "\"\\/bfnrt";
    static const char values[] = "\"\\/\b\f\n\r\t";
    if (reader->next == reader->end)
        return json_tree_refuse(reader, "a text without an end");
    char name = *reader->next++;
    if (name == 'u')
        return json_tree_read_unicode(reader, out);
    const char *found = name != '\0' ? strchr(names, name) : NULL;
    if (found == NULL)
        return json_tree_refuse(reader, "an unknown escape in a text");
    *(*out)++ = values[found - names];
    return true;
}

/* Behind the quote. */
static char *json_tree_read_text(struct json_reader *reader) {
    /* An escape is never shorter than what it stands for. */
    const char *last = memchr(reader->next, '\0', (size_t)(reader->end - reader->next));
    const char *quote = reader->next;
    last = last != NULL ? last : reader->end;
    while (quote < last && *quote != '"')
        quote += *quote == '\\' ? 2 : 1;
    if (quote >= last) {
        json_tree_refuse(reader, "a text without an end");
        return NULL;
    }
    char *text = memory_array((size_t)(quote - reader->next) + 1, 1);
    char *out = text;
    while (reader->next < quote) {
        char character = *reader->next++;
        if (character != '\\') {
            *out++ = character;
        } else if (!json_tree_read_escape(reader, &out)) {
            free(text);
            return NULL;
        }
    }
    reader->next = quote + 1;
    return text;
}

/* ---- values ---- */

static bool json_tree_read_number(struct json_reader *reader, struct json_value *value) {
    char digits[64], *end;
    size_t length = 0;
    while (reader->next + length < reader->end && length + 1 < sizeof digits &&
           reader->next[length] != '\0' && strchr("+-.0123456789eE", reader->next[length]) != NULL)
        length++;
    memcpy(digits, reader->next, length);
    digits[length] = '\0';
    value->kind = JSON_NUMBER;
    value->number = strtod(digits, &end);
    if (length == 0 || *end != '\0' || digits[0] == '+')
        return json_tree_refuse(reader, "is no JSON");
    if (value->number >= 0) {
        errno = 0;
        value->count = strtoull(digits, &end, 10);
        if (*end != '\0' || errno != 0)
            value->count = value->number < 0x1p64 ? (uint64_t)value->number : UINT64_MAX;
    }
    reader->next += length;
    return true;
}

static struct json_value *json_tree_add_item(struct json_value *value) {
    value->items = memory_grow(value->items, value->item_count, sizeof *value->items);
    struct json_value *item = &value->items[value->item_count++];
    *item = (struct json_value){0};
    return item;
}

static bool json_tree_read_member(struct json_reader *reader, struct json_value *value) {
    struct json_value *item = json_tree_add_item(value);
    if (value->kind == JSON_OBJECT) {
        if (!json_tree_take(reader, '"'))
            return json_tree_refuse(reader, "the name of a member is missing");
        item->key = json_tree_read_text(reader);
        if (item->key == NULL)
            return false;
        if (!json_tree_take(reader, ':'))
            return json_tree_refuse(reader, "a colon is missing");
    }
    return json_tree_read_value(reader, item);
}

/* Behind the opening bracket. */
static bool json_tree_read_members(struct json_reader *reader, struct json_value *value,
                                   char closer) {
    if (reader->depth == JSON_TREE_DEPTH_MAX)
        return json_tree_refuse(reader, "is nested too deeply");
    if (json_tree_take(reader, closer))
        return true;
    reader->depth++;
    do
        if (!json_tree_read_member(reader, value))
            return false;
    while (json_tree_take(reader, ','));
    reader->depth--;
    return json_tree_take(reader, closer) || json_tree_refuse(reader, "a list without an end");
}

static bool json_tree_read_value(struct json_reader *reader, struct json_value *value) {
    json_tree_skip_blanks(reader);
    char first = reader->next < reader->end ? *reader->next : '\0';
    switch (first) {
    case '\0':
        return json_tree_refuse(reader, "ends too early");
    case '{':
    case '[':
        reader->next++;
        value->kind = first == '{' ? JSON_OBJECT : JSON_ARRAY;
        return json_tree_read_members(reader, value, first == '{' ? '}' : ']');
    case '"':
        reader->next++;
        value->kind = JSON_TEXT;
        value->text = json_tree_read_text(reader);
        return value->text != NULL;
    case 't':
    case 'f':
        value->kind = JSON_TRUTH;
        value->truth = first == 't';
        return json_tree_take_word(reader, first == 't' ? "true" : "false");
    case 'n':
        return json_tree_take_word(reader, "null");
    default:
        return json_tree_read_number(reader, value);
    }
}

/* ---- documents ---- */

static void json_tree_free_members(struct json_value *value) {
    for (size_t i = 0; i < value->item_count; i++)
        json_tree_free_members(&value->items[i]);
    free(value->items);
    free(value->text);
    free(value->key);
}

void json_tree_free(struct json_value *root) {
    if (root != NULL)
        json_tree_free_members(root);
    free(root);
}

struct json_value *json_tree_parse(const char *text, size_t bytes, char **fault) {
    struct json_reader reader = {.next = text, .end = text + bytes, .line = 1};
    struct json_value *root = memory_array(1, sizeof *root);
    bool sound = json_tree_read_value(&reader, root);
    json_tree_skip_blanks(&reader);
    if (sound && reader.next != reader.end)
        sound = json_tree_refuse(&reader, "goes on behind its end");
    *fault = reader.fault;
    if (sound)
        return root;
    json_tree_free(root);
    return NULL;
}

struct json_value *json_tree_read(const char *path, char **fault) {
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "r");
    char *text = NULL;
    size_t used = 0, room = 0;
    while (file != NULL && !feof(file) && !ferror(file)) {
        room = room == 0 ? 65536 : 2 * room;
        text = memory_resize(text, room, 1);
        used += fread(text + used, 1, room - used, file);
    }
    if (file == NULL || ferror(file)) {
        *fault = memory_copy(strerror(errno));
        if (file != NULL && !standard)
            fclose(file);
        free(text);
        return NULL;
    }
    if (!standard)
        fclose(file);
    struct json_value *root = json_tree_parse(text, used, fault);
    free(text);
    return root;
}

/* ---- looking things up ---- */

const struct json_value *json_tree_find(const struct json_value *value, const char *path) {
    while (value != NULL && *path != '\0') {
        size_t length = strcspn(path, ".");
        const struct json_value *found = NULL;
        for (size_t i = 0; value->kind == JSON_OBJECT && found == NULL && i < value->item_count;
             i++)
            if (strlen(value->items[i].key) == length &&
                memcmp(value->items[i].key, path, length) == 0)
                found = &value->items[i];
        value = found;
        path += length + (path[length] == '.');
    }
    return value;
}

static const struct json_value *json_tree_find_kind(const struct json_value *value,
                                                    const char *path, enum json_kind kind) {
    const struct json_value *found = json_tree_find(value, path);
    return found != NULL && found->kind == kind ? found : NULL;
}

double json_tree_number(const struct json_value *value, const char *path, double otherwise) {
    const struct json_value *found = json_tree_find_kind(value, path, JSON_NUMBER);
    return found != NULL ? found->number : otherwise;
}

uint64_t json_tree_count(const struct json_value *value, const char *path) {
    const struct json_value *found = json_tree_find_kind(value, path, JSON_NUMBER);
    return found != NULL ? found->count : 0;
}

bool json_tree_truth(const struct json_value *value, const char *path) {
    const struct json_value *found = json_tree_find_kind(value, path, JSON_TRUTH);
    return found != NULL && found->truth;
}

const char *json_tree_text(const struct json_value *value, const char *path,
                           const char *otherwise) {
    const struct json_value *found = json_tree_find_kind(value, path, JSON_TEXT);
    return found != NULL ? found->text : otherwise;
}

const struct json_value *json_tree_items(const struct json_value *value, const char *path,
                                         size_t *count) {
    const struct json_value *found = json_tree_find_kind(value, path, JSON_ARRAY);
    *count = found != NULL ? found->item_count : 0;
    return found != NULL ? found->items : NULL;
}

char **json_tree_texts(const struct json_value *value, const char *path) {
    size_t count;
    const struct json_value *items = json_tree_items(value, path, &count);
    char **texts = memory_array(count + 1, sizeof *texts);
    for (size_t i = 0; i < count; i++) {
        static char empty[] = "";
        texts[i] = items[i].kind == JSON_TEXT ? items[i].text : empty;
    }
    return texts;
}
