/* Parses a JSON document into a tree and frees it, as often as asked, and prints the number of
 * values and a checksum of the last tree. The file is read once; each repetition parses it anew. */
#include "command_line.h"
#include "input.h"
#include "json_tree.h"

int main(int argc, char **argv) {
    uint64_t repeat = 1;
    uint64_t keep = 0;
    const struct command_option options[] = {{'r', &repeat, 1, 1000000000}, {'k', &keep, 0, 0}};
    const struct command command = {
        .name = "json_parse",
        .usage = "[-r REPEAT] [-k (leave the last tree to the exit)] FILE|-",
        .options = options,
        .option_count = 2,
        .operands_min = 1,
        .operands_max = 1,
    };
    const char *path = argv[command_parse(&command, argc, argv)];
    struct input input = input_read(command.name, path);
    struct digest digest;
    digest_init(&digest);
    for (uint64_t round = 1; round <= repeat; round++) {
        struct json_result result = json_parse(input.bytes, input.length);
        if (result.root == NULL) {
            fprintf(stderr, "json_parse: %s:%zu: %s\n", path, result.line, result.error);
            free(input.bytes);
            return 1;
        }
        if (round == repeat)
            json_digest(result.root, &digest);
        if (round < repeat || keep == 0)
            json_free(result.root);
    }
    printf("%" PRIu64 " values, checksum %016" PRIx64 "\n", digest.count, digest.hash);
    if (keep == 0)
        free(input.bytes);
    return 0;
}
