/* If this failed, variants would run on stacks that lie differently, or with variables of another
 * variant. */
#include "tap.h"

#include "target/variant.h"

#include <stdlib.h>

static const char *value_of(const struct variant_environment *environment, const char *name) {
    size_t length = strlen(name);
    for (size_t i = 0; i < environment->count; i++)
        if (strncmp(environment->strings[i], name, length) == 0 &&
            environment->strings[i][length] == '=')
            return environment->strings[i] + length + 1;
    return NULL;
}

static bool is(const char *value, const char *expected) {
    return value != NULL && strcmp(value, expected) == 0;
}

static void the_shim_comes_before_what_is_preloaded_already(void) {
    struct variant variant = {
        .name = "tagpool", .preload = "/x/libtagpool.so", .settings = "node_max=512", .shim = true};
    struct variant_environment environment;
    setenv("LD_PRELOAD", "", 1);
    setenv("TAGPOOL_OPTIONS", "strategy=direct", 1);
    variant_environment_make(&environment, &variant, "/tmp/page");
    CHECK(is(value_of(&environment, "LD_PRELOAD"), "/x/libtagpool.so"));
    CHECK(is(value_of(&environment, "TAGPOOL_OPTIONS"), "strategy=direct,node_max=512"));
    CHECK(is(value_of(&environment, "TAGPOOL_STATS"), "/tmp/page"));
    variant_environment_free(&environment);
    setenv("LD_PRELOAD", "/y/liby.so", 1);
    variant_environment_make(&environment, &variant, NULL);
    CHECK(is(value_of(&environment, "LD_PRELOAD"), "/x/libtagpool.so:/y/liby.so"));
    CHECK(value_of(&environment, "TAGPOOL_STATS") == NULL);
    variant_environment_free(&environment);
    unsetenv("LD_PRELOAD");
    unsetenv("TAGPOOL_OPTIONS");
}

static void a_variant_can_lack_a_variable_or_set_another_value(void) {
    struct variant variants[] = {{.name = "plain", .without = "ARENA"},
                                 {.name = "system"},
                                 {.name = "tagpool",
                                  .preload = "/x/libtagpool.so",
                                  .settings = "harden=on",
                                  .shim = true,
                                  .variable = "ARENA=2"}};
    struct variant_environment environments[3];
    setenv("ARENA", "1", 1);
    setenv("ARENAS", "9", 1);
    for (int i = 0; i < 3; i++)
        variant_environment_make(&environments[i], &variants[i], "/tmp/page");
    CHECK(value_of(&environments[0], "ARENA") == NULL);
    CHECK(is(value_of(&environments[0], "ARENAS"), "9"));
    CHECK(is(value_of(&environments[1], "ARENA"), "1"));
    CHECK(is(value_of(&environments[2], "ARENA"), "2"));
    variant_environments_equalise(environments, 3, 0);
    CHECK(environments[0].count == environments[2].count);
    CHECK(environments[0].bytes == environments[2].bytes);
    for (int i = 0; i < 3; i++)
        variant_environment_free(&environments[i]);
    unsetenv("ARENA");
    unsetenv("ARENAS");
}

static void the_system_variant_sets_nothing_of_ours(void) {
    struct variant variant = {.name = "system"};
    struct variant_environment environment;
    setenv("TAGPOOL_OPTIONS", "strategy=direct", 1);
    setenv("TAGPOOL_STATS", "/tmp/other", 1);
    setenv("TAGPOOL_PAD0", "old", 1);
    setenv("KEPT", "as it is", 1);
    variant_environment_make(&environment, &variant, "/tmp/page");
    CHECK(value_of(&environment, "LD_PRELOAD") == NULL);
    CHECK(value_of(&environment, "TAGPOOL_OPTIONS") == NULL);
    CHECK(value_of(&environment, "TAGPOOL_STATS") == NULL);
    CHECK(value_of(&environment, "TAGPOOL_PAD0") == NULL);
    CHECK(is(value_of(&environment, "KEPT"), "as it is"));
    variant_environment_free(&environment);
    unsetenv("TAGPOOL_OPTIONS");
    unsetenv("TAGPOOL_STATS");
    unsetenv("TAGPOOL_PAD0");
}

static void all_environments_of_a_round_have_one_size(void) {
    const struct variant variants[] = {
        {.name = "system"},
        {.name = "tagpool",
         .preload = "/a/rather/long/path/to/libtagpool.so",
         .settings = "node_max=512",
         .shim = true},
        {.name = "other", .preload = "/x.so", .variable = "NAME=value"},
    };
    for (size_t extra = 0; extra < 64; extra += 16) {
        struct variant_environment environments[3];
        size_t largest = 0;
        for (int i = 0; i < 3; i++) {
            variant_environment_make(&environments[i], &variants[i], "/tmp/page");
            largest = environments[i].bytes > largest ? environments[i].bytes : largest;
        }
        variant_environments_equalise(environments, 3, extra);
        for (int i = 0; i < 3; i++) {
            size_t bytes = 0, count = 0;
            while (environments[i].strings[count] != NULL)
                bytes += strlen(environments[i].strings[count++]) + 1;
            CHECK(count == environments[0].count && count == environments[i].count);
            CHECK(bytes == environments[0].bytes && bytes == environments[i].bytes);
            CHECK(bytes >= largest + extra && bytes < largest + extra + 256);
        }
        for (int i = 0; i < 3; i++)
            variant_environment_free(&environments[i]);
    }
}

int main(void) {
    TAP_RUN(the_shim_comes_before_what_is_preloaded_already);
    TAP_RUN(a_variant_can_lack_a_variable_or_set_another_value);
    TAP_RUN(the_system_variant_sets_nothing_of_ours);
    TAP_RUN(all_environments_of_a_round_have_one_size);
    return tap_done();
}
