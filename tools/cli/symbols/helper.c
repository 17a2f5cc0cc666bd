#include "symbols/helper.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HELPER_SILENCE_MS = 60000, HELPER_CHUNK_BYTES = 65536 };

char *symbols_helper_find(const char *name) {
    const char *folder = getenv("PATH");
    if (folder == NULL)
        folder = "/usr/bin:/bin";
    for (;;) {
        size_t length = strcspn(folder, ":");
        /* A relative folder would find another program wherever we are started. */
        char *path = memory_format("%.*s/%s", (int)length, folder, name);
        if (path[0] == '/' && length != 0 && access(path, X_OK) == 0)
            return path;
        free(path);
        if (folder[length] == '\0')
            return NULL;
        folder += length + 1;
    }
}

/* Our environment without what is preloaded, in an array whose strings are not its own. */
static char **helper_environment(void) {
    static char locale[] = "LC_ALL=C";
    size_t count = 0, kept = 0;
    while (environ[count] != NULL)
        count++;
    char **environment = memory_array(count + 2, sizeof *environment);
    for (size_t i = 0; i < count; i++)
        if (strncmp(environ[i], "LD_PRELOAD=", 11) != 0 && strncmp(environ[i], "LC_ALL=", 7) != 0 &&
            strncmp(environ[i], "TAGPOOL_", 8) != 0)
            environment[kept++] = environ[i];
    environment[kept] = locale;
    return environment;
}

/* A file without a name that holds the input: a pipe could fill up while nobody reads the output.
 * -1 if there is none. */
static int helper_input(const char *input, size_t bytes) {
    int descriptor = memfd_create("input", MFD_CLOEXEC);
    for (size_t done = 0; descriptor >= 0 && done < bytes;) {
        ssize_t chunk = pwrite(descriptor, input + done, bytes - done, (off_t)done);
        if (chunk < 0) {
            close(descriptor);
            return -1;
        }
        done += (size_t)chunk;
    }
    return descriptor;
}

static pid_t helper_start(char *const *argv, int input, int output) {
    posix_spawn_file_actions_t actions;
    pid_t child = -1;
    char **environment = helper_environment();
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (posix_spawn(&child, argv[0], &actions, NULL, argv, environment) != 0)
        child = -1;
    posix_spawn_file_actions_destroy(&actions);
    free(environment);
    return child;
}

/* Reads to the end. False if the helper has nothing to say for too long. */
static bool helper_read(int descriptor, char **text, size_t *bytes) {
    struct pollfd watched = {.fd = descriptor, .events = POLLIN};
    for (;;) {
        int ready = poll(&watched, 1, HELPER_SILENCE_MS);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return false;
        *text = memory_resize(*text, *bytes + HELPER_CHUNK_BYTES + 1, 1);
        ssize_t chunk = read(descriptor, *text + *bytes, HELPER_CHUNK_BYTES);
        if (chunk < 0 && errno == EINTR)
            continue;
        if (chunk <= 0)
            return chunk == 0;
        *bytes += (size_t)chunk;
    }
}

static bool helper_ended_well(pid_t child, bool complete) {
    int status;
    if (!complete)
        kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    return complete && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

char *symbols_helper_run(char *const *argv, const char *input, size_t input_bytes, size_t *bytes) {
    int pipes[2];
    *bytes = 0;
    int in = helper_input(input, input_bytes);
    if (in < 0)
        return NULL;
    if (pipe2(pipes, O_CLOEXEC) != 0) {
        close(in);
        return NULL;
    }
    char *text = memory_array(1, 1);
    pid_t child = helper_start(argv, in, pipes[1]);
    close(in);
    close(pipes[1]);
    bool complete = child >= 0 && helper_read(pipes[0], &text, bytes);
    close(pipes[0]);
    if (child >= 0 && helper_ended_well(child, complete)) {
        text[*bytes] = '\0';
        return text;
    }
    free(text);
    *bytes = 0;
    return NULL;
}
