/* Writes JSON: commas, indentation and escapes are its business, the structure is the caller's.
 *
 *   json_object(json, NULL);
 *   json_text(json, "name", text);
 *   json_array(json, "rounds");
 *   ...
 *   json_end(json);
 *   json_end(json);
 *
 * `key` names a member of an object and is NULL within an array. Text may hold any bytes: what is
 * not UTF-8 becomes U+FFFD. Numbers that JSON has no word for (infinite, not a number) become null.
 *
 * A number that is read back has to be written by json_exact: with fewer digits another number
 * would come back, and a text made of it could differ in its last digit.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { JSON_DEPTH_MAX = 16 };

struct json {
    FILE *out;
    bool tight; /* set by the caller: plain objects stand on one line from here on */
    unsigned depth;
    bool flat[JSON_DEPTH_MAX];   /* the container is written on one line */
    bool filled[JSON_DEPTH_MAX]; /* something was written at this depth: a comma comes first */
    char closer[JSON_DEPTH_MAX];
};

void json_init(struct json *json, FILE *out);

void json_object(struct json *json, const char *key);
void json_array(struct json *json, const char *key);

/* Opens an object that says what it is: "tagpool-compare", the version of that schema, and the
 * version of tagpool that wrote it. */
void json_document(struct json *json, const char *key, const char *schema, unsigned version);

/* The same on one line, for small things that come in numbers. */
void json_flat_object(struct json *json, const char *key);
void json_flat_array(struct json *json, const char *key);

/* An object that holds no other: on one line in a tight part of the document. */
void json_plain_object(struct json *json, const char *key);

/* Closes the innermost open object or array; a line break follows the outermost. */
void json_end(struct json *json);

void json_text(struct json *json, const char *key, const char *text); /* NULL: null */
void json_number(struct json *json, const char *key, double number);  /* to 12 digits */
void json_exact(struct json *json, const char *key, double number);   /* to as many as it takes */
void json_count(struct json *json, const char *key, uint64_t count);
void json_truth(struct json *json, const char *key, bool truth);
void json_null(struct json *json, const char *key);

#endif
