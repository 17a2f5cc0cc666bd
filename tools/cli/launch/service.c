#include "launch/service.h"

#include "base/command.h"
#include "base/memory.h"
#include "base/say.h"
#include "base/words.h"
#include "launch/ready.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SERVICE_LOG_END_BYTES = 4096, SERVICE_LINE_BYTES = 240 };

/* ---- the command line ---- */

bool service_take(struct service *service, const struct service_options *options, char **load) {
    *service = (struct service){.options = *options, .launch = {.log = -1}};
    if (options->command == NULL) {
        if (options->ready != NULL || options->settle_s != 0 || options->patience_s != 0)
            args_refuse("--ready, --settle and --patience are for a --service");
        return false;
    }
    if (options->ready == NULL)
        args_refuse("--service needs --ready: tcp:PORT, http://HOST:PORT/PATH or a command");
    char *fault = ready_fault(options->ready);
    if (fault != NULL)
        args_refuse("--ready: %s", fault);
    service->command = words_split(options->command, &fault);
    if (service->command == NULL)
        args_refuse("--service '%s': %s; it is run without a shell, but may be sh -c '...'",
                    options->command, fault);
    if (service->command[0] == NULL)
        args_refuse("--service names no command");
    target_resolve(&service->load, load);
    service->launch = (struct launch_service){
        .ready = options->ready,
        .load_path = service->load.path,
        .load_argv = service->load.argv,
        .settle_s = options->settle_s,
        .patience_s = options->patience_s != 0 ? options->patience_s : SERVICE_PATIENCE_S,
        .log = -1,
    };
    return true;
}

char *service_title(const struct service_options *options, char **load) {
    char *text = command_text(load);
    char *title = memory_format("%s, loaded by %s", options->command, text);
    free(text);
    return title;
}

bool service_open_log(struct service *service) {
    service->launch.log = memfd_create("tagpool-service", MFD_CLOEXEC);
    return service->launch.log >= 0;
}

void service_close_log(struct service *service) {
    close(service->launch.log);
    service->launch.log = -1;
}

/* ---- what became of it ---- */

/* The last line with text, printable and cut. */
static void service_last_words(const struct service *service, char *words) {
    char end[SERVICE_LOG_END_BYTES];
    off_t bytes = lseek(service->launch.log, 0, SEEK_END);
    off_t start = bytes > (off_t)sizeof end ? bytes - (off_t)sizeof end : 0;
    ssize_t length = bytes > 0 ? pread(service->launch.log, end, sizeof end, start) : 0;
    size_t stop = length > 0 ? (size_t)length : 0;
    while (stop > 0 && (end[stop - 1] == '\n' || end[stop - 1] == ' '))
        stop--;
    size_t from = stop;
    while (from > 0 && end[from - 1] != '\n')
        from--;
    size_t i = 0;
    for (; from + i < stop && i + 1 < SERVICE_LINE_BYTES; i++)
        words[i] = end[from + i] >= ' ' && end[from + i] <= '~' ? end[from + i] : '?';
    words[i] = '\0';
}

static char *service_say(const struct service *service, const struct supervisor_report *report) {
    const char *command = service->options.command;
    char *end = launcher_describe_end(report->status), *text = NULL;
    switch ((enum supervisor_end)report->end) {
    case SUPERVISOR_SERVED:
        break;
    case SUPERVISOR_NOT_STARTED:
        text = memory_format("cannot execute %s: %s", command, strerror(report->error));
        break;
    case SUPERVISOR_READY_BEFORE:
        text = memory_format("--ready %s says ready before '%s' is started: another program has "
                             "the port, or the test does not ask this service",
                             service->options.ready, command);
        break;
    case SUPERVISOR_DIED:
        text = memory_format("'%s' ended with %s before it was ready", command, end);
        break;
    case SUPERVISOR_FORKED_AWAY:
        text = memory_format("'%s' ended and left its processes in the background: tell it to stay "
                             "in the foreground, as nginx does with -g 'daemon off;'",
                             command);
        break;
    case SUPERVISOR_NEVER_READY:
        text = memory_format("'%s' was not ready within %g s by --ready %s: correct the test, or "
                             "give it more time with --patience",
                             command, service->launch.patience_s, service->options.ready);
        break;
    case SUPERVISOR_NO_LOAD:
        text = memory_format("cannot execute %s: %s", service->load.path, strerror(report->error));
        break;
    case SUPERVISOR_DIED_AT_LOAD:
        text = memory_format("'%s' did not live through its load: %s", command, end);
        break;
    case SUPERVISOR_INTERRUPTED:
        text = memory_copy("interrupted");
        break;
    }
    free(end);
    return text;
}

char *service_fault(const struct service *service, const struct launch_result *result) {
    char words[SERVICE_LINE_BYTES];
    char *text = service_say(service, &result->service);
    if (text == NULL)
        return NULL;
    service_last_words(service, words);
    if (words[0] == '\0')
        return text;
    char *longer = memory_format("%s (\"%s\")", text, words);
    free(text);
    return longer;
}

int service_run(struct service *service, const struct target *target, char *const *envp,
                int output) {
    struct launch_result result = {0};
    struct launch launch = {
        .path = target->path,
        .argv = target->argv,
        .envp = envp,
        .descriptors = {STDIN_FILENO, output, STDERR_FILENO},
        .service = &service->launch,
    };
    if (!service_open_log(service) || !launcher_begin(&launch) || !launcher_finish(&result))
        say_and_exit(STATUS_OWN_FAILURE, "cannot start the service: %s", strerror(errno));
    char *fault = service_fault(service, &result);
    service_close_log(service);
    if (fault != NULL)
        say_and_exit(STATUS_TARGET_FAILED, "%s", fault);
    return result.wait_status;
}
