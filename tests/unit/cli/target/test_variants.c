/* If this failed, two commands would understand -a, --strategy or -o differently, or variants would
 * run with settings that their names deny. */
#include "tap.h"

#include "../refusal.h"
#include "base/say.h"
#include "target/variants.h"

#include <unistd.h>

static bool is(const char *value, const char *expected) {
    return value != NULL && strcmp(value, expected) == 0;
}

static const char *name_of(const struct variants *variants, unsigned place) {
    return place < variants->count ? variants->items[place].name : "(none)";
}

static void the_standard_variants_are_system_and_tagpool(void) {
    static struct variants variants;
    variants_add_standard(&variants);
    CHECK(variants.count == 2);
    CHECK(is(name_of(&variants, 0), "system") && !variants.items[0].shim);
    CHECK(is(name_of(&variants, 1), "tagpool") && variants.items[1].shim);
}

static void strategies_have_their_own_names_or_follow_tagpool(void) {
    static struct variants variants;
    variants_add_strategies(&variants);
    CHECK(variants.count == 3 && is(name_of(&variants, 0), "direct"));
    CHECK(is(name_of(&variants, 1), "metadata") && is(name_of(&variants, 2), "tagged"));
    variants_take_strategy(&variants, "tagged");
    CHECK(is(name_of(&variants, 3), "tagpool tagged"));
    for (unsigned i = 0; i < variants.count; i++)
        CHECK(variants.items[i].shim && variants.items[i].preload == NULL);
    CHECK(is(variants.items[2].settings, "strategy=tagged"));
    CHECK(is(variants.items[3].settings, "strategy=tagged"));
}

static void a_library_is_taken_by_its_path_and_the_shim_is_recognised(void) {
    static struct variants variants;
    char argument[4096];
    const char *build = getenv("BUILD") != NULL ? getenv("BUILD") : "build";
    snprintf(argument, sizeof argument, "mine=%s/libtagpool.so", build);
    if (access(argument + strlen("mine="), R_OK) != 0) {
        tap_skip("this build has no library");
        return;
    }
    variants_take_allocator(&variants, argument);
    CHECK(is(name_of(&variants, 0), "mine") && variants.items[0].shim);
    snprintf(argument, sizeof argument, "copy=/proc/self/exe");
    variants_take_allocator(&variants, argument);
    CHECK(is(name_of(&variants, 1), "copy") && !variants.items[1].shim);
}

static void what_names_a_variant_decides_over_the_settings_of_all(void) {
    static struct variants variants;
    variants_add_standard(&variants);
    variants_take_strategy(&variants, "tagged");
    for (unsigned i = 0; i < variants.count; i++)
        variants.items[i].preload = "/x/libtagpool.so";
    variants_settle(&variants, "strategy=direct,node_max=64");
    CHECK(variants.items[0].settings == NULL);
    CHECK(is(variants.items[1].settings, "strategy=direct,node_max=64"));
    CHECK(is(variants.items[2].settings, "strategy=direct,node_max=64,strategy=tagged"));
    variants_settle(&variants, NULL);
    CHECK(is(variants.items[1].settings, "strategy=direct,node_max=64"));
}

static void only_the_shim_gets_a_library_and_keeps_its_own(void) {
    static struct variants variants;
    const char *build = getenv("BUILD") != NULL ? getenv("BUILD") : "build";
    char path[4096];
    snprintf(path, sizeof path, "%s/libtagpool.so", build);
    if (access(path, R_OK) != 0) {
        tap_skip("this build has no library");
        return;
    }
    setenv("TAGPOOL_LIBRARY", path, 1);
    variants_add_standard(&variants);
    variants_add(&variants, (struct variant){.name = "own", .preload = "/own.so", .shim = true});
    variants_settle(&variants, NULL);
    CHECK(variants.items[0].preload == NULL);
    CHECK(variants.items[1].preload != NULL && strstr(variants.items[1].preload, "/libtagpool.so"));
    CHECK(is(variants.items[2].preload, "/own.so"));
    unsetenv("TAGPOOL_LIBRARY");
}

static void variants_are_found_by_name(void) {
    static struct variants variants, more;
    CHECK(!variants_have_shim(&variants));
    variants_add(&variants, (struct variant){.name = "system"});
    CHECK(!variants_have_shim(&variants));
    variants_add(&more, (struct variant){.name = "tagpool", .shim = true});
    variants_add_list(&variants, &more);
    CHECK(variants_have_shim(&variants));
    CHECK(variants_find(&variants, "system") == 0 && variants_find(&variants, "tagpool") == 1);
    CHECK(variants_find(&variants, "tag") == -1 && variants_find(&variants, "") == -1);
}

static void add_twice(const void *preload) {
    static struct variants variants;
    say_as("check");
    variants_add(&variants, (struct variant){.name = "one"});
    variants_add(&variants, (struct variant){.name = "one", .preload = preload});
}

static void add_too_many(const void *nothing) {
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i",
                                        "j", "k", "l", "m", "n", "o", "p", "q"};
    static struct variants variants;
    (void)nothing;
    say_as("check");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        variants_add(&variants, (struct variant){.name = names[i]});
}

static void take_allocator(const void *argument) {
    static struct variants variants;
    say_as("check");
    variants_take_allocator(&variants, argument);
}

static void take_strategy(const void *argument) {
    static struct variants variants;
    say_as("check");
    variants_take_strategy(&variants, argument);
}

static void refuse_inherited(const void *preload) {
    say_as("check");
    setenv("LD_PRELOAD", preload, 1);
    variants_refuse_inherited_shim();
}

static void each_mistake_is_one_line(void) {
#define SEE " (see 'tagpool help check')"
    check_refusal(add_twice, NULL, STATUS_USAGE,
                  "tagpool check: two variants are called 'one'" SEE);
    check_refusal(add_twice, "/x.so", STATUS_USAGE,
                  "tagpool check: two variants are called 'one'; give one another name: "
                  "-a NAME=PATH" SEE);
    check_refusal(add_too_many, NULL, STATUS_USAGE,
                  "tagpool check: at most 16 variants can be compared" SEE);
    check_refusal(take_allocator, "=", STATUS_USAGE,
                  "tagpool check: -a wants NAME or NAME=PATH, not '='");
    check_refusal(take_allocator, "none", STATUS_USAGE,
                  "tagpool check: no allocator is known as 'none': choose from jemalloc, mimalloc, "
                  "tcmalloc, tbbmalloc, or give -a none=PATH");
    check_refusal(take_strategy, "none", STATUS_USAGE,
                  "tagpool check: strategy is direct, metadata or tagged, not 'none'" SEE);
    check_refusal(refuse_inherited, "/x/libtagpool.so", STATUS_USAGE,
                  "tagpool check: LD_PRELOAD holds libtagpool.so already, so that no variant would "
                  "run without it; unset LD_PRELOAD" SEE);
    check_refusal(refuse_inherited, "/x/libother.so", 0, "");
}

int main(void) {
    TAP_RUN(the_standard_variants_are_system_and_tagpool);
    TAP_RUN(strategies_have_their_own_names_or_follow_tagpool);
    TAP_RUN(a_library_is_taken_by_its_path_and_the_shim_is_recognised);
    TAP_RUN(what_names_a_variant_decides_over_the_settings_of_all);
    TAP_RUN(only_the_shim_gets_a_library_and_keeps_its_own);
    TAP_RUN(variants_are_found_by_name);
    TAP_RUN(each_mistake_is_one_line);
    return tap_done();
}
