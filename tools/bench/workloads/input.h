/* A whole file in memory, with a terminating NUL behind it that does not count. Compiles as C and
 * C++. */
#ifndef WORKLOADS_INPUT_H
#define WORKLOADS_INPUT_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct input {
    char *bytes; /* from malloc; free it when done */
    size_t length;
};

__attribute__((noreturn)) static inline void input_fail(const char *name, const char *path,
                                                        int error) {
    fprintf(stderr, "%s: cannot read %s: %s\n", name, path, strerror(error));
    exit(1);
}

/* Reads `path`, or standard input for "-". On failure says so in the name of the program, exit 1.
 */
static inline struct input input_read(const char *name, const char *path) {
    int is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "rb");
    if (file == NULL)
        input_fail(name, path, errno);
    struct input input = {NULL, 0};
    size_t capacity = 1u << 16;
    for (;;) {
        char *larger = (char *)realloc(input.bytes, capacity);
        if (larger == NULL)
            input_fail(name, path, ENOMEM);
        input.bytes = larger;
        input.length += fread(input.bytes + input.length, 1, capacity - 1 - input.length, file);
        if (input.length < capacity - 1)
            break;
        capacity *= 2;
    }
    if (ferror(file))
        input_fail(name, path, errno);
    if (!is_stdin)
        fclose(file);
    input.bytes[input.length] = '\0';
    return input;
}

#endif
