#include "base/memory.h"
#include "base/say.h"
#include "cmd/commands.h"
#include "launch/proxy.h"
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
static const char run_check_settings[] = "strategy=tagged,harden=on,leaks=on,on_fault=report";

/* What the command line asks for. */
struct run_request {
    char *settings;
    bool check;
    bool stats;
};

static const struct args_option run_options[] = {
    SETTINGS_OPTION(struct run_request, settings),
    {0, "check", NULL,
     "look for faults and leaks: tagged, hardened, leaks, report;\n"
     "exit status 99 if something was found",
     ARGS_FLAG(struct run_request, check)},
    {0, "stats", NULL, "print what the pools served afterwards, on standard error",
     ARGS_FLAG(struct run_request, stats)},
    ARGS_OPTION_HELP,
    {0},
};

static const char run_details[] =
    "PROGRAM is looked up in PATH and run without a shell. Its exit status is passed through; if "
    "it\n"
    "dies of a signal, tagpool dies of the same. 126: it cannot be run, or not with the shim;\n"
    "127: it was not found; 125: tagpool itself failed; 2: wrong usage.\n"
    "\n"
    "--check runs it with strategy=tagged,harden=on,leaks=on,on_fault=report and your -o options\n"
    "behind those. Each fault is a line on standard error, and so is each size of leaked blocks; "
    "the\n"
    "last line is the sum: 'check: 2 faults, 3 leaked blocks (120 bytes)'. If something was found "
    "the\n"
    "exit status is 99, whatever the program's own. Blocks that the program's variables still "
    "lead\n"
    "to are no leaks; one line counts them. Where other threads still run at exit, what they, the "
    "C\n"
    "library and variables keep counts as leaked, and a line says so: let them end first.\n";

__attribute__((noreturn)) static void run_execute(const struct target *target, char **envp) {
    execve(target->path, target->argv, envp);
    say_and_exit(errno == ENOENT ? STATUS_NOT_FOUND : STATUS_CANNOT_RUN, "cannot execute %s: %s",
                 target->path, strerror(errno));
}

__attribute__((noreturn)) static void run_with_page(const struct target *target,
                                                    const struct variant *variant,
                                                    const struct run_request *request) {
    struct stats_file page;
    struct variant_environment environment;
    struct proxy_result result;
    stats_file_create(&page);
    variant_environment_make(&environment, variant, page.path);
    struct proxy_run run = {.target = target, .envp = environment.strings, .input = -1};
    if (!proxy_run(&run, &result)) {
        int error = errno;
        stats_file_remove(&page);
        say_and_exit(STATUS_OWN_FAILURE, "cannot start the program: %s", strerror(error));
    }
    if (request->stats)
        tally_print(page.path, target->argv[0]);
    int found = request->check ? tally_check(page.path, target->argv[0]) : STATUS_DONE;
    stats_file_remove(&page);
    if (found != STATUS_DONE)
        exit(found);
    proxy_end_like(result.wait_status);
}

static void run_program(const struct run_request *request, char **command) {
    struct target target;
    target_resolve_quietly(&target, command);
    char *settings = request->settings;
    if (request->check)
        settings = settings == NULL ? memory_copy(run_check_settings)
                                    : memory_format("%s,%s", run_check_settings, settings);
    struct variant variant = {.preload = library_of_tagpool(), .settings = settings, .shim = true};
    if (request->stats || request->check)
        run_with_page(&target, &variant, request);
    struct variant_environment environment;
    /* The user's own, for 'tagpool stats'. */
    variant_environment_make(&environment, &variant, getenv(TAGPOOL_STATS_VARIABLE));
    run_execute(&target, environment.strings);
}

static int run_main(char **arguments) {
    struct run_request request = {0};
    run_program(&request, command_read_program(&command_run, &request, arguments));
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
