#include "base/export.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/say.h"
#include "base/terminal.h"
#include "cmd/commands.h"
#include "compare/judge.h"
#include "launch/tracing.h"
#include "measure/experiment.h"
#include "profile/json.h"
#include "profile/page.h"
#include "profile/table.h"
#include "report/table.h"
#include "target/variants.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the command line asks for. */
struct profile_request {
    bool try;
    bool no_plain;
    double duration_s;
    unsigned runs;
    const char *name;
    const char *input;
    const char *export_json;
    enum terminal_style style;
};

static const struct args_option profile_options[] = {
    {0, "try", NULL,
     "afterwards compare the system's allocator with tagpool as it is\n"
     "and as advised, on fresh rounds",
     ARGS_FLAG(struct profile_request, try)},
    {0, "no-plain", NULL,
     "do not run the program without counting first: the cost and the\n"
     "share of CPU time stay unknown; standard input is the program's",
     ARGS_FLAG(struct profile_request, no_plain)},
    {0, "duration", "SECONDS", "of the rounds of --try (default: 30)",
     ARGS_SECONDS(struct profile_request, duration_s)},
    {'r', "runs", "N", "exactly N rounds of --try",
     ARGS_COUNT(struct profile_request, runs, 1, 100000)},
    {'n', "name", "TEXT", "what the report calls the command",
     ARGS_TEXT(struct profile_request, name)},
    SPOOL_OPTION_INPUT(struct profile_request, input),
    {0, "export-json", "FILE",
     "write everything as JSON; with '-' to standard output, and\n"
     "the program's output to standard error",
     ARGS_FILE(struct profile_request, export_json)},
    TERMINAL_OPTION_STYLE(struct profile_request, style),
    ARGS_OPTION_HELP,
    {0},
};

static const char profile_details[] =
    "Runs PROGRAM once as it is, with its output thrown away, to know what profiling costs, and\n"
    "once with every call of malloc and free counted and passed on to the system's allocator. Its\n"
    "children are counted too, up to the end of PROGRAM. The report goes to standard error.\n\n"
    "The library that counts keeps 64 to 128 bytes for each live block, in memory of its own; it\n"
    "is not the one that tagpool compare measures.\n\n"
    "The exit status is PROGRAM's; if it dies of a signal, tagpool dies of the same. 126: it\n"
    "cannot be run, or not with the library; 127: it was not found; 125: tagpool itself failed;\n"
    "2: wrong usage.\n";

/* ---- the runs ---- */

static int profile_input(const struct spool *spool, const struct profile_request *request) {
    if (request->no_plain && request->input == NULL)
        return -1;
    int descriptor = spool_descriptor(spool);
    if (descriptor < 0)
        say_and_exit(STATUS_OWN_FAILURE, "cannot open the input: %s", strerror(errno));
    return descriptor;
}

static void profile_run_plain(struct profile *profile, const struct target *target,
                              const struct spool *spool, const struct profile_request *request) {
    int input = profile_input(spool, request);
    tracing_run_plain(target, input, &profile->plain);
    close(input);
    profile->has_plain = true;
    if (profile->plain.stopped_by == 0)
        return;
    /* It means all of it, even if the program made a clean end. */
    say_error("no profile: stopped in the run without counting, which --no-plain leaves out");
    int status = profile->plain.wait_status;
    proxy_end_like(status != 0 ? status : profile->plain.stopped_by);
}

/* The program's run; where the JSON goes to standard output, that of the program goes to standard
 * error. */
static void profile_run_traced(struct profile *profile, const struct target *target,
                               const char *path, int input, const struct profile_request *request) {
    bool moved = request->export_json != NULL && strcmp(request->export_json, "-") == 0;
    int standard = moved ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) : -1;
    if (moved && (standard < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0))
        say_and_exit(STATUS_OWN_FAILURE, "cannot redirect the output: %s", strerror(errno));
    tracing_run(target, TAGPOOL_PROFILE_VARIABLE, path, input, &profile->profiled);
    if (moved && dup2(standard, STDOUT_FILENO) < 0)
        say_and_exit(STATUS_OWN_FAILURE, "cannot redirect the output: %s", strerror(errno));
    if (moved)
        close(standard);
}

static bool profile_run_counted(struct profile *profile, const struct target *target,
                                const struct spool *spool, const struct profile_request *request) {
    struct shared_file page;
    int input = profile_input(spool, request);
    profile_file_create(&page);
    profile_run_traced(profile, target, page.path, input, request);
    if (input >= 0)
        close(input);
    char *fault = profile_page_take(profile, page.path);
    shared_file_remove(&page);
    if (fault != NULL)
        say_error("no profile: %s", fault);
    return fault == NULL;
}

/* ---- trying the advice ---- */

/* The input was spooled: what it is read from serves again. */
static void profile_try(const struct profile *profile, const struct target *target,
                        const struct spool *spool, const struct profile_request *request,
                        struct terminal *terminal) {
    char *input = memory_format("/proc/self/fd/%d", spool->source);
    struct variants variants = {0};
    variants_add_standard(&variants);
    variants_add(
        &variants,
        (struct variant){.name = "advised", .shim = true, .settings = profile->advice.options});
    variants_settle(&variants, NULL);
    struct plan plan = {
        .runs = request->runs,
        .max_runs = PLAN_MOST_ROUNDS,
        .duration_s = request->duration_s,
        .threshold = 0.01,
        .precision = 0.01,
        .seed = randomness_fresh_seed(),
        .ignore_failure = profile->profiled.wait_status != 0,
        .input = input,
        .output = "null",
    };
    struct experiment experiment;
    struct comparison comparison;
    experiment_init(&experiment, &plan, target, variants.items, variants.count, 0, terminal);
    fprintf(stderr, "\n");
    if (experiment_check(&experiment) && experiment_measure(&experiment)) {
        comparison_make(&comparison, &experiment.result, profile->title);
        judge_reasons(&comparison);
        report_table_print(stderr, terminal, &comparison);
    } else {
        say_error("the advice could not be tried: %s", experiment.reason);
    }
    experiment_free(&experiment);
    variants_free(&variants);
    free(input);
}

/* ---- the command ---- */

static void profile_check_request(const struct profile_request *request,
                                  struct terminal *terminal) {
    if (request->try && request->no_plain && request->input == NULL)
        args_refuse("--try needs the input again, and --no-plain gives it to the program; name it "
                    "with --input FILE, or 'null'");
    terminal_init(terminal, request->style);
    /* The report goes to standard error. */
    if (request->style == TERMINAL_AUTO && !isatty(STDERR_FILENO))
        terminal->colour = false;
}

static void profile_show(const struct profile *profile, const struct terminal *terminal,
                         const struct profile_request *request, struct export *export) {
    if (request->style != TERMINAL_NONE)
        profile_table_print(stderr, terminal, profile);
    FILE *out = export_begin(export);
    if (out != NULL) {
        struct json json;
        json_init(&json, out);
        profile_json_print(&json, NULL, profile);
    }
    export_end(export);
    if (out == stdout && (fflush(stdout) != 0 || ferror(stdout) != 0))
        say_and_exit(STATUS_OWN_FAILURE, "cannot write to standard output: %s", strerror(errno));
}

static int profile_main(char **arguments) {
    struct profile_request request = {.duration_s = 30};
    struct target target;
    struct terminal terminal;
    struct export export;
    struct spool spool = {.source = -1};
    struct profile profile = {.command =
                                  command_read_program(&command_profile, &request, arguments)};
    profile_check_request(&request, &terminal);
    target_resolve_quietly(&target, profile.command);
    export_open(&export, request.export_json);
    if (!request.no_plain || request.input != NULL)
        spool_open(&spool, request.input);
    profile.title =
        request.name != NULL ? memory_copy(request.name) : command_text(profile.command);
    if (!request.no_plain)
        profile_run_plain(&profile, &target, &spool, &request);
    if (profile_run_counted(&profile, &target, &spool, &request)) {
        profile_show(&profile, &terminal, &request, &export);
        if (request.try && profile.profiled.stopped_by == 0)
            profile_try(&profile, &target, &spool, &request, &terminal);
    }
    proxy_end_like(profile.profiled.wait_status);
}

const struct command command_profile = {
    .name = "profile",
    .synopsis = "[OPTION...] -- PROGRAM [ARGUMENT...]",
    .summary = "Show what a program allocates, and what a pool could do for it",
    .details = profile_details,
    .options = profile_options,
    .launches = true,
    .run = profile_main,
};
