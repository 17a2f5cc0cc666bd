#include "pages/shared_file.h"

#include "base/leftover.h"
#include "base/memory.h"
#include "base/say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool shared_file_fill(int descriptor, const struct shared_content *content) {
    int error = posix_fallocate(descriptor, 0, (off_t)content->bytes);
    if (error != 0) {
        errno = error;
        return false;
    }
    return pwrite(descriptor, content->head, content->head_bytes, 0) ==
           (ssize_t)content->head_bytes;
}

void shared_file_create(struct shared_file *file, const struct shared_content *content) {
    const char *directories[] = {getenv("TMPDIR"), "/dev/shm", "/tmp", "/var/tmp"};
    int error = ENOENT;
    for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++) {
        if (directories[i] == NULL || directories[i][0] != '/')
            continue;
        char *path = memory_format("%s/tagpool-%s-XXXXXX", directories[i], content->kind);
        int descriptor = mkostemp(path, O_CLOEXEC);
        if (descriptor >= 0 && shared_file_fill(descriptor, content)) {
            close(descriptor);
            file->path = path;
            leftover_note(path);
            return;
        }
        error = errno;
        if (descriptor >= 0) {
            unlink(path);
            close(descriptor);
        }
        free(path);
    }
    say_and_exit(STATUS_OWN_FAILURE,
                 "no room for the %s file: %s; set TMPDIR to a directory with %zu MiB free",
                 content->kind, strerror(error), (content->bytes >> 20) + 1);
}

void shared_file_reset(struct shared_file *file, const struct shared_content *content) {
    int descriptor = open(file->path, O_RDWR | O_CLOEXEC);
    if (descriptor < 0 || ftruncate(descriptor, 0) != 0 || !shared_file_fill(descriptor, content))
        say_and_exit(STATUS_OWN_FAILURE, "cannot reset %s: %s", file->path, strerror(errno));
    close(descriptor);
}

void shared_file_remove(struct shared_file *file) {
    unlink(file->path);
    leftover_forget(file->path);
    free(file->path);
    file->path = NULL;
}

char *shared_file_read(const char *path, size_t most, size_t *bytes) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return NULL;
    char *copy = memory_array(most, 1);
    *bytes = 0;
    while (*bytes < most) {
        ssize_t chunk = read(descriptor, copy + *bytes, most - *bytes);
        if (chunk < 0 && errno == EINTR)
            continue;
        if (chunk <= 0)
            break;
        *bytes += (size_t)chunk;
    }
    close(descriptor);
    return copy;
}
