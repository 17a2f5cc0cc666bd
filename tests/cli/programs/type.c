/* Types a line into an interactive shell, as somebody at a terminal would.
 *
 *   type SETUP LINE SHELL [ARGUMENT...]
 *
 * SETUP is typed first; when "READY" has come, LINE, which may hold tabs, and Enter. Prints what
 * the shell writes until "DONE" comes, for at most twenty seconds. Neither word may be in what is
 * typed.
 */
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TYPE_TEXT_BYTES = 1 << 18, TYPE_PATIENCE_S = 20, TYPE_QUIET_MS = 200 };

static char text[TYPE_TEXT_BYTES];
static size_t used;

/* Reads what comes within the time; false when nothing did. */
static int take(int terminal, int milliseconds) {
    struct pollfd watched = {.fd = terminal, .events = POLLIN};
    if (poll(&watched, 1, milliseconds) <= 0 || used + 1 >= sizeof text)
        return 0;
    ssize_t bytes = read(terminal, text + used, sizeof text - 1 - used);
    used += bytes > 0 ? (size_t)bytes : 0;
    text[used] = '\0';
    return bytes > 0;
}

static void await(int terminal, const char *word) {
    while (strstr(text, word) == NULL && take(terminal, TYPE_PATIENCE_S * 1000)) {
    }
}

static void type(int terminal, const char *keys) {
    if (write(terminal, keys, strlen(keys)) != (ssize_t)strlen(keys) ||
        write(terminal, "\r", 1) != 1)
        exit(1);
}

int main(int count, char **arguments) {
    struct winsize size = {.ws_row = 50, .ws_col = 300};
    int terminal;
    if (count < 4)
        return 2;
    alarm(2 * TYPE_PATIENCE_S);
    pid_t shell = forkpty(&terminal, NULL, NULL, &size);
    if (shell < 0)
        return 1;
    if (shell == 0) {
        setenv("TERM", "dumb", 1);
        execvp(arguments[3], arguments + 3);
        _exit(127);
    }
    while (take(terminal, used == 0 ? TYPE_PATIENCE_S * 1000 : TYPE_QUIET_MS)) {
    }
    type(terminal, arguments[1]);
    await(terminal, "READY");
    while (take(terminal, TYPE_QUIET_MS)) {
    }
    type(terminal, arguments[2]);
    await(terminal, "DONE");
    fputs(text, stdout);
    kill(shell, SIGKILL);
    waitpid(shell, NULL, 0);
    return 0;
}
