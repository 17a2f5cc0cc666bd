/* Reads JSON into a tree: what json.h wrote, or anybody else.
 *
 * The text comes from files that people edit and programs cut off, so that every fault is a
 * sentence with its line. Of members that come twice the first counts. A path names a member in a
 * member, "plan.seed"; the readers with a default take it where the member is missing or of another
 * kind.
 */
#ifndef BASE_JSON_TREE_H
#define BASE_JSON_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Deeper is refused: a reader calls itself for each level. */
enum { JSON_TREE_DEPTH_MAX = 14 };

enum json_kind { JSON_NULL, JSON_TRUTH, JSON_NUMBER, JSON_TEXT, JSON_ARRAY, JSON_OBJECT };

struct json_value {
    enum json_kind kind;
    bool truth;
    double number;
    uint64_t count; /* the number where it is whole and not negative, exact up to 2^64 - 1 */
    char *text;     /* UTF-8; a NUL in it ends it */
    char *key;      /* of a member of an object */
    struct json_value *items;
    size_t item_count;
};

/* NULL with a sentence in *fault, a new string, when it is no JSON. */
struct json_value *json_tree_parse(const char *text, size_t bytes, char **fault);

/* The same for a file; a file that cannot be read is a fault too. */
struct json_value *json_tree_read(const char *path, char **fault);

void json_tree_free(struct json_value *root);

/* NULL when there is no such member; `value` may be NULL. */
const struct json_value *json_tree_find(const struct json_value *value, const char *path);

double json_tree_number(const struct json_value *value, const char *path, double otherwise);
uint64_t json_tree_count(const struct json_value *value, const char *path);
bool json_tree_truth(const struct json_value *value, const char *path);
const char *json_tree_text(const struct json_value *value, const char *path, const char *otherwise);

/* The members of an array at `path` and their number in *count, 0 when it is none. */
const struct json_value *json_tree_items(const struct json_value *value, const char *path,
                                         size_t *count);

/* The texts of an array at `path`, the words of a command, with NULL behind the last; the array is
 * new, the texts are the tree's. What is no text is empty. */
char **json_tree_texts(const struct json_value *value, const char *path);

#endif
