/* Strings that grow by realloc, many at a time: some by exactly what is appended, some by doubling,
 * some by half; at a limit they are added to the checksum and begin anew. Prints the checksum. */
#include "command_line.h"
#include "digest.h"
#include "prng.h"

#define STRINGS_MAX 4096

enum growth { GROWTH_EXACT, GROWTH_DOUBLING, GROWTH_HALF };

struct string {
    char *bytes;
    size_t length;
    size_t capacity;
    size_t limit;
    enum growth growth;
};

static size_t string_next_capacity(const struct string *string, size_t needed) {
    size_t capacity = string->capacity == 0 ? 16 : string->capacity;
    if (string->growth == GROWTH_EXACT)
        return needed;
    while (capacity < needed)
        capacity += string->growth == GROWTH_DOUBLING ? capacity : capacity / 2;
    return capacity;
}

static void string_append(struct string *string, char letter, size_t count) {
    size_t needed = string->length + count + 1;
    if (needed > string->capacity) {
        size_t capacity = string_next_capacity(string, needed);
        char *larger = realloc(string->bytes, capacity);
        if (larger == NULL) {
            fprintf(stderr, "grow: out of memory: no string of %zu bytes\n", capacity);
            exit(1);
        }
        string->bytes = larger;
        string->capacity = capacity;
    }
    memset(string->bytes + string->length, letter, count);
    string->length += count;
    string->bytes[string->length] = '\0';
}

/* Gives what is not used back first, as builders of strings do when they are finished. */
static void string_finish(struct string *string, struct digest *digest) {
    if (string->bytes == NULL)
        return;
    char *fitting = realloc(string->bytes, string->length + 1);
    if (fitting != NULL)
        string->bytes = fitting;
    digest_string(digest, string->bytes);
    digest->count++;
    free(string->bytes);
    string->bytes = NULL;
    string->length = string->capacity = 0;
}

int main(int argc, char **argv) {
    static struct string strings[STRINGS_MAX];
    uint64_t rounds = 3000000;
    uint64_t count = 64;
    uint64_t limit = 2048;
    const struct command_option options[] = {
        {'n', &rounds, 1, 1000000000},
        {'c', &count, 1, STRINGS_MAX},
        {'b', &limit, 64, UINT64_C(1) << 30},
    };
    const struct command command = {
        .name = "grow",
        .usage =
            "[-n APPENDS] [-c STRINGS (at a time)] [-b BYTES (limit; some go 16 times as far)]",
        .options = options,
        .option_count = 3,
    };
    command_parse(&command, argc, argv);
    for (uint64_t i = 0; i < count; i++) {
        strings[i].growth = (enum growth)(i % 3);
        strings[i].limit = i % 8 == 7 ? limit * 16 : limit;
    }
    struct prng prng = {.state = 1};
    struct digest digest;
    digest_init(&digest);
    for (uint64_t round = 0; round < rounds; round++) {
        struct string *string = &strings[prng_below(&prng, count)];
        uint64_t draw = prng_next(&prng);
        string_append(string, (char)('a' + draw % 26), 1 + (draw >> 8) % 40);
        if (string->length >= string->limit)
            string_finish(string, &digest);
    }
    for (uint64_t i = 0; i < count; i++)
        string_finish(&strings[i], &digest);
    printf("%" PRIu64 " strings grown, checksum %016" PRIx64 "\n", digest.count, digest.hash);
    return 0;
}
