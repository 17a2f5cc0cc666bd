#include "symbols/demangle.h"

#include "base/memory.h"
#include "symbols/helper.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef char *demangle_function(const char *name, char *buffer, size_t *bytes, int *status);

static bool demangle_is_mangled(const char *name) {
    return name != NULL && (strncmp(name, "_Z", 2) == 0 || strncmp(name, "_R", 2) == 0) &&
           strchr(name, '\n') == NULL;
}

static void demangle_replace(char **name, char *text) {
    free(*name);
    *name = text;
}

/* One name a line, in and out. */
static bool demangle_by_filter(char *path, char **const *names, size_t count) {
    char *text, *answers;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    if (out == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s\n", *names[i]);
    if (fclose(out) != 0)
        return false;
    char *const argv[] = {path, NULL};
    answers = symbols_helper_run(argv, text, bytes, &bytes);
    free(text);
    const char *line = answers;
    for (size_t i = 0; answers != NULL && i < count && *line != '\0'; i++) {
        size_t length = strcspn(line, "\n");
        if (length != 0)
            demangle_replace(names[i], memory_format("%.*s", (int)length, line));
        line += length + (line[length] == '\n');
    }
    free(answers);
    return answers != NULL;
}

static void demangle_by_library(char **const *names, size_t count) {
    static const char *const libraries[] = {"libstdc++.so.6", "libc++abi.so.1"};
    demangle_function *demangle = NULL;
    for (size_t i = 0; demangle == NULL && i < sizeof libraries / sizeof libraries[0]; i++) {
        void *library = dlopen(libraries[i], RTLD_LAZY | RTLD_LOCAL);
        void *symbol = library != NULL ? dlsym(library, "__cxa_demangle") : NULL;
        memcpy(&demangle, &symbol, sizeof symbol);
    }
    for (size_t i = 0; demangle != NULL && i < count; i++) {
        char *text = demangle(*names[i], NULL, NULL, NULL);
        if (text != NULL)
            demangle_replace(names[i], text);
    }
}

void demangle_all(char **const *names, size_t count) {
    size_t mangled = 0;
    char ***chosen = memory_array(count, sizeof *chosen);
    for (size_t i = 0; i < count; i++)
        if (demangle_is_mangled(*names[i]))
            chosen[mangled++] = names[i];
    char *path = mangled != 0 ? symbols_helper_find("c++filt") : NULL;
    if (mangled != 0 && (path == NULL || !demangle_by_filter(path, chosen, mangled)))
        demangle_by_library(chosen, mangled);
    free(path);
    free(chosen);
}
