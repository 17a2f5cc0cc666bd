#include "target/variants.h"

#include "base/memory.h"
#include "base/say.h"
#include "target/library.h"
#include "target/settings.h"

#include <stdlib.h>
#include <string.h>
#include <tagpool/options.h>

int variants_find(const struct variants *variants, const char *name) {
    for (unsigned i = 0; i < variants->count; i++)
        if (strcmp(variants->items[i].name, name) == 0)
            return (int)i;
    return -1;
}

/* `settings` becomes the list's own; what the variant had is given back. */
static void keep_settings(struct variants *variants, unsigned place, char *settings) {
    free(variants->settings[place]);
    variants->settings[place] = settings;
    variants->items[place].settings = settings;
}

void variants_add(struct variants *variants, struct variant variant) {
    if (variants->count == VARIANTS_MAX)
        args_refuse("at most %d variants can be compared", VARIANTS_MAX);
    /* Only a library that the user has named can have another name. */
    if (variants_find(variants, variant.name) >= 0)
        args_refuse("two variants are called '%s'%s", variant.name,
                    variant.preload != NULL ? "; give one another name: -a NAME=PATH" : "");
    unsigned place = variants->count++;
    variants->items[place] = variant;
    if (variant.settings != NULL)
        keep_settings(variants, place, memory_copy(variant.settings));
}

void variants_add_standard(struct variants *variants) {
    variants_add(variants, (struct variant){.name = "system"});
    variants_add(variants, (struct variant){.name = "tagpool", .shim = true});
}

const struct arena *variants_add_plain(struct variants *variants, const char *binary) {
    const struct arena *arena = arena_of(binary);
    if (arena == NULL || !arena_is_off(arena))
        return NULL;
    variants_add(variants, (struct variant){.name = "plain", .without = arena->variable});
    return arena;
}

static void variants_add_strategy(struct variants *variants, const char *name,
                                  const char *strategy) {
    char *setting = memory_format("strategy=%s", strategy);
    settings_check(setting);
    variants_add(variants, (struct variant){.name = name, .settings = setting, .shim = true});
    free(setting);
}

void variants_add_strategies(struct variants *variants) {
    static const char *const strategies[] = {TAGPOOL_CHOICES_strategy};
    for (size_t i = 0; i < sizeof strategies / sizeof strategies[0]; i++)
        variants_add_strategy(variants, strategies[i], strategies[i]);
}

void variants_take_scan(void *scan, const char *argument) {
    const char **field = scan;
    const char *values = strchr(argument, '=');
    if (values == NULL || strchr(values, ',') == NULL)
        args_refuse("--scan wants OPTION=a,b,c, two values or more, not '%s'", argument);
    if (*field != NULL)
        args_refuse("one option can be scanned, not %s and %s", *field, argument);
    *field = argument;
}

void variants_add_scan(struct variants *variants, const char *scan) {
    int length = (int)strcspn(scan, "=");
    for (const char *value = scan + length; *value != '\0';) {
        value++;
        char *setting = memory_format("%.*s=%.*s", length, scan, (int)strcspn(value, ","), value);
        settings_check(setting);
        variants_add(variants,
                     (struct variant){.name = setting, .settings = setting, .shim = true});
        value += strcspn(value, ",");
    }
}

void variants_add_installed(struct variants *variants) {
    for (const struct library_allocator *known = library_allocators; known->name != NULL; known++) {
        char *path = library_of_allocator(known);
        if (path != NULL)
            variants_add(variants, (struct variant){.name = known->name, .preload = path});
        else
            say_note("%s is left out: the package %s is not installed", known->name,
                     known->package);
    }
}

void variants_add_list(struct variants *variants, const struct variants *list) {
    for (unsigned i = 0; i < list->count; i++)
        variants_add(variants, list->items[i]);
}

void variants_take_allocator(void *variants, const char *argument) {
    if (strcmp(argument, "all") == 0) {
        variants_add_installed(variants);
        return;
    }
    char *name;
    char *preload = library_resolve(argument, &name);
    variants_add(
        variants,
        (struct variant){.name = name, .preload = preload, .shim = library_has_tagpool(preload)});
}

void variants_take_strategy(void *variants, const char *name) {
    variants_add_strategy(variants, memory_format("tagpool %s", name), name);
}

bool variants_have_shim(const struct variants *variants) {
    for (unsigned i = 0; i < variants->count; i++)
        if (variants->items[i].shim)
            return true;
    return false;
}

void variants_settle(struct variants *variants, const char *settings) {
    for (unsigned i = 0; i < variants->count; i++) {
        struct variant *variant = &variants->items[i];
        if (!variant->shim)
            continue;
        if (variant->preload == NULL)
            variant->preload = library_of_tagpool();
        if (settings == NULL)
            continue;
        keep_settings(variants, i,
                      variant->settings == NULL
                          ? memory_copy(settings)
                          : memory_format("%s,%s", settings, variant->settings));
    }
}

void variants_free(struct variants *variants) {
    for (unsigned i = 0; i < variants->count; i++)
        free(variants->settings[i]);
    *variants = (struct variants){0};
}

void variants_refuse_inherited_shim(void) {
    const char *inherited = getenv("LD_PRELOAD");
    if (inherited != NULL && strstr(inherited, "libtagpool") != NULL)
        args_refuse("LD_PRELOAD holds libtagpool.so already, so that no variant would run without "
                    "it; unset LD_PRELOAD");
}
