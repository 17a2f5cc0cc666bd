#include "target/library.h"

#include "base/memory.h"
#include "base/say.h"
#include "target/elf_file.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

const struct library_allocator library_allocators[] = {
    {"jemalloc", {"libjemalloc.so.2"}, "libjemalloc2"},
    {"mimalloc", {"libmimalloc.so.2", "libmimalloc.so.2.0"}, "libmimalloc2.0"},
    {"tcmalloc", {"libtcmalloc_minimal.so.4"}, "libtcmalloc-minimal4"},
    {"tbbmalloc", {"libtbbmalloc_proxy.so.2"}, "libtbbmalloc2"},
    {0},
};

static bool library_is_native(const char *path) {
    struct elf_file file;
    if (!elf_file_read(path, &file))
        return false;
    bool native = file.is_elf && file.is_native;
    elf_file_free(&file);
    return native;
}

/* LD_PRELOAD separates paths by spaces and colons and knows no quotes. */
static char *library_preloadable(const char *path, const char *advice) {
    char *full = realpath(path, NULL);
    if (full == NULL)
        say_and_exit(STATUS_USAGE, "%s: %s; %s", path, strerror(errno), advice);
    if (!library_is_native(full))
        say_and_exit(STATUS_USAGE, "%s is no shared library for this machine; %s", full, advice);
    if (strpbrk(full, " :") != NULL)
        say_and_exit(STATUS_USAGE,
                     "LD_PRELOAD cannot hold the path '%s': it has a space or a colon; copy the "
                     "library elsewhere",
                     full);
    return full;
}

char *library_own_folder(void) {
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length > 0) {
        path[length] = '\0';
    } else {
        unsigned long name = getauxval(AT_EXECFN);
        if (name == 0 || realpath((const char *)name, path) == NULL)
            return memory_copy(".");
    }
    char *slash = strrchr(path, '/');
    if (slash != NULL)
        *slash = '\0';
    return memory_copy(path);
}

/* One of ours, from where this program lies; NULL if it is not there. */
static char *library_beside(const char *folder, const char *file) {
    static const char *const places[] = {"", "../lib/tagpool/", "../lib/"};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char *path = memory_format("%s/%s%s", folder, places[i], file);
        bool found = access(path, R_OK) == 0;
        char *full = found ? library_preloadable(path, "build or install tagpool again") : NULL;
        free(path);
        if (found)
            return full;
    }
    return NULL;
}

/* The same, but ends the program when it is not there. */
static char *library_ours(const char *file, const char *advice) {
    char *folder = library_own_folder();
    char *path = library_beside(folder, file);
    if (path == NULL)
        say_and_exit(STATUS_OWN_FAILURE,
                     "%s is neither in %s nor in %s/../lib; build it with 'make', or %s", file,
                     folder, folder, advice);
    free(folder);
    return path;
}

char *library_of_tagpool(void) {
    const char *named = getenv("TAGPOOL_LIBRARY");
    if (named != NULL && named[0] != '\0')
        return library_preloadable(named, "correct or unset TAGPOOL_LIBRARY");
    return library_ours("libtagpool.so", "name it in TAGPOOL_LIBRARY");
}

char *library_of_trace(void) {
    return library_ours("libtagpool-trace.so", "install tagpool again");
}

/* The first native file that matches the pattern, or NULL. */
static char *library_glob(const char *folder, const char *file) {
    glob_t matches;
    char *pattern = memory_format("%s/%s", folder, file);
    char *found = NULL;
    if (glob(pattern, 0, NULL, &matches) == 0) {
        for (size_t i = 0; i < matches.gl_pathc && found == NULL; i++)
            if (library_is_native(matches.gl_pathv[i]))
                found = memory_copy(matches.gl_pathv[i]);
        globfree(&matches);
    }
    free(pattern);
    return found;
}

char *library_of_allocator(const struct library_allocator *allocator) {
    static const char *const folders[] = {
        "/usr/local/lib",     "/usr/local/lib/*-linux-*",
        "/usr/lib/*-linux-*", "/lib/*-linux-*",
        "/usr/lib64",         "/usr/lib",
    };
    for (int i = 0; i < 3 && allocator->files[i] != NULL; i++)
        for (size_t j = 0; j < sizeof folders / sizeof folders[0]; j++) {
            char *path = library_glob(folders[j], allocator->files[i]);
            if (path != NULL)
                return path;
        }
    return NULL;
}

/* "PATH:PATH": each made absolute and checked. */
static char *library_resolve_paths(const char *paths) {
    char *rest = memory_copy(paths);
    char *start = rest;
    char *result = memory_copy("");
    for (char *path = strsep(&rest, ":"); path != NULL; path = strsep(&rest, ":")) {
        char *full = library_preloadable(path, "give -a NAME=PATH the path of an allocator");
        char *longer = memory_format("%s%s%s", result, result[0] != '\0' ? ":" : "", full);
        free(full);
        free(result);
        result = longer;
    }
    free(start);
    return result;
}

static char *library_resolve_name(const char *name) {
    char *known = memory_copy("");
    for (const struct library_allocator *allocator = library_allocators; allocator->name != NULL;
         allocator++) {
        if (strcmp(allocator->name, name) == 0) {
            char *path = library_of_allocator(allocator);
            if (path == NULL)
                say_and_exit(STATUS_USAGE,
                             "%s is not installed: get the package %s, or give its library with "
                             "-a %s=PATH",
                             name, allocator->package, name);
            free(known);
            return path;
        }
        char *longer =
            memory_format("%s%s%s", known, known[0] != '\0' ? ", " : "", allocator->name);
        free(known);
        known = longer;
    }
    say_and_exit(STATUS_USAGE, "no allocator is known as '%s': choose from %s, or give -a %s=PATH",
                 name, known, name);
}

bool library_has_tagpool(const char *preload) {
    return strstr(preload, "/libtagpool") != NULL;
}

char *library_resolve(const char *argument, char **name) {
    const char *equals = strchr(argument, '=');
    if (equals == NULL) {
        *name = memory_copy(argument);
        return library_resolve_name(argument);
    }
    if (equals == argument || equals[1] == '\0')
        say_and_exit(STATUS_USAGE, "-a wants NAME or NAME=PATH, not '%s'", argument);
    *name = memory_format("%.*s", (int)(equals - argument), argument);
    return library_resolve_paths(equals + 1);
}
