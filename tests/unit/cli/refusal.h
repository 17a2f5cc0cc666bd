/* What a function refuses: it runs in a child, and what that says on standard error before it ends
 * is judged word for word. */
#ifndef REFUSAL_H
#define REFUSAL_H

#include "tap.h"

#include <sys/wait.h>
#include <unistd.h>

/* Fails unless act(argument) ends with `status` and says `text`, one line without its newline.
 * A function that returns has status 0. */
__attribute__((unused)) static void check_refusal(void (*act)(const void *argument),
                                                  const void *argument, int status,
                                                  const char *text) {
    char said[512];
    size_t length = 0;
    int ends[2], wait_status = -1;
    ssize_t got;
    fflush(stdout);
    if (pipe(ends) != 0)
        abort();
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        act(argument);
        exit(0);
    }
    close(ends[1]);
    while ((got = read(ends[0], said + length, sizeof said - 1 - length)) > 0)
        length += (size_t)got;
    close(ends[0]);
    waitpid(child, &wait_status, 0);
    said[length] = '\0';
    said[strcspn(said, "\n")] = '\0';
    CHECK_SAY(WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == status, "status 0x%x",
              (unsigned)wait_status);
    CHECK_SAY(strcmp(said, text) == 0, "'%s' instead of '%s'", said, text);
}

#endif
