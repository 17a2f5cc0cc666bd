/* Jansson: reference-counted values, objects as hash tables. */
#include <jansson.h>

#include "driver.h"

static void add_to_digest(json_t *value, struct digest *digest) {
    const char *key;
    json_t *member;
    size_t index;
    digest->count++;
    if (json_is_string(value))
        digest_string(digest, json_string_value(value));
    if (json_is_number(value))
        digest_real(digest, json_number_value(value));
    json_array_foreach(value, index, member) {
        add_to_digest(member, digest);
    }
    json_object_foreach(value, key, member) {
        digest_string(digest, key);
        add_to_digest(member, digest);
    }
}

static const char *parse(const char *text, size_t length, struct digest *digest) {
    static json_error_t error;
    json_t *root = json_loadb(text, length, 0, &error);
    if (root == NULL)
        return error.text;
    if (digest != NULL)
        add_to_digest(root, digest);
    json_decref(root);
    return NULL;
}

int main(int argc, char **argv) {
    return driver_main("jansson", parse, argc, argv);
}
