#include "base/say.h"
#include "cmd/commands.h"
#include "launch/service.h"
#include "launch/spool.h"
#include "measure/suitability.h"

#include <stdio.h>
#include <stdlib.h>

/* What the command line asks for. */
struct doctor_request {
    bool no_run;
    bool shell;
    bool ignore_failure;
    const char *input;
    struct service_options service;
};

static const struct args_option doctor_options[] = {
    {0, "no-run", NULL, "only look at the program, do not run it",
     ARGS_FLAG(struct doctor_request, no_run)},
    {'i', "ignore-failure", NULL, "accept a program that ends with another status than 0",
     ARGS_FLAG(struct doctor_request, ignore_failure)},
    SPOOL_OPTION_INPUT(struct doctor_request, input),
    COMMAND_OPTION_SHELL(struct doctor_request, shell),
    SERVICE_OPTIONS(struct doctor_request, service),
    ARGS_OPTION_HELP,
    {0},
};

static const char doctor_details[] =
    "Looks at PROGRAM and at the environment, then runs it twice without the shim and once with\n"
    "it: does the shim reach it, does it behave the same, what do the pools serve? Each finding\n"
    "is one line: 'ok', 'note' (worth knowing) or 'fail' (tagpool cannot serve it).\n\n"
    "With --service, it looks at the service, and PROGRAM loads it in each run.\n\n"
    "Exit status: 0 the shim works for it; 1 it does not, and a line says why; 2 wrong usage;\n"
    "125 tagpool itself failed; 126 the program cannot be run; 127 it was not found.\n";

static int doctor_main(char **arguments) {
    struct doctor_request request = {0};
    struct target target;
    struct service service;
    char **command = command_read_program(&command_doctor, &request, arguments);
    if (request.no_run && (request.ignore_failure || request.input != NULL))
        args_refuse("--no-run does not run the program, which --%s is about",
                    request.ignore_failure ? "ignore-failure" : "input");
    char **words = request.shell ? command_for_shell(command) : command;
    bool serves = service_take(&service, &request.service, words);
    target_resolve(&target, serves ? service.command : words);
    char *followed = target_follow_manager(&target);
    if (followed != NULL)
        suitability_tell("note", "%s", followed);
    free(followed);
    bool works = suitability_look(&target) &&
                 (request.no_run || suitability_run(&target, request.input, request.ignore_failure,
                                                    serves ? &service : NULL));
    return works ? STATUS_DONE : 1;
}

const struct command command_doctor = {
    .name = "doctor",
    .synopsis = "[OPTION...] -- PROGRAM [ARGUMENT...]",
    .summary = "Tell whether the shim works for a program, and why not",
    .details = doctor_details,
    .options = doctor_options,
    .launches = true,
    .run = doctor_main,
};
