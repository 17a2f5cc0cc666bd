/* If this failed, two results would be compared by the wrong variants, or columns of names would
 * not stand below each other. */
#include "tap.h"

#include "measure/result.h"

static const struct variant variants[] = {
    {.name = "system"}, {.name = "a longer name"}, {.name = ""}};

static void a_variant_is_found_by_its_whole_name(void) {
    const struct result result = {.variants = variants, .rounds = {.variant_count = 3}};
    CHECK(result_find(&result, "system") == 0);
    CHECK(result_find(&result, "a longer name") == 1);
    CHECK(result_find(&result, "") == 2);
    CHECK(result_find(&result, "sys") == 3);
    CHECK(result_find(&result, "system ") == 3);
}

static void only_the_variants_of_the_result_count(void) {
    struct result result = {.variants = variants, .rounds = {.variant_count = 1}};
    CHECK(result_name_width(&result) == 6 && result_find(&result, "a longer name") == 1);
    result.rounds = (struct rounds){.variant_count = 3, .reference = 1};
    CHECK(result_name_width(&result) == 13);
    CHECK(strcmp(result_reference_name(&result), "a longer name") == 0);
}

int main(void) {
    TAP_RUN(a_variant_is_found_by_its_whole_name);
    TAP_RUN(only_the_variants_of_the_result_count);
    return tap_done();
}
