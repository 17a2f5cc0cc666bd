#include "target/arena.h"

#include "base/memory.h"
#include "base/path.h"
#include "target/elf_file.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const struct arena arenas[] = {
    {
        .title = "Python",
        .programs = {"python"},
        .library = "libpython",
        .serves = "objects of up to 512 bytes",
        .reaches = "larger blocks, and extensions in C that call malloc themselves (lxml)",
        .variable = "PYTHONMALLOC",
        .off_values = {"malloc", "malloc_debug"},
    },
    {
        .title = "PHP",
        .programs = {"php", "php-fpm", "php-cgi"},
        .library = "libphp",
        .serves = "all values of a script",
        .reaches = "the libraries that it calls, of XML for example",
        .variable = "USE_ZEND_ALLOC",
        .off_values = {"0"},
    },
    {
        .title = "PostgreSQL",
        .programs = {"postgres", "postmaster"},
        .serves = "what its memory contexts hold, in pieces of 8 KiB and more from malloc",
        .reaches = "the libraries that it calls",
    },
    {
        .title = "Node.js",
        .programs = {"node", "nodejs"},
        .library = "libnode",
        .serves = "all JavaScript objects",
        .reaches = "its parts in C and C++, buffers among them",
    },
    {
        .title = "Java",
        .programs = {"java"},
        .library = "libjvm",
        .serves = "all Java objects",
        .reaches = "the virtual machine's own memory, its compiler's for example, and native "
                   "libraries",
    },
    {
        .title = "Erlang",
        .programs = {"beam.smp", "erlexec", "erl"},
        .serves = "what its processes hold",
        .reaches = "native libraries that call malloc themselves",
    },
    {
        .title = "Mono or .NET",
        .programs = {"mono", "mono-sgen", "dotnet"},
        .serves = "all managed objects",
        .reaches = "the runtime's own memory and native libraries",
    },
    {
        .title = "Ruby",
        .programs = {"ruby"},
        .library = "libruby",
        .serves = "the slots of its objects",
        .reaches = "what does not fit into a slot (strings, arrays, tables) and extensions in C",
    },
};

enum { ARENAS = sizeof arenas / sizeof arenas[0] };

/* "python3.11" and "python" are "python"; "pythonic" is not. */
static bool arena_is_program(const char *file, const char *program) {
    size_t length = strlen(program);
    return strncmp(file, program, length) == 0 &&
           strspn(file + length, "0123456789.-") == strlen(file + length);
}

static const struct arena *arena_by_name(const char *file) {
    for (int i = 0; i < ARENAS; i++)
        for (size_t j = 0; j < sizeof arenas[i].programs / sizeof arenas[i].programs[0]; j++)
            if (arenas[i].programs[j] != NULL && arena_is_program(file, arenas[i].programs[j]))
                return &arenas[i];
    return NULL;
}

static const struct arena *arena_by_library(const struct elf_file *file) {
    for (int i = 0; i < ARENAS; i++)
        for (unsigned j = 0; arenas[i].library != NULL && j < file->needed_count; j++)
            if (strncmp(file->needed[j], arenas[i].library, strlen(arenas[i].library)) == 0)
                return &arenas[i];
    return NULL;
}

const struct arena *arena_of(const char *binary) {
    struct elf_file file;
    if (binary == NULL)
        return NULL;
    const struct arena *arena = arena_by_name(path_name(binary));
    if (arena != NULL || !elf_file_read(binary, &file))
        return arena;
    arena = arena_by_library(&file);
    elf_file_free(&file);
    return arena;
}

bool arena_is_off(const struct arena *arena) {
    const char *value = arena->variable != NULL ? getenv(arena->variable) : NULL;
    for (int i = 0; value != NULL && arena->off_values[i] != NULL; i++)
        if (strcmp(arena->off_values[i], value) == 0)
            return true;
    return false;
}

char *arena_setting(const struct arena *arena) {
    if (arena->variable == NULL)
        return NULL;
    return memory_format("%s=%s", arena->variable, arena->off_values[0]);
}
