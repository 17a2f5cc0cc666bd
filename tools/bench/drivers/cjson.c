/* cJSON: a DOM with one block per value, key and string. */
#include <cjson/cJSON.h>

#include "driver.h"

static void add_to_digest(const cJSON *value, struct digest *digest) {
    for (; value != NULL; value = value->next) {
        digest->count++;
        digest_string(digest, value->string);
        if (cJSON_IsNumber(value))
            digest_real(digest, value->valuedouble);
        if (cJSON_IsString(value))
            digest_string(digest, value->valuestring);
        add_to_digest(value->child, digest);
    }
}

static const char *parse(const char *text, size_t length, struct digest *digest) {
    cJSON *root = cJSON_ParseWithLength(text, length + 1);
    if (root == NULL)
        return "it is no JSON";
    if (digest != NULL)
        add_to_digest(root, digest);
    cJSON_Delete(root);
    return NULL;
}

int main(int argc, char **argv) {
    return driver_main("cjson", parse, argc, argv);
}
