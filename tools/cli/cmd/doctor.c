#include "base/randomness.h"
#include "base/say.h"
#include "base/terminal.h"
#include "cmd/commands.h"
#include "measure/experiment.h"
#include "target/variants.h"

#include <stdlib.h>
#include <string.h>

/* What the command line asks for. */
struct doctor_request {
    bool no_run;
    bool ignore_failure;
    const char *input;
};

static const struct args_option doctor_options[] = {
    {0, "no-run", NULL, "only look at the program, do not run it",
     ARGS_FLAG(struct doctor_request, no_run)},
    {'i', "ignore-failure", NULL, "accept a program that ends with another status than 0",
     ARGS_FLAG(struct doctor_request, ignore_failure)},
    SPOOL_OPTION_INPUT(struct doctor_request, input),
    ARGS_OPTION_HELP,
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

static void doctor_tell_proof(const struct experiment *experiment) {
    const struct experiment_proof *proof = &experiment->proofs[1];
    double share = (double)proof->pool_calls / (double)proof->calls;
    if (experiment->unstable_status || experiment->unstable[0] || experiment->unstable[1])
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
    struct experiment_plan plan = {
        .runs = 1,
        .max_runs = 1,
        .threshold = 0.01,
        .seed = randomness_fresh_seed(),
        .ignore_failure = request->ignore_failure,
        .input = request->input,
        .output = "null",
    };
    struct variants variants = {0};
    variants_add_standard(&variants);
    variants_settle(&variants, NULL);
    terminal_init(&terminal, TERMINAL_NOCOLOR);
    experiment_init(&experiment, &plan, target, variants.items, variants.count, 0, &terminal);
    bool works = experiment_check(&experiment);
    if (works)
        doctor_tell_proof(&experiment);
    else
        printf("fail  %s\n", experiment.reason);
    experiment_free(&experiment);
    return works;
}

static int doctor_main(char **arguments) {
    struct doctor_request request = {0};
    struct target target;
    char **command = command_read_program(&command_doctor, &request, arguments);
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
