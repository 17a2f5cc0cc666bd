#include "launch/spool.h"

#include "base/interrupt.h"
#include "base/memory.h"
#include "base/say.h"
#include "base/size.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SPOOL_CHUNK_BYTES = 65536, SPOOL_PATIENCE_MS = 2000 };
#define SPOOL_MOST_BYTES ((uint64_t)1 << 30)

/* What is kept leaves the programs that are measured most of the machine's memory. And it is a file
 * for the limit on files, beyond which a signal ends us. */
static uint64_t spool_most_bytes(void) {
    enum { SHARE = 4 };
    uint64_t most_bytes = SPOOL_MOST_BYTES;
    long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
    if (pages > 0 && page_bytes > 0 && (uint64_t)pages < most_bytes / (uint64_t)page_bytes * SHARE)
        most_bytes = (uint64_t)pages * (uint64_t)page_bytes / SHARE;
    struct rlimit files;
    if (getrlimit(RLIMIT_FSIZE, &files) == 0 && files.rlim_cur < most_bytes)
        most_bytes = files.rlim_cur;
    return most_bytes;
}

/* It may have no end, as that of `yes`. */
static void spool_refuse_more(uint64_t most_bytes) {
    double most = (double)most_bytes;
    const char *unit = size_unit(&most);
    say_and_exit(STATUS_USAGE,
                 "standard input has more than the %.4g %s that are kept for all runs: "
                 "write it to a file for --input FILE, or cut it with 'head -c'",
                 most, unit);
}

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
    uint64_t kept_bytes = 0, most_bytes = spool_most_bytes();
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
        kept_bytes += (uint64_t)bytes;
        if (kept_bytes > most_bytes)
            spool_refuse_more(most_bytes);
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
