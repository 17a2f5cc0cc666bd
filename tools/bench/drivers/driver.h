/* What the drivers have in common: `NAME FILE REPEAT` reads a file once, has a library parse and
 * free it REPEAT times, and prints what the last tree held, so that runs can be compared by their
 * output.
 *
 * A driver is one function, driver_parse, that calls the library as its manual shows. Only the
 * library differs from driver to driver. Compiles as C and as C++.
 */
#ifndef DRIVERS_DRIVER_H
#define DRIVERS_DRIVER_H

#include "bench/workloads/command_line.h"
#include "bench/workloads/digest.h"
#include "bench/workloads/input.h"

/* Parses `text` (a NUL follows it) and frees what came of it; adds it to `digest` unless that is
 * NULL. Returns NULL, or what is wrong with the text. */
typedef const char *driver_parse(const char *text, size_t length, struct digest *digest);

static inline int driver_main(const char *name, driver_parse *parse, int argc, char **argv) {
    const struct command command = {name, "FILE|- REPEAT", NULL, 0, 2, 2};
    char **operands = argv + command_parse(&command, argc, argv);
    uint64_t repeat = command_number(&command, operands[1], 1, 1000000000);
    struct input input = input_read(name, operands[0]);
    struct digest digest;
    const char *error = NULL;
    digest_init(&digest);
    for (uint64_t round = 1; round <= repeat && error == NULL; round++)
        error = parse(input.bytes, input.length, round == repeat ? &digest : NULL);
    free(input.bytes);
    if (error != NULL) {
        fprintf(stderr, "%s: cannot parse %s: %s\n", name, operands[0], error);
        return 1;
    }
    printf("%" PRIu64 " nodes, checksum %016" PRIx64 "\n", digest.count, digest.hash);
    return 0;
}

#endif
