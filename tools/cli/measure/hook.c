#include "measure/hook.h"

#include "base/interrupt.h"
#include "base/memory.h"
#include "launch/launcher.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char *hook_run(const char *option, const char *command, bool is_ended_early) {
    static char shell[] = "sh", flag[] = "-c";
    if (command == NULL)
        return NULL;
    char *text = memory_format("exec >&2\n%s", command);
    char *words[] = {shell, flag, text, NULL};
    pid_t child;
    int status = 0;
    int error = posix_spawn(&child, "/bin/sh", NULL, NULL, words, environ);
    free(text);
    if (error != 0)
        return memory_format("the command of %s cannot be run: %s", option, strerror(error));
    if (is_ended_early)
        interrupt_pass_to(child);
    /* Not waited for before nobody signals it any more: the number may be another's then. */
    siginfo_t info;
    while (waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
    }
    interrupt_pass_to(0);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (status == 0)
        return NULL;
    char *end = launcher_describe_end(status);
    char *fault = memory_format("the command of %s ended with %s", option, end);
    free(end);
    return fault;
}

char *hook_begin(const char *option, const char *command) {
    return hook_run(option, command, true);
}

char *hook_end(const char *option, const char *command) {
    return hook_run(option, command, false);
}
