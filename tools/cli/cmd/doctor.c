#include "base/randomness.h"
#include "base/say.h"
#include "cmd/commands.h"
#include "measure/experiment.h"
#include "target/library.h"

#include <stdlib.h>
#include <string.h>

enum doctor_option { DOCTOR_NO_RUN, DOCTOR_IGNORE_FAILURE, DOCTOR_INPUT, DOCTOR_HELP };

static const struct args_option doctor_options[] = {
    [DOCTOR_NO_RUN] = {0, "no-run", NULL, "only look at the program, do not run it"},
    [DOCTOR_IGNORE_FAILURE] = {'i', "ignore-failure", NULL,
                               "accept a program that ends with another status than 0"},
    [DOCTOR_INPUT] = {0, "input", "FILE",
                      "standard input of every run: a file, 'null', or '-' for ours\n"
                      "(default: ours, unless it is a terminal)"},
    [DOCTOR_HELP] = {'h', "help", NULL, "print this help"},
    {0},
};

static const char doctor_details[] =
    "Looks at PROGRAM and at the environment, then runs it twice without the shim and once with\n"
    "it: does the shim reach it, does it behave the same, what do the pools serve? Each finding\n"
    "is one line: 'ok', 'note' (worth knowing) or 'fail' (tagpool cannot serve it).\n\n"
    "Exit status: 0 the shim works for it; 1 it does not, and a line says why; 2 wrong usage;\n"
    "125 tagpool itself failed; 126 the program cannot be run; 127 it was not found.\n";

/* Below this share of the calls the pools cannot make much of a difference. */
#define DOCTOR_POOL_LEAST 0.5

struct doctor_request {
    bool no_run;
    bool ignore_failure;
    const char *input;
    bool help;
};

static char **doctor_read_arguments(struct doctor_request *request, char **arguments) {
    struct args args;
    *request = (struct doctor_request){0};
    args_init(&args, "doctor", doctor_options, arguments);
    for (int option = args_read(&args); option >= 0; option = args_read(&args))
        switch ((enum doctor_option)option) {
        case DOCTOR_NO_RUN:
            request->no_run = true;
            break;
        case DOCTOR_IGNORE_FAILURE:
            request->ignore_failure = true;
            break;
        case DOCTOR_INPUT:
            request->input = args.value;
            break;
        case DOCTOR_HELP:
            request->help = true;
            break;
        }
    return args.next;
}

/* What can be told without running it; false if that is the end. */
static bool doctor_look(const struct target *target) {
    struct target_findings findings;
    bool works = true;
    target_inspect(target, &findings);
    for (unsigned i = 0; i < findings.count; i++)
        if (!findings.items[i].refuses)
            printf("note  %s\n", findings.items[i].text);
    for (unsigned i = 0; i < findings.count; i++)
        if (findings.items[i].refuses) {
            printf("fail  %s\n", findings.items[i].text);
            works = false;
        }
    if (works)
        printf("ok    %s can be given another allocator with LD_PRELOAD\n", target->binary);
    return works;
}

static void doctor_tell_proof(const struct result *result) {
    const struct result_proof *proof = &result->proofs[1];
    double share = (double)proof->pool_calls / (double)proof->calls;
    if (result->unstable_status || result->unstable[0] || result->unstable[1])
        puts("note  its output or exit status changes from run to run by itself: whether it does "
             "the same under the shim cannot be told");
    else
        puts("ok    output and exit status are the same with the shim and without");
    printf("ok    the shim saw %llu calls in %u process%s\n", (unsigned long long)proof->calls,
           proof->processes, proof->processes == 1 ? "" : "es");
    if (proof->missed != 0)
        printf("note  %llu more processes found no room in the statistics: their calls are not "
               "counted\n",
               (unsigned long long)proof->missed);
    if (proof->direct_calls != 0)
        puts("note  strategy=direct passes all of them on: there is nothing to gain; leave it out "
             "of TAGPOOL_OPTIONS");
    else if (share >= DOCTOR_POOL_LEAST)
        printf("ok    its pools served %.1f %% of them\n", 100 * share);
    else
        printf("note  its pools served only %.1f %% of them, the others ask for more than "
               "node_max: there is little to gain; for Python set PYTHONMALLOC=malloc\n",
               100 * share);
}

static bool doctor_run(const struct target *target, const struct doctor_request *request) {
    struct terminal terminal;
    struct experiment experiment;
    struct plan plan = {
        .runs = 1,
        .max_runs = 1,
        .threshold = 0.01,
        .seed = randomness_fresh_seed(),
        .ignore_failure = request->ignore_failure,
        .input = request->input,
        .output = "null",
    };
    struct variant variants[] = {{.name = "system"}, {.name = "tagpool", .shim = true}};
    char *library = library_of_tagpool();
    variants[1].preload = library;
    terminal_init(&terminal, "nocolor");
    experiment_init(&experiment, &plan, target, variants, 2, 0, &terminal);
    bool works = experiment_check(&experiment);
    if (works)
        doctor_tell_proof(&experiment.result);
    else
        printf("fail  %s\n", experiment.reason);
    experiment_free(&experiment);
    free(library);
    return works;
}

static int doctor_main(char **arguments) {
    struct doctor_request request;
    struct target target;
    char **command = doctor_read_arguments(&request, arguments);
    if (request.help) {
        command_print_help(stdout, &command_doctor);
        return STATUS_DONE;
    }
    if (*command == NULL)
        args_refuse("doctor", "no program is named: tagpool doctor -- PROGRAM");
    target_resolve(&target, command);
    bool works = doctor_look(&target) && (request.no_run || doctor_run(&target, &request));
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
