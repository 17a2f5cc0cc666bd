#include "target/library.h"

#include "base/memory.h"
#include "base/path.h"
#include "base/say.h"
#include "base/words.h"
#include "target/elf_file.h"
#include "target/preload_link.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <tagpool/version.h>
#include <unistd.h>

const struct library_allocator library_allocators[] = {
    {"jemalloc", {"libjemalloc.so.2"}, "libjemalloc2"},
    {"mimalloc", {"libmimalloc.so.2", "libmimalloc.so.2.0"}, "libmimalloc2.0"},
    {"tcmalloc", {"libtcmalloc_minimal.so.4"}, "libtcmalloc-minimal4"},
    {"tbbmalloc", {"libtbbmalloc_proxy.so.2"}, "libtbbmalloc2"},
    {0},
};

char **library_suggest(void) {
    size_t count = 0;
    while (library_allocators[count].name != NULL)
        count++;
    char **list = memory_array(count + 2, sizeof *list);
    for (size_t i = 0; i < count; i++)
        list[i] = memory_copy(library_allocators[i].name);
    list[count] = memory_copy("all");
    return list;
}

static bool library_is_native(const char *path) {
    struct elf_file file;
    if (!elf_file_read(path, &file))
        return false;
    bool native = file.is_elf && file.is_native;
    elf_file_free(&file);
    return native;
}

static char *library_preloadable(const char *path, const char *advice) {
    char *full = realpath(path, NULL);
    if (full == NULL)
        say_and_exit(STATUS_USAGE, "%s: %s; %s", path, strerror(errno), advice);
    if (!library_is_native(full))
        say_and_exit(STATUS_USAGE, "%s is no shared library for this machine; %s", full, advice);
    if (!preload_link_is_needed(full))
        return full;
    char *link = preload_link(full);
    if (link == NULL)
        say_and_exit(STATUS_USAGE,
                     "LD_PRELOAD cannot hold the path '%s': it has a space or a colon, and no link "
                     "to it can be made in XDG_RUNTIME_DIR, TMPDIR, /tmp or /dev/shm: %s",
                     full, strerror(errno));
    free(full);
    return link;
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

/* Where the libraries lie, from the folder of this program: a build folder, then an installation.
 */
static const char *const library_places[] = {
    "",
#ifdef TAGPOOL_MULTIARCH
    "../lib/" TAGPOOL_MULTIARCH "/",
    "../lib/" TAGPOOL_MULTIARCH "/tagpool/",
#endif
    "../lib/tagpool/",
    "../lib/",
    "../lib64/",
    "../lib64/tagpool/",
};

#ifndef TAGPOOL_LIBDIR
#define TAGPOOL_LIBDIR "" /* known from where the program lies */
#endif

/* folder/place/file, or with the number of its soname at the end; NULL if neither is there. */
static char *library_at(const char *folder, const char *place, const char *file) {
    static const char *const endings[] = {"", "." TAGPOOL_ABI};
    char *full = NULL;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0] && full == NULL; i++) {
        char *path = memory_format("%s/%s%s%s", folder, place, file, endings[i]);
        if (access(path, R_OK) == 0)
            full = library_preloadable(path, "build or install tagpool again");
        free(path);
    }
    return full;
}

/* One of ours. Ends the program when it is not there. */
static char *library_ours(const char *file, const char *advice) {
    const char *named = getenv("TAGPOOL_LIB_DIR");
    char *folder = library_own_folder();
    char *path = NULL;
    if (named != NULL && named[0] != '\0' && (path = library_at(named, "", file)) == NULL)
        say_and_exit(STATUS_USAGE, "%s is not in %s; correct or unset TAGPOOL_LIB_DIR", file,
                     named);
    for (size_t i = 0; i < sizeof library_places / sizeof library_places[0] && path == NULL; i++)
        path = library_at(folder, library_places[i], file);
    if (path == NULL && TAGPOOL_LIBDIR[0] != '\0')
        path = library_at(TAGPOOL_LIBDIR, "", file);
    if (path == NULL && TAGPOOL_LIBDIR[0] != '\0')
        path = library_at(TAGPOOL_LIBDIR, "tagpool/", file);
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
    return library_ours("libtagpool-trace.so", "name its folder in TAGPOOL_LIB_DIR");
}

/* The text after the mark in the file, up to its NUL. */
static char *library_version(const char *path) {
    static const char mark[] = TAGPOOL_VERSION_MARK;
    char *text = NULL;
    const char *found = NULL;
    size_t room = 0;
    ssize_t length;
    FILE *file = fopen(path, "re");
    while (file != NULL && found == NULL && (length = getdelim(&text, &room, '\0', file)) > 0)
        found = memmem(text, (size_t)length, mark, sizeof mark - 1);
    char *version = memory_copy(found != NULL ? found + sizeof mark - 1 : "unknown");
    free(text);
    if (file != NULL)
        fclose(file);
    return version;
}

void library_print_versions(FILE *out) {
    char *const paths[] = {library_of_tagpool(), library_of_trace()};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char *version = library_version(paths[i]);
        fprintf(out, "%s %s\n", paths[i], version);
        free(version);
        free(paths[i]);
    }
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
    struct words_best best = {0};
    for (const struct library_allocator *allocator = library_allocators; allocator->name != NULL;
         allocator++)
        words_consider(&best, allocator->name, name);
    say_and_exit(STATUS_USAGE,
                 "no allocator is known as '%s'%s%s choose from %s, or give -a %s=PATH", name,
                 words_hint(&best, ""), best.word != NULL ? "" : ":", known, name);
}

bool library_has_tagpool(const char *preload) {
    return strstr(preload, "/libtagpool") != NULL;
}

/* "/usr/lib/libhoard.so.2" is called hoard. */
static char *library_name_of(const char *path) {
    const char *base = path_name(path);
    base += strncmp(base, "lib", 3) == 0 ? 3 : 0;
    const char *end = strstr(base, ".so");
    return memory_format("%.*s", end != NULL ? (int)(end - base) : (int)strlen(base), base);
}

char *library_resolve(const char *argument, char **name) {
    const char *equals = strchr(argument, '=');
    if (equals == NULL && strchr(argument, '/') != NULL) {
        *name = library_name_of(argument);
        return library_resolve_paths(argument);
    }
    if (equals == NULL) {
        *name = memory_copy(argument);
        return library_resolve_name(argument);
    }
    if (equals == argument || equals[1] == '\0')
        say_and_exit(STATUS_USAGE, "-a wants NAME or NAME=PATH, not '%s'", argument);
    *name = memory_format("%.*s", (int)(equals - argument), argument);
    return library_resolve_paths(equals + 1);
}
