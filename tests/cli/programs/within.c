/* Runs a command at a terminal of so many columns, as in a narrow window.
 *
 *   within [--all] COLUMNS COMMAND [ARGUMENT...]
 *
 * Prints what it writes, without carriage returns and colours. What progress writes over itself is
 * left out; with --all each of its texts is a line. Ends with the command's exit status.
 */
#include <pty.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WITHIN_TEXT_BYTES = 1 << 20 };

static char text[WITHIN_TEXT_BYTES];
static bool all;

/* One line as it stands in the end. */
static void show(const char *line, size_t bytes) {
    char kept[WITHIN_TEXT_BYTES / 64];
    size_t column = 0;
    for (size_t i = 0; i < bytes && column + 1 < sizeof kept; i++) {
        if (line[i] == '\r' && i + 1 < bytes) {
            if (all && column > 0)
                printf("%.*s\n", (int)column, kept);
            column = 0;
        } else if (line[i] == '\033' && i + 1 < bytes && line[i + 1] == '[') {
            for (i += 2; i < bytes && (line[i] < '@' || line[i] > '~'); i++) {
            }
        } else if (line[i] != '\r') {
            kept[column++] = line[i];
        }
    }
    printf("%.*s\n", (int)column, kept);
}

int main(int argc, char **argv) {
    struct winsize size = {.ws_row = 50};
    int terminal, status;
    size_t used = 0;
    if (argc > 1 && strcmp(argv[1], "--all") == 0) {
        all = true;
        argc--;
        argv++;
    }
    if (argc < 3)
        return 2;
    size.ws_col = (unsigned short)strtol(argv[1], NULL, 10);
    pid_t child = forkpty(&terminal, NULL, NULL, &size);
    if (child < 0)
        return 2;
    if (child == 0) {
        execvp(argv[2], argv + 2);
        _exit(127);
    }
    for (;;) {
        ssize_t bytes = read(terminal, text + used, sizeof text - 1 - used);
        if (bytes <= 0)
            break;
        used += (size_t)bytes;
    }
    for (char *line = text; *line != '\0';) {
        size_t bytes = strcspn(line, "\n");
        show(line, bytes);
        line += bytes + (line[bytes] == '\n');
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
