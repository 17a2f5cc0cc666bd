/* Threads that each parse and free the same JSON document again and again; they share the text, and
 * each tree belongs to one thread. Prints the number of values and the checksum, the same in all.
 */
#include "input.h"
#include "json_document.h"
#include "json_tree.h"
#include "workers.h"

struct reader {
    const char *text;
    size_t length;
    uint64_t repeat;
    struct digest digest;
    struct json_result refused; /* set when the text is no JSON */
};

static void *reader_run(void *context) {
    struct reader *reader = context;
    digest_init(&reader->digest);
    for (uint64_t round = 1; round <= reader->repeat; round++) {
        struct json_result result = json_parse(reader->text, reader->length);
        if (result.root == NULL) {
            reader->refused = result;
            break;
        }
        if (round == reader->repeat)
            json_digest(result.root, &reader->digest);
        json_free(result.root);
    }
    return NULL;
}

int main(int argc, char **argv) {
    uint64_t threads = 2;
    uint64_t repeat = 250;
    uint64_t size = 100 * 1024;
    const struct command_option options[] = {
        {'t', &threads, 1, WORKERS_MAX},
        {'r', &repeat, 1, 1000000000},
        {'b', &size, DOCUMENT_BYTES_MIN, UINT64_C(1) << 30},
    };
    const struct command command = {
        .name = "threads_parse",
        .usage = "[-t THREADS] [-r REPEAT] [-b BYTES (of a generated document)] [FILE|-]",
        .options = options,
        .option_count = 3,
        .operands_max = 1,
    };
    int operand = command_parse(&command, argc, argv);
    struct text text = {.bytes = NULL};
    if (operand < argc) {
        struct input input = input_read(command.name, argv[operand]);
        text = (struct text){.bytes = input.bytes, .length = input.length};
    } else {
        text = document_make(&json_format, 1, size);
    }
    struct reader readers[WORKERS_MAX];
    for (uint64_t i = 0; i < threads; i++)
        readers[i] = (struct reader){.text = text.bytes, .length = text.length, .repeat = repeat};
    workers_run(threads, reader_run, readers, sizeof readers[0]);
    free(text.bytes);
    for (uint64_t i = 0; i < threads; i++) {
        if (readers[i].refused.error != NULL) {
            fprintf(stderr, "threads_parse: line %zu: %s\n", readers[i].refused.line,
                    readers[i].refused.error);
            return 1;
        }
        if (readers[i].digest.hash != readers[0].digest.hash) {
            fprintf(stderr, "threads_parse: threads 0 and %" PRIu64 " read different trees\n", i);
            return 1;
        }
    }
    printf("%" PRIu64 " threads, %" PRIu64 " values, checksum %016" PRIx64 "\n", threads,
           readers[0].digest.count, readers[0].digest.hash);
    return 0;
}
