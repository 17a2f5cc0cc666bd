#include "replay/times.h"

#include "base/say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void times_create(struct shared_file *file) {
    shared_file_create(file, &(struct shared_content){.kind = "replay", .head = "", .bytes = 1});
    if (truncate(file->path, 0) != 0)
        say_and_exit(STATUS_OWN_FAILURE, "cannot empty %s: %s", file->path, strerror(errno));
}

void times_append(const char *path, const struct replay_result *result) {
    int file = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (file < 0 || write(file, result, sizeof *result) != (ssize_t)sizeof *result)
        say_and_exit(STATUS_OWN_FAILURE, "cannot write to %s: %s", path, strerror(errno));
    close(file);
}

void times_keep_first(const char *path, unsigned count) {
    struct stat about;
    off_t bytes = (off_t)count * (off_t)sizeof(struct replay_result);
    if (stat(path, &about) == 0 && about.st_size > bytes && truncate(path, bytes) != 0)
        say_and_exit(STATUS_OWN_FAILURE, "cannot shorten %s: %s", path, strerror(errno));
}

struct replay_result *times_read(const char *path, unsigned before, unsigned count) {
    size_t bytes, wanted = (before + count) * sizeof(struct replay_result);
    struct replay_result *results = (void *)shared_file_read(path, wanted + 1, &bytes);
    if (results == NULL)
        return NULL;
    bool sound = bytes == wanted;
    for (unsigned i = 0; sound && i < before + count; i++)
        sound = results[i].magic == REPLAY_RESULT_MAGIC && results[i].calls != 0;
    if (!sound) {
        free(results);
        return NULL;
    }
    memmove(results, results + before, count * sizeof *results);
    return results;
}
