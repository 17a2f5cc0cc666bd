#include "base/export.h"
#include "base/memory.h"
#include "base/say.h"
#include "check/report.h"
#include "cmd/commands.h"
#include "launch/proxy.h"
#include "launch/service.h"
#include "measure/tally.h"
#include "pages/stats_file.h"
#include "target/library.h"
#include "target/settings.h"
#include "target/target.h"
#include "target/variant.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What --check sets; options of the user follow and win. */
static const char run_check_settings[] =
    "strategy=tagged,harden=on,leaks=on,on_fault=report,origins=8";

/* What the command line asks for. */
struct run_request {
    char *settings;
    bool check;
    bool stats;
    bool all_leaks;
    struct suppress suppress;
    const char *export_json;
    struct service_options service_options;
    struct service *service; /* NULL: a program */
};

static void run_suppress(void *field, const char *value) {
    suppress_read(field, value);
}

static const struct args_option run_options[] = {
    SETTINGS_OPTION(struct run_request, settings),
    {0, "check", NULL,
     "look for faults and leaks: tagged, hardened, leaks, report;\n"
     "exit status 99 if something was found",
     ARGS_FLAG(struct run_request, check)},
    {0, "all-leaks", NULL, "with --check: tell all places that leak, not ten",
     ARGS_FLAG(struct run_request, all_leaks)},
    {0, "suppress", "FILE",
     "with --check: do not count what a pattern of FILE names, one a\n"
     "line; may be repeated",
     ARGS_CALL(struct run_request, suppress, run_suppress)},
    {0, "export-json", "FILE",
     "with --check: write what was found as JSON; with '-' to\nstandard output, and the program's "
     "output to standard error",
     ARGS_FILE(struct run_request, export_json)},
    {0, "stats", NULL, "print what the pools served afterwards, on standard error",
     ARGS_FLAG(struct run_request, stats)},
    SERVICE_OPTIONS(struct run_request, service_options),
    ARGS_OPTION_HELP,
    {0},
};

static const char run_details[] =
    "PROGRAM is looked up in PATH and run without a shell. Its exit status is passed through; if "
    "it\n"
    "dies of a signal, tagpool dies of the same. 126: it cannot be run, or not with the shim;\n"
    "127: it was not found; 125: tagpool itself failed; 2: wrong usage.\n"
    "\n"
    "With --service, the service runs with the shim, and PROGRAM as its load, as it is. The exit\n"
    "status is the load's; 3: the service did not serve.\n"
    "\n"
    "--check runs it with strategy=tagged,harden=on,leaks=on,on_fault=report,origins=8 and your "
    "-o\n"
    "options after those. Each fault is a line on standard error as it is found. When the "
    "program\n"
    "has ended, its stacks follow: the call, where the block was freed before, where it was\n"
    "allocated. Then come the leaks by the stack that allocated them, the ten with most bytes, "
    "and\n"
    "the sum: 'check: 2 faults, 3 leaked blocks (120 bytes)'. If something was found the exit\n"
    "status is 99, whatever the program's own. Where the library saw no call of the program there "
    "is\n"
    "no result, and the status is the program's, or 126 if that is 0. Blocks that the program can\n"
    "still get at are no leaks; one line counts them, and one those in doubt, because something\n"
    "could not be looked at. -o origins=N keeps N frames of each stack, 0 none.\n"
    "\n"
    "A line of a --suppress file is a pattern of a shell for a function, a source file or a "
    "module:\n"
    "what has such a frame does not count. 'leak:' or 'fault:' before it limits it to these; '#'\n"
    "begins a comment.\n";

__attribute__((noreturn)) static void run_execute(const struct target *target, char **envp) {
    execve(target->path, target->argv, envp);
    say_and_exit(errno == ENOENT ? STATUS_NOT_FOUND : STATUS_CANNOT_RUN, "cannot execute %s: %s",
                 target->path, strerror(errno));
}

static void run_write_findings(const struct check *check, const struct target *target,
                               const struct check_outcome *outcome, struct export *export) {
    FILE *out = export_begin(export);
    if (out != NULL) {
        struct json json;
        char *command = command_text(target->argv);
        json_init(&json, out);
        check_write_json(check, outcome, &json, command);
        free(command);
    }
    export_end(export);
}

/* Tells what was found; the stacks first. Without them the lines of the library have told it.
 * STATUS_DONE: end as the program did. */
static enum exit_status run_tell_findings(const char *path, const char *stats_path,
                                          const struct target *target, int wait_status,
                                          const struct run_request *request,
                                          struct export *export) {
    struct check check;
    struct tally tally;
    const char *fault = check_read(&check, path, &request->suppress);
    if (fault != NULL)
        say_note("check: no stacks: %s", fault);
    else
        check_print(&check, request->all_leaks);
    tally_read(stats_path, &tally);
    if (fault == NULL && check.findings.images == 0 && tally.calls != 0)
        tally.fault = "the library does not know the layout of the findings file; library and "
                      "program must be of one release";
    struct tally_suppressed suppressed = {.faults = check.suppressed_faults,
                                          .leaked_blocks = check.suppressed_blocks,
                                          .leaked_bytes = check.suppressed_bytes};
    enum exit_status status = tally_judge(&tally, &suppressed);
    run_write_findings(&check, target,
                       &(struct check_outcome){.status = status == STATUS_FOUND  ? "found"
                                                         : status == STATUS_DONE ? "clean"
                                                                                 : "no result",
                                               .wait_status = wait_status,
                                               .processes = tally.processes,
                                               .not_ended = tally.not_ended},
                       export);
    /* A service was ended by us; that is the end of its load. */
    int own_status = request->service != NULL ? 0 : wait_status;
    tally_tell(&tally, &suppressed, target->argv[0], own_status);
    check_free(&check);
    /* How a program ended that nothing is known of says more than that. */
    return status == STATUS_CANNOT_RUN && own_status != 0 ? STATUS_DONE : status;
}

/* The result of a service is that of its load. */
static void run_as_child(const struct run_request *request, const struct target *target,
                         const struct variant *variant, const char *stats_path, bool to_error,
                         struct proxy_result *result) {
    struct variant_environment environment;
    variant_environment_make(&environment, variant, stats_path);
    if (request->service != NULL) {
        result->wait_status = service_run(request->service, target, environment.strings,
                                          to_error ? STDERR_FILENO : STDOUT_FILENO);
        variant_environment_free(&environment);
        return;
    }
    struct proxy_run run = {.target = target,
                            .envp = environment.strings,
                            .input = -1,
                            .output = to_error ? STDERR_FILENO : -1};
    if (!proxy_run(&run, result))
        say_and_exit(STATUS_OWN_FAILURE, "cannot start the program: %s", strerror(errno));
    variant_environment_free(&environment);
}

__attribute__((noreturn)) static void run_with_page(const struct target *target,
                                                    struct variant *variant,
                                                    const struct run_request *request) {
    struct stats_file page;
    struct shared_file findings = {.path = NULL};
    struct proxy_result result;
    struct export export;
    export_open(&export, request->export_json);
    stats_file_create(&page);
    if (request->check) {
        findings_file_create(&findings);
        variant->variable = memory_format("%s=%s", TAGPOOL_FINDINGS_VARIABLE, findings.path);
    }
    run_as_child(request, target, variant, page.path, export_is_standard_output(&export), &result);
    if (request->stats)
        tally_print(page.path, target->argv[0]);
    int found = STATUS_DONE;
    if (request->check) {
        found = run_tell_findings(findings.path, page.path, target, result.wait_status, request,
                                  &export);
        shared_file_remove(&findings);
    }
    stats_file_remove(&page);
    if (found != STATUS_DONE)
        exit(found);
    proxy_end_like(result.wait_status);
}

static void run_program(const struct run_request *request, char **command) {
    struct target target;
    if (request->service != NULL)
        command = request->service->command;
    target_resolve_quietly(&target, command);
    char *settings = request->settings;
    if (request->check)
        settings = settings == NULL ? memory_copy(run_check_settings)
                                    : memory_format("%s,%s", run_check_settings, settings);
    struct variant variant = {.preload = library_of_tagpool(), .settings = settings, .shim = true};
    if (request->stats || request->check)
        run_with_page(&target, &variant, request);
    struct variant_environment environment;
    struct proxy_result result;
    /* The user's own page, for 'tagpool stats'. */
    if (request->service != NULL) {
        run_as_child(request, &target, &variant, getenv(TAGPOOL_STATS_VARIABLE), false, &result);
        proxy_end_like(result.wait_status);
    }
    variant_environment_make(&environment, &variant, getenv(TAGPOOL_STATS_VARIABLE));
    run_execute(&target, environment.strings);
}

/* What only --check does anything with. */
static void run_check_request(const struct run_request *request) {
    const char *option = request->export_json != NULL ? "export-json"
                         : request->all_leaks         ? "all-leaks"
                         : request->suppress.files    ? "suppress"
                                                      : NULL;
    if (option != NULL && !request->check)
        args_refuse("--%s is about what --check finds; add --check, or leave it out", option);
}

static int run_main(char **arguments) {
    struct run_request request = {0};
    struct service service;
    char **command = command_read_program(&command_run, &request, arguments);
    run_check_request(&request);
    if (service_take(&service, &request.service_options, command)) {
        request.service = &service;
        /* Not before: a program that is run in our place would inherit the launcher. */
        launcher_must_start();
    }
    run_program(&request, command);
    return STATUS_OWN_FAILURE;
}

const struct command command_run = {
    .name = "run",
    .synopsis = "[OPTION...] -- PROGRAM [ARGUMENT...]",
    .summary = "Run a program with the allocator libtagpool.so",
    .details = run_details,
    .options = run_options,
    .run = run_main,
};
