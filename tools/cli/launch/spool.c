#include "launch/spool.h"

#include "base/interrupt.h"
#include "base/memory.h"
#include "base/say.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SPOOL_CHUNK_BYTES = 65536, SPOOL_PATIENCE_MS = 2000 };

/* An idle pipe looks like a program that hangs: say what is awaited. */
static void spool_announce_wait(int descriptor) {
    struct pollfd watched = {.fd = descriptor, .events = POLLIN};
    if (poll(&watched, 1, SPOOL_PATIENCE_MS) == 0)
        say_note("reading standard input to its end (--input null if the command needs none)");
}

static int spool_into_memory(int descriptor) {
    static char chunk[SPOOL_CHUNK_BYTES];
    int memory = memfd_create("tagpool-input", MFD_CLOEXEC);
    if (memory < 0)
        say_and_exit(STATUS_OWN_FAILURE, "cannot spool standard input: %s", strerror(errno));
    struct pollfd watched = {.fd = descriptor, .events = POLLIN};
    spool_announce_wait(descriptor);
    for (;;) {
        /* A signal ends poll(), where read() goes on. */
        if (!interrupt_came() && poll(&watched, 1, -1) < 0 && errno == EINTR)
            continue;
        if (interrupt_came())
            say_and_exit(interrupt_status(), "interrupted while the input was read: there is no "
                                             "result");
        ssize_t bytes = read(descriptor, chunk, sizeof chunk);
        if (bytes == 0)
            return memory;
        if (bytes < 0 && errno == EINTR)
            continue;
        if (bytes < 0)
            say_and_exit(STATUS_OWN_FAILURE, "cannot read standard input: %s", strerror(errno));
        for (ssize_t done = 0; done < bytes;) {
            ssize_t written = write(memory, chunk + done, (size_t)(bytes - done));
            if (written < 0 && errno != EINTR)
                say_and_exit(STATUS_OWN_FAILURE,
                             "cannot keep standard input in memory: %s; give it as a file with "
                             "--input FILE",
                             strerror(errno));
            done += written > 0 ? written : 0;
        }
    }
}

static int spool_open_file(const char *path) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        say_and_exit(STATUS_USAGE, "cannot read --input %s: %s", path, strerror(errno));
    struct stat about;
    if (fstat(descriptor, &about) == 0 && S_ISDIR(about.st_mode))
        say_and_exit(STATUS_USAGE, "cannot read --input %s: it is a directory", path);
    return descriptor;
}

/* It needs no copy, and a program may look at what its input is. */
static bool spool_is_null_device(const struct stat *about) {
    struct stat null;
    return stat("/dev/null", &null) == 0 && null.st_rdev == about->st_rdev;
}

void spool_open(struct spool *spool, const char *input) {
    struct stat about;
    *spool = (struct spool){.source = -1};
    if (input == NULL)
        input = isatty(0) ? "null" : "-";
    if (strcmp(input, "null") == 0)
        spool->source = spool_open_file("/dev/null");
    else if (strcmp(input, "-") == 0)
        spool->source = fcntl(0, F_DUPFD_CLOEXEC, 3);
    else
        spool->source = spool_open_file(input);
    if (spool->source < 0 || fstat(spool->source, &about) != 0)
        say_and_exit(STATUS_OWN_FAILURE, "cannot use standard input: %s", strerror(errno));
    spool->start = lseek(spool->source, 0, SEEK_CUR);
    if (S_ISREG(about.st_mode) && spool->start >= 0)
        return;
    spool->start = 0;
    if (S_ISCHR(about.st_mode) && (strcmp(input, "-") != 0 || spool_is_null_device(&about)))
        return;
    int memory = spool_into_memory(spool->source);
    close(spool->source);
    spool->source = memory;
}

char *spool_path(const struct spool *spool) {
    return memory_format("/proc/self/fd/%d", spool->source);
}

int spool_descriptor(const struct spool *spool) {
    char *path = spool_path(spool);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    free(path);
    /* Without /proc the runs share one offset; they come one after the other, so that it can be set
     * back. */
    if (descriptor < 0)
        descriptor = fcntl(spool->source, F_DUPFD_CLOEXEC, 3);
    if (descriptor >= 0)
        (void)lseek(descriptor, spool->start, SEEK_SET);
    return descriptor;
}

void spool_close(struct spool *spool) {
    close(spool->source);
    spool->source = -1;
}
