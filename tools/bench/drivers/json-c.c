/* json-c: one block per value, objects as hash tables of linked entries. */
#include <json-c/json.h>
#include <limits.h>

#include "driver.h"

static void add_to_digest(struct json_object *value, struct digest *digest) {
    digest->count++;
    switch (json_object_get_type(value)) {
    case json_type_double:
    case json_type_int:
        digest_real(digest, json_object_get_double(value));
        break;
    case json_type_string:
        digest_string(digest, json_object_get_string(value));
        break;
    case json_type_array:
        for (size_t i = 0; i < json_object_array_length(value); i++)
            add_to_digest(json_object_array_get_idx(value, i), digest);
        break;
    case json_type_object: {
        json_object_object_foreach(value, key, member) {
            digest_string(digest, key);
            add_to_digest(member, digest);
        }
        break;
    }
    default:
        break;
    }
}

static const char *parse(const char *text, size_t length, struct digest *digest) {
    if (length >= INT_MAX)
        return "it is longer than json-c can take at once";
    struct json_tokener *tokener = json_tokener_new();
    if (tokener == NULL)
        return "out of memory";
    struct json_object *root = json_tokener_parse_ex(tokener, text, (int)length + 1);
    enum json_tokener_error error = json_tokener_get_error(tokener);
    if (error == json_tokener_success && digest != NULL)
        add_to_digest(root, digest);
    json_object_put(root);
    json_tokener_free(tokener);
    return error == json_tokener_success ? NULL : json_tokener_error_desc(error);
}

int main(int argc, char **argv) {
    return driver_main("json-c", parse, argc, argv);
}
