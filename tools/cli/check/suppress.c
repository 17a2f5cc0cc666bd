#include "check/suppress.h"

#include "base/memory.h"
#include "base/path.h"
#include "base/say.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *prefix;
    unsigned kinds;
} suppress_prefixes[] = {
    {"leak:", SUPPRESS_LEAK},
    {"fault:", SUPPRESS_FAULT},
    {"", SUPPRESS_LEAK | SUPPRESS_FAULT},
};

/* One line, without what surrounds the pattern. */
static void suppress_add(struct suppress *suppress, char *line) {
    unsigned kind = 0;
    line += strspn(line, " \t");
    line[strcspn(line, "\r\n")] = '\0';
    for (size_t length = strlen(line); length > 0 && strchr(" \t", line[length - 1]) != NULL;)
        line[--length] = '\0';
    if (line[0] == '\0' || line[0] == '#')
        return;
    while (strncmp(line, suppress_prefixes[kind].prefix, strlen(suppress_prefixes[kind].prefix)) !=
           0)
        kind++;
    suppress->patterns =
        memory_resize(suppress->patterns, suppress->count + 1, sizeof *suppress->patterns);
    suppress->patterns[suppress->count++] = (struct suppress_pattern){
        .kinds = suppress_prefixes[kind].kinds,
        .pattern = memory_copy(line + strlen(suppress_prefixes[kind].prefix)),
    };
}

void suppress_read(struct suppress *suppress, const char *path) {
    suppress->files++;
    char *line = NULL;
    size_t room = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        say_and_exit(STATUS_USAGE, "--suppress: cannot read %s: %s", path, strerror(errno));
    while (getline(&line, &room, file) >= 0)
        suppress_add(suppress, line);
    bool failed = ferror(file) != 0;
    free(line);
    fclose(file);
    if (failed)
        say_and_exit(STATUS_USAGE, "--suppress: cannot read %s", path);
}

static bool suppress_is_like(const char *pattern, const char *text) {
    return text != NULL && fnmatch(pattern, text, 0) == 0;
}

static bool suppress_pattern_matches(const char *pattern, const struct symbols *symbols,
                                     size_t number) {
    const struct symbols_frame *frame = &symbols->frames[number];
    const char *module = path_name(symbols->modules[frame->module].path);
    if (suppress_is_like(pattern, module))
        return true;
    for (unsigned i = 0; i < frame->place_count; i++)
        if (suppress_is_like(pattern, frame->places[i].function) ||
            suppress_is_like(pattern, path_name(frame->places[i].file)))
            return true;
    return false;
}

bool suppress_matches(const struct suppress *suppress, enum suppress_kind kind,
                      const struct symbols *symbols, size_t frame) {
    for (size_t i = 0; i < suppress->count; i++)
        if ((suppress->patterns[i].kinds & kind) != 0 &&
            suppress_pattern_matches(suppress->patterns[i].pattern, symbols, frame))
            return true;
    return false;
}

void suppress_free(struct suppress *suppress) {
    for (size_t i = 0; i < suppress->count; i++)
        free(suppress->patterns[i].pattern);
    free(suppress->patterns);
    *suppress = (struct suppress){0};
}
