/* Starts a test as from a fresh login. What the shell that says `make test` holds open, ignores or
 * has set does not reach the test.
 *
 *   start [NAME=VALUE...] COMMAND [ARGUMENT...]
 *
 * The command gets three descriptors, the mask 022, every signal with its default action and none
 * blocked, no core files, the C locale, UTC, and an environment without the variables below but
 * with those that are given. 125: it could not be prepared; 126 and 127 as env(1) says.
 */
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

/* What changes how the programs of these tests run or print. */
static const char *const removed[] = {
    /* the language */
    "LANG", "LANGUAGE", "LC_*", "TZ",
    /* the allocators */
    "LD_PRELOAD", "TAGPOOL_OPTIONS", "TAGPOOL_LIBRARY", "TAGPOOL_STATS", "TAGPOOL_TEST_SHIM",
    "MALLOC_*", "GLIBC_TUNABLES",
    /* the tools */
    "NO_COLOR", "COLUMNS", "CDPATH", "POSIXLY_CORRECT", "VALGRIND_OPTS", "MAKEFLAGS", "MFLAGS",
    "MAKELEVEL", "GNUMAKEFLAGS", "V"};

static bool is_removed(const char *name) {
    for (size_t i = 0; i < sizeof removed / sizeof removed[0]; i++)
        if (fnmatch(removed[i], name, 0) == 0)
            return true;
    return false;
}

static void clean_environment(void) {
    for (char **at = environ; *at != NULL;) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(*at, "="), *at);
        if (is_removed(name) && unsetenv(name) == 0)
            at = environ; /* the rest has moved */
        else
            at++;
    }
    setenv("TZ", "UTC0", 1);
}

/* A descriptor of the folder is closed with the others; the folder is read again until none is
 * left. */
static bool close_descriptors(void) {
    bool closed = true;
    while (closed) {
        DIR *folder = opendir("/proc/self/fd");
        closed = false;
        if (folder == NULL)
            return false;
        for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
            int descriptor = (int)strtol(entry->d_name, NULL, 10);
            if (descriptor > STDERR_FILENO && descriptor != dirfd(folder))
                closed = close(descriptor) == 0 || closed;
        }
        closedir(folder);
    }
    return true;
}

static void reset_signals(void) {
    sigset_t none;
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL); /* not that of SIGKILL, or of the C library's own */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

int main(int argc, char **argv) {
    int command = 1;
    clean_environment();
    while (command < argc && strchr(argv[command], '=') != NULL)
        putenv(argv[command++]);
    if (command >= argc || !close_descriptors()) {
        fprintf(stderr, "usage: start [NAME=VALUE...] COMMAND [ARGUMENT...], with /proc mounted\n");
        return 125;
    }
    reset_signals();
    umask(022);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    execvp(argv[command], argv + command);
    int error = errno;
    fprintf(stderr, "start: %s: %s\n", argv[command], strerror(error));
    return error == ENOENT ? 127 : 126;
}
