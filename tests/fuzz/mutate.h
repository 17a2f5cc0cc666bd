/* Inputs for a fuzz target without a fuzzer: the files of its corpus, and random changes of them.
 *
 * A target is tests/fuzz/fuzz_X.c, which defines LLVMFuzzerTestOneInput(); `make fuzz` links it
 * with libFuzzer where clang has it. A test includes the same file and this one, and runs it on a
 * fixed sequence. A target aborts when something does not hold.
 *
 * TAGPOOL_FUZZ_SEED=N chooses another sequence, TAGPOOL_FUZZ_SECONDS=N goes on for that time.
 */
#ifndef MUTATE_H
#define MUTATE_H

#include "random.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MUTATE_FILES = 64, MUTATE_BYTES = 4096 };

struct mutate_input {
    size_t bytes;
    uint8_t data[MUTATE_BYTES];
};

struct mutate {
    uint64_t random;
    size_t count;
    struct mutate_input inputs[MUTATE_FILES];
};

static inline uint32_t mutate_random(struct mutate *mutate, uint32_t below) {
    return random_below(&mutate->random, below);
}

/* The files of a folder, cut to MUTATE_BYTES; false if there is none. */
static inline bool mutate_read_corpus(struct mutate *mutate, const char *folder) {
    DIR *directory = opendir(folder);
    mutate->count = 0;
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        char path[512];
        if (entry->d_name[0] == '.' || mutate->count == MUTATE_FILES)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        FILE *file = fopen(path, "r");
        if (file == NULL)
            continue;
        struct mutate_input *input = &mutate->inputs[mutate->count++];
        input->bytes = fread(input->data, 1, sizeof input->data, file);
        fclose(file);
    }
    if (directory != NULL)
        closedir(directory);
    return mutate->count != 0;
}

static inline void mutate_once(struct mutate *mutate, struct mutate_input *input) {
    static const uint8_t odd[] = {0, 1, 0x7f, 0x80, 0xff, '=', ',', '-', 'K', '9'};
    size_t place = input->bytes != 0 ? mutate_random(mutate, (uint32_t)input->bytes) : 0;
    size_t length = 1 + mutate_random(mutate, 16);
    switch (mutate_random(mutate, 6)) {
    case 0: /* another byte */
        if (input->bytes != 0)
            input->data[place] = (uint8_t)mutate_random(mutate, 256);
        break;
    case 1: /* one that is often special */
        if (input->bytes != 0)
            input->data[place] = odd[mutate_random(mutate, sizeof odd)];
        break;
    case 2: /* cut */
        input->bytes = place;
        break;
    case 3: /* append */
        for (size_t i = 0; i < length && input->bytes < MUTATE_BYTES; i++)
            input->data[input->bytes++] = (uint8_t)mutate_random(mutate, 256);
        break;
    case 4: /* leave some out */
        if (place + length < input->bytes) {
            memmove(input->data + place, input->data + place + length,
                    input->bytes - place - length);
            input->bytes -= length;
        }
        break;
    default: /* twice */
        if (place + length < input->bytes && input->bytes + length < MUTATE_BYTES) {
            memmove(input->data + place + length, input->data + place, input->bytes - place);
            input->bytes += length;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* The corpus as it is, then `runs` inputs made of it. The number of inputs tried. */
static inline uint64_t mutate_run(struct mutate *mutate, uint64_t runs) {
    const char *seed = getenv("TAGPOOL_FUZZ_SEED");
    const char *seconds = getenv("TAGPOOL_FUZZ_SECONDS");
    time_t end = time(NULL) + (seconds != NULL ? atol(seconds) : 0);
    uint64_t tried = 0;
    mutate->random = seed != NULL ? strtoull(seed, NULL, 10) : 1;
    for (; tried < mutate->count; tried++)
        LLVMFuzzerTestOneInput(mutate->inputs[tried].data, mutate->inputs[tried].bytes);
    while (tried < runs || time(NULL) < end) {
        struct mutate_input input = mutate->inputs[mutate_random(mutate, (uint32_t)mutate->count)];
        for (uint32_t changes = 1 + mutate_random(mutate, 8); changes > 0; changes--)
            mutate_once(mutate, &input);
        LLVMFuzzerTestOneInput(input.data, input.bytes);
        tried++;
    }
    return tried;
}

#endif
