#include "launch/output.h"

#include "base/say.h"
#include "base/words.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Ends the program when no run could write to that file. It is left as it is: there may be no run.
 */
static void output_check_file(const char *path) {
    struct stat about;
    int error = 0;
    if (stat(path, &about) == 0) {
        if (S_ISDIR(about.st_mode))
            error = EISDIR;
        else if (access(path, W_OK) != 0)
            error = errno;
    } else {
        int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file >= 0) {
            close(file);
            unlink(path);
        } else if (errno != EEXIST) {
            error = errno;
        }
    }
    if (error != 0)
        say_and_exit(STATUS_USAGE, "cannot write --output %s: %s", path, strerror(error));
}

const char *output_file(const char *output) {
    static const char *const words[] = {"null", "inherit", "pipe", NULL};
    return words_find(words, output) < 0 ? output : NULL;
}

void output_look(const char *output) {
    if (output_file(output) != NULL)
        output_check_file(output);
}

int output_open(const char *output, int standard, bool to_error) {
    if (strcmp(output, "inherit") == 0)
        return fcntl(to_error ? STDERR_FILENO : standard, F_DUPFD_CLOEXEC, 3);
    if (strcmp(output, "null") == 0 || standard == STDERR_FILENO)
        return open("/dev/null", O_WRONLY | O_CLOEXEC);
    return open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
}

bool output_run(struct launch *launch, const char *output, bool to_error,
                const struct numbers *numbers, struct capture *capture) {
    if (numbers != NULL || strcmp(output, "pipe") == 0)
        return capture_run(launch, numbers, capture);
    launch->descriptors[1] = output_open(output, STDOUT_FILENO, to_error);
    if (launch->descriptors[1] < 0)
        return false;
    launch->descriptors[2] = output_open(output, STDERR_FILENO, to_error);
    bool run =
        launch->descriptors[2] >= 0 && launcher_begin(launch) && launcher_finish(&capture->result);
    close(launch->descriptors[1]);
    if (launch->descriptors[2] >= 0)
        close(launch->descriptors[2]);
    return run;
}
