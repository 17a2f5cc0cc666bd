/* If this failed, a program that the shim cannot reach would be measured all the same, or a broken
 * file would crash tagpool. */
#include "tap.h"

#include "base/randomness.h"
#include "target/elf_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static char path[] = "/tmp/tagpool-test-elf-XXXXXX";

static void write_file(const unsigned char *bytes, size_t count) {
    int descriptor = open(path, O_WRONLY | O_TRUNC);
    if (descriptor < 0 || write(descriptor, bytes, count) != (ssize_t)count)
        abort();
    close(descriptor);
}

static unsigned char *read_self(size_t *count) {
    FILE *in = fopen("/proc/self/exe", "rb");
    if (in == NULL || fseek(in, 0, SEEK_END) != 0)
        return NULL;
    *count = (size_t)ftell(in);
    unsigned char *bytes = malloc(*count);
    rewind(in);
    *count = fread(bytes, 1, *count, in);
    fclose(in);
    return bytes;
}

static void this_program_is_native_and_dynamic_with_the_c_library(void) {
    struct elf_file file;
    bool libc = false;
    CHECK(elf_file_read("/proc/self/exe", &file));
    CHECK(file.is_elf && file.is_native && file.has_loader);
    CHECK(!file.is_go && file.exports == NULL);
    for (unsigned i = 0; i < file.needed_count; i++)
        libc = libc || strncmp(file.needed[i], "libc.", 5) == 0;
    CHECK(libc);
    elf_file_free(&file);
}

static void a_file_that_is_not_elf_is_told_apart(void) {
    struct elf_file file;
    write_file((const unsigned char *)"#!/bin/sh\n", 10);
    CHECK(elf_file_read(path, &file) && !file.is_elf);
    write_file((const unsigned char *)"", 0);
    CHECK(elf_file_read(path, &file) && !file.is_elf);
    CHECK(!elf_file_read("/nonexistent/file", &file));
}

static void broken_and_truncated_files_do_no_harm(void) {
    struct randomness randomness = {3};
    size_t count;
    unsigned char *bytes = read_self(&count);
    if (bytes == NULL) {
        tap_skip("no /proc");
        return;
    }
    for (int trial = 0; trial < 300; trial++) {
        struct elf_file file;
        unsigned char saved[64];
        size_t length = trial % 3 == 0 ? randomness_below(&randomness, (uint32_t)count) : count;
        /* A scribble in the head, in the sections' table at the end, or anywhere. */
        size_t at = trial % 3 == 1 ? 16 + randomness_below(&randomness, 40)
                                   : randomness_below(&randomness, (uint32_t)(count - 64));
        if (trial % 2 == 0)
            at = count - 64 - randomness_below(&randomness, 1024);
        memcpy(saved, bytes + at, sizeof saved);
        for (unsigned i = 0; i < 8; i++)
            bytes[at + randomness_below(&randomness, 64)] =
                (unsigned char)randomness_next(&randomness);
        write_file(bytes, length);
        CHECK(elf_file_read(path, &file));
        elf_file_free(&file);
        memcpy(bytes + at, saved, sizeof saved);
    }
    free(bytes);
}

int main(void) {
    int descriptor = mkstemp(path);
    if (descriptor < 0)
        abort();
    close(descriptor);
    TAP_RUN(this_program_is_native_and_dynamic_with_the_c_library);
    TAP_RUN(a_file_that_is_not_elf_is_told_apart);
    TAP_RUN(broken_and_truncated_files_do_no_harm);
    unlink(path);
    return tap_done();
}
