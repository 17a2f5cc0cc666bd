#include "base/export.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/say.h"
#include "base/terminal.h"
#include "cmd/commands.h"
#include "compare/trial.h"
#include "profile/json.h"
#include "profile/runs.h"
#include "profile/table.h"
#include "report/table.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum profile_try { PROFILE_TRY_SHORT, PROFILE_TRY, PROFILE_TRY_NOT };

/* What the command line asks for. */
struct profile_request {
    enum profile_try try;
    bool no_plain;
    double duration_s; /* 0: not given */
    unsigned runs;
    const char *name;
    const char *input;
    const char *output;
    const char *export_json;
    enum terminal_style style;
};

static const struct args_option profile_options[] = {
    {0, "try", NULL,
     "try tagpool for longer (see --duration), and print the table that 'tagpool compare' prints",
     ARGS_SET(struct profile_request, try, PROFILE_TRY)},
    {0, "no-try", NULL, "do not try tagpool: the report then gives no advice",
     ARGS_SET(struct profile_request, try, PROFILE_TRY_NOT)},
    {0, "no-plain", NULL,
     "do not run the program without counting first: the cost and the share of CPU time stay "
     "unknown; standard input is the program's",
     ARGS_FLAG(struct profile_request, no_plain)},
    {0, "duration", "SECONDS", "of the rounds of the trial (default: 5; with --try 30)",
     ARGS_SECONDS(struct profile_request, duration_s)},
    {'r', "runs", "N", "exactly N rounds of the trial",
     ARGS_COUNT(struct profile_request, runs, 1, 100000)},
    {'n', "name", "TEXT", "what the report calls the command",
     ARGS_TEXT(struct profile_request, name)},
    SPOOL_OPTION_INPUT(struct profile_request, input),
    {0, "output", "WHERE", "output of the counted run: inherit, null or a file (default: inherit)",
     ARGS_FILE(struct profile_request, output)},
    {0, "export-json", "FILE",
     "write everything as JSON; with '-' to standard output, and the program's output to standard "
     "error",
     ARGS_FILE(struct profile_request, export_json)},
    TERMINAL_OPTION_STYLE(struct profile_request, style),
    ARGS_OPTION_HELP,
    {0},
};

static const char profile_details[] =
    "Runs PROGRAM once as it is, with its output thrown away, to know what profiling costs, and\n"
    "once with every call of malloc and free counted and passed on to the system's allocator. Its\n"
    "children are counted too, up to the end of PROGRAM. Then a short trial compares the system's\n"
    "allocator with tagpool, as 'tagpool compare' does: the advice is what the trial measured. It\n"
    "is left out where a run takes so long that it would take more than half a minute. The report\n"
    "goes to standard error.\n\n"
    "The library that counts keeps 64 to 128 bytes for each live block, in memory of its own; it\n"
    "is not the one that tagpool compare measures.\n\n"
    "The exit status is PROGRAM's; if it dies of a signal, tagpool dies of the same. 126: it\n"
    "cannot be run, or not with the library; 127: it was not found; 125: tagpool itself failed;\n"
    "2: wrong usage.\n";

enum { PROFILE_TRIAL_S = 5, PROFILE_LONG_TRIAL_S = 30 };

static void profile_check_request(struct profile_request *request, struct terminal *terminal) {
    bool own_input = request->no_plain && request->input == NULL;
    if (request->try == PROFILE_TRY && own_input)
        args_refuse("--try needs the input again, and --no-plain gives it to the program; name it "
                    "with --input FILE, or 'null'");
    if (request->duration_s == 0)
        request->duration_s = request->try == PROFILE_TRY ? PROFILE_LONG_TRIAL_S : PROFILE_TRIAL_S;
    terminal_init(terminal, request->style);
    /* The report goes to standard error. */
    if (request->style == TERMINAL_AUTO && !isatty(STDERR_FILENO))
        terminal->colour = false;
}

/* Completes the advice. True when there is a trial, which is to be freed. */
static bool profile_try_it(struct trial *trial, struct profile *profile, const struct runs *runs,
                           const struct profile_request *request, const struct terminal *terminal) {
    const struct trial_plan plan = {
        .runs = request->runs,
        .duration_s = request->duration_s,
        .always = request->try == PROFILE_TRY || request->runs != 0,
    };
    const char *why = NULL;
    if (request->try == PROFILE_TRY_NOT)
        why = "--no-try leaves that out";
    else if (runs->spool == NULL)
        why = "with --no-plain its input cannot be read again; name it with --input";
    else if (profile->profiled.stopped_by != 0)
        why = "the program was stopped";
    if (why == NULL)
        return trial_run(trial, &plan, profile, runs->target, runs->spool, terminal);
    trial_skip(profile, why);
    return false;
}

static void profile_write(const struct profile *profile, struct export *export) {
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

static void profile_report(struct profile *profile, const struct runs *runs,
                           const struct profile_request *request, const struct terminal *terminal,
                           struct export *export) {
    struct trial trial;
    bool tried = profile_try_it(&trial, profile, runs, request, terminal);
    if (request->style != TERMINAL_NONE)
        profile_table_print(stderr, terminal, profile);
    profile_write(profile, export);
    if (tried && request->try == PROFILE_TRY && request->style != TERMINAL_NONE) {
        fputc('\n', stderr);
        report_table_print(stderr, terminal, &trial.comparison);
    }
    if (tried)
        trial_free(&trial);
}

static int profile_main(char **arguments) {
    struct profile_request request = {.output = "inherit"};
    struct target target;
    struct terminal terminal;
    struct export export;
    struct spool spool = {.source = -1};
    struct profile profile = {.command =
                                  command_read_program(&command_profile, &request, arguments)};
    struct runs runs = {.target = &target, .output = request.output};
    profile_check_request(&request, &terminal);
    target_resolve_quietly(&target, profile.command);
    export_open(&export, request.export_json);
    runs.to_error = export_is_standard_output(&export);
    if (!request.no_plain || request.input != NULL) {
        spool_open(&spool, request.input);
        runs.spool = &spool;
    }
    profile.title =
        request.name != NULL ? memory_copy(request.name) : command_text(profile.command);
    if (!request.no_plain)
        runs_plain(&runs, &profile);
    if (runs_counted(&runs, &profile))
        profile_report(&profile, &runs, &request, &terminal, &export);
    proxy_end_like(profile.profiled.wait_status);
}

const struct command command_profile = {
    .name = "profile",
    .synopsis = "[OPTION...] -- PROGRAM [ARGUMENT...]",
    .summary = "Show what a program allocates, and try what tagpool does for it",
    .details = profile_details,
    .options = profile_options,
    .launches = true,
    .run = profile_main,
};
