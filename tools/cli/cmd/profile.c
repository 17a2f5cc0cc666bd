#include "base/export.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/say.h"
#include "base/size.h"
#include "base/terminal.h"
#include "base/wrap.h"
#include "cmd/commands.h"
#include "compare/trial.h"
#include "launch/output.h"
#include "profile/folded.h"
#include "profile/json.h"
#include "profile/runs.h"
#include "profile/sites_table.h"
#include "profile/table.h"
#include "report/profile_page.h"
#include "report/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum profile_try { PROFILE_TRY_SHORT, PROFILE_TRY, PROFILE_TRY_NOT };

/* What the command line asks for. */
struct profile_request {
    enum profile_try try;
    bool no_plain;
    bool shell;
    double duration_s; /* 0: not given */
    unsigned runs;
    const char *name;
    const char *input;
    const char *output;
    const char *export_json;
    unsigned sites; /* of each rank; 0: none are shown */
    uint64_t sample_bytes;
    const char *export_folded;
    const char *html;
    enum profile_rank folded_by; /* PROFILE_RANK_COUNT: not given */
    enum terminal_style style;
};

static void profile_option_sample(void *field, const char *value);

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
    COMMAND_OPTION_SHELL(struct profile_request, shell),
    {0, "export-json", "FILE",
     "write everything as JSON; with '-' to standard output, and the program's output to standard "
     "error",
     ARGS_FILE(struct profile_request, export_json)},
    {0, "sites", "N",
     "show where the program allocates: four lists of N call stacks (default: 5), with the most "
     "calls, bytes, bytes live at the peak, and short-lived blocks",
     ARGS_COUNT_OR(struct profile_request, sites, 1, SITES_TABLE_MOST, "5")},
    {0, "sample", "BYTES",
     "record one call for BYTES bytes on average, instead of every call: costs little, and makes "
     "all numbers estimates without bias (512K is usual)",
     ARGS_CALL(struct profile_request, sample_bytes, profile_option_sample)},
    {0, "export-folded", "FILE",
     "write the call stacks as flamegraph.pl, inferno and speedscope read them",
     ARGS_FILE(struct profile_request, export_folded)},
    {0, "folded-by", "COUNT", "the numbers there: calls, bytes, peak or short (default: calls)",
     ARGS_CHOICE(struct profile_request, folded_by, profile_rank_words)},
    {0, "html", "FILE",
     "write one page with a flame graph of the call stacks and the charts, which needs nothing "
     "else",
     ARGS_FILE(struct profile_request, html)},
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
    "With --sites, --sample, --html or --export-folded each request has its call stack, of up to "
    "64\n"
    "frames, and there is no trial unless --try asks for it. Functions, files and lines come from\n"
    "llvm-symbolizer or addr2line, or names alone from the symbol tables.\n\n"
    "The library that counts keeps 64 to 128 bytes for each live block, in memory of its own; it\n"
    "is not the one that tagpool compare measures.\n\n"
    "The exit status is PROGRAM's; if it dies of a signal, tagpool dies of the same. 126: it\n"
    "cannot be run, or not with the library; 127: it was not found; 125: tagpool itself failed;\n"
    "2: wrong usage.\n";

enum { PROFILE_TRIAL_S = 5, PROFILE_LONG_TRIAL_S = 30 };

#define PROFILE_SAMPLE_MOST (UINT64_C(1) << 40)

static void profile_option_sample(void *field, const char *value) {
    uint64_t *bytes = field;
    if (!size_read(value, bytes) || *bytes == 0 || *bytes > PROFILE_SAMPLE_MOST)
        args_refuse("--sample wants a number of bytes from 1 to 1024G, not '%s'", value);
}

static bool profile_wants_sites(const struct profile_request *request) {
    return request->sites != 0 || request->sample_bytes != 0 || request->export_folded != NULL ||
           request->html != NULL;
}

static void profile_check_request(struct profile_request *request, struct terminal *terminal) {
    bool own_input = request->no_plain && request->input == NULL;
    if (request->try == PROFILE_TRY && own_input)
        args_refuse("--try needs the input again, and --no-plain gives it to the program; name it "
                    "with --input FILE, or 'null'");
    if (request->folded_by != PROFILE_RANK_COUNT && request->export_folded == NULL)
        args_refuse("--folded-by says what --export-folded writes; add that, or leave it out");
    if (request->runs != 0 && request->duration_s != 0)
        args_refuse("--runs %u is the number of rounds; leave out --duration", request->runs);
    if (request->try == PROFILE_TRY_NOT && (request->runs != 0 || request->duration_s != 0))
        args_refuse("--no-try leaves out the trial, which --%s is about",
                    request->runs != 0 ? "runs" : "duration");
    if (strcmp(request->output, "pipe") == 0)
        args_refuse("--output is inherit, null or a file; a file of that name is ./pipe");
    if (request->folded_by == PROFILE_RANK_COUNT)
        request->folded_by = PROFILE_RANK_CALLS;
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
    else if (request->try == PROFILE_TRY_SHORT && profile->sites != NULL && request->runs == 0)
        why = "this profile is about call stacks; --try adds a trial";
    else if (runs->spool == NULL)
        why = "with --no-plain its input cannot be read again; name it with --input";
    else if (profile->profiled.stopped_by != 0)
        why = "the program was stopped";
    if (why == NULL)
        return trial_run(trial, &plan, profile, runs->target, runs->spool, terminal);
    trial_skip(profile, why);
    return false;
}

/* The files that a profile is written to. */
struct profile_exports {
    struct export json;
    struct export folded;
    struct export html;
};

static void profile_open_exports(struct profile_exports *exports,
                                 const struct profile_request *request) {
    export_open(&exports->json, request->export_json);
    export_open_for(&exports->folded, "--export-folded", request->export_folded);
    export_open_for(&exports->html, "--html", request->html);
    export_refuse_same(&exports->json, &exports->folded);
    export_refuse_same(&exports->json, &exports->html);
    export_refuse_same(&exports->folded, &exports->html);
    const char *output = output_file(request->output);
    export_refuse_output(&exports->json, output);
    export_refuse_output(&exports->folded, output);
    export_refuse_output(&exports->html, output);
}

static void profile_end_export(struct export *export, FILE *out) {
    export_end(export);
    if (out == stdout && (fflush(stdout) != 0 || ferror(stdout) != 0))
        say_and_exit(STATUS_OWN_FAILURE, "cannot write to standard output: %s", strerror(errno));
}

static void profile_write(const struct profile *profile, const struct profile_request *request,
                          struct profile_exports *exports) {
    FILE *out = export_begin(&exports->json);
    if (out != NULL) {
        struct json json;
        json_init(&json, out);
        profile_json_print(&json, NULL, profile);
    }
    profile_end_export(&exports->json, out);
    out = export_begin(&exports->folded);
    if (out != NULL) {
        struct folded folded;
        folded_make(&folded, profile->sites);
        folded_print(out, &folded, request->folded_by);
        folded_free(&folded);
    }
    profile_end_export(&exports->folded, out);
    out = export_begin(&exports->html);
    if (out != NULL)
        profile_page_print(out, profile);
    profile_end_export(&exports->html, out);
}

static void profile_report(struct profile *profile, const struct runs *runs,
                           const struct profile_request *request, const struct terminal *terminal,
                           struct profile_exports *exports) {
    struct trial trial;
    bool tried = profile_try_it(&trial, profile, runs, request, terminal);
    FILE *sheet = wrap_open(stderr);
    if (request->style != TERMINAL_NONE)
        profile_table_print(sheet, terminal, profile);
    if (request->style != TERMINAL_NONE && request->sites != 0)
        sites_table_print(sheet, terminal, profile->sites, request->sites);
    if (tried && request->try == PROFILE_TRY && request->style != TERMINAL_NONE) {
        fputc('\n', sheet);
        report_table_print(sheet, terminal, &trial.comparison);
    }
    wrap_close(sheet);
    profile_write(profile, request, exports);
    if (tried)
        trial_free(&trial);
}

static int profile_main(char **arguments) {
    struct profile_request request = {.output = "inherit", .folded_by = PROFILE_RANK_COUNT};
    struct target target;
    struct terminal terminal;
    struct profile_exports exports;
    struct spool spool = {.source = -1};
    struct profile profile = {.command =
                                  command_read_program(&command_profile, &request, arguments)};
    char *title = request.name != NULL ? memory_copy(request.name) : command_text(profile.command);
    if (request.shell)
        profile.command = command_for_shell(profile.command);
    struct runs runs = {.target = &target,
                        .output = request.output,
                        .want_sites = profile_wants_sites(&request),
                        .sample_bytes = request.sample_bytes};
    profile_check_request(&request, &terminal);
    target_resolve(&target, profile.command);
    target_follow_manager_aloud(&target);
    target_refuse(&target);
    output_look(request.output);
    profile_open_exports(&exports, &request);
    runs.to_error = export_is_standard_output(&exports.json) ||
                    export_is_standard_output(&exports.folded) ||
                    export_is_standard_output(&exports.html);
    if (!request.no_plain || request.input != NULL) {
        spool_open(&spool, request.input);
        runs.spool = &spool;
    }
    profile.title = title;
    if (!request.no_plain)
        runs_plain(&runs, &profile);
    if (runs_counted(&runs, &profile))
        profile_report(&profile, &runs, &request, &terminal, &exports);
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
