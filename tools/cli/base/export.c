#include "base/export.h"

#include "base/leftover.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- before the measurement ---- */

/* Standard output or standard error: what was printed there must stay, and its name too. */
static bool export_is_printed_to(const struct stat *about) {
    struct stat ours;
    for (int i = STDOUT_FILENO; i <= STDERR_FILENO; i++)
        if (fstat(i, &ours) == 0 && ours.st_dev == about->st_dev && ours.st_ino == about->st_ino)
            return true;
    return false;
}

/* The file behind the links of a path, in a new string; only its folder need be there. NULL with
 * errno. */
static char *export_resolve(const char *path) {
    char *resolved = realpath(path, NULL);
    const char *name = path_name(path);
    if (resolved != NULL || name[0] == '\0')
        return resolved;
    char *folder = memory_format("%.*s.", (int)(name - path), path);
    char *resolved_folder = realpath(folder, NULL);
    free(folder);
    if (resolved_folder == NULL)
        return NULL;
    resolved = memory_format("%s/%s", resolved_folder, name);
    free(resolved_folder);
    return resolved;
}

/* Creates the file that is renamed in the end; `part` is a new string then. -1 with errno. */
static int export_create_part(const struct export *export, char **part) {
    *part = memory_format("%s.%ld.part", export->target, (long)getpid());
    unlink(*part);
    int file = open(*part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    int error = errno;
    if (file < 0)
        free(*part);
    errno = error;
    return file;
}

/* Can the file be replaced? False with errno. */
static bool export_try(struct export *export) {
    char *part;
    export->target = export_resolve(export->path);
    if (export->target == NULL || (export->mode != 0 && access(export->target, W_OK) != 0))
        return false;
    int file = export_create_part(export, &part);
    if (file < 0)
        return false;
    close(file);
    unlink(part);
    free(part);
    return true;
}

void export_open(struct export *export, const char *path) {
    export_open_for(export, "--export-json", path);
}

void export_open_for(struct export *export, const char *option, const char *path) {
    struct stat about;
    *export = (struct export){.option = option, .path = path, .descriptor = -1};
    if (path == NULL || export_is_standard_output(export))
        return;
    bool exists = stat(path, &about) == 0;
    bool replaced = !exists || (S_ISREG(about.st_mode) && about.st_nlink == 1 &&
                                about.st_uid == geteuid() && !export_is_printed_to(&about));
    export->mode = exists ? about.st_mode : 0;
    if (replaced && export_try(export))
        return;
    free(export->target);
    export->target = NULL;
    if (exists)
        export->descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY);
    if (export->descriptor < 0)
        say_and_exit(STATUS_USAGE, "cannot write %s %s: %s", option, path, strerror(errno));
}

void export_refuse_same(const struct export *first, const struct export *second) {
    if (export_is_standard_output(first) && export_is_standard_output(second))
        say_and_exit(STATUS_USAGE, "%s and %s both go to standard output; give one of them a file",
                     first->option, second->option);
    if (first->target != NULL && second->target != NULL &&
        strcmp(first->target, second->target) == 0)
        say_and_exit(STATUS_USAGE, "%s and %s both go to %s; give one of them another file",
                     first->option, second->option, second->path);
}

void export_refuse_output(const struct export *export, const char *path) {
    if (path == NULL)
        return;
    struct export file = {.option = "--output", .path = path, .target = export_resolve(path)};
    export_refuse_same(export, &file);
    free(file.target);
}

/* ---- the result ---- */

bool export_is_standard_output(const struct export *export) {
    return export->path != NULL && strcmp(export->path, "-") == 0;
}

FILE *export_begin(struct export *export) {
    if (export->path == NULL)
        return NULL;
    export->out = export_is_standard_output(export)
                      ? stdout
                      : open_memstream(&export->text, &export->text_bytes);
    if (export->out == NULL)
        say_and_exit(STATUS_OWN_FAILURE, "out of memory");
    return export->out;
}

static bool export_write(const struct export *export, int file) {
    for (size_t done = 0; done < export->text_bytes;) {
        ssize_t written = write(file, export->text + done, export->text_bytes - done);
        if (written < 0 && errno != EINTR)
            return false;
        done += written > 0 ? (size_t)written : 0;
    }
    return true;
}

/* Both give 0 or an errno value. */
static int export_replace(struct export *export) {
    char *part;
    int file = export_create_part(export, &part);
    if (file < 0)
        return errno;
    leftover_note(part);
    bool written =
        (export->mode == 0 || fchmod(file, export->mode & 0777) == 0) && export_write(export, file);
    int error = written ? 0 : errno;
    if (close(file) != 0 && error == 0)
        error = errno;
    if (error == 0 && rename(part, export->target) != 0)
        error = errno;
    if (error != 0)
        unlink(part);
    leftover_forget(part);
    free(part);
    return error;
}

static int export_overwrite(struct export *export) {
    struct stat about;
    int file = export->descriptor;
    fflush(stdout);
    bool written =
        fstat(file, &about) == 0 &&
        (!S_ISREG(about.st_mode) || export_is_printed_to(&about) || ftruncate(file, 0) == 0) &&
        export_write(export, file);
    int error = written ? 0 : errno;
    if (close(file) != 0 && error == 0)
        error = errno;
    return error;
}

bool export_finish(struct export *export) {
    FILE *out = export->out;
    export->out = NULL;
    /* Standard output is judged when the program ends. */
    if (out == NULL || out == stdout)
        return true;
    if (fclose(out) != 0)
        say_and_exit(STATUS_OWN_FAILURE, "out of memory");
    int error = export->target != NULL ? export_replace(export) : export_overwrite(export);
    free(export->text);
    free(export->target);
    if (error != 0)
        say_error("cannot write %s %s: %s", export->option, export->path, strerror(error));
    return error == 0;
}

void export_end(struct export *export) {
    if (!export_finish(export))
        exit(STATUS_OWN_FAILURE);
}

FILE *export_tables(const struct export *export) {
    return export_is_standard_output(export) ? stderr : stdout;
}
