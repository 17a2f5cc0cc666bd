#include "measure/result.h"

#include <string.h>

const char *result_reference_name(const struct result *result) {
    return result->variants[result->rounds.reference].name;
}

unsigned result_name_width(const struct result *result) {
    size_t width = 0;
    for (unsigned i = 0; i < result->rounds.variant_count; i++) {
        size_t length = strlen(result->variants[i].name);
        width = length > width ? length : width;
    }
    return (unsigned)width;
}

unsigned result_find(const struct result *result, const char *name) {
    unsigned i = 0;
    while (i < result->rounds.variant_count && strcmp(result->variants[i].name, name) != 0)
        i++;
    return i;
}

void result_free(struct result *result) {
    rounds_free(&result->rounds);
}
