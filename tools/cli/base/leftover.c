#include "base/leftover.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

enum { LEFTOVERS_MAX = 8 };

static const char *volatile leftovers[LEFTOVERS_MAX];

/* Async-signal-safe. */
void leftover_remove_all(void) {
    for (int i = 0; i < LEFTOVERS_MAX; i++) {
        const char *path = leftovers[i];
        if (path != NULL)
            unlink(path);
    }
}

/* Dies of the signal as if nobody had caught it. */
static void leftover_on_signal(int number) {
    leftover_remove_all();
    signal(number, SIG_DFL);
    raise(number);
}

static void leftover_watch(void) {
    static const int fatal[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
    static bool watching;
    if (!watching)
        atexit(leftover_remove_all);
    watching = true;
    for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++) {
        struct sigaction inherited;
        struct sigaction action = {.sa_handler = leftover_on_signal, .sa_flags = SA_NODEFER};
        if (sigaction(fatal[i], NULL, &inherited) == 0 && inherited.sa_handler == SIG_DFL)
            sigaction(fatal[i], &action, NULL);
    }
}

/* Replaces `before` by `after`. */
static void leftover_replace(const char *before, const char *after) {
    for (int i = 0; i < LEFTOVERS_MAX; i++)
        if (leftovers[i] == before) {
            leftovers[i] = after;
            return;
        }
}

void leftover_note(const char *path) {
    leftover_replace(NULL, path);
    leftover_watch();
}

void leftover_forget(const char *path) {
    leftover_replace(path, NULL);
}
