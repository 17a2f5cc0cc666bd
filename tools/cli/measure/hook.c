#include "measure/hook.h"

#include "base/memory.h"
#include "launch/launcher.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

char *hook_run(const char *option, const char *command) {
    if (command == NULL)
        return NULL;
    char *text = memory_format("exec >&2\n%s", command);
    int status = system(text);
    free(text);
    if (status == 0)
        return NULL;
    /* system() keeps these from us: Ctrl-C means all of it. */
    if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGINT || WTERMSIG(status) == SIGQUIT))
        raise(WTERMSIG(status));
    char *end = launcher_describe_end(status);
    char *fault = memory_format("the command of %s ended with %s", option, end);
    free(end);
    return fault;
}
